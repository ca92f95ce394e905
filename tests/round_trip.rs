//! Does every chunk come back bit for bit, and hardly larger than it was?

mod support;

use h5filter::{Element, SampleKind};
use h5h264::error::Error;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::bodies::round_trip;
use support::examples::{Example, describe, examples, large_examples};
use support::repeatable;

const U8: Element = Element { kind: SampleKind::Unsigned, sample_bytes: 1, n_samples: 1, big_endian: false };
const U16: Element = Element { sample_bytes: 2, ..U8 };
const F32: Element = Element { kind: SampleKind::Float, sample_bytes: 4, ..U8 };

fn elements() -> impl Strategy<Value = Element> {
    let kinds = prop_oneof![Just(SampleKind::Unsigned), Just(SampleKind::Signed), Just(SampleKind::Float)];
    let numbers = (kinds, prop::sample::select(vec![1, 2, 4, 8]), 1..=2usize, any::<bool>());
    let numbers = numbers.prop_map(|(kind, sample_bytes, n_samples, big_endian)| {
        // There are no floats of one byte.
        let kind = if sample_bytes == 1 && kind == SampleKind::Float { SampleKind::Signed } else { kind };
        Element { kind, sample_bytes, n_samples, big_endian }
    });
    let bytes = (1..=16usize).prop_map(|n_samples| Element { kind: SampleKind::Bytes, n_samples, ..U8 });
    prop_oneof![4 => numbers, 1 => bytes]
}

/// Rank 1 to 5, and HDF5's limit, of at most some thousand elements.
fn chunk_shapes() -> impl Strategy<Value = Vec<u64>> {
    let sides = |rank: usize, most: u64| vec(1..=most, rank);
    prop_oneof![
        sides(1, 4000),
        sides(2, 64),
        sides(3, 17),
        sides(4, 8),
        sides(5, 5),
        sides(5, 2).prop_map(|shape| [vec![1; 27], shape].concat()),
        // Thin strips, and many tiny frames.
        (1..4u64, 1..2000u64).prop_map(|(a, b)| vec![a, b]),
        (1..4u64, 1..2000u64).prop_map(|(a, b)| vec![b, a]),
        (100..2000u64, 1..3u64, 1..3u64).prop_map(|(n, h, w)| vec![n, h, w]),
    ]
}

/// Bytes of a chunk: of noise, of few values, or of a slope with some noise on it.
#[derive(Clone, Copy, Debug)]
enum Content {
    Noise,
    FewValues,
    Slope,
    Constant,
}

impl Content {
    fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(vec![Self::Noise, Self::FewValues, Self::Slope, Self::Constant])
    }

    fn chunk(self, n_elements: u64, element: Element, seed: u64) -> Vec<u8> {
        let noise = |i: u64| {
            let x = (i ^ seed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        let sample = |i: u64| match self {
            Self::Noise => noise(i),
            Self::FewValues => noise(noise(i) >> 62),
            Self::Slope => (seed >> 40) + i / 3 + (noise(i) >> 62),
            Self::Constant => seed,
        };
        let write = |value: u64| {
            let bytes = &value.to_le_bytes()[..element.sample_bytes];
            if element.big_endian { bytes.iter().rev().copied().collect() } else { bytes.to_vec() }
        };
        (0..n_elements * element.n_samples as u64).flat_map(|i| write(sample(i))).collect()
    }
}

#[test]
fn any_shape_and_type() {
    let inputs = (chunk_shapes(), elements(), Content::any(), any::<u64>(), 0..3u32);
    let result = TestRunner::new(repeatable(1500)).run(&inputs, |(shape, element, content, seed, preset)| {
        let chunk = content.chunk(shape.iter().product(), element, seed);
        let stored = round_trip(&[0, 0, 0, preset], &shape, element, &chunk);
        prop_assert!(stored.is_ok(), "{stored:?}");
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

/// Frames that are large enough to be cut into strips.
#[test]
fn strips_of_any_type() {
    let inputs = (1..3u64, 100..400u64, 300..600u64, 1..=4u64, elements(), Content::any(), any::<u64>());
    let run = |(n, height, width, n_components, element, content, seed): (_, _, _, _, _, Content, _)| {
        let shape = match n_components {
            3 | 4 => vec![n, height, width / 2, n_components],
            _ => vec![n, height, width],
        };
        let chunk = content.chunk(shape.iter().product(), element, seed);
        let stored = round_trip(&[], &shape, element, &chunk);
        prop_assert!(stored.is_ok(), "{stored:?}");
        Ok(())
    };
    TestRunner::new(repeatable(60)).run(&inputs, run).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn any_explicit_frames_that_fit() {
    let frames = (1..9u64, 1..40u32, 1..40u32, prop::sample::select(vec![1u32, 2, 3, 4, 6, 8, 16]));
    let inputs = (frames, elements(), Content::any(), any::<u64>());
    let result =
        TestRunner::new(repeatable(500)).run(&inputs, |((n, h, w, bytes), element, content, seed)| {
            // A chunk of another shape, and of as many bytes as whole frames and whole elements have.
            let frame_bytes = u64::from(h) * u64::from(w) * u64::from(bytes);
            let n_elements = n * frame_bytes;
            let chunk = content.chunk(n_elements, element, seed);
            let stored = round_trip(&[h, w, bytes], &[n_elements], element, &chunk);
            prop_assert!(stored.is_ok(), "{stored:?}");
            Ok(())
        });
    result.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_kind_at_every_preset() {
    for example in examples([3, 33, 47]) {
        let mut cd_values = example.cd_values.clone();
        for preset in 0..10 {
            cd_values[3] = preset;
            let example = Example { cd_values: cd_values.clone(), ..example.clone() };
            let stored = example.encode();
            let decoded = h5h264::filter::decode(&example.cd_values, &stored);
            assert_eq!(decoded.as_deref(), Ok(&example.chunk[..]), "{} at preset {preset}", example.name);
        }
    }
}

#[test]
fn frames_of_extreme_shapes() {
    let extremes: [&[u64]; 8] = [
        &[1],
        &[1, 1],
        &[70_000, 1, 1],
        &[5000, 3, 5],
        &[1, 16_384],
        &[3, 2, 16_385],
        &[2, 16_385, 3, 1],
        &[1, 40_001, 17],
    ];
    for shape in extremes {
        for element in [U8, U16, F32] {
            for content in [Content::Noise, Content::Slope] {
                let chunk = content.chunk(shape.iter().product(), element, 5);
                assert!(round_trip(&[], shape, element, &chunk).is_ok(), "{shape:?}");
            }
        }
    }
    for example in large_examples() {
        let stored = example.encode();
        let decoded = h5h264::filter::decode(&example.cd_values, &stored);
        assert!(decoded.is_ok_and(|chunk| chunk[..] == example.chunk), "{}", example.name);
    }
}

#[test]
fn a_chunk_is_decoded_with_any_number_of_values() {
    let shape = [4, 40, 50];
    let chunk = Content::Slope.chunk(8000, U16, 3);
    let of = |passed: &[u32]| round_trip(passed, &shape, U16, &chunk).expect("it fits");
    let stored = of(&[]);
    assert_eq!(stored, of(&[40, 50, 2]));
    assert_eq!(stored, of(&[40, 50, 2, 0]));
    assert_eq!(stored, of(&[0, 0, 0, 0, 0]));
    // An HDF5 whose functions are not found leaves the values as they were passed.
    let unresolved = h5h264::filter::encode(&[40, 50, 2], &chunk).expect("it fits");
    assert_eq!(stored, unresolved[..]);
    for cd_values in [&[40, 50, 2][..], &[40, 50, 2, 9], &[]] {
        let decoded = h5h264::filter::decode(cd_values, &stored);
        assert!(decoded.is_ok_and(|decoded| decoded[..] == chunk), "{cd_values:?}");
    }
}

#[test]
fn the_original_layout_comes_back() {
    // A last dimension of 3 or 4 would be colour.
    let inputs = (1..5u64, 1..40u64, 5..40u64, prop::sample::select(vec![1, 2, 4, 8]), any::<u64>());
    let result = TestRunner::new(repeatable(200)).run(&inputs, |(n, h, w, sample_bytes, seed)| {
        let element = Element { sample_bytes, ..U8 };
        let chunk = Content::Slope.chunk(n * h * w, element, seed);
        let (height, width) = match sample_bytes {
            1 => (h, w),
            2 => (h, 2 * w),
            _ => (2 * h, 2 * w),
        };
        let is_possible = height % 2 == 0 && width % 2 == 0 && sample_bytes <= 4;
        match round_trip(&[0, 0, 0, 0, 1], &[n, h, w], element, &chunk) {
            Ok(stored) => prop_assert!(is_possible && stored[..8] == (chunk.len() as u64).to_le_bytes()),
            Err(e) => prop_assert!(!is_possible && matches!(e, Error::Options(_)), "{e}"),
        }
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn noise_costs_25_bytes() {
    for (shape, element) in [(&[8, 64, 64][..], U8), (&[3, 100, 100], U16), (&[100], U16), (&[1], U8)] {
        let chunk = Content::Noise.chunk(shape.iter().product(), element, 1);
        let stored = round_trip(&[], shape, element, &chunk).expect("it fits");
        assert_eq!(stored.len(), chunk.len() + 25);
    }
}

#[test]
fn each_kind_is_stored_as_it_should_be_and_gets_small() {
    // Name, how it is stored, and a ratio somewhat below the one when this was written.
    for (name, stored_as, least_ratio) in [
        ("movie", "integers noise narrow", 12.0),
        ("noisy", "integers noise narrow", 3.2),
        ("few_values", "integers table noise narrow", 130.0),
        ("counts_in_floats", "integral floats noise narrow", 32.0),
        ("signed", "integers noise narrow", 11.0),
        ("colour", "integers noise narrow strips", 23.0),
        ("plain_movie", "integers video gray", 6.5),
        ("plain_colour_movie", "integers video rgb", 7.0),
        ("labels", "integers noise narrow", 800.0),
        ("constant", "integers", 4000.0),
    ] {
        let example = examples([5, 128, 128]).into_iter().find(|example| example.name == name);
        let example = example.expect("an example of this name");
        let stored = example.encode();
        let ratio = example.chunk.len() as f64 / stored.len() as f64;
        assert_eq!(describe(&stored), stored_as, "{name}");
        assert!(ratio > least_ratio, "{name}: {ratio}");
    }
}

#[test]
fn encoding_is_repeatable() {
    let all: Vec<_> = examples([3, 33, 47]).into_iter().chain(large_examples()).collect();
    let first: Vec<_> = all.iter().map(Example::encode).collect();
    // In another order, through sessions that have coded other chunks.
    for (example, first) in all.iter().zip(&first).rev() {
        assert!(example.encode() == *first, "{}", example.name);
    }
}
