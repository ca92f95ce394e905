//! Tokens to bytes and back: static range asymmetric numeral systems (J. Duda, "Asymmetric numeral
//! systems", arXiv:1311.2540) with eight interleaved states (F. Giesen, "Interleaved entropy
//! coders", arXiv:1402.3392). docs/format.md, "Entropy coding".

use h5filter::OutOfMemory;

use super::context::MAX_TABLES;
use super::token::N_TOKENS;
use crate::error::{Result, damaged, filled, reserve};

/// The frequencies of the tokens of a context add up to 2 to the power of this.
pub const LOG2_TOTAL: u32 = 12;
/// The sum of the frequencies of the tokens of a context.
pub const TOTAL: u32 = 1 << LOG2_TOTAL;
/// States take turns by the columns of a row.
pub const N_STATES: usize = 8;

/// The lowest value of a state between two tokens. States have 32 bits, and grow or shrink by 16.
const LEAST_STATE: u32 = 1 << 16;

/// How often each token comes, of [`TOTAL`]. The frequencies of those that come are at least 1.
pub type Frequencies = [u16; N_TOKENS];

/// A token in a context: the number of its table, times [`SYMBOLS_PER_TABLE`], plus the token.
pub type Symbol = u16;
/// More than there are tokens, and a power of two.
pub const SYMBOLS_PER_TABLE: Symbol = 128;

/// What it takes to put a symbol into a state.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Instead of a division by the frequency: 2^44 / frequency, rounded up. This gives the exact
    /// quotient, since what is divided is below the frequency times 2^20.
    reciprocal: u64,
    /// The largest state that needs no 16 bits to go out first: 2^20 times the frequency, less 1.
    limit: u32,
    /// 2^12 - frequency.
    complement: u16,
    /// Frequencies of the tokens before.
    start: u16,
}

/// Encodes rows of symbols.
pub struct Encoder {
    steps: Vec<Step>,
}

impl Encoder {
    /// With these tables.
    pub fn new(tables: &[Frequencies]) -> Self {
        let mut steps = vec![Step::default(); tables.len() * usize::from(SYMBOLS_PER_TABLE)];
        for (table, steps) in tables.iter().zip(steps.chunks_exact_mut(SYMBOLS_PER_TABLE.into())) {
            let mut start = 0;
            for (&frequency, step) in table.iter().zip(steps) {
                if frequency > 0 {
                    *step = Step {
                        reciprocal: (1u64 << 44).div_ceil(frequency.into()),
                        limit: ((u64::from(frequency) << 20) - 1) as u32,
                        complement: TOTAL as u16 - frequency,
                        start,
                    };
                }
                start += frequency;
            }
        }
        Self { steps }
    }

    /// The bytes of `symbols`, which are rows of `width`. Each must have a frequency in its table.
    #[inline(always)]
    pub fn encode(&self, symbols: &[Symbol], width: usize) -> Result<Vec<u8>> {
        let mut states = [LEAST_STATE; N_STATES];
        let mut words: Vec<u16> = Vec::new();
        let mut n_words = 0;
        // A decoder pops what was pushed last, so all is done from the end.
        for row in symbols.rchunks_exact(width) {
            grow(&mut words, n_words + width + 1)?;
            let mut push = |symbol: Symbol, state: &mut u32| {
                let Step { reciprocal, complement, start, limit } = self.steps[usize::from(symbol)];
                // Low bits of a state that is too large go out. Nothing predicts when, so there is no branch.
                let is_large = *state > limit;
                words[n_words] = *state as u16;
                n_words += usize::from(is_large);
                let x = if is_large { *state >> 16 } else { *state };
                let quotient = ((u64::from(x) * reciprocal) >> 44) as u32;
                // quotient × total + remainder + start
                *state = x + quotient * u32::from(complement) + u32::from(start);
            };
            let (groups, last) = row.as_chunks::<N_STATES>();
            last.iter().zip(&mut states).rev().for_each(|(&symbol, state)| push(symbol, state));
            for group in groups.iter().rev() {
                for i in (0..N_STATES).rev() {
                    push(group[i], &mut states[i]);
                }
            }
        }
        let mut bytes = reserve(4 * N_STATES + 2 * n_words)?;
        states.iter().for_each(|state| bytes.extend_from_slice(&state.to_le_bytes()));
        words[..n_words].iter().rev().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        Ok(bytes)
    }
}

/// Makes `words` at least `len` long.
fn grow(words: &mut Vec<u16>, len: usize) -> Result<()> {
    if words.len() < len {
        let more = len - words.len();
        words.try_reserve(more).map_err(|_| OutOfMemory { bytes: 2 * more })?;
        words.resize(words.capacity(), 0);
    }
    Ok(())
}

/// What a state points to: the token in bits 0 to 6, its frequency in bits 7 to 19, and how far in the
/// token's range it points in bits 20 to 31.
type Slot = u32;

/// Slots of a table.
pub const SLOTS_PER_TABLE: u16 = TOTAL as u16;
const MAX_SLOTS: usize = MAX_TABLES * TOTAL as usize;

/// For each context, what the low bits of a state stand for.
pub struct DecodingTables(Box<[Slot; MAX_SLOTS]>);

impl DecodingTables {
    /// The frequencies of each table must add up to [`TOTAL`].
    pub fn new(tables: &[Frequencies]) -> Result<Self> {
        let mut all: Box<[Slot; MAX_SLOTS]> =
            filled(MAX_SLOTS)?.into_boxed_slice().try_into().expect("just so many");
        for (frequencies, mut rest) in tables.iter().zip(all.chunks_exact_mut(TOTAL as usize)) {
            for (&frequency, token) in frequencies.iter().zip(0u32..) {
                let (range, after) = rest.split_at_mut(frequency.into());
                for (slot, bias) in range.iter_mut().zip(0u32..) {
                    *slot = token | u32::from(frequency) << 7 | bias << 20;
                }
                rest = after;
            }
        }
        Ok(Self(all))
    }
}

/// Decodes what [`Encoder`] encoded.
pub struct Decoder<'a> {
    states: [u32; N_STATES],
    words: &'a [[u8; 2]],
    position: usize,
}

impl<'a> Decoder<'a> {
    /// An error unless all states are there and can be states.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        let (stored, words) =
            bytes.split_at_checked(4 * N_STATES).ok_or_else(|| damaged!("noise without its states"))?;
        let mut states = [0; N_STATES];
        for (state, bytes) in states.iter_mut().zip(stored.as_chunks().0) {
            *state = u32::from_le_bytes(*bytes);
        }
        let (words, odd) = words.as_chunks();
        if !odd.is_empty() || states.iter().any(|&state| state < LEAST_STATE) {
            return Err(damaged!("noise that starts in a state that does not exist"));
        }
        Ok(Self { states, words, position: 0 })
    }

    /// The tokens of a row, of which each has the table that starts at the slot that is told.
    #[inline(always)]
    pub fn decode_row(&mut self, slots: &DecodingTables, tables: &[u16], tokens: &mut [u8]) {
        let mut states = self.states;
        let mut position = self.position;
        let words = self.words;
        let mut pop = |state: &mut u32, table: u16| {
            let slot = slots.0[usize::from(table | (*state % TOTAL) as u16)];
            let x = ((slot >> 7) % (2 * TOTAL)) * (*state >> LOG2_TOTAL) + (slot >> 20);
            // Beyond the end there are zeros; that more was read than there is, is found at the end.
            let word = words.get(position).map_or(0, |&word| u16::from_le_bytes(word));
            let is_low = x < LEAST_STATE;
            *state = if is_low { x << 16 | u32::from(word) } else { x };
            position += usize::from(is_low);
            (slot % 128) as u8
        };
        let (table_groups, last_tables) = tables.as_chunks::<N_STATES>();
        let (token_groups, last_tokens) = tokens.as_chunks_mut::<N_STATES>();
        for (tables, tokens) in table_groups.iter().zip(token_groups) {
            for i in 0..N_STATES {
                tokens[i] = pop(&mut states[i], tables[i]);
            }
        }
        for ((&table, token), state) in last_tables.iter().zip(last_tokens).zip(&mut states) {
            *token = pop(state, table);
        }
        (self.states, self.position) = (states, position);
    }

    /// Whether all was read, no more, and the states are those that an encoder starts with.
    pub fn is_at_end(&self) -> bool {
        self.position == self.words.len() && self.states == [LEAST_STATE; N_STATES]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tables that give the tokens from 0 on these frequencies.
    fn table(frequencies: &[u16]) -> Frequencies {
        let mut table = [0; N_TOKENS];
        table[..frequencies.len()].copy_from_slice(frequencies);
        table
    }

    fn check(tables: &[Frequencies], symbols: &[Symbol], width: usize) -> usize {
        let bytes = Encoder::new(tables).encode(symbols, width).unwrap();
        let slots = DecodingTables::new(tables).unwrap();
        let mut decoder = Decoder::new(&bytes).unwrap();
        for row in symbols.chunks_exact(width) {
            let tables: Vec<u16> = row.iter().map(|&s| s / SYMBOLS_PER_TABLE * SLOTS_PER_TABLE).collect();
            let mut tokens = vec![0; width];
            decoder.decode_row(&slots, &tables, &mut tokens);
            let expected: Vec<u8> = row.iter().map(|&s| (s % SYMBOLS_PER_TABLE) as u8).collect();
            assert_eq!(tokens, expected);
        }
        assert!(decoder.is_at_end());
        bytes.len()
    }

    #[test]
    fn a_token_that_always_comes_takes_nothing() {
        assert_eq!(check(&[table(&[0, 4096])], &[1; 1000], 100), 4 * N_STATES);
    }

    #[test]
    fn rare_tokens_take_twelve_bits() {
        let n_bytes = check(&[table(&[1, 4095])], &[0; 8000], 80);
        assert!((12_000..12_100).contains(&n_bytes), "{n_bytes}");
    }

    #[test]
    fn truncated_words_and_impossible_states_are_found() {
        let tables = [table(&[1000, 3000, 96])];
        let symbols: Vec<Symbol> = (0..1000).map(|i| i % 3).collect();
        let bytes = Encoder::new(&tables).encode(&symbols, 10).unwrap();
        let slots = DecodingTables::new(&tables).unwrap();
        assert!(Decoder::new(&bytes[..31]).is_err());
        assert!(Decoder::new(&[0; 40]).is_err());
        let mut decoder = Decoder::new(&bytes[..bytes.len() - 2]).unwrap();
        for _ in 0..100 {
            decoder.decode_row(&slots, &[0; 10], &mut [0; 10]);
        }
        assert!(!decoder.is_at_end());
    }

    proptest! {
        #[test]
        fn symbols_come_back(
            cuts in prop::collection::vec(0u16..4096, 0..40), seed: u64, width in 1usize..40, height in 0usize..40,
        ) {
            let mut cuts = cuts;
            cuts.extend([0, 4096]);
            cuts.sort_unstable();
            let frequencies: Vec<u16> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let tables = [table(&frequencies), table(&[4096]), table(&[1, 4000, 95])];
            let symbols: Vec<Symbol> = (0..(width * height) as u64).map(|i| {
                let hash = (seed ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
                let number = hash as usize % 3;
                let come: Vec<usize> = (0..N_TOKENS).filter(|&token| tables[number][token] > 0).collect();
                (number * usize::from(SYMBOLS_PER_TABLE) + come[(hash >> 8) as usize % come.len()]) as Symbol
            }).collect();
            check(&tables, &symbols, width);
        }
    }
}
