use h5filter::SampleKind;

use super::MAX_ELEMENT_BYTES;
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
    pub(super) fn of(chunk_shape: &[u64]) -> Result<Self> {
        let (n_components, shape) = match chunk_shape {
            [shape @ .., n @ (3 | 4)] if !shape.is_empty() => (*n, shape),
            shape => (1, shape),
        };
        let (frames, height, width) = match shape {
            [frames @ .., height, width] => (frames, *height, *width),
            [width] => (&[][..], 1, *width),
            [] => return Err(bad_options!("the dataset has no chunk shape")),
        };
        let n_frames = frames.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        let n_frames =
            n_frames.ok_or_else(|| bad_options!("a chunk of shape {chunk_shape:?} has over 2^64 frames"))?;
        Ok(Self { n_frames, height, width, n_components })
    }
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
        _ if item_bytes <= MAX_ELEMENT_BYTES as u64 => {
            Ok((Geometry::new(n_frames, height, width, item_bytes, 1)?, SampleKind::Bytes))
        }
        _ => Err(bad_options!("{item_bytes} bytes per sample (expected at most {MAX_ELEMENT_BYTES})")),
    }
}
