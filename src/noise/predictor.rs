//! What a number is predicted to be: a weighted sum of its neighbours (docs/format.md, "Prediction").

use super::word::{Sum, Word};
use crate::error::{Result, damaged};
use crate::varint::{self, Reader};

/// Neighbours of a number that a prediction may take into account.
pub const N_TAPS: usize = 16;
/// The two to the left, the only ones that are not known before a row is decoded.
pub const LEFT: usize = 0;
pub const LEFT_2: usize = 1;
/// Above.
pub const ABOVE: usize = 2;
pub const ABOVE_LEFT: usize = 3;
pub const ABOVE_RIGHT: usize = 4;
pub const ABOVE_2: usize = 5;
/// The same place in the frame before, and around it.
pub const BEFORE: usize = 6;
pub const BEFORE_LEFT: usize = 7;
pub const BEFORE_RIGHT: usize = 8;
pub const BEFORE_ABOVE: usize = 9;
pub const BEFORE_BELOW: usize = 10;
/// The same place in the running mean of the frames before, and below it.
pub const MEAN: usize = 11;
pub const MEAN_BELOW: usize = 12;
/// The same place in the component before, and left of and above it.
pub const COMPONENT: usize = 13;
pub const COMPONENT_LEFT: usize = 14;
pub const COMPONENT_ABOVE: usize = 15;

/// The magnitudes of all weights are at most this together.
pub const MAX_WEIGHTS: i64 = 16;

/// Weights of the neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Predictor {
    /// In units of 2^-[`FRACTION_BITS`](Word::FRACTION_BITS), as is the constant.
    pub weights: [i64; N_TAPS],
    /// What is added.
    pub constant: i64,
}

impl Predictor {
    /// One that predicts the value of a neighbour.
    pub fn of_one<W: Word>(tap: usize) -> Self {
        let mut predictor = Self::default();
        predictor.weights[tap] = 1 << W::FRACTION_BITS;
        predictor
    }

    /// Whether sums stay within their type.
    pub fn is_bounded<W: Word>(&self) -> bool {
        let sum = self.weights.iter().try_fold(0u64, |sum, weight| sum.checked_add(weight.unsigned_abs()));
        sum.is_some_and(|sum| sum <= (MAX_WEIGHTS as u64) << W::FRACTION_BITS)
            && self.constant.unsigned_abs() < 1 << (W::BITS + W::FRACTION_BITS)
    }

    /// Appends which weights are not 0, these, and the constant.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let used = self.weights.iter().enumerate().filter(|(_, weight)| **weight != 0);
        varint::write(used.clone().map(|(tap, _)| 1 << tap).sum(), out);
        used.for_each(|(_, &weight)| varint::write_signed(weight, out));
        varint::write_signed(self.constant, out);
    }

    /// The inverse of [`write_to`](Self::write_to). Sums of what is returned stay within their type.
    pub(crate) fn read_from<W: Word>(reader: &mut Reader<'_>) -> Result<Self> {
        let used = reader.varint()?;
        if used >> N_TAPS != 0 {
            return Err(damaged!("a predictor with neighbours {used:#x} (expected {N_TAPS} at most)"));
        }
        let mut predictor = Self::default();
        for (tap, weight) in predictor.weights.iter_mut().enumerate() {
            if used >> tap & 1 == 1 {
                *weight = reader.signed_varint()?;
            }
        }
        predictor.constant = reader.signed_varint()?;
        if !predictor.is_bounded::<W>() {
            return Err(damaged!(
                "a predictor with weights of over {MAX_WEIGHTS} together, or too large a constant"
            ));
        }
        Ok(predictor)
    }
}

/// A predictor, ready for rows.
pub struct RowPredictor<W: Word> {
    /// Weights of the two numbers to the left.
    pub left: [W::Sum; 2],
    /// The other neighbours, in groups of four to add up at a time.
    groups: Vec<[(usize, W::Sum); 4]>,
    /// With a half for rounding.
    constant: W::Sum,
}

impl<W: Word> RowPredictor<W> {
    /// Of a bounded predictor.
    pub fn new(predictor: &Predictor) -> Self {
        debug_assert!(predictor.is_bounded::<W>());
        let weight = |tap: usize| W::Sum::truncate(predictor.weights[tap]);
        let used: Vec<usize> = (ABOVE..N_TAPS).filter(|&tap| predictor.weights[tap] != 0).collect();
        let group = |taps: &[usize]| {
            let mut group = [(ABOVE, W::Sum::default()); 4];
            group.iter_mut().zip(taps).for_each(|(place, &tap)| *place = (tap, weight(tap)));
            group
        };
        Self {
            left: [weight(LEFT), weight(LEFT_2)],
            groups: used.chunks(4).map(group).collect(),
            constant: W::Sum::truncate(predictor.constant + (1 << (W::FRACTION_BITS - 1))),
        }
    }

    /// What all neighbours but those to the left add up to, for a row. Each of the `taps` is as long
    /// as the row.
    #[inline(always)]
    pub fn sum_known(&self, taps: &[&[W]; N_TAPS], sums: &mut [W::Sum]) {
        sums.fill(self.constant);
        let n = sums.len();
        for group in &self.groups {
            let [(a, wa), (b, wb), (c, wc), (d, wd)] = *group;
            let (a, b, c, d) = (&taps[a][..n], &taps[b][..n], &taps[c][..n], &taps[d][..n]);
            for i in 0..n {
                sums[i] =
                    sums[i] + a[i].widen() * wa + b[i].widen() * wb + c[i].widen() * wc + d[i].widen() * wd;
            }
        }
    }

    /// Adds what the numbers to the left add, in an encoder, which knows them. `row` starts two
    /// numbers before the row.
    #[inline(always)]
    pub fn add_left(&self, row: &[W], sums: &mut [W::Sum]) {
        let [w1, w2] = self.left;
        let n = sums.len();
        let (left, left_2) = (&row[1..][..n], &row[..n]);
        for i in 0..n {
            sums[i] = sums[i] + left[i].widen() * w1 + left_2[i].widen() * w2;
        }
    }
}
