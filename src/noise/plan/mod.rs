//! How the noise of a chunk is best coded, and what that costs: tried on small parts of it.

mod clusters;
mod fit;
mod windows;

use fit::{Fit, WEIGHTINGS};
use windows::Window;

use super::context::{ContextMap, N_CONTEXTS, N_LEVELS};
use super::encoder::FramePredictor;
use super::frequencies::Counts;
use super::model::Predictors;
use super::simd;
use super::surroundings::NoiseBits;
use super::token::{N_TOKENS, n_extra_bits};
use super::word::Word;
use crate::error::{Error, Result};
use crate::fixed_log2::{FRACTION_BITS, entropy, to_bits};
use crate::process::parallel;
use crate::transform::order::Frames;
use crate::transform::{Mapping, Ranks, Sample};

/// What to code noise with.
#[derive(Debug, Clone)]
pub struct NoisePlan {
    /// Which bits.
    pub bits: NoiseBits,
    /// What numbers are predicted with.
    pub predictors: Predictors,
    /// The table of each context.
    pub contexts: ContextMap,
}

/// Parts of a chunk that codings are tried on.
pub struct Trials {
    windows: Vec<Window>,
    /// Samples in the chunk.
    n_samples: usize,
}

/// What came out of predicting windows.
struct Outcome {
    /// By a class of the contexts.
    counts: Vec<Counts>,
    n_extra_bits: u64,
    n: u64,
}

impl Trials {
    /// For a chunk whose samples become numbers by `mapping`, and these ranks.
    pub fn of<S: Sample>(
        frames: &Frames<'_>,
        mapping: &Mapping,
        ranks: Option<&Ranks>,
        n_threads: usize,
    ) -> Result<Self> {
        let windows = Window::of::<S>(frames, mapping, ranks, n_threads)?;
        Ok(Self { windows, n_samples: frames.geometry.chunk_samples() })
    }

    /// The predictors that leave the least, or `tolerance` times that if later rows decode faster then.
    pub fn predictors(&self, bits: NoiseBits, tolerance: f64, n_threads: usize) -> Result<Predictors> {
        if bits.is_narrow() {
            self.fitted::<u16>(bits, tolerance, n_threads)
        } else {
            self.fitted::<u32>(bits, tolerance, n_threads)
        }
    }

    fn fitted<W: Word>(&self, bits: NoiseBits, tolerance: f64, n_threads: usize) -> Result<Predictors> {
        // There is always a window.
        let geometry = self.windows[0].geometry;
        let fit = Fit::of::<W>(&self.windows, bits, n_threads)?;
        let all = (0..WEIGHTINGS.len()).map(|weighting| fit.predictors::<W>(weighting, true)).collect();
        let with_costs = |predictors: Predictors| {
            let costs = self.costs_by_predictor::<W>(bits, &predictors)?;
            Ok::<_, Error>((predictors, costs))
        };
        let all: Vec<_> = parallel::map(all, n_threads, with_costs)?;
        let best =
            |index: usize| (0..all.len()).min_by_key(|&weighting| all[weighting].1[index]).unwrap_or(0);
        let of = |index: usize| all[best(index)].0.get(index).cloned().unwrap_or_default();
        if tolerance <= 1.0 || geometry.n_frames == 1 {
            return Ok(Predictors::for_frames(&geometry, of));
        }
        let fast = Predictors::for_frames(&geometry, |index| {
            fit.predictors::<W>(best(index), false).get(index).cloned().unwrap_or_default()
        });
        let costs = self.costs_by_predictor::<W>(bits, &fast)?;
        Ok(Predictors::for_frames(&geometry, |index| {
            let is_near = costs[index] as f64 <= tolerance * all[best(index)].1[index] as f64;
            if is_near { fast.get(index).cloned().unwrap_or_default() } else { of(index) }
        }))
    }

    /// Bits per number that these predictors leave, roughly.
    pub fn cost(&self, bits: NoiseBits, predictors: &Predictors) -> Result<f64> {
        // Of each activity, since levels matter little for this.
        let class = |_: usize, context: u16| usize::from(context) / N_LEVELS;
        let n_classes = N_CONTEXTS / N_LEVELS;
        let outcome = if bits.is_narrow() {
            self.predict::<u16>(bits, predictors, n_classes, COARSE_STEP, class)?
        } else {
            self.predict::<u32>(bits, predictors, n_classes, COARSE_STEP, class)?
        };
        let entropy: u64 = outcome.counts.iter().map(|counts| entropy(counts)).sum();
        Ok((to_bits(entropy) + outcome.n_extra_bits as f64) / outcome.n.max(1) as f64)
    }

    /// What to code the noise with.
    pub fn plan(&self, bits: NoiseBits, predictors: Predictors) -> Result<NoisePlan> {
        let class = |_: usize, context: u16| usize::from(context);
        let outcome = if bits.is_narrow() {
            self.predict::<u16>(bits, &predictors, N_CONTEXTS, 1, class)?
        } else {
            self.predict::<u32>(bits, &predictors, N_CONTEXTS, 1, class)?
        };
        let share = outcome.n as f64 / self.n_samples as f64;
        let contexts = clusters::cluster(&outcome.counts, share);
        Ok(NoisePlan { bits, predictors, contexts })
    }

    /// What each of the four predictors costs, in units of 2^-16 bits.
    fn costs_by_predictor<W: Word>(&self, bits: NoiseBits, predictors: &Predictors) -> Result<[u64; 4]> {
        let n_kinds_and_activities = N_CONTEXTS / N_LEVELS;
        let class = |k: usize, context: u16| {
            usize::from(k > 0) * n_kinds_and_activities + usize::from(context) / N_LEVELS
        };
        let outcome = self.predict::<W>(bits, predictors, 2 * n_kinds_and_activities, 1, class)?;
        let mut costs = [0; 4];
        let per_predictor = outcome.counts.chunks_exact(n_kinds_and_activities / 2);
        for (cost, counts) in costs.iter_mut().zip(per_predictor) {
            let extra = |counts: &Counts| -> u64 {
                counts
                    .iter()
                    .zip(0u8..)
                    .map(|(&n, token)| u64::from(n) * u64::from(n_extra_bits(token)))
                    .sum()
            };
            *cost = counts.iter().map(|counts| entropy(counts) + (extra(counts) << FRACTION_BITS)).sum();
        }
        Ok(costs)
    }

    /// Counts the tokens of every `step`-th window by the class of their component and context.
    fn predict<W: Word>(
        &self,
        bits: NoiseBits,
        predictors: &Predictors,
        n_classes: usize,
        step: usize,
        class: impl Fn(usize, u16) -> usize,
    ) -> Result<Outcome> {
        let mut outcome = Outcome { counts: vec![[0; N_TOKENS]; n_classes], n_extra_bits: 0, n: 0 };
        let mut frames = FramePredictor::<W>::new(&self.windows[0].geometry, bits, predictors)?;
        for window in self.windows.iter().step_by(step) {
            frames.restart();
            for (t, numbers) in window.frames().enumerate() {
                simd::run(
                    #[inline(always)]
                    || {
                        frames.load(numbers);
                        frames.predict(|k, y, row| {
                            if !window.counts(t, y) {
                                return;
                            }
                            for (&token, &context) in row.tokens.iter().zip(row.contexts) {
                                outcome.counts[class(k, context)][usize::from(token)] += 1;
                                outcome.n_extra_bits += u64::from(n_extra_bits(token));
                            }
                            outcome.n += row.tokens.len() as u64;
                        });
                    },
                );
            }
        }
        Ok(outcome)
    }
}

/// For a rough cost, one window in so many is enough.
const COARSE_STEP: usize = 2;
