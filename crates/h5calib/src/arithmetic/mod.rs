//! The calculations, one frame or part of a frame at a time.

mod simd;

use std::mem::MaybeUninit;

use h5filter::Element;
pub use simd::calibrate;

use crate::algorithm::Algorithm;
use crate::constants::{Constants, LANES, Lanes};
use crate::number::Number;

/// Pixels that are converted before they are calculated: their numbers fit the first-level cache.
const PIECE: usize = 64 * LANES;
/// Where no pixel of this many has switched its gain, the constants of other levels are not loaded.
const BLOCK: usize = 8 * LANES;

/// [`calibrate`], with the instructions of whoever calls it.
#[inline(always)]
fn pieces<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    let mut written = 0;
    let raw_bytes = PIECE * algorithm.raw_numbers() * element.sample_bytes;
    let frame_bytes = PIECE * size_of::<T>();
    for (i, (raw, frame)) in raw.chunks(raw_bytes).zip(frame.chunks_mut(frame_bytes)).enumerate() {
        let first_group = start / LANES + i * (PIECE / LANES);
        written += match algorithm {
            Algorithm::PedestalV1 | Algorithm::AgipdV1 => {
                subtract(element, &constants.groups()[first_group..], raw, frame)
            }
            Algorithm::AgipdV2 => agipd_v2(element, &constants.groups()[first_group..], raw, frame),
            Algorithm::JungfrauV1 => jungfrau_v1(element, &constants.groups()[first_group..], raw, frame),
        };
    }
    written
}

#[inline(always)]
fn subtract<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 1]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    let mut written = 0;
    let mut values = [T::default(); PIECE];
    T::convert(element, raw, &mut values);
    let groups = values.as_chunks::<LANES>().0.iter().zip(constants);
    for (out, (values, [pedestal])) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        written += put(out, &lanes(|i| values[i].minus(pedestal.0[i])));
    }
    written
}

#[inline(always)]
fn agipd_v2<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 8]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    let mut written = 0;
    let mut pairs = [T::default(); 2 * PIECE];
    T::convert(element, raw, &mut pairs);
    let groups = pairs.as_chunks::<{ 2 * LANES }>().0.iter().zip(constants);
    for (out, (pairs, constants)) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        let signal = lanes(|i| pairs[2 * i]);
        let gain = lanes(|i| pairs[2 * i + 1]);
        let [threshold0, threshold1, levels @ ..] = constants;
        let above0 = lanes(|i| T::mask(u16::from(gain[i] > threshold0.0[i])));
        let above1 = lanes(|i| T::mask(u16::from(gain[i] > threshold1.0[i])));
        written += put(out, &by_level(&signal, &above0, &above1, levels));
    }
    written
}

#[inline(always)]
fn jungfrau_v1<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 6]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    let mut written = 0;
    let mut words = [0u16; PIECE];
    for (word, &bytes) in words.iter_mut().zip(raw.as_chunks().0) {
        *word = if element.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    }
    let out_bytes = LANES * size_of::<T>();
    let blocks = words.as_chunks::<BLOCK>().0.iter().zip(constants.chunks(BLOCK / LANES));
    for (out, (words, constants)) in frame.chunks_mut(BLOCK * size_of::<T>()).zip(blocks) {
        let groups = words.as_chunks::<LANES>().0.iter().zip(constants);
        let groups = out.chunks_mut(out_bytes).zip(groups);
        if words.iter().fold(0, |all, word| all | word) >> 14 == 0 {
            for (out, (words, [pedestal, gain, ..])) in groups {
                let value = lanes(|i| T::from_u16(words[i]));
                written += put(out, &lanes(|i| value[i].minus(pedestal.0[i]).over(gain.0[i])));
            }
            continue;
        }
        for (out, (words, constants)) in groups {
            let value = lanes(|i| T::from_u16(words[i] & 0x3fff));
            // Stages 0, 1, 3 have these bits: none, the lower, both.
            let lower = lanes(|i| T::mask(words[i] >> 14 & 1));
            let upper = lanes(|i| T::mask(words[i] >> 15));
            let result = by_level(&value, &lower, &upper, constants);
            // There is no stage 2.
            let known = lanes(|i| T::choose(lower[i], result[i], T::NAN));
            written += put(out, &lanes(|i| T::choose(upper[i], known[i], result[i])));
        }
    }
    written
}

/// (value − pedestal) / gain with the pedestal and gain of level 2 where `above1`, else of level 1
/// where `above0`, else of level 0.
///
/// The compiler makes one instruction for eight pixels of each line here as long as each chooses with
/// masks of bits, and from values that are loaded anyway; conditions make it go pixel by pixel.
#[inline(always)]
fn by_level<T: Number>(
    value: &[T; LANES],
    above0: &[T::Mask; LANES],
    above1: &[T::Mask; LANES],
    levels: &[Lanes<T>; 6],
) -> [T; LANES] {
    let [pedestal0, gain0, pedestal1, gain1, pedestal2, gain2] = levels;
    let choose = |of0: &Lanes<T>, of1: &Lanes<T>, of2: &Lanes<T>| {
        let low = lanes(|i| T::choose(above0[i], of1.0[i], of0.0[i]));
        lanes(|i| T::choose(above1[i], of2.0[i], low[i]))
    };
    let pedestal = choose(pedestal0, pedestal1, pedestal2);
    let gain = choose(gain0, gain1, gain2);
    lanes(|i| value[i].minus(pedestal[i]).over(gain[i]))
}

#[inline(always)]
fn lanes<V: Copy + Default>(of: impl Fn(usize) -> V) -> [V; LANES] {
    let mut values = [V::default(); LANES];
    for (i, value) in values.iter_mut().enumerate() {
        *value = of(i);
    }
    values
}

#[inline(always)]
fn put<T: Number>(out: &mut [MaybeUninit<u8>], values: &[T; LANES]) -> usize {
    let mut written = 0;
    for (out, value) in out.chunks_exact_mut(size_of::<T>()).zip(values) {
        written += value.put(out);
    }
    written
}

#[cfg(test)]
mod tests;
