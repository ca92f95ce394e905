use super::order::Frames;
use super::{Mapping, Sample};
use crate::fixed_log2::{entropy, log2_wide, to_bits};

/// Rows that are looked at, spread evenly over the chunk.
const MAX_ROWS: usize = 128;
/// Samples of a row that are looked at, from different columns in each row.
const MAX_ROW_SAMPLES: usize = 257;
/// Of large chunks, one sample in so many is looked at.
const SAMPLED_SHARE: usize = 64;
/// Samples that are looked at even if the chunk is small.
const MIN_SAMPLES: usize = 1024;
/// Samples that are predicted in the same way: the width of a macroblock.
const SEGMENT_LEN: usize = 16;
/// Samples that are taken to move together.
const MOVED_LEN: usize = 64;
/// How far motion is followed, in samples.
const MAX_STEPS: usize = 16;
/// Classes of segments by the size of their differences. Beyond 2^31, all are alike.
const N_ACTIVITIES: usize = 32;

/// Some rows of a chunk, and what they resemble in the frames before.
#[derive(Clone)]
pub(super) struct SampledRows<S> {
    row_len: usize,
    places: Vec<Place>,
    rows: Vec<S>,
    /// As long as `rows`, or empty: when the chunk has one frame, or nobody has looked.
    previous: Vec<S>,
}

/// Where samples of a row start.
#[derive(Clone, Copy)]
struct Place {
    t: usize,
    component: usize,
    y: usize,
    x: usize,
}

impl<S: Sample> SampledRows<S> {
    /// The samples as they are.
    pub(super) fn of(frames: &Frames<'_>) -> Self {
        let geometry = frames.geometry;
        let row_len = geometry.width.min(MAX_ROW_SAMPLES);
        let rows_per_frame = geometry.height * geometry.n_components;
        // The first frame has no previous one.
        let skipped = if geometry.n_frames > 1 { rows_per_frame } else { 0 };
        let n_rows = geometry.n_frames * rows_per_frame - skipped;
        let n_wanted = (geometry.chunk_samples() / SAMPLED_SHARE).max(MIN_SAMPLES).div_ceil(row_len);
        let n_sampled = n_wanted.min(MAX_ROWS).min(n_rows);
        let spare_columns = geometry.width - row_len;
        let place = |i: usize| {
            // As f64, because the product could overflow in huge chunks.
            let index = skipped + (i as f64 * n_rows as f64 / n_sampled as f64) as usize;
            let row = index % rows_per_frame;
            Place {
                t: index / rows_per_frame,
                component: row / geometry.height,
                y: row % geometry.height,
                // Not always the same columns: steps by the golden ratio cover all of them evenly.
                x: (spare_columns as f64 * (i as f64 * 0.618_034).fract()) as usize,
            }
        };
        let places: Vec<_> = (0..n_sampled).map(place).collect();
        let mut rows = vec![S::default(); n_sampled * row_len];
        places.iter().zip(rows.chunks_exact_mut(row_len)).for_each(|(place, row)| place.load(frames, row));
        Self { row_len, places, rows, previous: Vec::new() }
    }

    /// Replaces samples by numbers, and looks for them in the frames before.
    pub(super) fn mapped(mut self, frames: &Frames<'_>, mapping: &Mapping) -> Self {
        mapping.apply(&mut self.rows);
        if frames.geometry.n_frames > 1 {
            self.previous = vec![S::default(); self.rows.len()];
            let rows = self.rows.chunks_exact(self.row_len);
            for ((place, row), previous) in
                self.places.iter().zip(rows).zip(self.previous.chunks_exact_mut(self.row_len))
            {
                let segments = row.chunks(MOVED_LEN).zip(previous.chunks_mut(MOVED_LEN));
                for (x, (segment, previous)) in (place.x..).step_by(MOVED_LEN).zip(segments) {
                    Place { x, ..*place }.find_before(frames, mapping, segment, previous);
                }
            }
        }
        self
    }

    /// After `transform`.
    pub(super) fn map(mut self, transform: impl Fn(&mut [S])) -> Self {
        transform(&mut self.rows);
        transform(&mut self.previous);
        self
    }

    /// All samples of the rows and of those before.
    pub(super) fn samples(&self) -> impl Iterator<Item = S> {
        self.rows.iter().chain(&self.previous).copied()
    }

    /// The left and the right of every two neighbours in a row.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = [S; 2]> {
        self.rows.chunks_exact(self.row_len).flat_map(|row| row.windows(2).map(|pair| [pair[0], pair[1]]))
    }

    /// What is left of the numbers when each segment is predicted by the best of its left
    /// neighbours, the frame before, and its own mean (as of neighbours that are as noisy).
    pub(super) fn differences(&self) -> Differences<S> {
        let mut by_activity = vec![Vec::new(); N_ACTIVITIES];
        let (mut n_segments, mut saved_bits) = (0, 0);
        for start in (0..self.rows.len()).step_by(self.row_len) {
            let end = start + self.row_len;
            // The first number of a row has no left neighbour.
            for first in (start + 1..end).step_by(SEGMENT_LEN) {
                let place = first..end.min(first + SEGMENT_LEN);
                let segment = &self.rows[place.clone()];
                let left = &self.rows[first - 1..place.end - 1];
                let mean = &[mean(segment); SEGMENT_LEN][..segment.len()];
                let within = Prediction::of(segment, left).or(Prediction::of(segment, mean));
                let best = match self.previous.get(place) {
                    Some(previous) => within.or(Prediction::of(segment, previous)),
                    None => within,
                };
                n_segments += 1;
                saved_bits +=
                    log2_wide(within.distance.saturating_add(1)) - log2_wide(best.distance.saturating_add(1));
                let activity = (best.distance / segment.len() as u64).bit_length() as usize;
                by_activity[activity.min(N_ACTIVITIES - 1)]
                    .extend(segment.iter().copied().zip(best.numbers.iter().copied()));
            }
        }
        Differences { by_activity, saved_by_previous: to_bits(saved_bits) / f64::from(n_segments.max(1)) }
    }
}

/// What a segment may be predicted to be.
#[derive(Clone, Copy)]
struct Prediction<'a, S> {
    numbers: &'a [S],
    distance: u64,
}

impl<'a, S: Sample> Prediction<'a, S> {
    fn of(segment: &[S], numbers: &'a [S]) -> Self {
        Self { numbers, distance: distance(segment, numbers) }
    }

    /// The better one.
    fn or(self, other: Self) -> Self {
        if other.distance < self.distance { other } else { self }
    }
}

impl Place {
    fn load<S: Sample>(&self, frames: &Frames<'_>, samples: &mut [S]) {
        frames.load_row(self.t, self.component, self.y, self.x, samples);
    }

    /// What the numbers from here on resemble in the frame before: found downhill from the same
    /// place, as the encoder searches for motion.
    fn find_before<S: Sample>(
        self,
        frames: &Frames<'_>,
        mapping: &Mapping,
        numbers: &[S],
        nearest: &mut [S],
    ) {
        let geometry = frames.geometry;
        let mut found = [S::default(); MOVED_LEN];
        let found = &mut found[..numbers.len()];
        let mut look = |place: Place, nearest: &mut [S], least: &mut u64| {
            place.load(frames, found);
            mapping.apply(found);
            let distance = distance(numbers, found);
            let is_nearer = distance < *least;
            if is_nearer {
                *least = distance;
                nearest.copy_from_slice(found);
            }
            is_nearer
        };
        let mut here = Place { t: self.t - 1, ..self };
        let mut least = u64::MAX;
        look(here, nearest, &mut least);
        for _ in 0..MAX_STEPS {
            let Place { y, x, .. } = here;
            let steps = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
            let mut next = None;
            for (y, x) in steps {
                let step = Place { y, x, ..here };
                let is_inside = y < geometry.height && x <= geometry.width - numbers.len();
                if is_inside && look(step, nearest, &mut least) {
                    next = Some(step);
                }
            }
            let Some(next) = next else { break };
            here = next;
        }
    }
}

/// The sum of the magnitudes of all differences.
fn distance<S: Sample>(a: &[S], b: &[S]) -> u64 {
    a.iter().zip(b).map(|(&a, &b)| a.max(b).wrapping_sub(a.min(b)).widen()).fold(0, u64::saturating_add)
}

fn mean<S: Sample>(numbers: &[S]) -> S {
    let sum: u128 = numbers.iter().map(|n| u128::from(n.widen())).sum();
    S::truncate((sum / numbers.len().max(1) as u128) as u64)
}

/// Numbers with what they are predicted to be, by the activity of the segment they are in: the bit
/// length of its mean difference.
pub(super) struct Differences<S> {
    by_activity: Vec<Vec<(S, S)>>,
    /// Estimated bits that the frame before saves per number.
    pub(super) saved_by_previous: f64,
}

impl<S: Sample> Differences<S> {
    /// Estimated bits per number when the lowest `noise_bits` are stored raw and the rest is coded.
    ///
    /// Of a coded difference, the number of its bits costs its entropy, since the coder adapts to
    /// what is frequent nearby: hence by activity. The bits themselves and the sign cost their number.
    /// What crosses into another byte is a difference in the plane above, too.
    pub(super) fn cost(&self, noise_bits: u32) -> f64 {
        let (mut ideal, mut length, mut n_crossings, mut n) = (0, 0u64, 0, 0);
        for pairs in &self.by_activity {
            let mut counts = [0u32; 65];
            for &(number, prediction) in pairs {
                let (a, b) = (number.widen() >> noise_bits, prediction.widen() >> noise_bits);
                counts[a.abs_diff(b).bit_length() as usize] += 1;
                n_crossings += u64::from((a ^ b) > 255);
            }
            ideal += entropy(&counts);
            length += counts.iter().zip(0..).map(|(&count, bits)| u64::from(count) * bits).sum::<u64>();
            n += pairs.len();
        }
        let coded =
            PER_ENTROPY * to_bits(ideal) + PER_LENGTH * length as f64 + PER_CROSSING * n_crossings as f64;
        f64::from(noise_bits) + coded / n.max(1) as f64
    }
}

/// What to multiply entropies, lengths and crossings with: chosen for the sizes of 12 real and 37
/// made sequences with each number of raw bits, coded by CAVLC.
const PER_ENTROPY: f64 = 1.34;
const PER_LENGTH: f64 = 1.02;
const PER_CROSSING: f64 = 5.0;
