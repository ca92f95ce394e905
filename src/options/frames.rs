use h5filter::{Element, SampleKind};

use super::{MAX_PIXEL_BYTES, MAX_RECORD_SAMPLES};
use crate::error::{Result, bad_options};
use crate::geometry::Geometry;

/// What the chunk shape says about frames: (…, height, width) or (…, height, width, 3 or 4).
pub(super) struct FrameShape {
    pub(super) n_frames: u64,
    pub(super) height: u64,
    pub(super) width: u64,
    pub(super) n_components: u64,
}

impl FrameShape {
    /// What the chunk shape and the samples of an element say. Records of too many samples to be components
    /// are rows under each other.
    pub(super) fn of(chunk_shape: &[u64], element: &Element) -> Result<Self> {
        let n_samples = element.n_samples as u64;
        match without_last_ones(chunk_shape) {
            shape if n_samples > MAX_RECORD_SAMPLES => Self::of_rows(shape, n_samples),
            [shape @ .., n @ (3 | 4)] if !shape.is_empty() && element.bytes() <= MAX_PIXEL_BYTES => {
                Self::of_frames(shape, n * n_samples)
            }
            shape => Self::of_frames(shape, n_samples),
        }
    }

    fn of_frames(shape: &[u64], n_components: u64) -> Result<Self> {
        let (frames, height, width) = match shape {
            [frames @ .., height, width] => (frames, *height, *width),
            [width] => (&[][..], 1, *width),
            [] => return Err(bad_options!("the dataset has no chunk shape")),
        };
        let n_frames =
            product(frames).ok_or_else(|| bad_options!("a chunk of shape {shape:?} has over 2^64 frames"))?;
        Ok(Self { n_frames, height, width, n_components })
    }

    fn of_rows(shape: &[u64], n_samples: u64) -> Result<Self> {
        let n_elements = product(shape).filter(|n| [*n, n_samples].iter().all(|n| u32::try_from(*n).is_ok()));
        let height = n_elements.ok_or_else(|| {
            bad_options!("a chunk of shape {shape:?} of elements of {n_samples} samples (expected fewer than 2^32 of each)")
        })?;
        Ok(Self { n_frames: 1, height, width: n_samples, n_components: 1 })
    }
}

/// Dimensions of 1 at the end say nothing: (n, height, width, 1) is (n, height, width).
fn without_last_ones(mut shape: &[u64]) -> &[u64] {
    while let [before @ .., 1] = shape
        && before.len() > 1
    {
        shape = before;
    }
    shape
}

fn product(numbers: &[u64]) -> Option<u64> {
    numbers.iter().try_fold(1u64, |product, &n| product.checked_mul(n))
}

/// Frames as the user described them, whatever the chunk shape is.
pub(super) fn explicit_geometry(
    chunk_bytes: u64,
    height: u64,
    width: u64,
    item_bytes: u64,
) -> Result<(Geometry, SampleKind)> {
    let frame_bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(item_bytes));
    let n_frames = match frame_bytes {
        Some(bytes) if bytes > 0 && chunk_bytes > 0 && chunk_bytes.is_multiple_of(bytes) => {
            chunk_bytes / bytes
        }
        _ => {
            return Err(bad_options!(
                "frames of height {height} × width {width} × {item_bytes} bytes do not fit the chunk of {chunk_bytes} \
                 bytes (expected their product to divide it)"
            ));
        }
    };
    match item_bytes {
        1 | 2 | 4 | 8 => Ok((Geometry::new(n_frames, height, width, 1, item_bytes)?, SampleKind::Unsigned)),
        _ if item_bytes <= MAX_PIXEL_BYTES as u64 => {
            Ok((Geometry::new(n_frames, height, width, item_bytes, 1)?, SampleKind::Bytes))
        }
        _ => Err(bad_options!("{item_bytes} bytes per sample (expected at most {MAX_PIXEL_BYTES})")),
    }
}
