use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::differences::SampledRows;
use super::number::Extent;
use super::order::{Frames, Piece};
use super::{Mapping, Sample};
use crate::error::{self, damaged};
use crate::process::parallel;

/// More distinct values than this are not worth a table.
pub const MAX_TABLE_LEN: usize = 1 << 16;

/// Numbers below this are looked up in an array, larger ones in a hash map.
const MAX_DENSE: usize = 1 << 20;

/// The distinct values of a chunk in rising order; numbers are replaced by their ranks in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(Vec<u64>);

impl Table {
    /// A table of these values, which must rise.
    pub fn new(values: Vec<u64>) -> Self {
        debug_assert!(values.is_sorted_by(|a, b| a < b));
        Self(values)
    }

    /// The distinct numbers that `mapping` makes of the samples, or `None` if they are too many for
    /// packing to pay. `sampled` has some of the numbers, `extent` tells of all.
    pub(super) fn of<S: Sample>(
        frames: &Frames<'_>,
        mapping: &Mapping,
        extent: &Extent,
        sampled: &SampledRows<S>,
        n_threads: usize,
    ) -> Option<Self> {
        // The table must stay small beside the chunk, and at least one bit per sample has to be won.
        let n_samples = frames.bytes.len() / S::BYTES;
        let max_len =
            MAX_TABLE_LEN.min(n_samples / 16).min(usize::try_from(extent.max / 2 + 1).unwrap_or(usize::MAX));
        let n_dense = n_dense(extent.max, n_samples);
        let mut values = Values::new(n_dense);
        values.insert(sampled.samples(), max_len).ok()?;
        if values.len() > max_len || values.are_dense(sampled, extent.max) {
            return None;
        }
        let of_piece = |piece: Piece<'_>| {
            piece.try_fold(Values::new(n_dense), |mut values, batch: &mut [S]| {
                mapping.apply(batch);
                values.insert(batch.iter().copied(), max_len).map(|()| values)
            })
        };
        let pieces = parallel::map(frames.pieces(n_threads), n_threads, of_piece).ok()?;
        let values = pieces.into_iter().fold(values, Values::union).into_sorted();
        (values.len() <= max_len).then_some(Self(values))
    }

    /// The values, rising.
    pub fn values(&self) -> &[u64] {
        &self.0
    }

    /// What finds the ranks of `n` numbers or so.
    pub fn ranks(&self, n: usize) -> Ranks {
        let max = self.0.last().copied().unwrap_or(0);
        let mut ranks = Ranks { dense: vec![0; n_dense(max, n)], sparse: HashMap::default() };
        for (&value, rank) in self.0.iter().zip(0u32..) {
            match ranks.dense.get_mut(index(value)) {
                Some(dense) => *dense = rank,
                None => drop(ranks.sparse.insert(value, rank)),
            }
        }
        ranks
    }

    /// The inverse of [`Ranks::apply`]; an error for a rank that is not in the table.
    pub fn undo<S: Sample>(&self, ranks: &mut [S]) -> error::Result<()> {
        let last = self.0.len() as u64 - 1;
        if let Some(rank) = ranks.iter().map(|r| r.widen()).max().filter(|&rank| rank > last) {
            return Err(damaged!("value number {rank} in a table of {} values", last + 1));
        }
        ranks.iter_mut().for_each(|r| *r = S::truncate(self.0[r.widen() as usize]));
        Ok(())
    }
}

/// The ranks of the values of a table.
pub struct Ranks {
    dense: Vec<u32>,
    sparse: ValueMap<u32>,
}

impl Ranks {
    /// Replaces each number by its rank. They must all be in the table.
    pub fn apply<S: Sample>(&self, numbers: &mut [S]) {
        let rank = |value: u64| match self.dense.get(index(value)) {
            Some(&rank) => rank,
            None => self.sparse[&value],
        };
        numbers.iter_mut().for_each(|n| *n = S::truncate(rank(n.widen()).into()));
    }
}

/// Where a value is in an array: beyond all arrays if this machine can't address it.
fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// How many numbers, from 0 on, are worth an array, when the largest is `max` and there are
/// `n_samples`.
fn n_dense(max: u64, n_samples: usize) -> usize {
    let most = n_samples.next_power_of_two().min(MAX_DENSE);
    usize::try_from(max).map_or(most, |max| most.min(max.saturating_add(1)))
}

/// Distinct values.
struct Values {
    /// Whether 0, 1, … occur.
    dense: Vec<bool>,
    sparse: ValueMap<()>,
}

/// More values than are of use.
struct TooMany;

impl Values {
    fn new(n_dense: usize) -> Self {
        Self { dense: vec![false; n_dense], sparse: HashMap::default() }
    }

    fn insert<S: Sample>(&mut self, numbers: impl Iterator<Item = S>, max_len: usize) -> Result<(), TooMany> {
        let dense = &mut self.dense[..];
        for number in numbers {
            let value = number.widen();
            match dense.get_mut(index(value)) {
                Some(occurs) => *occurs = true,
                None => drop(self.sparse.insert(value, ())),
            }
        }
        if self.sparse.len() > max_len { Err(TooMany) } else { Ok(()) }
    }

    fn len(&self) -> usize {
        self.dense.iter().filter(|&&occurs| occurs).count() + self.sparse.len()
    }

    /// Whether there is little to gain: hardly a gap between the numbers that occur, and not much
    /// nothing above them. Saves a look at all numbers.
    fn are_dense<S: Sample>(&self, sampled: &SampledRows<S>, max: u64) -> bool {
        let occurs = |value: u64| self.dense.get(index(value)).copied().unwrap_or(false);
        let has_neighbour = |n: &S| occurs(n.widen().wrapping_sub(1)) || occurs(n.widen().wrapping_add(1));
        let (n_dense, n) = (sampled.samples().filter(has_neighbour).count(), sampled.samples().count());
        n_dense > n / 8 * 7 && max / 64 < self.len() as u64
    }

    fn union(mut self, other: Self) -> Self {
        self.dense.iter_mut().zip(&other.dense).for_each(|(occurs, other)| *occurs |= other);
        self.sparse.extend(other.sparse);
        self
    }

    fn into_sorted(self) -> Vec<u64> {
        let dense = self.dense.iter().zip(0..).filter_map(|(&occurs, value)| occurs.then_some(value));
        let mut values: Vec<u64> = dense.chain(self.sparse.into_keys()).collect();
        values.sort_unstable();
        values
    }
}

type ValueMap<T> = HashMap<u64, T, BuildHasherDefault<ValueHasher>>;

/// Multiplies (Fibonacci hashing): values come from a detector, not from an adversary, and their
/// number is bounded.
#[derive(Default)]
struct ValueHasher(u64);

impl Hasher for ValueHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Geometry;
    use crate::transform::order;

    /// The table of unsigned samples, which are numbers as they are.
    fn table_of<S: Sample>(numbers: &[S]) -> Option<Table> {
        let geometry = Geometry::new(1, 1, numbers.len() as u64, 1, S::BYTES as u64).unwrap();
        let mut bytes = vec![0; geometry.chunk_bytes()];
        order::store(numbers, &geometry, false, &mut bytes);
        let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
        let mapping = Mapping::Integer { offset: 0 };
        let max = numbers.iter().max().unwrap().widen();
        let extent = Extent { min: 0, max, varying: 1 };
        Table::of::<S>(&frames, &mapping, &extent, &SampledRows::of(&frames), 2)
    }

    fn round_trip<S: Sample>(numbers: &[S]) {
        let values: BTreeSet<u64> = numbers.iter().map(|n| n.widen()).collect();
        let table = Table::new(values.iter().copied().collect());
        let mut ranks = numbers.to_vec();
        table.ranks(numbers.len()).apply(&mut ranks);
        // The naive twin: the rank is the number of smaller values.
        for (number, rank) in numbers.iter().zip(&ranks) {
            assert_eq!(rank.widen(), values.range(..number.widen()).count() as u64);
        }
        table.undo(&mut ranks).unwrap();
        assert_eq!(ranks, numbers);
    }

    #[test]
    fn few_scattered_values_make_a_table() {
        let numbers: Vec<u32> = (0..1000).map(|i| [7, 1_000_000, u32::MAX][i % 3]).collect();
        assert_eq!(table_of(&numbers).unwrap().values(), [7, 1_000_000, u64::from(u32::MAX)]);
        let scaled: Vec<u16> = (0..4000).map(|i| i % 100 * 37).collect();
        assert_eq!(table_of(&scaled).unwrap().values().len(), 100);
    }

    #[test]
    fn values_that_come_in_any_order_make_a_table() {
        let numbers: Vec<u32> =
            (0..64_000u32).map(|i| i.wrapping_mul(2_654_435_761) % 3000 * 1_000_003).collect();
        assert_eq!(table_of(&numbers).unwrap().values().len(), 3000);
    }

    #[test]
    fn ordinary_data_makes_none() {
        assert_eq!(table_of(&(0..4000u16).collect::<Vec<_>>()), None);
        assert_eq!(table_of(&(0..4000u64).map(|i| i * i * i * 7919).collect::<Vec<_>>()), None);
    }

    #[test]
    fn a_rank_beyond_the_table_is_an_error() {
        assert!(Table::new(vec![5, 9]).undo(&mut [0u8, 2]).is_err());
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_naive_twin_and_come_back(numbers in proptest::collection::vec(any::<u64>(), 1..60)) {
            round_trip(&numbers);
            round_trip(&numbers.iter().map(|&n| n as u16).collect::<Vec<_>>());
            round_trip(&numbers.iter().map(|&n| n as u8).collect::<Vec<_>>());
        }
    }
}
