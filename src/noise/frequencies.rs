//! The tables of the entropy coder: from counts, to the header, and back.

use super::rans::{Frequencies, TOTAL};
use super::token::{BitReader, BitWriter, N_TOKENS};
use crate::error::{Result, damaged};

/// How often each token came.
pub type Counts = [u32; N_TOKENS];

/// Bits of a frequency that are kept below the highest. Its error of some per cent costs less than
/// a thousandth of the tokens' bits; more bits would cost small chunks more than that.
const MANTISSA_BITS: u32 = 3;

/// Frequencies near the shares of the counts: each has at most [`MANTISSA_BITS`] + 1 significant
/// bits but for the largest, which takes what is left of the total.
pub fn from_counts(counts: &Counts) -> Frequencies {
    let n: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let mut frequencies = [0; N_TOKENS];
    let implied = most_frequent(counts);
    // With so many tokens at 1 at least, the most frequent one still has one.
    let mut left = TOTAL;
    for (token, (&count, frequency)) in counts.iter().zip(&mut frequencies).enumerate() {
        if count > 0 && token != implied {
            let share = (u64::from(count) * u64::from(TOTAL) + n / 2) / n;
            *frequency = rounded((share as u32).max(1)) as u16;
            left -= u32::from(*frequency);
        }
    }
    frequencies[implied] = left as u16;
    frequencies
}

/// The nearest number with few significant bits that is not above.
fn rounded(frequency: u32) -> u32 {
    let dropped = frequency.ilog2().saturating_sub(MANTISSA_BITS);
    frequency >> dropped << dropped
}

fn most_frequent(counts: &[u32; N_TOKENS]) -> usize {
    (0..N_TOKENS).rev().max_by_key(|&token| counts[token]).unwrap_or(0)
}

/// Appends a table of tokens below `n_tokens`.
pub fn write(frequencies: &Frequencies, n_tokens: usize, out: &mut BitWriter) {
    let counts = frequencies.map(u32::from);
    let is_exact = |&frequency: &u32| frequency == 0 || rounded(frequency) == frequency;
    let inexact = counts.iter().position(|frequency| !is_exact(frequency));
    let implied = inexact.unwrap_or_else(|| most_frequent(&counts));
    let n_used = counts.iter().rposition(|&count| count > 0).unwrap_or(0) + 1;
    debug_assert!(n_used <= n_tokens);
    out.write(n_used as u32 - 1, 7);
    out.write(implied as u32, 7);
    let mut length = START_LENGTH;
    for &frequency in counts[..n_used].iter().enumerate().filter(|&(i, _)| i != implied).map(|(_, f)| f) {
        let next = 32 - frequency.leading_zeros();
        write_step(next.cast_signed() - length.cast_signed(), out);
        length = next;
        let (kept, dropped) = mantissa(length);
        out.write(frequency >> dropped & ((1 << kept) - 1), kept);
    }
}

/// Reads a table. Whatever is returned adds up to [`TOTAL`], and has no token from `n_tokens` on.
pub fn read(reader: &mut BitReader<'_>, n_tokens: usize) -> Result<Frequencies> {
    let n_used = reader.read(7) as usize + 1;
    let implied = reader.read(7) as usize;
    if n_used > n_tokens || implied >= n_used {
        return Err(damaged!(
            "a table of {n_used} tokens (expected at most {n_tokens}), of which token {implied} is implied"
        ));
    }
    let mut frequencies = [0; N_TOKENS];
    let (mut left, mut length) = (TOTAL, START_LENGTH);
    for (token, frequency) in frequencies[..n_used].iter_mut().enumerate() {
        if token == implied {
            continue;
        }
        length = length
            .checked_add_signed(read_step(reader))
            .filter(|&length| length <= TOTAL.ilog2())
            .ok_or_else(|| damaged!("a frequency above {TOTAL}"))?;
        let (kept, dropped) = mantissa(length);
        let above = if length == 0 { 0 } else { 1 << (length - 1) };
        let found = above | reader.read(kept) << dropped;
        left = left
            .checked_sub(found)
            .filter(|&left| left > 0)
            .ok_or_else(|| damaged!("frequencies that add up to {TOTAL} or more without the implied one"))?;
        *frequency = found as u16;
    }
    frequencies[implied] = left as u16;
    Ok(frequencies)
}

/// The length that the first one is told relative to.
const START_LENGTH: u32 = 8;

/// For a frequency of so many bits, how many of them are written below the highest, and how many
/// are 0.
fn mantissa(length: u32) -> (u32, u32) {
    let below = length.saturating_sub(1);
    let kept = below.min(MANTISSA_BITS);
    (kept, below - kept)
}

/// Folds a step to 0, 1, 2, …, and writes as many 1s and a 0.
fn write_step(step: i32, out: &mut BitWriter) {
    let folded = super::token::fold(step);
    out.write((1 << folded) - 1, folded);
    out.write(0, 1);
}

fn read_step(reader: &mut BitReader<'_>) -> i32 {
    let mut folded = 0;
    // No step is over 12 up or down.
    while folded < 25 && reader.read(1) == 1 {
        folded += 1;
    }
    super::token::unfold(folded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(frequencies: &Frequencies) -> Vec<u8> {
        let mut out = BitWriter::default();
        write(frequencies, N_TOKENS, &mut out);
        out.finish()
    }

    #[test]
    fn a_table_of_a_noise_takes_a_few_bytes() {
        let mut counts = [0; N_TOKENS];
        counts[..24].iter_mut().zip(0..).for_each(|(count, i)| *count = 10_000 >> (i / 3));
        assert!(written(&from_counts(&counts)).len() <= 18);
    }

    #[test]
    fn frequencies_beyond_the_total_are_an_error() {
        for bytes in [vec![0xff; 40], vec![0x7f, 0x7f, 0, 0], vec![0x01, 0xc0, 0xff, 0x03]] {
            assert!(read(&mut BitReader::new(&bytes), N_TOKENS).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn tables_add_up_and_come_back(counts in prop::collection::vec(0u32..1 << 24, 1..N_TOKENS), sparse: bool) {
            let mut all = [0; N_TOKENS];
            all[..counts.len()].copy_from_slice(&counts);
            if sparse {
                all.iter_mut().for_each(|count| *count = if *count % 3 == 0 { *count >> (*count % 24) } else { 0 });
            }
            all[0] = all[0].max(1);
            let frequencies = from_counts(&all);
            prop_assert_eq!(frequencies.iter().map(|&f| u32::from(f)).sum::<u32>(), TOTAL);
            for (&frequency, &count) in frequencies.iter().zip(&all) {
                prop_assert_eq!(frequency > 0, count > 0);
            }
            prop_assert_eq!(read(&mut BitReader::new(&written(&frequencies)), N_TOKENS).unwrap(), frequencies);
        }

        #[test]
        fn any_bytes_make_a_table_that_adds_up_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60), n in 1..N_TOKENS) {
            if let Ok(table) = read(&mut BitReader::new(&bytes), n) {
                prop_assert_eq!(table.iter().map(|&f| u32::from(f)).sum::<u32>(), TOTAL);
                prop_assert!(table[n..].iter().all(|&f| f == 0));
            }
        }
    }
}
