//! Bytes to samples and back.

use std::ops::Range;

use super::Sample;
use crate::geometry::Geometry;

/// The bytes of a chunk as frames of samples.
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    /// Just the bytes that `geometry` tells of.
    pub bytes: &'a [u8],
    /// The frames.
    pub geometry: &'a Geometry,
    /// Whether samples have their most significant byte first.
    pub big_endian: bool,
}

impl<'a> Frames<'a> {
    /// The bytes of some rows of frame `t`.
    pub fn rows(&self, t: usize, rows: Range<usize>) -> &'a [u8] {
        let row_bytes = self.geometry.row_bytes();
        let top = t * self.geometry.height;
        &self.bytes[(top + rows.start) * row_bytes..(top + rows.end) * row_bytes]
    }

    /// One component of some columns of a row.
    pub(crate) fn load_row<S: Sample>(
        &self,
        t: usize,
        component: usize,
        y: usize,
        first_column: usize,
        samples: &mut [S],
    ) {
        let pixel_bytes = self.geometry.n_components * S::BYTES;
        let row = &self.rows(t, y..y + 1)[first_column * pixel_bytes + component * S::BYTES..];
        load_plane(row, pixel_bytes, self.big_endian, samples);
    }

    /// All samples as they come, in equal pieces for `n_threads`.
    pub(super) fn pieces(&self, n_threads: usize) -> Vec<Piece<'a>> {
        let n_bytes = self.bytes.len().div_ceil(n_threads).next_multiple_of(MIN_PIECE_BYTES);
        let bytes = self.bytes.chunks(n_bytes);
        bytes.map(|bytes| Piece { bytes, big_endian: self.big_endian }).collect()
    }
}

/// Fewer bytes are not worth a thread.
const MIN_PIECE_BYTES: usize = 1 << 18;
/// Samples that fit the first level cache.
const BATCH: usize = 1 << 11;

/// Some samples of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Piece<'_> {
    /// Shows the samples to `look`, a batch after the other.
    pub(super) fn try_fold<S: Sample, A, E>(
        &self,
        start: A,
        mut look: impl FnMut(A, &mut [S]) -> Result<A, E>,
    ) -> Result<A, E> {
        let mut batch = [S::default(); BATCH];
        self.bytes.chunks(BATCH * S::BYTES).try_fold(start, |found, bytes| {
            let batch = &mut batch[..bytes.len() / S::BYTES];
            load_plane(bytes, S::BYTES, self.big_endian, batch);
            look(found, batch)
        })
    }
}

/// Reads one frame of a chunk into component planes: from (row, column, component) with the bytes
/// in either order to (component, row, column).
pub fn load<S: Sample>(frame: &[u8], geometry: &Geometry, big_endian: bool, samples: &mut [S]) {
    let pixel_bytes = geometry.n_components * S::BYTES;
    for (component, plane) in samples.chunks_exact_mut(geometry.frame_pixels()).enumerate() {
        load_plane(&frame[component * S::BYTES..], pixel_bytes, big_endian, plane);
    }
}

fn load_plane<S: Sample>(bytes: &[u8], pixel_bytes: usize, big_endian: bool, plane: &mut [S]) {
    let read = |bytes: &[u8]| {
        let sample = S::from_le_slice(bytes);
        if big_endian { sample.swap_bytes() } else { sample }
    };
    if pixel_bytes == S::BYTES {
        for (sample, bytes) in plane.iter_mut().zip(bytes.chunks_exact(S::BYTES)) {
            *sample = read(bytes);
        }
    } else {
        for (sample, pixel) in plane.iter_mut().zip(bytes.chunks(pixel_bytes)) {
            *sample = read(&pixel[..S::BYTES]);
        }
    }
}

/// The inverse of [`load`].
pub fn store<S: Sample>(samples: &[S], geometry: &Geometry, big_endian: bool, frame: &mut [u8]) {
    let write = |sample: S, bytes: &mut [u8]| {
        let sample = if big_endian { sample.swap_bytes() } else { sample };
        sample.write_le(bytes);
    };
    let n = geometry.n_components;
    for (component, plane) in samples.chunks_exact(geometry.frame_pixels()).enumerate() {
        let first = &mut frame[component * S::BYTES..];
        if n == 1 {
            for (&sample, bytes) in plane.iter().zip(first.chunks_exact_mut(S::BYTES)) {
                write(sample, bytes);
            }
        } else {
            for (&sample, pixel) in plane.iter().zip(first.chunks_mut(n * S::BYTES)) {
                write(sample, &mut pixel[..S::BYTES]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One sample at a time, by index.
    fn naive_load(frame: &[u8], g: &Geometry, big_endian: bool) -> Vec<u32> {
        let mut samples = Vec::new();
        for component in 0..g.n_components {
            for pixel in 0..g.frame_pixels() {
                let start = (pixel * g.n_components + component) * 4;
                let bytes: [u8; 4] = frame[start..start + 4].try_into().unwrap();
                samples.push(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) });
            }
        }
        samples
    }

    proptest! {
        #[test]
        fn planes_are_those_of_the_naive_twin_and_come_back(
            height in 1u64..6, width in 1u64..9, n_components in 1u64..5, big_endian: bool, seed: u64,
        ) {
            let g = Geometry::new(1, height, width, n_components, 4).unwrap();
            let frame: Vec<u8> = (0..g.frame_bytes() as u64).map(|i| (seed.wrapping_mul(i + 1) >> 13) as u8).collect();
            let mut samples = vec![0u32; g.frame_samples()];
            load(&frame, &g, big_endian, &mut samples);
            prop_assert_eq!(&samples, &naive_load(&frame, &g, big_endian));
            let mut back = vec![0; frame.len()];
            store(&samples, &g, big_endian, &mut back);
            prop_assert_eq!(back, frame);
        }
    }
}
