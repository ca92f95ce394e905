//! The noise of a strip, with words as wide as it takes.

use super::context::ContextMap;
use super::decoder::NoiseDecoder;
use super::encoder::NoiseEncoder;
pub use super::encoder::Symbols;
use super::frequencies::{self, Counts};
use super::model::Noise;
use super::plan::NoisePlan;
use super::rans::{self, DecodingTables, Frequencies};
use super::simd;
use super::surroundings::NoiseBits;
use super::token::N_TOKENS;
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::process::parallel;
use crate::transform::Sample;

/// Codes the noise of a strip, frame by frame, up to its symbols.
pub enum StripEncoder {
    /// Up to 16 bits.
    Narrow(NoiseEncoder<u16>),
    /// Up to 32 bits.
    Wide(NoiseEncoder<u32>),
}

impl StripEncoder {
    /// For the frames of a strip.
    pub fn new(geometry: &Geometry, plan: &NoisePlan) -> Result<Self> {
        let NoisePlan { bits, predictors, contexts } = plan;
        Ok(if bits.is_narrow() {
            Self::Narrow(NoiseEncoder::new(geometry, *bits, predictors, contexts)?)
        } else {
            Self::Wide(NoiseEncoder::new(geometry, *bits, predictors, contexts)?)
        })
    }

    /// Codes the next frame.
    pub fn encode<S: Sample>(&mut self, numbers: &[S]) -> Result<()> {
        match self {
            Self::Narrow(encoder) => encoder.encode(numbers),
            Self::Wide(encoder) => encoder.encode(numbers),
        }
    }

    /// All of the strip.
    pub fn finish(self) -> Symbols {
        match self {
            Self::Narrow(encoder) => encoder.finish(),
            Self::Wide(encoder) => encoder.finish(),
        }
    }
}

/// Codes what is left of the strips of a chunk with tables for all of them: what to know of it, and the
/// tokens and further bits of each strip. Rows have `width` numbers.
pub fn encode_symbols(
    strips: Vec<Symbols>,
    plan: &NoisePlan,
    width: usize,
    n_threads: usize,
) -> Result<(Noise, Vec<[Vec<u8>; 2]>)> {
    let tables = tables_of(strips.iter().map(|strip| &strip.counts[..]), &plan.contexts);
    let encoder = rans::Encoder::new(&tables);
    let encode = |strip: Symbols| {
        let tokens = simd::run(
            #[inline(always)]
            || encoder.encode(&strip.symbols, width),
        );
        Ok::<_, Error>([tokens?, strip.extra_bits])
    };
    let strips = parallel::map(strips, n_threads, encode)?;
    let strip_bytes = strips.iter().map(|[tokens, extra_bits]| [tokens.len(), extra_bits.len()]).collect();
    let NoisePlan { predictors, contexts, .. } = plan.clone();
    Ok((Noise { predictors, contexts, tables, strip_bytes }, strips))
}

fn tables_of<'a>(strips: impl Iterator<Item = &'a [Counts]>, contexts: &ContextMap) -> Vec<Frequencies> {
    let mut sums = vec![[0u32; N_TOKENS]; contexts.n_tables()];
    for counts in strips {
        for (sum, counts) in sums.iter_mut().zip(counts) {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        }
    }
    sums.iter().map(frequencies::from_counts).collect()
}

/// Decodes the noise of a strip, frame by frame.
pub enum StripDecoder<'a> {
    /// Up to 16 bits.
    Narrow(NoiseDecoder<'a, u16>),
    /// Up to 32 bits.
    Wide(NoiseDecoder<'a, u32>),
}

impl<'a> StripDecoder<'a> {
    /// For a strip, from the bytes of its tokens and its further bits.
    pub fn new(
        geometry: &Geometry,
        bits: NoiseBits,
        noise: &'a Noise,
        slots: &'a DecodingTables,
        stored: [&'a [u8]; 2],
    ) -> Result<Self> {
        let Noise { predictors, contexts, .. } = noise;
        Ok(if bits.is_narrow() {
            Self::Narrow(NoiseDecoder::new(geometry, bits, predictors, contexts, slots, stored)?)
        } else {
            Self::Wide(NoiseDecoder::new(geometry, bits, predictors, contexts, slots, stored)?)
        })
    }

    /// Adds the noise of the next frame to its numbers, which have all other bits.
    pub fn decode<S: Sample>(&mut self, numbers: &mut [S]) {
        match self {
            Self::Narrow(decoder) => decoder.decode(numbers),
            Self::Wide(decoder) => decoder.decode(numbers),
        }
    }

    /// An error unless all was read, and no more.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Narrow(decoder) => decoder.finish(),
            Self::Wide(decoder) => decoder.finish(),
        }
    }
}
