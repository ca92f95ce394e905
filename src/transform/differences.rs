use super::Sample;
use super::order::Frames;

/// Rows that are looked at, spread evenly over the chunk.
const MAX_ROWS: usize = 64;
/// Samples of a row that are looked at, from different columns in each row.
const MAX_ROW_SAMPLES: usize = 1024;

/// Some rows of a chunk, and the same rows of the frames before.
#[derive(Clone)]
pub(super) struct SampledRows<S> {
    row_len: usize,
    rows: Vec<S>,
    /// As long as `rows`, or empty when the chunk has one frame.
    previous: Vec<S>,
}

impl<S: Sample> SampledRows<S> {
    pub(super) fn of(frames: &Frames<'_>) -> Self {
        let geometry = frames.geometry;
        let rows_per_frame = geometry.height * geometry.n_components;
        let row_len = geometry.width.min(MAX_ROW_SAMPLES);
        // The first frame has no previous one.
        let skipped = if geometry.n_frames > 1 { rows_per_frame } else { 0 };
        let n_rows = geometry.n_frames * rows_per_frame - skipped;
        let n_sampled = n_rows.min(MAX_ROWS);
        let spare_columns = geometry.width - row_len;
        let mut rows = vec![S::default(); n_sampled * row_len];
        let mut previous = vec![S::default(); if skipped > 0 { rows.len() } else { 0 }];
        let mut previous_rows = previous.chunks_exact_mut(row_len);
        for (i, row) in rows.chunks_exact_mut(row_len).enumerate() {
            // As f64, because the product could overflow in huge chunks.
            let index = skipped + (i as f64 * n_rows as f64 / n_sampled as f64) as usize;
            // Not always the same columns: steps by the golden ratio cover all of them evenly.
            let column = (spare_columns as f64 * (i as f64 * 0.618_034).fract()) as usize;
            let (t, row_of_frame) = (index / rows_per_frame, index % rows_per_frame);
            let (component, y) = (row_of_frame / geometry.height, row_of_frame % geometry.height);
            frames.load_row(t, component, y, column, row);
            if let Some(previous) = previous_rows.next() {
                frames.load_row(t - 1, component, y, column, previous);
            }
        }
        Self { row_len, rows, previous }
    }

    /// All samples of the rows and of those before.
    pub(super) fn samples(&self) -> impl Iterator<Item = S> {
        self.rows.iter().chain(&self.previous).copied()
    }

    /// The left and the right of every two neighbours in a row.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = [S; 2]> {
        self.rows.chunks_exact(self.row_len).flat_map(|row| row.windows(2).map(|pair| [pair[0], pair[1]]))
    }

    /// The same rows after `transform`.
    pub(super) fn map(mut self, transform: impl Fn(&mut [S])) -> Self {
        transform(&mut self.rows);
        transform(&mut self.previous);
        self
    }

    /// How many neighbours lie on different sides of each step: from number k − 1 to number k of
    /// the eight bits above the lowest `shift`, counted modulo 256.
    pub(super) fn crossings(&self, shift: u32) -> [i64; 256] {
        // The changes from one step to the next; their running sums are the counts.
        let mut changes = [0i64; 512];
        let mut count = |a: S, b: S| {
            let (low, high) = (a.min(b).widen() >> shift, a.max(b).widen() >> shift);
            // Longer steps cross everything.
            if high - low < 256 {
                let first = (low % 256) as usize + 1;
                changes[first] += 1;
                changes[first + (high - low) as usize] -= 1;
            }
        };
        self.neighbours().for_each(|[a, b]| count(a, b));
        self.rows.iter().zip(&self.previous).for_each(|(&a, &b)| count(a, b));
        let mut counts = [0; 256];
        let mut n = 0;
        for (step, change) in changes.into_iter().enumerate() {
            n += change;
            counts[step % 256] += n;
        }
        counts
    }

    /// Differences to the left neighbours or to the previous frame, whichever are smaller.
    pub(super) fn differences(&self) -> Differences {
        let mut left = Differences::default();
        self.neighbours().for_each(|[a, b]| left.count(a, b));
        if self.previous.is_empty() {
            return left;
        }
        let mut previous = Differences::default();
        for (&a, &b) in self.rows.iter().zip(&self.previous) {
            previous.count(a, b);
        }
        if left.n > 0 && left.mean_bits() < previous.mean_bits() { left } else { previous }
    }
}

/// How large the differences between neighbouring numbers are.
#[derive(Debug, Clone)]
pub(super) struct Differences {
    /// How many take this many bits.
    by_bits: [u32; 65],
    n: u32,
}

impl Default for Differences {
    fn default() -> Self {
        Self { by_bits: [0; 65], n: 0 }
    }
}

impl Differences {
    fn count<S: Sample>(&mut self, a: S, b: S) {
        let difference = if a < b { b.wrapping_sub(a) } else { a.wrapping_sub(b) };
        self.by_bits[difference.bit_length() as usize] += 1;
        self.n += 1;
    }

    fn mean_bits(&self) -> f64 {
        self.mean(f64::from)
    }

    fn mean(&self, of: impl Fn(u32) -> f64) -> f64 {
        let sum: f64 = self.by_bits.iter().zip(0..).map(|(&n, bits)| f64::from(n) * of(bits)).sum();
        sum / f64::from(self.n.max(1))
    }

    /// Estimated bits per number when the lowest `noise_bits` are stored raw and the rest is coded.
    pub(super) fn cost(&self, noise_bits: u32, is_cavlc: bool) -> f64 {
        let coded = self.mean(|bits| {
            if bits > noise_bits {
                return residual_bits(f64::from(bits - noise_bits), is_cavlc);
            }
            // A difference of less than a step crosses one with a probability of their ratio.
            let crossing = 0.75 * 2f64.powi(bits as i32 - noise_bits as i32);
            let crossing = if bits == 0 { 0.0 } else { crossing };
            residual_bits(0.0, is_cavlc) * (1.0 - crossing) + residual_bits(1.0, is_cavlc) * crossing
        });
        f64::from(noise_bits) + coded
    }
}

/// What x264 spends on a residual of this many bits, by rule of thumb: the bits themselves, a sign,
/// and what it takes to say how many.
fn residual_bits(bits: f64, is_cavlc: bool) -> f64 {
    match (bits == 0.0, is_cavlc) {
        (true, true) => 0.5,
        (true, false) => 0.25,
        (false, true) => 1.75 * bits + 1.6,
        (false, false) => 1.6 * bits + 1.2,
    }
}
