//! The constants of one memory cell, in the order in which the arithmetic wants them.

use h5filter::Element;

use crate::algorithm::Algorithm;
use crate::error::{Result, filled};
use crate::number::Number;

/// Pixels that are calculated side by side.
pub const LANES: usize = 8;

/// One constant of `LANES` pixels in a row, as a vector of float32 is aligned.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub struct Lanes<T>(pub [T; LANES]);

impl<T: Number> Default for Lanes<T> {
    fn default() -> Self {
        Self([T::default(); LANES])
    }
}

/// The constants of one cell: for each `LANES` pixels the first constant of all, then the second,
/// and so on.
#[derive(Debug)]
pub struct Constants<T> {
    lanes: Vec<Lanes<T>>,
    n_constants: usize,
}

impl<T: Number> Constants<T> {
    /// From the constants of each pixel as they are stored. Where the mask is not zero, pedestals
    /// become NaN, and so does whatever is calculated with them.
    pub fn new(
        algorithm: Algorithm,
        element: &Element,
        stored: &[u8],
        mask: Option<Mask<'_>>,
    ) -> Result<Self> {
        let n_constants = algorithm.n_constants();
        let n_pixels = stored.len() / element.sample_bytes / n_constants;
        let mut lanes = filled::<Lanes<T>>(n_pixels.div_ceil(LANES) * n_constants)?;
        let mut pixels = [T::default(); LANES * 8];
        let group_bytes = LANES * n_constants * element.sample_bytes;
        for (group, stored) in lanes.chunks_exact_mut(n_constants).zip(stored.chunks(group_bytes)) {
            let pixels = &mut pixels[..stored.len() / element.sample_bytes];
            T::convert(element, stored, pixels);
            for (lane, pixel) in pixels.chunks_exact(n_constants).enumerate() {
                for (constant, &value) in group.iter_mut().zip(pixel) {
                    constant.0[lane] = value;
                }
            }
        }
        let mut constants = Self { lanes, n_constants };
        if let Some(mask) = mask {
            constants.apply(algorithm, mask);
        }
        Ok(constants)
    }

    fn apply(&mut self, algorithm: Algorithm, mask: Mask<'_>) {
        for (pixel, value) in mask.bytes.chunks_exact(mask.pixel_bytes).enumerate() {
            if value.iter().any(|&byte| byte != 0) {
                for pedestal in algorithm.pedestals() {
                    self.lanes[pixel / LANES * self.n_constants + pedestal].0[pixel % LANES] = T::NAN;
                }
            }
        }
    }

    /// The constants of every `LANES` pixels, `N` each.
    pub fn groups<const N: usize>(&self) -> &[[Lanes<T>; N]] {
        debug_assert_eq!(N, self.n_constants);
        self.lanes.as_chunks::<N>().0
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.lanes.len() * size_of::<Lanes<T>>()
    }
}

/// Which pixels are bad: those with a byte that is not zero.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'b> {
    /// The mask as it is stored.
    pub bytes: &'b [u8],
    /// Bytes per pixel.
    pub pixel_bytes: usize,
}
