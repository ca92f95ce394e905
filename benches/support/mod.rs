//! What the benchmarks measure on.

#![allow(dead_code, reason = "each benchmark uses a part of this")]

use h5filter::{Element, SampleKind};
use h5h264::options;

/// Little-endian samples of one frame after the other: a smooth picture that moves, with noise.
pub fn samples<const BYTES: usize>(n: [u64; 3], sample: impl Fn(u64) -> [u8; BYTES]) -> Vec<u8> {
    let [n_frames, height, width] = n;
    let place = |i: u64| (i / (height * width), i / width % height, i % width);
    (0..n_frames * height * width)
        .flat_map(|i| {
            let (t, y, x) = place(i);
            let wave =
                |phase: u64, period: u64| (phase % period).min(period - phase % period) * 2000 / period;
            sample(wave(x + 2 * t, 150) + wave(3 * y + x, 400) + noise(i, 5))
        })
        .collect()
}

/// A number of so many bits that looks random.
pub fn noise(i: u64, bits: u32) -> u64 {
    let x = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> (64 - bits)
}

/// What is stored with a dataset of such chunks.
pub fn cd_values(preset: u32, shape: [u64; 3], kind: SampleKind, sample_bytes: usize) -> Vec<u32> {
    let element = Element { kind, sample_bytes, n_samples: 1, big_endian: false };
    options::resolve_for(&[0, 0, 0, preset], &shape, element).expect("valid options")
}

/// A chunk of `u16`.
pub fn chunk_u16(shape: [u64; 3]) -> Vec<u8> {
    samples(shape, |value| (value as u16 + 1000).to_le_bytes())
}
