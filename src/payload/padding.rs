use crate::error::{Error, Result, damaged, reserve};
use crate::geometry::Geometry;
use crate::varint::{self, Reader};

/// What follows the coded frames of a chunk: frames that have the same pixel everywhere. HDF5 fills the
/// chunk at the end of a dataset with such frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Padding {
    /// How many bytes there are: at least 1, and whole frames.
    pub n_bytes: usize,
    /// The bytes of a pixel.
    pub pixel: Vec<u8>,
}

impl Padding {
    /// The padding at the end of a chunk, if there is any, and something else before it.
    pub fn of(chunk: &[u8], geometry: &Geometry) -> Result<Option<Self>> {
        let pixel_bytes = geometry.n_components * geometry.sample_bytes;
        let pixel = &chunk[chunk.len() - pixel_bytes..];
        let is_padding = |frame: &&[u8]| {
            frame.starts_with(pixel) && frame[pixel_bytes..] == frame[..frame.len() - pixel_bytes]
        };
        let n_frames = chunk.chunks_exact(geometry.frame_bytes()).rev().take_while(is_padding).count();
        if n_frames == 0 || n_frames == geometry.n_frames {
            return Ok(None);
        }
        let mut copy = reserve(pixel_bytes)?;
        copy.extend_from_slice(pixel);
        Ok(Some(Self { n_bytes: n_frames * geometry.frame_bytes(), pixel: copy }))
    }

    /// Writes the padding over `frames`, which has its size.
    pub fn fill(&self, frames: &mut [u8]) {
        match self.pixel[..] {
            [byte] => frames.fill(byte),
            _ => {
                frames.chunks_exact_mut(self.pixel.len()).for_each(|place| place.copy_from_slice(&self.pixel))
            }
        }
    }

    /// Appends the size and the pixel.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        varint::write(self.n_bytes as u64, out);
        out.extend_from_slice(&self.pixel);
    }

    /// The inverse of [`write_to`](Self::write_to), after frames of this geometry.
    pub(super) fn read_from(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<Self> {
        let n_bytes = reader.size()?;
        let pixel = reader.bytes(geometry.n_components * geometry.sample_bytes)?.to_vec();
        if n_bytes == 0 || !n_bytes.is_multiple_of(pixel.len()) {
            return Err(damaged!("{n_bytes} bytes of padding (expected pixels of {} bytes)", pixel.len()));
        }
        geometry
            .chunk_bytes()
            .checked_add(n_bytes)
            .filter(|&n| isize::try_from(n).is_ok())
            .map(|_| Self { n_bytes, pixel })
            .ok_or_else(|| Error::Damaged("padding that this machine can't address".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(chunk: &[u8], n_frames: u64, n_components: u64) -> Option<(usize, Vec<u8>)> {
        let pixels = chunk.len() as u64 / n_frames / n_components;
        let geometry = Geometry::new(n_frames, 1, pixels, n_components, 1).unwrap();
        let padding = Padding::of(chunk, &geometry).unwrap()?;
        let mut frames = vec![9; padding.n_bytes];
        padding.fill(&mut frames);
        assert!(chunk.ends_with(&frames));
        Some((padding.n_bytes, padding.pixel))
    }

    #[test]
    fn frames_of_one_pixel_at_the_end_are_padding() {
        assert_eq!(found(&[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0], 3, 1), Some((8, vec![0])));
        assert_eq!(found(&[1, 2, 3, 4, 5, 6, 5, 6], 2, 2), Some((4, vec![5, 6])));
        assert_eq!(found(&[0, 0, 0, 0, 7, 7, 7, 7], 2, 1), Some((4, vec![7])));
        assert_eq!(found(&[0; 12], 3, 1), None, "a constant chunk");
    }

    #[test]
    fn what_varies_is_not_padding() {
        assert_eq!(found(&[0, 0, 0, 0, 0, 0, 0, 1], 2, 1), None);
        assert_eq!(found(&[5, 6, 5, 6, 6, 5, 5, 6], 2, 2), None);
        assert_eq!(found(&[0; 4], 1, 1), None);
        assert_eq!(found(&[1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3], 3, 1), Some((4, vec![3])));
    }

    #[test]
    fn padding_comes_back_and_impossible_one_is_an_error() {
        let geometry = Geometry::new(1, 2, 2, 2, 2).unwrap();
        let padding = Padding { n_bytes: 32, pixel: vec![1, 2, 3, 4] };
        let mut bytes = Vec::new();
        padding.write_to(&mut bytes);
        assert_eq!(Padding::read_from(&mut Reader(&bytes), &geometry), Ok(padding));
        for n_bytes in [0, 6, u64::MAX - 3, i64::MAX as u64 - 3] {
            let mut bytes = Vec::new();
            varint::write(n_bytes, &mut bytes);
            bytes.extend([0; 4]);
            assert!(matches!(Padding::read_from(&mut Reader(&bytes), &geometry), Err(Error::Damaged(_))));
        }
        assert!(Padding::read_from(&mut Reader(&bytes[..4]), &geometry).is_err());
    }
}
