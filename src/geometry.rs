//! How a chunk's bytes are frames of samples.

use std::ops::Range;

use crate::error::{Result, bad_options};

/// A picture narrower or lower than this is mostly padding (a macroblock has 16 columns and lines).
const MIN_SIDE: usize = 16;
/// Frames of fewer rows than this are laid under each other.
const MIN_HEIGHT: usize = 8;
/// Rows that are made of a longer row have at most this many pixels.
const MAX_ROW_WIDTH: usize = 1024;

/// The height of strips is a multiple of this, so that components below each other start at a macroblock.
pub const STRIP_HEIGHT_STEP: usize = 16;

/// More samples are not those of a pixel.
pub const MAX_COMPONENTS: usize = 64;

/// The shape of a chunk: frames × height × width × components, each of `sample_bytes` bytes, in
/// C order. Every product of them fits into `usize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Frames in the chunk.
    pub n_frames: usize,
    /// Rows per frame.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// Samples per pixel (interleaved): 3 for RGB, 2 for complex numbers.
    pub n_components: usize,
    /// Bytes per sample: 1, 2, 4 or 8.
    pub sample_bytes: usize,
}

impl Geometry {
    /// An error unless each number is at least 1, `sample_bytes` is 1, 2, 4 or 8, and the chunk
    /// has fewer than 2^63 bytes.
    pub fn new(n_frames: u64, height: u64, width: u64, n_components: u64, sample_bytes: u64) -> Result<Self> {
        let numbers = [n_frames, height, width, n_components, sample_bytes];
        let describe = || {
            format!("{n_frames} frames × {height} × {width} × {n_components} samples of {sample_bytes} bytes")
        };
        if !matches!(sample_bytes, 1 | 2 | 4 | 8) {
            return Err(bad_options!("samples have {sample_bytes} bytes (expected 1, 2, 4 or 8)"));
        }
        let product = numbers.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        match product {
            Some(0) => return Err(bad_options!("{}: expected at least 1 of each", describe())),
            Some(bytes) if isize::try_from(bytes).is_ok() => {}
            _ => return Err(bad_options!("{}: more bytes than this machine can address", describe())),
        }
        // Each factor is at most the product, which fits.
        let [n_frames, height, width, n_components, sample_bytes] = numbers.map(|n| n as usize);
        Ok(Self { n_frames, height, width, n_components, sample_bytes })
    }

    /// Pixels per frame.
    pub fn frame_pixels(&self) -> usize {
        self.height * self.width
    }

    /// Bytes per row.
    pub fn row_bytes(&self) -> usize {
        self.width * self.n_components * self.sample_bytes
    }

    /// Samples per frame.
    pub fn frame_samples(&self) -> usize {
        self.frame_pixels() * self.n_components
    }

    /// Bytes per frame.
    pub fn frame_bytes(&self) -> usize {
        self.frame_samples() * self.sample_bytes
    }

    /// Samples in the chunk.
    pub fn chunk_samples(&self) -> usize {
        self.frame_samples() * self.n_frames
    }

    /// Bytes in the chunk.
    pub fn chunk_bytes(&self) -> usize {
        self.frame_bytes() * self.n_frames
    }

    /// The rows of the strips that frames are cut into: `strip_height` each, the last what remains.
    pub fn strips(&self, strip_height: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
        let height = self.height;
        (0..height.div_ceil(strip_height)).map(move |strip| {
            let top = strip * strip_height;
            top..height.min(top.saturating_add(strip_height))
        })
    }

    /// The geometry of some rows of all frames.
    pub fn of_rows(self, rows: &Range<usize>) -> Self {
        Self { height: rows.len(), ..self }
    }

    /// The geometry to code the chunk with. Each coded picture costs about ten bytes and ten
    /// microseconds, and has 16 lines and columns at least. So flat frames are laid under each other,
    /// narrow ones become a row each, and what then is still a single row, or nearly so, is cut into
    /// rows that lie under each other.
    pub fn folded(self) -> Self {
        if self.height >= MIN_HEIGHT && self.width >= MIN_SIDE {
            return self;
        }
        let (rows, columns) = if self.width >= MIN_SIDE {
            (self.n_frames * self.height, self.width)
        } else {
            (self.n_frames, self.frame_pixels())
        };
        let (height, width) = if rows >= MIN_HEIGHT && columns >= MIN_SIDE {
            (rows, columns)
        } else {
            let width = row_width(rows * columns);
            (rows * columns / width, width)
        };
        Self { n_frames: 1, height, width, ..self }
    }
}

/// The width of the rows that a single row of `pixels` is best cut into: the largest up to
/// [`MAX_ROW_WIDTH`] that leaves no rest and makes enough of them, if there is one.
fn row_width(pixels: usize) -> usize {
    let fits = |width: &usize| pixels.is_multiple_of(*width) && pixels / width >= MIN_SIDE;
    (MIN_SIDE..=MAX_ROW_WIDTH).rev().find(fits).unwrap_or(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_products() {
        let g = Geometry::new(10, 20, 30, 3, 2).unwrap();
        assert_eq!(
            (g.frame_pixels(), g.frame_samples(), g.frame_bytes(), g.chunk_bytes()),
            (600, 1800, 3600, 36000)
        );
    }

    #[test]
    fn chunks_over_4_gib_are_described() {
        let g = Geometry::new(1000, 4096, 4096, 1, 8).unwrap();
        assert_eq!(g.chunk_bytes() as u64, 1000 * 4096 * 4096 * 8);
    }

    #[test]
    fn zero_odd_sample_sizes_and_overflow_are_errors() {
        assert!(Geometry::new(1, 0, 1, 1, 1).is_err());
        assert!(Geometry::new(1, 1, 1, 1, 3).is_err());
        assert!(Geometry::new(u64::MAX, 2, 1, 1, 1).is_err());
        assert!(Geometry::new(1 << 62, 2, 1, 1, 1).is_err());
    }

    #[test]
    fn folding_keeps_the_number_of_samples() {
        for shape in
            [(65536, 1, 1), (1000, 2, 40), (7, 15, 15), (1, 1, 100_000), (1, 4, 4), (3, 1, 5), (9, 300, 2)]
        {
            let g = Geometry::new(shape.0, shape.1, shape.2, 2, 4).unwrap();
            assert_eq!(g.folded().chunk_bytes(), g.chunk_bytes());
        }
    }

    #[test]
    fn flat_and_narrow_frames_make_pictures_together() {
        let folded = |n, height, width| {
            let g = Geometry::new(n, height, width, 1, 1).unwrap().folded();
            (g.n_frames, g.height, g.width)
        };
        assert_eq!(folded(5, 512, 512), (5, 512, 512));
        assert_eq!(folded(1000, 8, 40), (1000, 8, 40));
        assert_eq!(folded(1000, 2, 40), (1, 2000, 40));
        assert_eq!(folded(1000, 300, 2), (1, 1000, 600));
        assert_eq!(folded(65536, 1, 1), (1, 64, 1024));
        assert_eq!(folded(1, 1, 16 * 617), (1, 16, 617));
        // A prime number of pixels stays one row.
        assert_eq!(folded(1, 1, 100_003), (1, 1, 100_003));
    }
}
