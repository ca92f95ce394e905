//! The calculations, one frame or part of a frame at a time.

mod simd;

use std::mem::MaybeUninit;

use h5filter::Element;

use crate::algorithm::Algorithm;
use crate::constants::{Constants, LANES, Lanes};
use crate::number::Number;

/// Pixels that are converted before they are calculated: their numbers fit the first-level cache.
const PIECE: usize = 32 * LANES;

/// Calculates the pixels from `start`, a multiple of [`LANES`], as many as `frame` has bytes for.
/// `raw` holds those pixels only. All of `frame` is written.
pub fn calibrate<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
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
    frame: &mut [MaybeUninit<u8>],
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
fn subtract<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 1]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) {
    let mut values = [T::default(); PIECE];
    T::convert(element, raw, &mut values);
    let groups = values.as_chunks::<LANES>().0.iter().zip(constants);
    for (out, (values, [pedestal])) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        put(out, &lanes(|i| values[i].minus(pedestal.0[i])));
    }
}

#[inline(always)]
fn agipd_v2<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 8]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) {
    let mut pairs = [T::default(); 2 * PIECE];
    T::convert(element, raw, &mut pairs);
    let (mut signals, mut gains) = ([T::default(); PIECE], [T::default(); PIECE]);
    for ((signal, gain), pair) in signals.iter_mut().zip(&mut gains).zip(pairs.as_chunks::<2>().0) {
        [*signal, *gain] = *pair;
    }
    let groups = signals.as_chunks::<LANES>().0.iter().zip(gains.as_chunks::<LANES>().0).zip(constants);
    for (out, ((signal, gain), constants)) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        let [threshold0, threshold1, levels @ ..] = constants;
        let above0 = |i: usize| gain[i] > threshold0.0[i];
        let above1 = |i: usize| gain[i] > threshold1.0[i];
        put(out, &by_level(signal, above0, above1, levels));
    }
}

#[inline(always)]
fn jungfrau_v1<T: Number>(
    element: &Element,
    constants: &[[Lanes<T>; 6]],
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) {
    let groups = raw.chunks(LANES * 2).zip(constants);
    for (out, (stored, constants)) in frame.chunks_mut(LANES * size_of::<T>()).zip(groups) {
        let mut words = [0u16; LANES];
        for (word, &bytes) in words.iter_mut().zip(stored.as_chunks().0) {
            *word = if element.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        }
        let value = lanes(|i| T::from_u16(words[i] & 0x3fff));
        // As numbers of the type that is chosen by them, they are compared and chosen side by side.
        let stage = lanes(|i| T::from_u16(words[i] >> 14));
        let [one, two] = [1, 2].map(T::from_u16);
        let mut result = by_level(&value, |i| stage[i] >= one, |i| stage[i] > two, constants);
        // There is no stage 2.
        for (result, stage) in result.iter_mut().zip(stage) {
            *result = if stage == two { T::NAN } else { *result };
        }
        put(out, &result);
    }
}

/// (value − pedestal) / gain with the pedestal and gain of level 2 where `above1`, else of level 1
/// where `above0`, else of level 0.
#[inline(always)]
fn by_level<T: Number>(
    value: &[T; LANES],
    above0: impl Fn(usize) -> bool,
    above1: impl Fn(usize) -> bool,
    levels: &[Lanes<T>; 6],
) -> [T; LANES] {
    let [pedestal0, gain0, pedestal1, gain1, pedestal2, gain2] = levels;
    // Most pixels are in the first level: where all are, the other constants need not be fetched.
    if (0..LANES).fold(true, |all, i| all & !(above0(i) | above1(i))) {
        return lanes(|i| value[i].minus(pedestal0.0[i]).over(gain0.0[i]));
    }
    lanes(|i| {
        // All are loaded: choosing what to load would be done one by one.
        let pedestals = [pedestal0.0[i], pedestal1.0[i], pedestal2.0[i]];
        let gains = [gain0.0[i], gain1.0[i], gain2.0[i]];
        let (above0, above1) = (above0(i), above1(i));
        let choose = |of: [T; 3]| {
            let low = if above0 { of[1] } else { of[0] };
            if above1 { of[2] } else { low }
        };
        value[i].minus(choose(pedestals)).over(choose(gains))
    })
}

#[inline(always)]
fn lanes<T: Number>(of: impl Fn(usize) -> T) -> [T; LANES] {
    std::array::from_fn(of)
}

#[inline(always)]
fn put<T: Number>(out: &mut [MaybeUninit<u8>], values: &[T; LANES]) {
    for (out, value) in out.chunks_exact_mut(size_of::<T>()).zip(values) {
        value.put(out);
    }
}

#[cfg(test)]
mod tests;
