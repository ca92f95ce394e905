//! The directories of a TIFF file, of which each page has one (TIFF 6.0, section 2, and BigTIFF).
//!
//! Decoders of TIFF take a directory as the image that it describes, and refuse the file if they don't know such an
//! image. Here, what is in the directory is read first, so that pages can be left out, and errors can say what they
//! are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::commands::convert::picture::zeros;

/// Files with more pages are no images.
pub const MOST_PAGES: usize = 1 << 24;

/// A TIFF file.
pub struct Tiff {
    file: BufReader<File>,
    pub is_big_endian: bool,
    is_big: bool,
    pub n_bytes: u64,
    /// Where the first directory is.
    pub first: u64,
}

/// What a page says of itself.
pub struct Directory {
    entries: BTreeMap<u16, Entry>,
    /// Where the next one is; 0 after the last.
    pub next: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    kind: Kind,
    n: u64,
    /// The values themselves if they fit, else where they are.
    field: [u8; 8],
}

/// What values are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsigned(usize),
    Signed(usize),
    Float(usize),
    Rational { is_signed: bool },
}

impl Kind {
    fn of(number: u16) -> Option<Self> {
        Some(match number {
            1 | 2 | 7 => Self::Unsigned(1),
            3 => Self::Unsigned(2),
            4 | 13 => Self::Unsigned(4),
            16 | 18 => Self::Unsigned(8),
            6 => Self::Signed(1),
            8 => Self::Signed(2),
            9 => Self::Signed(4),
            17 => Self::Signed(8),
            5 => Self::Rational { is_signed: false },
            10 => Self::Rational { is_signed: true },
            11 => Self::Float(4),
            12 => Self::Float(8),
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::Unsigned(n) | Self::Signed(n) | Self::Float(n) => n,
            Self::Rational { .. } => 8,
        }
    }
}

impl Tiff {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let n_bytes = file.metadata()?.len();
        let mut tiff =
            Self { file: BufReader::new(file), is_big_endian: false, is_big: false, n_bytes, first: 0 };
        let mut start = [0; 4];
        tiff.file.read_exact(&mut start).context("it ends within its header")?;
        tiff.is_big_endian = start.starts_with(b"MM");
        tiff.is_big = tiff.unsigned(&start[2..]) == 43;
        if tiff.is_big {
            // The bytes of an offset, and zeros.
            tiff.file.read_exact(&mut start).context("it ends within its header")?;
        }
        tiff.first = tiff.read_offset().context("it ends within its header")?;
        Ok(tiff)
    }

    /// The directory at a place in the file.
    pub fn directory(&mut self, offset: u64) -> Result<Directory> {
        self.read_directory(offset).with_context(|| format!("its directory at byte {offset} is damaged"))
    }

    fn read_directory(&mut self, offset: u64) -> Result<Directory> {
        self.file.seek(SeekFrom::Start(offset))?;
        let n = self.read_unsigned(if self.is_big { 8 } else { 2 })?;
        // Tags have 16 bits.
        ensure!(n <= 1 << 16, "{n} entries");
        let mut entries = BTreeMap::new();
        for _ in 0..n {
            let tag = self.read_unsigned(2)? as u16;
            let kind = Kind::of(self.read_unsigned(2)? as u16);
            let n = self.read_unsigned(self.offset_bytes())?;
            let mut field = [0; 8];
            let n_field = self.offset_bytes();
            self.file.read_exact(&mut field[..n_field])?;
            if let Some(kind) = kind {
                entries.entry(tag).or_insert(Entry { kind, n, field });
            }
        }
        // Some programs forget the last one's.
        let next = self.read_offset().unwrap_or(0);
        Ok(Directory { entries, next })
    }

    /// So many bytes at a place in the file.
    pub fn read_at(&mut self, offset: u64, n_bytes: u64) -> Result<Vec<u8>> {
        let end = offset.checked_add(n_bytes);
        ensure!(
            end.is_some_and(|end| end <= self.n_bytes),
            "it ends before the {n_bytes} bytes at byte {offset}: cut off"
        );
        let mut bytes = zeros(n_bytes)?;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn offset_bytes(&self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    fn read_offset(&mut self) -> Result<u64> {
        self.read_unsigned(self.offset_bytes())
    }

    fn read_unsigned(&mut self, n_bytes: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes[..n_bytes])?;
        Ok(self.unsigned(&bytes[..n_bytes]))
    }

    /// The number in up to 8 bytes.
    fn unsigned(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    /// The bytes of an entry's values.
    fn values(&mut self, entry: Entry) -> Result<Vec<u8>> {
        let n_bytes = entry.n.saturating_mul(entry.kind.bytes() as u64);
        let room = self.offset_bytes();
        match usize::try_from(n_bytes) {
            Ok(n_bytes) if n_bytes <= room => Ok(entry.field[..n_bytes].to_vec()),
            _ => self.read_at(self.unsigned(&entry.field[..room]), n_bytes),
        }
    }

    fn find(&mut self, directory: &Directory, tag: u16) -> Result<Option<(Kind, Vec<u8>)>> {
        let Some(&entry) = directory.entries.get(&tag) else { return Ok(None) };
        Ok(Some((entry.kind, self.values(entry).with_context(|| format!("its tag {tag}"))?)))
    }

    /// The bytes of a tag; none if it is not there.
    pub fn bytes(&mut self, directory: &Directory, tag: u16) -> Result<Vec<u8>> {
        Ok(self.find(directory, tag)?.map_or(vec![], |(_, bytes)| bytes))
    }

    /// The integers of a tag; none if it is not there.
    pub fn numbers(&mut self, directory: &Directory, tag: u16) -> Result<Vec<u64>> {
        match self.find(directory, tag)? {
            None => Ok(vec![]),
            Some((Kind::Unsigned(n) | Kind::Signed(n), bytes)) => {
                Ok(bytes.chunks_exact(n).map(|bytes| self.unsigned(bytes)).collect())
            }
            Some(_) => bail!("its tag {tag} has no integers"),
        }
    }

    /// The first integer of a tag.
    pub fn number(&mut self, directory: &Directory, tag: u16) -> Result<Option<u64>> {
        Ok(self.numbers(directory, tag)?.first().copied())
    }

    /// The numbers of a tag; none if it is not there.
    pub fn floats(&mut self, directory: &Directory, tag: u16) -> Result<Vec<f64>> {
        let Some((kind, bytes)) = self.find(directory, tag)? else { return Ok(vec![]) };
        let float = |bytes: &[u8]| match kind {
            Kind::Unsigned(_) => self.unsigned(bytes) as f64,
            Kind::Signed(n) => signed(self.unsigned(bytes), n),
            Kind::Float(4) => f32::from_bits(self.unsigned(bytes) as u32).into(),
            Kind::Float(_) => f64::from_bits(self.unsigned(bytes)),
            Kind::Rational { is_signed } => {
                let [above, below] = [&bytes[..4], &bytes[4..]].map(|half| self.unsigned(half));
                if is_signed { signed(above, 4) / signed(below, 4) } else { above as f64 / below as f64 }
            }
        };
        Ok(bytes.chunks_exact(kind.bytes()).map(float).collect())
    }

    /// The text of a tag, up to its first NUL; empty if it is not there. Old programs write Latin-1.
    pub fn text(&mut self, directory: &Directory, tag: u16) -> Result<String> {
        let bytes = self.bytes(directory, tag)?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let latin_1 = |_| text.iter().map(|byte| char::from(*byte)).collect();
        Ok(std::str::from_utf8(text).map_or_else(latin_1, str::to_owned))
    }
}

fn signed(number: u64, n_bytes: usize) -> f64 {
    let unused_bits = 64 - 8 * n_bytes;
    ((number << unused_bits) as i64 >> unused_bits) as f64
}
