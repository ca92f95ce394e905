//! Naive twins: each pixel by itself, as docs/calibration.md writes it.

use h5filter::SampleKind;
use proptest::prelude::*;

use super::*;
use crate::constants::Mask;

const U16: Element = Element { kind: SampleKind::Unsigned, sample_bytes: 2, n_samples: 1, big_endian: false };
const F32: Element = Element { kind: SampleKind::Float, sample_bytes: 4, n_samples: 1, big_endian: false };

fn naive(algorithm: Algorithm, raw: &[u16], c: &[f32]) -> f32 {
    match algorithm {
        Algorithm::PedestalV1 | Algorithm::AgipdV1 => f32::from(raw[0]) - c[0],
        Algorithm::AgipdV2 => {
            let (signal, gain) = (f32::from(raw[0]), f32::from(raw[1]));
            let mut level = 0;
            if gain > c[0] {
                level = 1;
            }
            if gain > c[1] {
                level = 2;
            }
            (signal - c[2 + 2 * level]) / c[3 + 2 * level]
        }
        Algorithm::JungfrauV1 => {
            let level = match raw[0] >> 14 {
                0 => 0,
                1 => 1,
                3 => 2,
                _ => return f32::NAN,
            };
            (f32::from(raw[0] % 16384) - c[2 * level]) / c[2 * level + 1]
        }
    }
}

fn initialised(frame: &[MaybeUninit<u8>]) -> Vec<u8> {
    // SAFETY: the tests start with initialised bytes.
    frame.iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

fn bits(frame: &[u8]) -> Vec<u32> {
    let value = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
    // One NaN is as good as another.
    frame
        .as_chunks()
        .0
        .iter()
        .map(|v| if value(v).is_nan() { u32::MAX } else { value(v).to_bits() })
        .collect()
}

fn check(algorithm: Algorithm, raw: &[u16], constants: &[f32], mask: &[u8]) {
    let n_pixels = mask.len();
    let raw = &raw[..n_pixels * algorithm.raw_numbers()];
    let constants = &constants[..n_pixels * algorithm.n_constants()];
    let expected: Vec<u8> = raw
        .chunks(algorithm.raw_numbers())
        .zip(constants.chunks(algorithm.n_constants()))
        .zip(mask)
        .flat_map(|((raw, c), &mask)| {
            if mask == 0 { naive(algorithm, raw, c) } else { f32::NAN }.to_le_bytes()
        })
        .collect();
    let stored: Vec<u8> = constants.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mask = Mask { bytes: mask, pixel_bytes: 1 };
    let constants = Constants::<f32>::new(algorithm, &F32, &stored, Some(mask)).unwrap();
    for big_endian in [false, true] {
        let element = Element { big_endian, ..U16 };
        let order = if big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
        let raw: Vec<u8> = raw.iter().flat_map(|&value| order(value)).collect();
        let mut frame = vec![MaybeUninit::new(0); n_pixels * 4];
        // In two parts, as two threads do it.
        let half = n_pixels / 2 / LANES * LANES;
        let (raw1, raw2) = raw.split_at(half * 2 * algorithm.raw_numbers());
        let (frame1, frame2) = frame.split_at_mut(half * 4);
        calibrate(algorithm, &element, &constants, 0, raw1, frame1);
        calibrate(algorithm, &element, &constants, half, raw2, frame2);
        let frame = initialised(&frame);
        assert_eq!(bits(&frame), bits(&expected), "{algorithm}");
        let mut slow = vec![MaybeUninit::new(0); n_pixels * 4];
        pieces(algorithm, &element, &constants, 0, &raw, &mut slow);
        assert_eq!(initialised(&slow), frame, "{algorithm}: with other instructions");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn every_algorithm_does_what_its_naive_twin_does(
        raw in prop::collection::vec(any::<u16>(), 4000),
        constants in prop::collection::vec(prop_oneof![
            9 => -10f32..70000.0,
            1 => prop::num::f32::ANY,
        ], 16000),
        mask in prop::collection::vec(prop_oneof![9 => Just(0u8), 1 => any::<u8>()], 1..2000),
        switched in 0..2000usize,
    ) {
        use Algorithm::*;
        for algorithm in [PedestalV1, AgipdV1, AgipdV2, JungfrauV1] {
            check(algorithm, &raw, &constants, &mask);
        }
        // Whole blocks without a pixel that has switched its gain, and with one.
        let mut unswitched: Vec<u16> = raw.iter().map(|value| value & 0x3fff).collect();
        check(JungfrauV1, &unswitched, &constants, &mask);
        unswitched[switched] |= 3 << 14;
        check(JungfrauV1, &unswitched, &constants, &mask);
    }
}

#[test]
fn the_levels_are_told_by_the_thresholds_alone() {
    // The second threshold counts even where the first is not passed, and neither is passed by
    // being reached.
    for (gain, expected) in [(50, 10.0), (100, 2.0), (101, 2.0), (60, 10.0), (61, 2.0)] {
        let constants = [100.0, 60.0, 0.0, 1.0, 0.0, 3.0, 0.0, 5.0];
        let raw = [10, gain];
        assert_eq!(naive(Algorithm::AgipdV2, &raw, &constants), expected);
        check(Algorithm::AgipdV2, &raw, &constants, &[0]);
    }
}

#[test]
fn float64_is_calculated_in_float64() {
    let stored: Vec<u8> = 0.1f64.to_le_bytes().to_vec();
    let element = Element { sample_bytes: 8, ..F32 };
    let constants = Constants::<f64>::new(Algorithm::AgipdV1, &element, &stored, None).unwrap();
    let mut frame = [MaybeUninit::new(0); 8];
    calibrate(Algorithm::AgipdV1, &U16, &constants, 0, &[7, 0], &mut frame);
    assert_eq!(f64::from_le_bytes(initialised(&frame).try_into().unwrap()), 7.0 - 0.1);
}
