use super::context::{ContextMap, TableStarts};
use super::model::Predictors;
use super::predictor::RowPredictor;
use super::rans::{self, DecodingTables, SLOTS_PER_TABLE};
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
    table_starts: TableStarts,
    slots: &'a DecodingTables,
    tokens: rans::Decoder<'a>,
    extra_bits: BitReader<'a>,
    components: Vec<Surroundings<W>>,
    scratch: RowScratch<W>,
    tables: Vec<u16>,
    residuals: Vec<i32>,
    t: usize,
}

impl<'a, W: Word> NoiseDecoder<'a, W> {
    /// From what [`encode_symbols`](super::encode_symbols) made.
    pub fn new(
        geometry: &Geometry,
        bits: NoiseBits,
        predictors: &Predictors,
        contexts: &ContextMap,
        slots: &'a DecodingTables,
        [tokens, extra_bits]: [&'a [u8]; 2],
    ) -> Result<Self> {
        Ok(Self {
            geometry: *geometry,
            bits,
            predictors: predictors.prepare(),
            table_starts: contexts.starts(SLOTS_PER_TABLE)?,
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
            let restorer = Restorer::<W>::new(predictor.left, self.bits);
            for y in 0..height {
                self.components[k].start_row(y);
                self.scratch.look_around(&self.components, k, t, y, predictor);
                let tables = self.table_starts.look_up(&self.scratch.contexts);
                self.tables.iter_mut().zip(tables).for_each(|(place, table)| *place = table);
                let component = &mut self.components[k];
                let tokens = inner_mut(component.tokens.row_mut(y as isize));
                self.tokens.decode_row(self.slots, &self.tables, tokens);
                residuals(tokens, &mut self.extra_bits, &mut self.residuals);
                let row = component.current.row_mut(y as isize);
                restorer.restore(row, &self.scratch.sums, &self.residuals);
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

/// Numbers that are restored at a time.
const BLOCK: usize = 32;

#[inline(always)]
fn residuals(tokens: &[u8], extra_bits: &mut BitReader<'_>, residuals: &mut [i32]) {
    for (residuals, tokens) in residuals.chunks_mut(BLOCK).zip(tokens.chunks(BLOCK)) {
        if tokens.iter().fold(0, |most, &token| token.max(most)) < N_EXACT {
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
}

/// Replaces what is known of each number of a row by the number.
struct Restorer<W: Word> {
    /// The weights of the numbers to the left.
    weights: [W::Sum; 2],
    mask: W::Sum,
}

impl<W: Word> Restorer<W> {
    fn new(weights: [W::Sum; 2], bits: NoiseBits) -> Self {
        Self { weights, mask: W::Sum::truncate(bits.mask().into()) }
    }

    /// `row` starts two numbers before the row, and `sums` are what all other neighbours add up to.
    #[inline(always)]
    fn restore(&self, row: &mut [W], sums: &[W::Sum], residuals: &[i32]) {
        let left = [row[1], row[0]];
        let row = inner_mut(row);
        if self.weights == [W::Sum::default(); 2] {
            for ((number, &sum), &residual) in row.iter_mut().zip(sums).zip(residuals) {
                *number = self.number(*number, sum, residual);
            }
        } else {
            self.restore_from_left(row, left, sums, residuals);
        }
    }

    /// Each number waits for the one to its left, so as little as possible lies between the two: most
    /// blocks have no prediction and no number outside of what the known bits allow.
    #[inline(always)]
    fn restore_from_left(&self, row: &mut [W], mut left: [W; 2], sums: &[W::Sum], residuals: &[i32]) {
        let (blocks, last) = row.as_chunks_mut::<BLOCK>();
        let (block_sums, last_sums) = sums.as_chunks();
        let (block_residuals, last_residuals) = residuals.as_chunks();
        let mut is_likely_within = true;
        for ((block, sums), residuals) in blocks.iter_mut().zip(block_sums).zip(block_residuals) {
            is_likely_within = is_likely_within && self.restore_within(block, left, sums, residuals)
                || self.restore_any(block, left, sums, residuals);
            left = [block[BLOCK - 1], block[BLOCK - 2]];
        }
        self.restore_any(last, left, last_sums, last_residuals);
    }

    /// Restores a block if all predictions and numbers in it are within what the known bits allow: then
    /// they are the sums with the residuals in them.
    #[inline(always)]
    fn restore_within(
        &self,
        row: &mut [W; BLOCK],
        left: [W; 2],
        sums: &[W::Sum; BLOCK],
        residuals: &[i32; BLOCK],
    ) -> bool {
        let [w1, w2] = self.weights;
        let [mut left, mut left_2] = left.map(W::widen);
        let mut numbers = [W::Sum::default(); BLOCK];
        for i in 0..BLOCK {
            let residual = W::Sum::truncate(i64::from(residuals[i]) << W::FRACTION_BITS);
            numbers[i] = sums[i].wrapping_add(residual);
        }
        for number in &mut numbers {
            let sum = number.wrapping_add(left_2.wrapping_mul(w2)).wrapping_add(left.wrapping_mul(w1));
            *number = sum >> W::FRACTION_BITS;
            (left_2, left) = (left, *number);
        }
        let mut is_within = true;
        for i in 0..BLOCK {
            let known = row[i].widen();
            let within = |number: W::Sum| number.max(known).min(known + self.mask) == number;
            let prediction = numbers[i].wrapping_add(W::Sum::truncate(-i64::from(residuals[i])));
            is_within &= within(numbers[i]) & within(prediction);
        }
        if is_within {
            row.iter_mut().zip(numbers).for_each(|(place, number)| *place = W::truncate(number));
        }
        is_within
    }

    /// Restores numbers. Returns whether [`restore_within`](Self::restore_within) would most likely have done.
    #[inline(always)]
    fn restore_any(&self, row: &mut [W], left: [W; 2], sums: &[W::Sum], residuals: &[i32]) -> bool {
        let [w1, w2] = self.weights;
        let [mut left, mut left_2] = left.map(W::widen);
        let mut is_within = true;
        for ((place, &sum), &residual) in row.iter_mut().zip(sums).zip(residuals) {
            let sum = sum + left_2 * w2 + left * w1;
            let number = self.number(*place, sum, residual).widen();
            is_within &= number == (sum >> W::FRACTION_BITS).wrapping_add(W::Sum::truncate(residual.into()));
            (left_2, left) = (left, number);
            *place = W::truncate(number);
        }
        is_within
    }

    /// The number of which `known` is known.
    #[inline(always)]
    fn number(&self, known: W, sum: W::Sum, residual: i32) -> W {
        let known = known.widen();
        let prediction = (sum >> W::FRACTION_BITS).max(known).min(known + self.mask);
        W::truncate(known + (prediction + W::Sum::truncate(residual.into())).and(self.mask))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_row_in_blocks_is_the_row_number_by_number(
            samples in prop::collection::vec((any::<u16>(), -40i32..40, -3i32..3), 1..150),
            weights in prop::array::uniform2(-2048i32..2048), n_bits in 1u32..=16, reach in 0u32..16, level: u16,
        ) {
            let bits = NoiseBits::new(0..n_bits, 16);
            let restorer = Restorer::<u16>::new(weights, bits);
            let mut row = vec![level; samples.len() + 4];
            let (mut sums, mut residuals) = (Vec::new(), Vec::new());
            for (place, &(number, distance, residual)) in row[2..].iter_mut().zip(&samples) {
                // Numbers that reach far are often out of what their known bits allow, near ones seldom.
                let near = level.wrapping_add(number % (1 << reach));
                *place = near & !(bits.mask() as u16);
                let from_left = (weights[0] + weights[1]) * i32::from(level);
                sums.push((i32::from(near) << u16::FRACTION_BITS) - from_left + distance * 100);
                residuals.push(residual.clamp(-(1 << (n_bits - 1)), (1 << (n_bits - 1)) - 1));
            }
            let mut one_by_one = row.clone();
            restorer.restore_any(inner_mut(&mut one_by_one), [level; 2], &sums, &residuals);
            restorer.restore(&mut row, &sums, &residuals);
            prop_assert_eq!(row, one_by_one);
        }
    }

    #[test]
    fn numbers_within_their_known_bits_are_restored_at_once() {
        let restorer = Restorer::<u16>::new([512, 0], NoiseBits::new(0..16, 16));
        let (mut block, mut one_by_one) = ([0; BLOCK], [0; BLOCK]);
        let (sums, residuals) = ([500 << 10; BLOCK], [-3; BLOCK]);
        assert!(restorer.restore_within(&mut block, [1000; 2], &sums, &residuals));
        assert!(restorer.restore_any(&mut one_by_one, [1000; 2], &sums, &residuals));
        assert_eq!(block, one_by_one);
        // Below 0.
        assert!(!restorer.restore_within(&mut block, [1000; 2], &[-(600 << 10); BLOCK], &residuals));
        assert_eq!(block, one_by_one, "what is not within is left as it was");
    }

    #[test]
    fn a_prediction_below_0_with_a_number_above_it_is_not_restored_at_once() {
        let restorer = Restorer::<u16>::new([0, 1], NoiseBits::new(0..16, 16));
        let (mut sums, residuals) = ([500 << 10; BLOCK], [2; BLOCK]);
        sums[5] = -1 << 10;
        let (mut row, mut one_by_one) = ([0; BLOCK + 4], [0; BLOCK]);
        assert!(!restorer.restore_within(&mut one_by_one, [0; 2], &sums, &residuals));
        assert!(!restorer.restore_any(&mut one_by_one, [0; 2], &sums, &residuals));
        restorer.restore(&mut row, &sums, &residuals);
        assert_eq!(*inner_mut(&mut row), one_by_one);
        assert_eq!(one_by_one[5], 2, "from 0 on, not from -1");
    }
}
