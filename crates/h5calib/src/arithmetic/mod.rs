//! The calculations, one frame or part of a frame at a time.

mod simd;

use h5filter::Element;

use crate::algorithm::Algorithm;
use crate::constants::{Constants, LANES, Lanes};
use crate::number::Number;

/// Pixels that are converted before they are calculated: their numbers fit the first-level cache.
const PIECE: usize = 32 * LANES;

/// Calculates the pixels from `start`, a multiple of [`LANES`], as many as `frame` has bytes for.
/// `raw` holds those pixels only.
pub fn calibrate<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [u8],
) {
    simd::pieces(algorithm, element, constants, start, raw, frame);
}

#[inline(always)]
fn pieces<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [u8],
) {
    let raw_bytes = PIECE * algorithm.raw_numbers() * element.sample_bytes;
    let frame_bytes = PIECE * size_of::<T>();
    for (i, (raw, frame)) in raw.chunks(raw_bytes).zip(frame.chunks_mut(frame_bytes)).enumerate() {
        let first_group = start / LANES + i * (PIECE / LANES);
        match algorithm {
            Algorithm::PedestalV1 | Algorithm::AgipdV1 => {
                subtract(element, &constants.groups()[first_group..], raw, frame);
            }
            Algorithm::AgipdV2 => agipd_v2(element, &constants.groups()[first_group..], raw, frame),
            Algorithm::JungfrauV1 => jungfrau_v1(element, &constants.groups()[first_group..], raw, frame),
        }
    }
}

#[inline(always)]
fn subtract<T: Number>(element: &Element, constants: &[[Lanes<T>; 1]], raw: &[u8], frame: &mut [u8]) {
    let mut values = [T::default(); PIECE];
    T::convert(element, raw, &mut values);
    let groups = values.as_chunks::<LANES>().0.iter().zip(constants);
    for (out, (values, [pedestal])) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        put(out, &lanes(|i| values[i].minus(pedestal.0[i])));
    }
}

#[inline(always)]
fn agipd_v2<T: Number>(element: &Element, constants: &[[Lanes<T>; 8]], raw: &[u8], frame: &mut [u8]) {
    let (mut signals, mut gains) = ([T::default(); PIECE], [T::default(); PIECE]);
    T::convert_pairs(element, raw, &mut signals, &mut gains);
    let groups = signals.as_chunks::<LANES>().0.iter().zip(gains.as_chunks::<LANES>().0).zip(constants);
    for (out, ((signal, gain), constants)) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        let [threshold0, threshold1, levels @ ..] = constants;
        let above0: [bool; LANES] = std::array::from_fn(|i| gain[i] > threshold0.0[i]);
        let above1: [bool; LANES] = std::array::from_fn(|i| gain[i] > threshold1.0[i]);
        put(out, &by_level(signal, &above0, &above1, levels));
    }
}

#[inline(always)]
fn jungfrau_v1<T: Number>(element: &Element, constants: &[[Lanes<T>; 6]], raw: &[u8], frame: &mut [u8]) {
    let groups = raw.chunks(LANES * 2).zip(constants);
    for (out, (stored, constants)) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        let mut words = [0u16; LANES];
        for (word, &bytes) in words.iter_mut().zip(stored.as_chunks().0) {
            *word = if element.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        }
        let value: [T; LANES] = std::array::from_fn(|i| T::from_u16(words[i] & 0x3fff));
        let stage1: [bool; LANES] = std::array::from_fn(|i| words[i] >= 1 << 14);
        let stage3: [bool; LANES] = std::array::from_fn(|i| words[i] >= 3 << 14);
        let mut result = by_level(&value, &stage1, &stage3, constants);
        // There is no stage 2.
        if words.iter().fold(false, |any, word| any | (word >> 14 == 2)) {
            for (result, word) in result.iter_mut().zip(words) {
                if word >> 14 == 2 {
                    *result = T::NAN;
                }
            }
        }
        put(out, &result);
    }
}

/// (value − pedestal) / gain with the pedestal and gain of level 2 where `above1`, else of level 1
/// where `above0`, else of level 0.
#[inline(always)]
fn by_level<T: Number>(
    value: &[T; LANES],
    above0: &[bool; LANES],
    above1: &[bool; LANES],
    levels: &[Lanes<T>; 6],
) -> [T; LANES] {
    let [pedestal0, gain0, pedestal1, gain1, pedestal2, gain2] = levels;
    // Most pixels are in the first level: where all are, the other constants need not be fetched.
    if (0..LANES).fold(true, |all, i| all & !(above0[i] | above1[i])) {
        return lanes(|i| value[i].minus(pedestal0.0[i]).over(gain0.0[i]));
    }
    let choose = |i: usize, of: [&Lanes<T>; 3]| {
        let low = if above0[i] { of[1].0[i] } else { of[0].0[i] };
        if above1[i] { of[2].0[i] } else { low }
    };
    lanes(|i| {
        let pedestal = choose(i, [pedestal0, pedestal1, pedestal2]);
        value[i].minus(pedestal).over(choose(i, [gain0, gain1, gain2]))
    })
}

#[inline(always)]
fn lanes<T: Number>(of: impl Fn(usize) -> T) -> [T; LANES] {
    std::array::from_fn(of)
}

#[inline(always)]
fn put<T: Number>(out: &mut [u8], values: &[T; LANES]) {
    for (out, value) in out.chunks_exact_mut(size_of::<T>()).zip(values) {
        value.put(out);
    }
}

#[cfg(test)]
mod tests;
