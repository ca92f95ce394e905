use super::context::ContextMap;
use super::model::Predictors;
use super::predictor::RowPredictor;
use super::rans::{self, DecodingTables};
use super::rows::inner_mut;
use super::simd;
use super::surroundings::{NoiseBits, RowScratch, Surroundings, add, load};
use super::token::{self, BitReader, N_EXACT};
use super::word::{Sum, Word};
use crate::error::{Result, damaged, filled};
use crate::geometry::Geometry;
use crate::transform::Sample;

/// Decodes the noise of a strip, frame by frame.
pub struct NoiseDecoder<'a, W: Word> {
    geometry: Geometry,
    bits: NoiseBits,
    predictors: Vec<RowPredictor<W>>,
    contexts: &'a ContextMap,
    slots: &'a DecodingTables,
    tokens: rans::Decoder<'a>,
    extra_bits: BitReader<'a>,
    components: Vec<Surroundings<W>>,
    scratch: RowScratch<W>,
    tables: Vec<u8>,
    residuals: Vec<i32>,
    t: usize,
}

impl<'a, W: Word> NoiseDecoder<'a, W> {
    /// From what [`encode_symbols`](super::encode_symbols) made.
    pub fn new(
        geometry: &Geometry,
        bits: NoiseBits,
        predictors: &Predictors,
        contexts: &'a ContextMap,
        slots: &'a DecodingTables,
        [tokens, extra_bits]: [&'a [u8]; 2],
    ) -> Result<Self> {
        Ok(Self {
            geometry: *geometry,
            bits,
            predictors: predictors.prepare(),
            contexts,
            slots,
            tokens: rans::Decoder::new(tokens)?,
            extra_bits: BitReader::new(extra_bits),
            components: Surroundings::of_components(geometry)?,
            scratch: RowScratch::new(geometry.width)?,
            tables: filled(geometry.width)?,
            residuals: filled(geometry.width)?,
            t: 0,
        })
    }

    /// Adds the noise of the next frame to its numbers, which have all bits above it, and 0 in its place.
    pub fn decode<S: Sample>(&mut self, numbers: &mut [S]) {
        load(numbers, &mut self.components, self.t, &self.geometry, self.bits);
        self.decode_loaded();
        add(&self.components, self.bits.shift, &self.geometry, numbers);
        self.t += 1;
    }

    fn decode_loaded(&mut self) {
        simd::run(
            #[inline(always)]
            || self.decode_frame(),
        );
    }

    #[inline(always)]
    fn decode_frame(&mut self) {
        let Geometry { n_frames, height, .. } = self.geometry;
        let t = self.t;
        for k in 0..self.components.len() {
            let predictor = &self.predictors[Predictors::index(t, k)];
            for y in 0..height {
                self.components[k].start_row(y);
                self.scratch.look_around(&self.components, k, t, y, predictor);
                self.contexts.look_up(&self.scratch.contexts, &mut self.tables);
                let component = &mut self.components[k];
                let tokens = inner_mut(component.tokens.row_mut(y as isize));
                self.tokens.decode_row(self.slots, &self.tables, tokens);
                residuals(tokens, &mut self.extra_bits, &mut self.residuals);
                let row = component.current.row_mut(y as isize);
                let left = [row[1], row[0]];
                restore(inner_mut(row), left, &self.scratch.sums, &self.residuals, predictor.left, self.bits);
                component.finish_row(t, y, n_frames > 1);
            }
        }
    }

    /// An error unless all was read, and no more.
    pub fn finish(self) -> Result<()> {
        if self.tokens.is_at_end() && self.extra_bits.is_at_end() {
            return Ok(());
        }
        Err(damaged!("noise that does not end where its numbers end"))
    }
}

#[inline(always)]
fn residuals(tokens: &[u8], extra_bits: &mut BitReader<'_>, residuals: &mut [i32]) {
    if tokens.iter().all(|&token| token < N_EXACT) {
        for (residual, &token) in residuals.iter_mut().zip(tokens) {
            *residual = token::unfold(token.into());
        }
    } else {
        for (residual, &token) in residuals.iter_mut().zip(tokens) {
            let extra = extra_bits.read(token::n_extra_bits(token));
            *residual = token::unfold(token::base(token) + extra);
        }
    }
}

/// Replaces what is known of each number by the number.
#[inline(always)]
fn restore<W: Word>(
    row: &mut [W],
    [mut left, mut left_2]: [W; 2],
    sums: &[W::Sum],
    residuals: &[i32],
    [w1, w2]: [W::Sum; 2],
    bits: NoiseBits,
) {
    let n = row.len();
    let (sums, residuals) = (&sums[..n], &residuals[..n]);
    let mask = W::Sum::truncate(bits.mask().into());
    let number = |known: W, sum: W::Sum, residual: i32| {
        let known = known.widen();
        let prediction = (sum >> W::FRACTION_BITS).max(known).min(known + mask);
        W::truncate(known + (prediction + W::Sum::truncate(residual.into())).and(mask))
    };
    if w1 == W::Sum::default() && w2 == W::Sum::default() {
        for i in 0..n {
            row[i] = number(row[i], sums[i], residuals[i]);
        }
        return;
    }
    for i in 0..n {
        let next = number(row[i], sums[i] + left_2.widen() * w2 + left.widen() * w1, residuals[i]);
        (left_2, left) = (left, next);
        row[i] = next;
    }
}
