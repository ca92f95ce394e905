use super::context::{ContextMap, MAX_TABLES, TableStarts};
use super::frequencies::Counts;
use super::model::Predictors;
use super::predictor::RowPredictor;
use super::rans::{SYMBOLS_PER_TABLE, Symbol};
use super::rows::{inner, inner_mut};
use super::simd;
use super::surroundings::{NoiseBits, RowScratch, Surroundings, load};
use super::token::{self, BitWriter, N_TOKENS, n_extra_bits};
use super::word::{Sum, Word};
use crate::error::{Result, filled, reserve};
use crate::geometry::Geometry;
use crate::transform::Sample;

/// A row, predicted.
pub struct Residuals<'a> {
    /// The context of each number.
    pub contexts: &'a [u16],
    /// The token of each residual.
    pub tokens: &'a [u8],
    /// The residuals, folded to unsigned.
    pub folded: &'a [u32],
}

/// Makes residuals of numbers, frame by frame.
pub struct FramePredictor<W: Word> {
    geometry: Geometry,
    bits: NoiseBits,
    predictors: Vec<RowPredictor<W>>,
    pub components: Vec<Surroundings<W>>,
    scratch: RowScratch<W>,
    folded: Vec<u32>,
    t: usize,
}

impl<W: Word> FramePredictor<W> {
    /// For frames of a strip, or of a part of one.
    pub fn new(geometry: &Geometry, bits: NoiseBits, predictors: &Predictors) -> Result<Self> {
        Ok(Self {
            geometry: *geometry,
            bits,
            predictors: predictors.prepare(),
            components: Surroundings::of_components(geometry)?,
            scratch: RowScratch::new(geometry.width)?,
            folded: filled(geometry.width)?,
            t: 0,
        })
    }

    /// Starts again, with the frames of another part.
    pub fn restart(&mut self) {
        self.t = 0;
    }

    /// Takes the numbers of the next frame.
    pub fn load<S: Sample>(&mut self, numbers: &[S]) {
        load(numbers, &mut self.components, self.t, &self.geometry, self.bits);
    }

    /// Goes on without predicting the frame that was loaded last.
    pub fn skip(&mut self) {
        let Geometry { n_frames, height, .. } = self.geometry;
        for component in &mut self.components {
            (0..height).for_each(|y| component.finish_row(self.t, y, n_frames > 1));
        }
        self.t += 1;
    }

    /// Predicts the frame that was loaded last, and shows its rows.
    #[inline(always)]
    pub fn predict(&mut self, mut show: impl FnMut(usize, usize, &Residuals<'_>)) {
        let Geometry { n_frames, height, .. } = self.geometry;
        let t = self.t;
        for k in 0..self.components.len() {
            let predictor = &self.predictors[Predictors::index(t, k)];
            for y in 0..height {
                self.components[k].start_row(y);
                self.scratch.look_around(&self.components, k, t, y, predictor);
                let component = &mut self.components[k];
                let row = component.current.row(y as isize);
                predictor.add_left(row, &mut self.scratch.sums);
                fold_residuals(inner(row), &self.scratch.sums, self.bits, &mut self.folded);
                let tokens = inner_mut(component.tokens.row_mut(y as isize));
                for (token, &folded) in tokens.iter_mut().zip(&self.folded) {
                    *token = W::token(folded);
                }
                show(k, y, &Residuals { contexts: &self.scratch.contexts, tokens, folded: &self.folded });
                component.finish_row(t, y, n_frames > 1);
            }
        }
        self.t += 1;
    }
}

/// What is left of the numbers of a row. `sums` are what the neighbours add up to.
#[inline(always)]
fn fold_residuals<W: Word>(row: &[W], sums: &[W::Sum], bits: NoiseBits, folded: &mut [u32]) {
    let n = folded.len();
    let (row, sums) = (&row[..n], &sums[..n]);
    let mask = W::Sum::truncate(bits.mask().into());
    let unused = 32 - bits.bits;
    for i in 0..n {
        let number = row[i].widen();
        let known = number - number.and(mask);
        let prediction = (sums[i] >> W::FRACTION_BITS).max(known).min(known + mask);
        // The difference modulo 2^bits.
        let residual = (number - prediction).low() << unused >> unused;
        folded[i] = token::fold(residual);
    }
}

/// Symbols of all tables.
const MAX_SYMBOLS: usize = MAX_TABLES * SYMBOLS_PER_TABLE as usize;
/// Counters of each symbol: one that is often the next, too, would be waited for.
const N_COUNTERS: usize = 4;
/// Residuals whose further bits are written at a time.
const BLOCK: usize = 32;

/// What is left of a strip, but for the entropy coding.
pub struct Symbols {
    /// Tokens with the tables they are in, row by row.
    pub symbols: Vec<Symbol>,
    /// What follows the tokens.
    pub extra_bits: Vec<u8>,
    /// How often each token comes, in each table.
    pub counts: Vec<Counts>,
}

/// Codes the noise of a strip up to its symbols.
pub struct NoiseEncoder<W: Word> {
    frames: FramePredictor<W>,
    n_tables: usize,
    table_starts: TableStarts,
    symbols: Vec<Symbol>,
    extra_bits: BitWriter,
    counts: [Vec<u32>; N_COUNTERS],
}

impl<W: Word> NoiseEncoder<W> {
    /// For the frames of a strip.
    pub fn new(
        geometry: &Geometry,
        bits: NoiseBits,
        predictors: &Predictors,
        contexts: &ContextMap,
    ) -> Result<Self> {
        Ok(Self {
            frames: FramePredictor::new(geometry, bits, predictors)?,
            n_tables: contexts.n_tables(),
            table_starts: contexts.starts(SYMBOLS_PER_TABLE)?,
            symbols: reserve(geometry.chunk_samples())?,
            extra_bits: BitWriter::default(),
            counts: std::array::from_fn(|_| vec![0; MAX_SYMBOLS]),
        })
    }

    /// Codes the next frame.
    pub fn encode<S: Sample>(&mut self, numbers: &[S]) -> Result<()> {
        self.frames.load(numbers);
        self.encode_loaded()
    }

    fn encode_loaded(&mut self) -> Result<()> {
        simd::run(
            #[inline(always)]
            || self.encode_frame(),
        )
    }

    #[inline(always)]
    fn encode_frame(&mut self) -> Result<()> {
        let Self { frames, table_starts, symbols, extra_bits, counts, .. } = self;
        let mut status = Ok(());
        frames.predict(
            #[inline(always)]
            |_, _, row| {
                let first = symbols.len();
                let tables = table_starts.look_up(row.contexts);
                symbols.extend(tables.zip(row.tokens).map(|(table, &token)| table + Symbol::from(token)));
                for group in symbols[first..].chunks(N_COUNTERS) {
                    for (counts, &symbol) in counts.iter_mut().zip(group) {
                        counts[usize::from(symbol) % MAX_SYMBOLS] += 1;
                    }
                }
                if status.is_ok() {
                    status = write_extra_bits(row, extra_bits);
                }
            },
        );
        status
    }

    /// All of the strip.
    pub fn finish(self) -> Symbols {
        let mut counts = vec![[0u32; N_TOKENS]; self.n_tables];
        for counters in &self.counts {
            let of_tables = counters.chunks_exact(SYMBOLS_PER_TABLE.into());
            for (sum, count) in
                counts.iter_mut().zip(of_tables).flat_map(|(sums, counts)| sums.iter_mut().zip(counts))
            {
                *sum = sum.saturating_add(*count);
            }
        }
        Symbols { symbols: self.symbols, extra_bits: self.extra_bits.finish(), counts }
    }
}

#[inline(always)]
fn write_extra_bits(row: &Residuals<'_>, extra_bits: &mut BitWriter) -> Result<()> {
    for (tokens, folded) in row.tokens.chunks(BLOCK).zip(row.folded.chunks(BLOCK)) {
        let longest = n_extra_bits(tokens.iter().fold(0, |most, &token| token.max(most)));
        if longest > 0 {
            extra_bits.reserve(BLOCK * longest as usize)?;
            for (&token, &folded) in tokens.iter().zip(folded) {
                let n_bits = n_extra_bits(token);
                extra_bits.write(folded & !(u32::MAX << n_bits), n_bits);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoisePlan, Trials};
    use crate::transform::Mapping;
    use crate::transform::order::Frames;

    #[test]
    fn vector_code_makes_what_plain_code_makes() {
        let geometry = Geometry::new(4, 40, 61, 1, 2).unwrap();
        let number = |i: usize| {
            ((i % 2440 / 3) as u16).wrapping_add((i.wrapping_mul(2_654_435_761) >> 27) as u16 % 900)
        };
        let numbers: Vec<u16> = (0..geometry.chunk_samples()).map(number).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
        let trials = Trials::of::<u16>(&frames, &Mapping::Integer { offset: 0 }, None, 2).unwrap();
        let bits = NoiseBits::new(0..16, 16);
        let predictors = trials.predictors(bits, 1.0, 2).unwrap();
        let NoisePlan { predictors, contexts, .. } = trials.plan(bits, predictors).unwrap();
        let encoder = || NoiseEncoder::<u16>::new(&geometry, bits, &predictors, &contexts).unwrap();
        let (mut vector, mut plain) = (encoder(), encoder());
        for frame in numbers.chunks_exact(geometry.frame_samples()) {
            vector.encode(frame).unwrap();
            plain.frames.load(frame);
            plain.encode_frame().unwrap();
        }
        let (vector, plain) = (vector.finish(), plain.finish());
        assert!(vector.extra_bits.len() > 100);
        assert!(vector.symbols == plain.symbols && vector.extra_bits == plain.extra_bits);
        assert!(vector.counts == plain.counts);
    }
}
