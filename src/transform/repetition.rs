use std::ops::Range;

use zstd::bulk::Compressor;

use super::order::Frames;
use super::plan::planes;
use super::{Coding, Mapping, Plane, Ranks, Sample};
use crate::error::{Error, Result, filled};
use crate::geometry::Geometry;
use crate::process::Process;
use crate::zstd_plane;

/// Of the samples of a chunk, one in so many is tried, but at least and at most so many, in as many pieces.
const SHARE: usize = 8;
const N_SAMPLES: Range<usize> = 1 << 12..1 << 15;
const N_PIECES: usize = 4;
/// Fast, and good enough for an estimate.
const LEVEL: i32 = 1;

/// What zstd makes of numbers in which something repeats.
pub(super) struct Repetition {
    /// One plane, or one for each eight bits.
    pub(super) planes: Vec<Plane>,
    /// Bits per number, estimated.
    pub(super) cost: f64,
}

impl Repetition {
    /// The better of one plane for `bits` and one for each eight of them.
    pub(super) fn of<S: Sample>(
        frames: &Frames<'_>,
        mapping: &Mapping,
        ranks: Option<&Ranks>,
        bits: Range<u32>,
    ) -> Result<Self> {
        let numbers = sample::<S>(frames, mapping, ranks)?;
        let pool = &Process::current().compressors;
        let mut compressor = pool.take(&LEVEL)?;
        let wide = Plane { bits: bits.end - bits.start, coding: Coding::Zstd };
        let mut best = Self::with(&mut compressor, &numbers, bits.start, vec![wide])?;
        if wide.bits > 8 {
            let bytes = planes(bits.clone(), Coding::Raw);
            let bytes = bytes.into_iter().map(|plane| Plane { coding: Coding::Zstd, ..plane }).collect();
            let bytes = Self::with(&mut compressor, &numbers, bits.start, bytes)?;
            if bytes.cost < best.cost {
                best = bytes;
            }
        }
        pool.put(LEVEL, compressor);
        Ok(best)
    }

    fn with<S: Sample>(
        compressor: &mut Compressor<'_>,
        numbers: &[S],
        mut shift: u32,
        planes: Vec<Plane>,
    ) -> Result<Self> {
        let mut n_bytes = 0;
        for plane in &planes {
            let mut bytes = filled(numbers.len() * plane.bits.div_ceil(8) as usize)?;
            zstd_plane::write_bytes(numbers, shift, plane.bits, &mut bytes);
            n_bytes += compressor.compress(&bytes).map_err(|e| Error::Codec(format!("zstd: {e}")))?.len();
            shift += plane.bits;
        }
        Ok(Self { planes, cost: 8.0 * n_bytes as f64 / numbers.len() as f64 })
    }
}

/// Some rows below each other, here and there in the chunk.
fn sample<S: Sample>(frames: &Frames<'_>, mapping: &Mapping, ranks: Option<&Ranks>) -> Result<Vec<S>> {
    let Geometry { n_frames, height, width, n_components, .. } = *frames.geometry;
    let n_rows = n_frames * n_components * height;
    let n_samples = (frames.geometry.chunk_samples() / SHARE).clamp(N_SAMPLES.start, N_SAMPLES.end);
    let n_columns = width.min(n_samples / N_PIECES);
    let piece_rows = (n_samples / N_PIECES / n_columns).min(n_rows.div_ceil(N_PIECES));
    let n_pieces = N_PIECES.min(n_rows / piece_rows);
    let frame_rows = n_components * height;
    let is_apart = 4 * piece_rows <= frame_rows || n_frames >= N_PIECES && piece_rows <= frame_rows;
    // In pairs: two places in frames that follow each other, if there are any.
    let first_row = |piece: usize| match piece / 2 {
        pair if n_frames > 1 && n_pieces == N_PIECES && is_apart => {
            let t = pair * (n_frames - 2) + piece % 2;
            t * frame_rows + (frame_rows - piece_rows) * (1 + pair) / 3
        }
        _ => piece * (n_rows / n_pieces),
    };
    let mut numbers = filled(n_pieces * piece_rows * n_columns)?;
    for (i, numbers) in numbers.chunks_exact_mut(n_columns).enumerate() {
        let (piece, row) = (i / piece_rows, i % piece_rows);
        let row = first_row(piece) + row;
        let (plane, y) = (row / height, row % height);
        frames.load_row(plane / n_components, plane % n_components, y, 0, numbers);
    }
    mapping.apply(&mut numbers);
    if let Some(ranks) = ranks {
        ranks.apply(&mut numbers);
    }
    Ok(numbers)
}
