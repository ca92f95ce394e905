//! Predictors by least squares.

use super::windows::{MAX_HEIGHT, WIDTH, Window};
use crate::error::Result;
use crate::geometry::Geometry;
use crate::noise::encoder::FramePredictor;
use crate::noise::model::Predictors;
use crate::noise::predictor::{
    ABOVE, ABOVE_2, ABOVE_LEFT, ABOVE_RIGHT, BEFORE, BEFORE_ABOVE, BEFORE_BELOW, BEFORE_LEFT, BEFORE_RIGHT,
    COMPONENT, COMPONENT_ABOVE, COMPONENT_LEFT, LEFT, LEFT_2, MEAN, MEAN_BELOW, N_TAPS, Predictor,
};
use crate::noise::simd;
use crate::noise::surroundings::{NoiseBits, taps};
use crate::noise::word::Word;
use crate::process::parallel;

/// Neighbours within a frame.
const WITHIN: [usize; 6] = [LEFT, ABOVE, ABOVE_LEFT, ABOVE_RIGHT, LEFT_2, ABOVE_2];
/// Neighbours in frames before.
const EARLIER: [usize; 7] = [BEFORE, BEFORE_LEFT, BEFORE_RIGHT, BEFORE_ABOVE, BEFORE_BELOW, MEAN, MEAN_BELOW];
/// Neighbours in the component before.
const OTHER: [usize; 3] = [COMPONENT, COMPONENT_LEFT, COMPONENT_ABOVE];

/// Unknowns: all weights but one, which is what the others leave, and the constant.
const MAX_UNKNOWNS: usize = N_TAPS;
/// Sums that are independent of each other, so that they can be done at the same time: part of the
/// algorithm, since the order of sums decides their last bits.
const LANES: usize = 8;

/// How much a number counts that differs from its neighbours by `m`, of which the unit is a step: by
/// 1/m, or by 1/m². The second is what noise asks for; the first is better where edges are what costs.
#[derive(Clone, Copy)]
pub enum Weighting {
    Inverse,
    InverseSquare,
}

/// All weightings.
pub const WEIGHTINGS: [Weighting; 2] = [Weighting::Inverse, Weighting::InverseSquare];

/// Normal equations: what is to be solved, and in the last column what for.
#[derive(Clone)]
struct Equations([[f64; MAX_UNKNOWNS + 1]; MAX_UNKNOWNS]);

/// Groups of windows that are summed up at the same time: part of the algorithm, too.
const N_GROUPS: usize = 4;

/// Windows, summed up to what predictors follow from.
#[derive(Clone)]
pub struct Fit {
    geometry: Geometry,
    /// By the weighting, and the index of the predictor.
    equations: [[Equations; 4]; WEIGHTINGS.len()],
}

impl Fit {
    /// All arithmetic is that of IEEE 754 (sums, products and quotients in a fixed order), so that all
    /// machines get the same. There has to be a window.
    pub fn of<W: Word>(windows: &[Window], bits: NoiseBits, n_threads: usize) -> Result<Self> {
        let groups = windows.chunks(windows.len().div_ceil(N_GROUPS)).collect();
        let of_group = |group| {
            simd::run(
                #[inline(always)]
                || Self::of_group::<W>(group, bits),
            )
        };
        let fits = parallel::map(groups, n_threads, of_group)?;
        let mut sum = fits[0].clone();
        for fit in &fits[1..] {
            let all = sum.equations.iter_mut().flatten().zip(fit.equations.iter().flatten());
            for (sum, equations) in all.flat_map(|(sum, equations)| sum.0.iter_mut().zip(&equations.0)) {
                sum.iter_mut().zip(equations).for_each(|(sum, number)| *sum += number);
            }
        }
        Ok(sum)
    }

    #[inline(always)]
    fn of_group<W: Word>(windows: &[Window], bits: NoiseBits) -> Result<Self> {
        let geometry = windows[0].geometry;
        let mut fit = Self { geometry, equations: Default::default() };
        let used = [0, 1, 2, 3].map(used);
        let nothing = Predictors::for_frames(&geometry, |_| Predictor::default());
        let mut frames = FramePredictor::<W>::new(&geometry, bits, &nothing)?;
        for window in windows {
            frames.restart();
            for (t, numbers) in window.frames().enumerate() {
                frames.load(numbers);
                for k in 0..geometry.n_components {
                    let index = Predictors::index(t, k);
                    let mut numbers = Numbers::new(used[index].len());
                    for y in (0..geometry.height).filter(|&y| window.counts(t, y)) {
                        // The first two have no neighbours to the left.
                        let taps = taps(&frames.components, k, t, y).map(|tap| &tap[2.min(tap.len())..]);
                        let n = geometry.width.saturating_sub(2);
                        let row = &frames.components[k].current.row(y as isize)[4..][..n];
                        numbers.add(row, &taps, &used[index]);
                    }
                    for (equations, weighting) in fit.equations.iter_mut().zip(WEIGHTINGS) {
                        numbers.add_to(&mut equations[index], weighting);
                    }
                }
                frames.skip();
            }
        }
        Ok(fit)
    }

    /// The predictors whose squared errors, weighted by one of [`WEIGHTINGS`], are least. Without `looks_left`, those
    /// of later frames look at no neighbour to the left, so that rows decode in bulk.
    pub fn predictors<W: Word>(&self, weighting: usize, looks_left: bool) -> Predictors {
        Predictors::for_frames(&self.geometry, |index| {
            let used = used(index);
            let is_left_out = |tap: usize| !looks_left && index & 1 == 1 && matches!(tap, LEFT | LEFT_2);
            // The last of the unknowns is the constant.
            let solved: Vec<usize> =
                (0..used.len()).filter(|&i| used.get(i + 1).is_none_or(|&tap| !is_left_out(tap))).collect();
            let unknowns = self.equations[weighting][index].solve(&solved);
            let taps: Vec<usize> = used.iter().copied().filter(|&tap| !is_left_out(tap)).collect();
            let predictor = rounded::<W>(&taps, &unknowns);
            if predictor.is_bounded::<W>() { predictor } else { Predictor::of_one::<W>(used[0]) }
        })
    }
}

/// The neighbours that a predictor looks at. The weight of the first is what the others leave, so
/// that a number that is like all its neighbours is predicted exactly.
fn used(index: usize) -> Vec<usize> {
    let earlier = if index & 1 == 1 { &EARLIER[..] } else { &[] };
    let other = if index & 2 == 2 { &OTHER[..] } else { &[] };
    [earlier, &WITHIN, other].concat()
}

/// Numbers with their neighbours, as differences from the first neighbour.
struct Numbers {
    /// A column for each other neighbour, one for the constant, and one for the number itself.
    columns: Vec<[f32; MAX_NUMBERS]>,
    n: usize,
}

/// Those of a window.
const MAX_NUMBERS: usize = MAX_HEIGHT * WIDTH;

impl Numbers {
    fn new(n_used: usize) -> Self {
        Self { columns: vec![[0.0; MAX_NUMBERS]; n_used + 1], n: 0 }
    }

    /// Adds those of a row.
    #[inline(always)]
    fn add<W: Word>(&mut self, row: &[W], taps: &[&[W]; N_TAPS], used: &[usize]) {
        let place = self.n..self.n + row.len();
        let difference = |a: W, b: W| (a.as_u64() as i64 - b.as_u64() as i64) as f32;
        let base = &taps[used[0]][..row.len()];
        let others = used[1..].iter().map(|&tap| taps[tap]);
        let (target, columns) = self.columns.split_last_mut().expect("a column for the numbers");
        let (constant, columns) = columns.split_last_mut().expect("a column for the constant");
        for (column, tap) in columns.iter_mut().zip(others) {
            for ((place, &a), &b) in column[place.clone()].iter_mut().zip(tap).zip(base) {
                *place = difference(a, b);
            }
        }
        for ((place, &a), &b) in target[place.clone()].iter_mut().zip(row).zip(base) {
            *place = difference(a, b);
        }
        constant[place].fill(1.0);
        self.n += row.len();
    }

    /// Adds the weighted products of all columns.
    #[inline(always)]
    fn add_to(&self, equations: &mut Equations, weighting: Weighting) {
        let n = self.n.next_multiple_of(LANES);
        let n_others = self.columns.len() - 2;
        let mut weights = [0f32; MAX_NUMBERS];
        for column in &self.columns[..n_others] {
            weights[..n].iter_mut().zip(column).for_each(|(weight, number)| *weight += number.abs());
        }
        let scale = 1.0 / n_others as f32;
        for weight in &mut weights[..n] {
            let m = 1.0 + *weight * scale;
            *weight = match weighting {
                Weighting::Inverse => 1.0 / m,
                Weighting::InverseSquare => 1.0 / (m * m),
            };
        }
        // The last of the columns is what is to be solved for.
        let (target, unknowns) = self.columns.split_last().expect("a column for the numbers");
        for (a, row) in equations.0.iter_mut().enumerate().take(unknowns.len()) {
            let mut weighted = [0f32; MAX_NUMBERS];
            for i in 0..n {
                weighted[i] = unknowns[a][i] * weights[i];
            }
            // Symmetric: the other half is not needed.
            for (sum, column) in row.iter_mut().zip(unknowns).skip(a) {
                *sum += f64::from(dot(&weighted[..n], &column[..n]));
            }
            row[MAX_UNKNOWNS] += f64::from(dot(&weighted[..n], &target[..n]));
        }
    }
}

impl Default for Equations {
    fn default() -> Self {
        Self([[0.0; MAX_UNKNOWNS + 1]; MAX_UNKNOWNS])
    }
}

impl Equations {
    /// These of the unknowns, when the others are 0, by Gauss's elimination of a symmetric matrix. A little
    /// is added to its diagonal, so that neighbours that are always alike share a weight.
    fn solve(&self, solved: &[usize]) -> Vec<f64> {
        let n = solved.len();
        let mut rows: Vec<Vec<f64>> = solved
            .iter()
            .map(|&a| {
                let symmetric = solved.iter().map(|&b| self.0[a.min(b)][a.max(b)]);
                symmetric.chain([self.0[a][MAX_UNKNOWNS]]).collect()
            })
            .collect();
        for (a, row) in rows.iter_mut().enumerate() {
            row[a] += 1e-3 + row[a] * 1e-6;
        }
        for a in 0..n {
            let (above, below) = rows.split_at_mut(a + 1);
            let pivot = &above[a];
            for row in below {
                let factor = row[a] / pivot[a];
                for b in a..=n {
                    row[b] -= factor * pivot[b];
                }
            }
        }
        let mut unknowns = vec![0.0; n];
        for a in (0..n).rev() {
            let known: f64 = (a + 1..n).map(|b| rows[a][b] * unknowns[b]).sum();
            unknowns[a] = (rows[a][n] - known) / rows[a][a];
        }
        unknowns
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
}

/// The last of the unknowns is the constant; there is none for the first neighbour.
fn rounded<W: Word>(used: &[usize], unknowns: &[f64]) -> Predictor {
    let mut predictor = Predictor::default();
    let one = 1i64 << W::FRACTION_BITS;
    // Out of bounds, NaN included, stays so.
    let fixed = |unknown: f64| {
        let scaled = (unknown * one as f64).round();
        if scaled.abs() < (1u64 << 56) as f64 { scaled as i64 } else { 1 << 56 }
    };
    let mut left = one;
    for (&tap, &unknown) in used[1..].iter().zip(unknowns) {
        predictor.weights[tap] = fixed(unknown);
        left = left.saturating_sub(predictor.weights[tap]);
    }
    predictor.weights[used[0]] = left;
    predictor.constant = unknowns.last().map_or(0, |&constant| fixed(constant));
    predictor
}
