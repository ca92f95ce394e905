//! The stored bytes of a chunk; docs/format.md is their specification.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 7 | magic |
//! | 7 | 1 | format version |
//! | 8 | 8 | XXH3-64 of all bytes from offset 16 on |
//! | 16 | 8 | XXH3-64 of the decoded chunk |
//! | 24 | 1 | 0: the chunk follows as it is; 1: a [`Header`] and the [`Parts`] that it tells of follow; 2: what a filter before this one made of the chunk follows; 3: as 1, with [`Padding`] between the two |

mod header;
mod padding;

use h5filter::Buffer;
use twox_hash::XxHash3_64;

pub use header::{Header, Video};
pub use padding::Padding;

use crate::error::{Error, Result, damaged};
use crate::varint;

/// What a stored chunk looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// This project's payload (docs/format.md).
    #[default]
    H5h264,
    /// That of the original C plugin, which it can read.
    Original,
    /// This project's payload, in which frames of bytes are always the plain movie.
    Movie,
}

/// The format version that is written, and the newest one that is read. Versions 1 and 2 were never in
/// a release.
pub const FORMAT_VERSION: u8 = 3;

const MAGIC: [u8; 7] = *b"\x89H5H264";
const STORED_HASH: std::ops::Range<usize> = 8..16;
const DECODED_HASH: std::ops::Range<usize> = 16..24;
const CONTENT: usize = 24;

/// A stored chunk that was found to be whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The format version that it is in.
    pub version: u8,
    /// XXH3-64 of the decoded chunk.
    pub decoded_hash: u64,
    /// How the chunk is stored.
    pub content: Content<'a>,
}

/// Values of the byte at [`CONTENT`].
mod content {
    pub(super) const RAW: u8 = 0;
    pub(super) const CODED: u8 = 1;
    pub(super) const RESIZED: u8 = 2;
    pub(super) const PADDED: u8 = 3;
}

/// How a chunk is stored.
#[derive(Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// As it is.
    Raw(&'a [u8]),
    /// As it is, which is not the size of the dataset's chunks: a filter before this one has
    /// changed it.
    Resized(&'a [u8]),
    /// Transformed and coded.
    Coded {
        /// What there is to know.
        header: Box<Header>,
        /// The planes.
        parts: Parts<'a>,
    },
}

/// What the planes of a chunk were coded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts<'a> {
    /// The raw planes, strip by strip, and in each of them frame by frame.
    pub raw_planes: &'a [u8],
    /// The zstd planes, each in a zstd frame.
    pub zstd: &'a [u8],
    /// The noise, strip by strip: tokens, then further bits.
    pub noise: &'a [u8],
    /// The access units.
    pub stream: &'a [u8],
}

impl Content<'_> {
    /// How large the chunk is.
    pub fn decoded_bytes(&self) -> usize {
        match self {
            Self::Raw(chunk) | Self::Resized(chunk) => chunk.len(),
            Self::Coded { header, .. } => header.chunk_bytes(),
        }
    }
}

/// Who wrote a stored chunk, by its first bytes.
pub fn layout_of(stored: &[u8]) -> Result<Layout> {
    if stored.starts_with(&MAGIC) {
        return Ok(Layout::H5h264);
    }
    // The original's chunks start with the decoded size as a u64 below 2^32; a start code follows.
    let is_original = stored.len() > 12
        && stored[4..8] == [0; 4]
        && (stored[8..12] == [0, 0, 0, 1] || stored[8..11] == [0, 0, 1]);
    if is_original {
        return Ok(Layout::Original);
    }
    Err(Error::Foreign(format!(
        "the chunk of {} bytes was not written by this filter, or its first bytes are damaged; filter id 32010 is also \
         registered for LPC-Rice, which may have written it",
        stored.len()
    )))
}

/// Stores the chunk as it is, in 25 bytes more.
pub fn write_raw(chunk: &[u8]) -> Result<Buffer> {
    assemble(chunk, &[&[content::RAW], chunk])
}

/// Stores what is not a chunk of the dataset's size as it is, in 25 bytes more.
pub fn write_resized(chunk: &[u8]) -> Result<Buffer> {
    assemble(chunk, &[&[content::RESIZED], chunk])
}

/// Stores what the chunk was coded to: `parts` together are its [`Parts`].
pub fn write_coded(chunk: &[u8], header: &Header, parts: &[&[u8]]) -> Result<Buffer> {
    let mut start = vec![if header.padding.is_some() { content::PADDED } else { content::CODED }];
    header.write_to(&mut start);
    assemble(chunk, &[&[&start[..]], parts].concat())
}

/// Puts the head before `content`.
fn assemble(chunk: &[u8], content: &[&[u8]]) -> Result<Buffer> {
    let mut head = [0; CONTENT];
    head[..7].copy_from_slice(&MAGIC);
    head[7] = FORMAT_VERSION;
    head[DECODED_HASH].copy_from_slice(&XxHash3_64::oneshot(chunk).to_le_bytes());
    let mut stored = Buffer::concat(&[&[&head[..]], content].concat())?;
    let hash = XxHash3_64::oneshot(&stored[STORED_HASH.end..]);
    stored[STORED_HASH].copy_from_slice(&hash.to_le_bytes());
    Ok(stored)
}

impl<'a> Payload<'a> {
    /// Reads a chunk of layout [`Layout::H5h264`]. Whatever is returned fits together: the parts are as
    /// long as the header says.
    pub fn read(stored: &'a [u8]) -> Result<Self> {
        let Some((head, content)) = stored.split_at_checked(CONTENT) else {
            return Err(damaged!("it has {} bytes (expected more than {CONTENT})", stored.len()));
        };
        let version = match head[7] {
            FORMAT_VERSION => FORMAT_VERSION,
            old @ 0..FORMAT_VERSION => {
                return Err(damaged!(
                    "format version {old} (expected {FORMAT_VERSION}; no release wrote an older one)"
                ));
            }
            found => return Err(Error::Newer { found, supported: FORMAT_VERSION }),
        };
        if hash_at(head, STORED_HASH) != XxHash3_64::oneshot(&stored[STORED_HASH.end..]) {
            return Err(damaged!(
                "its {} stored bytes do not have the checksum that was stored with them",
                stored.len()
            ));
        }
        let decoded_hash = hash_at(head, DECODED_HASH);
        let mut reader = varint::Reader(content);
        let content = match reader.byte()? {
            content::RAW => Content::Raw(reader.0),
            content::RESIZED => Content::Resized(reader.0),
            kind @ (content::CODED | content::PADDED) => {
                let mut header = Box::new(Header::read_from(&mut reader)?);
                if kind == content::PADDED {
                    header.padding = Some(Padding::read_from(&mut reader, &header.geometry)?);
                }
                let parts = header.split(reader.0)?;
                Content::Coded { header, parts }
            }
            other => return Err(damaged!("content of kind {other} (expected 0 to 3)")),
        };
        Ok(Self { version, decoded_hash, content })
    }

    /// Checks the decoded chunk against the checksum that was stored with it.
    pub fn verify(&self, chunk: &[u8]) -> Result<()> {
        if XxHash3_64::oneshot(chunk) == self.decoded_hash {
            return Ok(());
        }
        Err(damaged!("its decoded {} bytes do not have the checksum that was stored with them", chunk.len()))
    }
}

impl Header {
    /// Splits what follows the header.
    fn split<'a>(&self, content: &'a [u8]) -> Result<Parts<'a>> {
        let sizes = self.part_bytes().ok_or_else(|| damaged!("sizes that this machine can't address"))?;
        let expected = sizes.into_iter().try_fold(0usize, usize::checked_add);
        if expected != Some(content.len()) {
            let [raw, zstd, noise, video] = sizes;
            return Err(damaged!(
                "{} bytes follow its header (expected {raw} of raw planes, {zstd} of zstd planes, {noise} of noise and \
                 {video} of video)",
                content.len()
            ));
        }
        let (raw_planes, rest) = content.split_at(sizes[0]);
        let (zstd, rest) = rest.split_at(sizes[1]);
        let (noise, stream) = rest.split_at(sizes[2]);
        Ok(Parts { raw_planes, zstd, noise, stream })
    }
}

fn hash_at(head: &[u8], range: std::ops::Range<usize>) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&head[range]);
    u64::from_le_bytes(bytes)
}

/// Makes the checksum of a stored chunk right: of one that was put together where it lies, or that a test
/// has damaged behind the checksum.
#[doc(hidden)]
pub fn repair_checksum(stored: &mut [u8]) {
    if stored.len() >= CONTENT {
        let hash = XxHash3_64::oneshot(&stored[STORED_HASH.end..]);
        stored[STORED_HASH].copy_from_slice(&hash.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::picture::PixelFormat;
    use crate::transform::{Coding, Mapping, Plane, Table, Transform};

    fn header() -> Header {
        Header {
            geometry: Geometry::new(2, 3, 5, 1, 4).unwrap(),
            strip_height: 3,
            big_endian: true,
            transform: Transform {
                mapping: Mapping::IntegralFloat { offset: -77 },
                table: Some(Table::new(vec![0, 1, 500, u64::MAX])),
                planes: vec![
                    Plane { bits: 8, coding: Coding::Constant(3) },
                    Plane { bits: 5, coding: Coding::Raw },
                    Plane { bits: 8, coding: Coding::Video },
                ],
            },
            zstd_bytes: vec![],
            noise: None,
            video: Some(Video { format: PixelFormat::Gray, access_unit_bytes: vec![3, 4] }),
            padding: None,
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let header = header();
        // Two frames of 15 samples of 5 bits.
        let stored = write_coded(b"chunk", &header, &[&[9; 20], b"abcdefg"]).unwrap();
        let payload = Payload::read(&stored).unwrap();
        let parts = Parts { raw_planes: &[9; 20], stream: b"abcdefg", ..Parts::default() };
        assert_eq!(payload.content, Content::Coded { header: Box::new(header), parts });
        payload.verify(b"chunk").unwrap();
        assert!(payload.verify(b"chunK").is_err());
    }

    #[test]
    fn strips_are_told_apart() {
        let mut header = header();
        header.geometry.height = 37;
        header.strip_height = 16;
        header.video = Some(Video { format: PixelFormat::Gray, access_unit_bytes: vec![1, 2, 3, 4, 5, 6] });
        // Two frames of 5 columns of 5 bits: 16, 16 and 5 rows, each strip in whole bytes.
        let raw_planes = [9; 2 * (50 + 50 + 16)];
        let stored = write_coded(b"chunk", &header, &[&raw_planes, &[7; 21]]).unwrap();
        let parts = Parts { raw_planes: &raw_planes, stream: &[7; 21], ..Parts::default() };
        assert_eq!(
            Payload::read(&stored).unwrap().content,
            Content::Coded { header: Box::new(header.clone()), parts }
        );
        for strip_height in [0, 8, 24] {
            let stored = write_coded(b"chunk", &Header { strip_height, ..header.clone() }, &[]).unwrap();
            assert!(Payload::read(&stored).is_err(), "{strip_height}");
        }
    }

    #[test]
    fn a_raw_chunk_costs_25_bytes() {
        let stored = write_raw(b"chunk").unwrap();
        assert_eq!(stored.len(), 30);
        assert_eq!(Payload::read(&stored).unwrap().content, Content::Raw(b"chunk"));
        let stored = write_resized(b"chunk").unwrap();
        assert_eq!(Payload::read(&stored).unwrap().content, Content::Resized(b"chunk"));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_an_error() {
        let stored = write_coded(b"chunk", &header(), &[&[9; 20], b"abcdefg"]).unwrap();
        for len in 0..stored.len() {
            assert!(Payload::read(&stored[..len]).is_err(), "{len}");
        }
        for bit in 0..8 * stored.len() {
            let mut damaged = stored.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let found = layout_of(&damaged).and_then(|_| Payload::read(&damaged).map(drop));
            assert!(found.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn damage_under_a_right_checksum_is_an_error_or_another_header() {
        let stored = write_coded(b"chunk", &header(), &[&[9; 20], b"abcdefg"]).unwrap();
        for position in CONTENT..stored.len() {
            for value in 0..=255 {
                let mut damaged = stored.to_vec();
                damaged[position] = value;
                repair_checksum(&mut damaged);
                let _ = Payload::read(&damaged);
            }
        }
    }

    #[test]
    fn a_newer_version_says_which() {
        let mut stored = write_raw(b"chunk").unwrap();
        stored[7] = 4;
        assert_eq!(Payload::read(&stored).unwrap_err(), Error::Newer { found: 4, supported: 3 });
        stored[7] = 2;
        assert!(Payload::read(&stored).unwrap_err().to_string().contains("version 2 (expected 3"));
    }

    #[test]
    fn layouts_are_told_apart() {
        assert_eq!(layout_of(&write_raw(b"x").unwrap()), Ok(Layout::H5h264));
        let original = [&100u64.to_le_bytes()[..], &[0, 0, 0, 1, 0x67]].concat();
        assert_eq!(layout_of(&original), Ok(Layout::Original));
        let foreign = layout_of(&[0x55; 100]).unwrap_err();
        assert!(foreign.to_string().contains("LPC-Rice"), "{foreign}");
    }
}
