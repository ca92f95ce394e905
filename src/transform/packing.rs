use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Sample;
use crate::error::{Result, damaged};

/// More distinct values than this are not worth a table.
pub const MAX_TABLE_LEN: usize = 1 << 16;

/// Numbers up to this are looked up in an array, larger ones in a hash map.
const DENSE_RANGE: u64 = 1 << 20;

/// The distinct values of a chunk in rising order; numbers are replaced by their ranks in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(Vec<u64>);

impl Table {
    /// A table of these values, which must rise.
    pub fn new(values: Vec<u64>) -> Self {
        debug_assert!(values.is_sorted_by(|a, b| a < b));
        Self(values)
    }

    /// The distinct values of `numbers`, or `None` if they are too many for packing to pay.
    pub fn of<S: Sample>(numbers: &[S]) -> Option<Self> {
        let max = numbers.iter().max()?.widen();
        // The table must stay small beside the chunk, and at least one bit per sample has to be won.
        let max_len = MAX_TABLE_LEN.min(numbers.len() / 16);
        let distinct =
            if max < DENSE_RANGE { distinct_dense(numbers, max) } else { distinct_sparse(numbers, max_len)? };
        let won = distinct.len() as u64 <= max / 2 + 1;
        (won && distinct.len() <= max_len).then_some(Self(distinct))
    }

    /// The values, rising.
    pub fn values(&self) -> &[u64] {
        &self.0
    }

    /// Replaces each number by its rank. They must all be in the table.
    pub fn apply<S: Sample>(&self, numbers: &mut [S]) {
        let max = self.0.last().copied().unwrap_or(0);
        let ranks = self.0.iter().zip(0u32..);
        if max < DENSE_RANGE {
            let mut rank_of = vec![0; max as usize + 1];
            ranks.for_each(|(&value, rank)| rank_of[value as usize] = rank);
            numbers.iter_mut().for_each(|n| *n = S::truncate(rank_of[n.widen() as usize].into()));
        } else {
            let rank_of: ValueMap = ranks.map(|(&value, rank)| (value, rank)).collect();
            numbers.iter_mut().for_each(|n| *n = S::truncate(rank_of[&n.widen()].into()));
        }
    }

    /// The inverse of [`apply`](Self::apply); an error for a rank that is not in the table.
    pub fn undo<S: Sample>(&self, ranks: &mut [S]) -> Result<()> {
        let last = self.0.len() as u64 - 1;
        if let Some(rank) = ranks.iter().map(|r| r.widen()).max().filter(|&rank| rank > last) {
            return Err(damaged!("value number {rank} in a table of {} values", last + 1));
        }
        ranks.iter_mut().for_each(|r| *r = S::truncate(self.0[r.widen() as usize]));
        Ok(())
    }
}

fn distinct_dense<S: Sample>(numbers: &[S], max: u64) -> Vec<u64> {
    let mut occurs = vec![false; max as usize + 1];
    numbers.iter().for_each(|n| occurs[n.widen() as usize] = true);
    occurs.iter().zip(0..).filter_map(|(&occurs, value)| occurs.then_some(value)).collect()
}

/// `None` if there are more than `max_len`.
fn distinct_sparse<S: Sample>(numbers: &[S], max_len: usize) -> Option<Vec<u64>> {
    let mut seen = ValueMap::default();
    // Neighbours are often equal, and asking the map is slow.
    let mut last = None;
    for &number in numbers {
        if last == Some(number) {
            continue;
        }
        last = Some(number);
        seen.insert(number.widen(), 0);
        if seen.len() > max_len {
            return None;
        }
    }
    let mut distinct: Vec<u64> = seen.into_keys().collect();
    distinct.sort_unstable();
    Some(distinct)
}

type ValueMap = HashMap<u64, u32, BuildHasherDefault<ValueHasher>>;

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

    fn round_trip<S: Sample>(numbers: &[S]) {
        let values: BTreeSet<u64> = numbers.iter().map(|n| n.widen()).collect();
        let table = Table::new(values.iter().copied().collect());
        let mut ranks = numbers.to_vec();
        table.apply(&mut ranks);
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
        assert_eq!(Table::of(&numbers).unwrap().values(), [7, 1_000_000, u64::from(u32::MAX)]);
        let scaled: Vec<u16> = (0..4000).map(|i| i % 100 * 37).collect();
        assert_eq!(Table::of(&scaled).unwrap().values().len(), 100);
    }

    #[test]
    fn values_that_come_in_any_order_make_a_table() {
        let numbers: Vec<u32> =
            (0..64_000u32).map(|i| i.wrapping_mul(2_654_435_761) % 3000 * 1_000_003).collect();
        assert_eq!(Table::of(&numbers).unwrap().values().len(), 3000);
    }

    #[test]
    fn ordinary_data_makes_none() {
        assert_eq!(Table::of(&(0..4000u16).collect::<Vec<_>>()), None);
        assert_eq!(Table::of(&(0..4000u64).map(|i| i * i * i * 7919).collect::<Vec<_>>()), None);
        assert_eq!(Table::of::<u8>(&[]), None);
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
