//! What a view's chunk holds instead of frames (docs/calibration.md).

mod original;
mod reader;
mod version2;

use std::ffi::CString;

use reader::Reader;

use crate::algorithm::Algorithm;
use crate::error::{Result, bad_header};

/// What is stored before pixels that came when it was too late for an error: the magic number and
/// version 0.
pub const PIXELS: [u8; 8] = *b"\x89H5C\0\0\0\0";

/// What a chunk of a view is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The attribute `h5calib_file_magic` of the file that the paths start in.
    pub file_magic: u32,
    /// How the frames are computed.
    pub algorithm: Algorithm,
    /// Bytes per pixel of the frames: 4 or 8, a float.
    pub sample_bytes: usize,
    /// Pixels of a frame.
    pub height: usize,
    /// Pixels of a frame.
    pub width: usize,
    /// Frames of the chunk.
    pub n_frames: usize,
    /// How many of them have an image in the raw dataset. The others are zero.
    pub n_images: usize,
    /// The image of the first frame, in the raw dataset.
    pub first_image: u64,
    /// The memory cell of the first frame. The next image is of the next cell, or of cell 0 again.
    pub first_cell: u32,
    /// How many memory cells there are.
    pub n_cells: u32,
    /// Path of the raw dataset.
    pub raw: CString,
    /// Path of the calibration constants.
    pub constants: CString,
    /// Path of the mask.
    pub mask: Option<CString>,
}

impl Header {
    /// Reads the header that `stored` starts with. What comes behind it has to be zeros.
    pub fn read_from(stored: &[u8]) -> Result<Self> {
        Self::split(stored).map(|(header, _)| header)
    }

    /// The bytes of the header that `chunk` starts with.
    pub fn bytes_of(chunk: &[u8]) -> Result<&[u8]> {
        Self::split(chunk).map(|(_, n_bytes)| &chunk[..n_bytes])
    }

    fn split(stored: &[u8]) -> Result<(Self, usize)> {
        let mut reader = Reader::new(stored);
        let header = match reader.u32("magic")? {
            original::MAGIC => original::read_from(&mut reader)?,
            version2::MAGIC => version2::read_from(&mut reader)?,
            _ => return Err(bad_header!("it does not start with the magic number of one")),
        };
        header.check()?;
        let n_bytes = reader.position();
        if stored[n_bytes..].iter().any(|&byte| byte != 0) {
            return Err(bad_header!("there are other bytes behind its {n_bytes}"));
        }
        Ok((header, n_bytes))
    }

    fn check(&self) -> Result<()> {
        if self.height == 0 || self.width == 0 || self.n_frames == 0 {
            let Self { n_frames, height, width, .. } = self;
            return Err(bad_header!("it has {n_frames} frames of {height} x {width} pixels"));
        }
        if self.n_images == 0 || self.n_images > self.n_frames {
            return Err(bad_header!("{} of {} frames have images", self.n_images, self.n_frames));
        }
        if self.first_cell >= self.n_cells {
            return Err(bad_header!("its cell is {} (expected less than {})", self.first_cell, self.n_cells));
        }
        if self.chunk_bytes().is_none() || self.first_image.checked_add(self.n_images as u64).is_none() {
            return Err(bad_header!("its numbers are too large"));
        }
        if self.raw.is_empty() || self.constants.is_empty() {
            return Err(bad_header!("a path is empty"));
        }
        Ok(())
    }

    /// Pixels of a frame.
    pub fn n_pixels(&self) -> usize {
        self.height * self.width
    }

    /// Bytes of all frames; `None` if there is no number for them.
    pub fn chunk_bytes(&self) -> Option<usize> {
        let n_pixels = self.n_frames.checked_mul(self.height)?.checked_mul(self.width)?;
        n_pixels.checked_mul(self.sample_bytes).filter(|&n| isize::try_from(n).is_ok())
    }

    /// The memory cell of a frame.
    pub fn cell(&self, frame: usize) -> u32 {
        ((u64::from(self.first_cell) + frame as u64) % u64::from(self.n_cells)) as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn example() -> Header {
        Header {
            file_magic: 0x5d5a_45fc,
            algorithm: Algorithm::JungfrauV1,
            sample_bytes: 8,
            height: 32,
            width: 40,
            n_frames: 10,
            n_images: 7,
            first_image: 20,
            first_cell: 2,
            n_cells: 3,
            raw: c"/raw".into(),
            constants: c"/calib".into(),
            mask: Some(c"/mask".into()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let header = example();
        assert_eq!(Header::read_from(&version2::write(&header)).unwrap(), header);
        let header = Header { mask: None, ..header };
        assert_eq!(Header::read_from(&version2::write(&header)).unwrap(), header);
    }

    #[test]
    fn a_chunk_is_cut_to_its_header() {
        let header = version2::write(&example());
        let mut chunk = header.clone();
        chunk.resize(1000, 0);
        assert_eq!(Header::bytes_of(&chunk).unwrap(), header);
        chunk[999] = 1;
        assert!(Header::bytes_of(&chunk).is_err());
    }

    #[test]
    fn cells_start_again() {
        let cells: Vec<u32> = (0..5).map(|frame| example().cell(frame)).collect();
        assert_eq!(cells, [2, 0, 1, 2, 0]);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_of_version_2_is_found() {
        let header = version2::write(&example());
        for n_bytes in 0..header.len() {
            assert!(Header::read_from(&header[..n_bytes]).is_err(), "{n_bytes} bytes");
        }
        for bit in 0..header.len() * 8 {
            let mut damaged = header.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::read_from(&damaged).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0..3) {
            let magic = [original::MAGIC, version2::MAGIC, 0][magic as usize];
            if magic != 0 && bytes.len() > 4 {
                bytes[..4].copy_from_slice(&magic.to_le_bytes());
            }
            let _ = Header::read_from(&bytes);
        }
    }
}
