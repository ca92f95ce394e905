//! What the fuzz targets (fuzz/) look for, in a few seconds and the same way each time.

mod support;

use h5filter::{Element, SampleKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::{bodies, repeatable};

#[test]
fn decoding_any_bytes_ends() {
    let starts = prop::sample::select(vec![
        &b""[..],
        b"\x89H5H264",
        b"\x89H5H264\x03",
        // A header of one frame, up to its number of planes.
        b"\x89H5H264\x03________--------\x01\x00\x01\x04\x04\x01\x04\x00\x00",
        // The same with strips of 16 of 40 rows.
        b"\x89H5H264\x03________--------\x01\x00\x01\x28\x04\x01\x10\x00\x00",
        // With a plane of noise; up to its table.
        b"\x89H5H264\x03________--------\x01\x00\x01\x04\x04\x01\x04\x00\x00\x01\x03\x08",
        b"\x89H5H264\x03________--------\x01\x00\x01\x04\x04\x01\x04\x00\x00\x01\x03\x08\x00\x00\x01",
        // With a zstd plane of 16 bytes, up to its frame.
        b"\x89H5H264\x03________--------\x01\x00\x01\x04\x04\x01\x04\x00\x00\x01\x04\x08\x10\x28\xb5\x2f\xfd",
        b"\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x67",
    ]);
    let inputs = (starts, vec(any::<u8>(), 0..200));
    let result = TestRunner::new(repeatable(10_000)).run(&inputs, |(start, rest)| {
        let stored = [start, &rest].concat();
        bodies::decode(&stored);
        bodies::decode_repaired(&stored);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn any_options_are_taken_or_refused() {
    let slot = || prop_oneof![4 => 0..20u32, 1 => any::<u32>()];
    let side = || prop_oneof![8 => 1..20u64, 1 => 0..=u64::from(u32::MAX)];
    let kinds = [SampleKind::Unsigned, SampleKind::Signed, SampleKind::Float, SampleKind::Bytes];
    let element = (prop::sample::select(kinds.to_vec()), 0..4u32, 1..20usize, any::<bool>());
    let element = element.prop_map(|(kind, log2, n_samples, big_endian)| {
        let sample_bytes = if kind == SampleKind::Bytes { 1 } else { 1 << log2 };
        Element { kind, sample_bytes, n_samples, big_endian }
    });
    let inputs = (vec(slot(), 0..12), vec(side(), 0..6), element);
    let result = TestRunner::new(repeatable(20_000)).run(&inputs, |(cd_values, chunk_shape, element)| {
        bodies::options(&cd_values, &chunk_shape, element, 4096);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}
