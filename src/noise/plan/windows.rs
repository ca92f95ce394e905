use std::ops::Range;

use crate::error::{Result, filled};
use crate::geometry::Geometry;
use crate::process::parallel;
use crate::transform::order::Frames;
use crate::transform::{Mapping, Ranks, Sample};

/// Columns of a window.
pub const WIDTH: usize = 32;
/// Rows of a window, if it has few frames.
pub const MAX_HEIGHT: usize = 9;
/// Rows of a window of several frames. The first is only there to be looked at from the others.
const MIN_HEIGHT: usize = 5;
/// Frames of a window.
const MAX_FRAMES: usize = 5;
/// Of the samples of a chunk, one in so many is in a window...
const SHARE: usize = 64;
/// ...but at least and at most so many, and of small chunks this share.
const N_SAMPLES: Range<usize> = 3 << 12..1 << 15;
const MOST_SHARE: usize = 3;

/// A small part of a chunk: some columns of some rows of some frames, as numbers.
pub struct Window {
    /// The shape of the part.
    pub geometry: Geometry,
    /// Its frames, one after the other.
    pub numbers: Vec<u64>,
    /// Whether its first frame is that of the chunk.
    pub has_first_frame: bool,
}

impl Window {
    /// Windows that are spread evenly over a chunk.
    pub fn of<S: Sample>(
        frames: &Frames<'_>,
        mapping: &Mapping,
        ranks: Option<&Ranks>,
        n_threads: usize,
    ) -> Result<Vec<Self>> {
        let chunk = frames.geometry;
        let n_frames = chunk.n_frames.min(MAX_FRAMES);
        let height = chunk.height.min(if n_frames > 2 { MIN_HEIGHT } else { MAX_HEIGHT });
        let geometry = Geometry { n_frames, height, width: chunk.width.min(WIDTH), ..*chunk };
        let n_samples = (chunk.chunk_samples() / SHARE).clamp(N_SAMPLES.start, N_SAMPLES.end);
        let n_samples = n_samples.min(chunk.chunk_samples() / MOST_SHARE).max(1);
        let n_windows = n_samples.div_ceil(geometry.chunk_samples());
        let of_one = |i: u64| -> Result<Self> {
            // Steps by the plastic number's powers cover rows and columns evenly (M. Roberts, "The
            // unreasonable effectiveness of quasirandom sequences"), and those of the golden ratio frames.
            let place = |step: u64, spare: usize| {
                let fraction = i.wrapping_mul(step) as u32;
                ((u128::from(fraction) * (spare as u128 + 1)) >> 32) as usize
            };
            let x = place(0xc13f_a9a9, chunk.width - geometry.width);
            let y = place(0x91e1_0da5, chunk.height - geometry.height);
            // Each third window has the first frame, so that it is known, too.
            let t = if i.is_multiple_of(3) { 0 } else { place(0x9e37_79b9, chunk.n_frames - n_frames) };
            let mut numbers: Vec<S> = filled(geometry.chunk_samples())?;
            for (row, numbers) in numbers.chunks_exact_mut(geometry.width).enumerate() {
                let (plane, row) = (row / geometry.height, row % geometry.height);
                let (frame, component) = (plane / geometry.n_components, plane % geometry.n_components);
                frames.load_row(t + frame, component, y + row, x, numbers);
            }
            mapping.apply(&mut numbers);
            if let Some(ranks) = ranks {
                ranks.apply(&mut numbers);
            }
            let numbers = numbers.into_iter().map(S::widen).collect();
            Ok(Self { geometry, numbers, has_first_frame: t == 0 })
        };
        parallel::map((0..n_windows as u64).collect(), n_threads, of_one)
    }

    /// The numbers of each frame.
    pub fn frames(&self) -> impl Iterator<Item = &[u64]> {
        self.numbers.chunks_exact(self.geometry.frame_samples())
    }

    /// Whether what happens in this frame and row is typical of the chunk, and not of the window's
    /// edges.
    pub fn counts(&self, t: usize, y: usize) -> bool {
        (t > 0 || self.has_first_frame) && (y > 0 || self.geometry.height == 1)
    }
}
