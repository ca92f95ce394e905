//! Samples as they are stored become samples as they are in memory.

use anyhow::{Result, bail, ensure};

use super::page::Page;
use crate::commands::convert::picture::with_room;

/// Values of Predictor (TIFF 6.0, section 14, and Adobe's Technical Note 3).
const NONE: u64 = 1;
const HORIZONTAL: u64 = 2;
const FLOATING: u64 = 3;

/// Bytes of a row of so many pixels.
pub fn row_bytes(page: &Page, width: u64) -> u64 {
    (width.saturating_mul(page.samples_per_pixel()).saturating_mul(page.bits)).div_ceil(8)
}

/// The samples of rows of so many pixels, without gaps, in this machine's order of bytes.
pub fn in_memory(page: &Page, mut bytes: Vec<u8>, width: u64, is_big_endian: bool) -> Result<Vec<u8>> {
    let n_row = row_bytes(page, width) as usize;
    // Of a complex number, a half.
    let (number, _) = page.sample.numbers();
    let number_bytes = number.bytes() as usize;
    if page.bits != 8 * page.sample.bytes() {
        ensure!(page.predictor == NONE, "a predictor for samples of {} bits", page.bits);
        return unpacked(page, &bytes, n_row, (width * page.samples_per_pixel()) as usize);
    }
    let n_together = page.samples_per_pixel() as usize;
    if page.predictor == FLOATING {
        ensure!(page.is_float, "a predictor of floats for integers");
        bytes.chunks_exact_mut(n_row).for_each(|row| sum_bytes(row, n_together, number_bytes));
        return Ok(bytes);
    }
    if is_big_endian != cfg!(target_endian = "big") && number_bytes > 1 {
        bytes.chunks_exact_mut(number_bytes).for_each(<[u8]>::reverse);
    }
    match page.predictor {
        NONE => (),
        HORIZONTAL => bytes.chunks_exact_mut(n_row).for_each(|row| sum(row, n_together, number_bytes)),
        other => bail!("predictor {other} is not known here"),
    }
    Ok(bytes)
}

/// Undoes differences between the samples of neighbours.
fn sum(row: &mut [u8], n_together: usize, number_bytes: usize) {
    macro_rules! sum {
        ($T:ty) => {{
            let (numbers, _) = row.as_chunks_mut::<{ size_of::<$T>() }>();
            for i in n_together..numbers.len() {
                let before = <$T>::from_ne_bytes(numbers[i - n_together]);
                numbers[i] = <$T>::from_ne_bytes(numbers[i]).wrapping_add(before).to_ne_bytes();
            }
        }};
    }
    match number_bytes {
        1 => sum!(u8),
        2 => sum!(u16),
        4 => sum!(u32),
        _ => sum!(u64),
    }
}

/// Undoes differences between bytes, of which the first of all floats come first, then the second, and so on, the
/// most significant in front.
fn sum_bytes(row: &mut [u8], n_together: usize, number_bytes: usize) {
    for i in n_together..row.len() {
        row[i] = row[i].wrapping_add(row[i - n_together]);
    }
    let planes = row.to_vec();
    let n = planes.len() / number_bytes;
    for (i, float) in row.chunks_exact_mut(number_bytes).enumerate() {
        for (j, byte) in float.iter_mut().enumerate() {
            let place = if cfg!(target_endian = "big") { j } else { number_bytes - 1 - j };
            *byte = planes[place * n + i];
        }
    }
}

/// Samples of any number of bits, the highest first; so many are in a row, which begins with a byte.
fn unpacked(page: &Page, bytes: &[u8], n_row: usize, n_samples: usize) -> Result<Vec<u8>> {
    let sample_bytes = page.sample.bytes() as usize;
    let bits = page.bits as usize;
    let n_rows = bytes.len() / n_row.max(1);
    let mut samples = with_room((n_samples * n_rows * sample_bytes) as u64)?;
    for row in bytes.chunks_exact(n_row) {
        let (mut known, mut n_known, mut rest) = (0_u64, 0, row.iter());
        for _ in 0..n_samples {
            while n_known < bits {
                known = known << 8 | u64::from(*rest.next().unwrap_or(&0));
                n_known += 8;
            }
            n_known -= bits;
            let sample = known >> n_known & ((1 << bits) - 1);
            match sample_bytes {
                1 => samples.push(sample as u8),
                2 => samples.extend((sample as u16).to_ne_bytes()),
                _ => samples.extend((sample as u32).to_ne_bytes()),
            }
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_undone() {
        let mut row = [1, 10, 1, 1, 255, 2];
        sum(&mut row, 2, 1);
        assert_eq!(row, [1, 10, 2, 11, 1, 13]);
        let mut floats = [0x3f, 0, 0x80, 0, 0x80, 0, 0, 0];
        sum_bytes(&mut floats, 1, 4);
        let bytes = floats.as_chunks::<4>().0;
        assert_eq!(
            bytes.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect::<Vec<_>>(),
            [f32::from_bits(0x3fbf_3f3f), f32::from_bits(0x3fbf_3f3f)]
        );
    }
}
