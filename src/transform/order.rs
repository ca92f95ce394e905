//! Bytes to samples and back.

use super::Sample;
use crate::geometry::Geometry;

/// Reads one frame of a chunk into component planes: from (row, column, component) with the bytes
/// in either order to (component, row, column).
pub fn load<S: Sample>(frame: &[u8], geometry: &Geometry, big_endian: bool, samples: &mut [S]) {
    let read = |bytes: &[u8]| {
        let sample = S::from_le_slice(bytes);
        if big_endian { sample.swap_bytes() } else { sample }
    };
    let n = geometry.n_components;
    for (component, plane) in samples.chunks_exact_mut(geometry.frame_pixels()).enumerate() {
        let first = &frame[component * S::BYTES..];
        if n == 1 {
            for (sample, bytes) in plane.iter_mut().zip(first.chunks_exact(S::BYTES)) {
                *sample = read(bytes);
            }
        } else {
            for (sample, pixel) in plane.iter_mut().zip(first.chunks(n * S::BYTES)) {
                *sample = read(&pixel[..S::BYTES]);
            }
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
