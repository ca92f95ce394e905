//! What is known of the noise at a place before it is decoded (docs/format.md, "Contexts").

use super::word::{Sum, Word};
use crate::error::{Result, damaged, reserve};
use crate::varint::{self, Reader};

/// Classes of the tokens around a place: how large the residuals are there.
pub const N_ACTIVITIES: usize = 32;
/// Classes of what the number is predicted to be, since the noise of counts grows with them.
pub const N_LEVELS: usize = 24;
/// First frames and later ones.
const N_KINDS: usize = 2;
/// All contexts.
pub const N_CONTEXTS: usize = N_KINDS * N_ACTIVITIES * N_LEVELS;

/// More tables would not fit the second level caches of processors.
pub const MAX_TABLES: usize = 16;

/// What is taken for the tokens above the first row of the first frame.
pub const UNKNOWN_TOKEN: u8 = 8;

/// The table that each context has, by [`context`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextMap(Vec<u8>);

impl ContextMap {
    /// Of [`N_CONTEXTS`] numbers below [`MAX_TABLES`].
    pub fn new(tables: Vec<u8>) -> Self {
        debug_assert!(tables.len() == N_CONTEXTS);
        Self(tables)
    }

    /// How many tables there are.
    pub fn n_tables(&self) -> usize {
        self.0.iter().max().map_or(0, |&last| usize::from(last) + 1)
    }

    /// Where the table of each context starts among tables of `table_len`.
    pub fn starts(&self, table_len: u16) -> Result<TableStarts> {
        let mut starts = reserve(N_CONTEXTS)?;
        starts.extend(self.0.iter().map(|&table| u16::from(table) * table_len));
        Ok(TableStarts(starts))
    }

    /// Appends the number of tables, and runs of contexts that have the same.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.push(self.n_tables() as u8);
        if self.n_tables() > 1 {
            for run in self.0.chunk_by(|a, b| a == b) {
                out.push(run[0]);
                varint::write(run.len() as u64, out);
            }
        }
    }

    /// The inverse of [`write_to`](Self::write_to).
    pub(crate) fn read_from(reader: &mut Reader<'_>) -> Result<Self> {
        let n_tables = reader.byte()?;
        if !(1..=MAX_TABLES).contains(&n_tables.into()) {
            return Err(damaged!("{n_tables} tables of tokens (expected 1 to {MAX_TABLES})"));
        }
        let mut tables = Vec::with_capacity(N_CONTEXTS);
        if n_tables == 1 {
            tables.resize(N_CONTEXTS, 0);
        }
        while tables.len() < N_CONTEXTS {
            let table = reader.byte()?;
            let len = reader.size()?;
            if table >= n_tables || len == 0 || len > N_CONTEXTS - tables.len() {
                return Err(damaged!("{len} contexts with table {table} of {n_tables}"));
            }
            tables.resize(tables.len() + len, table);
        }
        let map = Self(tables);
        if map.n_tables() != usize::from(n_tables) {
            return Err(damaged!("contexts with {} tables (expected {n_tables})", map.n_tables()));
        }
        Ok(map)
    }
}

/// Where the table of each context starts.
pub struct TableStarts(Vec<u16>);

impl TableStarts {
    /// Those of the contexts of a row.
    #[inline(always)]
    pub fn look_up<'a>(&'a self, contexts: &'a [u16]) -> impl Iterator<Item = u16> + 'a {
        let starts = &self.0[..N_CONTEXTS];
        contexts.iter().map(move |&context| starts[usize::from(context)])
    }
}

/// Tokens around a row: of the row above and of the frame before, each starting one place before it.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The row above.
    pub above: &'a [u8],
    /// The rows above, at, and below the same place in the frame before.
    pub before: Option<[&'a [u8]; 3]>,
}

/// The contexts of a row. `sums` are what is known of the predictions.
#[inline(always)]
pub fn contexts<W: Word>(around: Around<'_>, sums: &[W::Sum], contexts: &mut [u16]) {
    let n = contexts.len();
    let sums = &sums[..n];
    let wide = |token: u8| u32::from(token);
    let weighted = |row: &[u8], i: usize| 2 * wide(row[i + 1]) + wide(row[i]) + wide(row[i + 2]);
    // In eighths.
    let level = |sum: W::Sum| class((sum >> (W::FRACTION_BITS - 3)).clamp_level()).min(N_LEVELS as u32 - 1);
    let above = &around.above[..n + 2];
    match around.before {
        None => {
            for i in 0..n {
                contexts[i] = context(0, 2 * weighted(above, i), level(sums[i]));
            }
        }
        Some([up, same, down]) => {
            let (up, same, down) = (&up[..n + 2], &same[..n + 2], &down[..n + 2]);
            for i in 0..n {
                let before = weighted(same, i) + wide(up[i + 1]) + wide(down[i + 1]);
                contexts[i] = context(1, weighted(above, i) + before, level(sums[i]));
            }
        }
    }
}

#[inline(always)]
fn context(kind: u32, tokens: u32, level: u32) -> u16 {
    // From 16 on, tokens are logarithms already.
    let activity = (if tokens < 128 { class(tokens) } else { tokens / 8 - 2 }).min(N_ACTIVITIES as u32 - 1);
    ((kind * N_ACTIVITIES as u32 + activity) * N_LEVELS as u32 + level) as u16
}

/// Twice the binary logarithm of `n` + 1, roughly: the exponent, and the highest bit of the mantissa.
/// `n` is below 2^24, so that it is a float exactly.
#[inline(always)]
fn class(n: u32) -> u32 {
    (((n + 1) as i32 as f32).to_bits() >> 22) - 2 * 127
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_half_octaves() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11].map(class), [0, 2, 3, 4, 4, 5, 5, 6, 6, 6, 7]);
        assert!((0..1 << 20).is_sorted_by_key(class));
    }

    #[test]
    fn every_context_is_within_the_map() {
        for tokens in 0..=10 * 71 {
            for level in [0, N_LEVELS as u32 - 1] {
                assert!(usize::from(context(1, tokens, level)) < N_CONTEXTS);
            }
        }
        let activities: Vec<u16> = (0..711).map(|tokens| context(0, tokens, 0)).collect();
        assert!(activities.is_sorted());
    }

    #[test]
    fn maps_come_back_and_damaged_ones_are_errors() {
        for map in [vec![0; N_CONTEXTS], (0..N_CONTEXTS).map(|i| (i / 100) as u8).collect()] {
            let map = ContextMap::new(map);
            let mut bytes = Vec::new();
            map.write_to(&mut bytes);
            assert_eq!(ContextMap::read_from(&mut Reader(&bytes)).unwrap(), map);
            assert!(ContextMap::read_from(&mut Reader(&bytes[..bytes.len() - 1])).is_err());
        }
        for bytes in [&[0][..], &[17], &[2, 2, 5], &[2, 0, 0], &[2, 0, 0xff, 0x7f], &[2, 0, 0x80, 0x0c]] {
            assert!(ContextMap::read_from(&mut Reader(bytes)).is_err(), "{bytes:?}");
        }
    }
}
