//! Shapes the bytes of a fuzzer into inputs for the bodies that the tests use too.

#[path = "../tests/support/bodies.rs"]
pub mod bodies;

use arbitrary::{Arbitrary, Result, Unstructured};
use h5filter::{Element, SampleKind};

/// Chunks of more bytes would make a try too slow.
pub const MAX_CHUNK_BYTES: usize = 1 << 13;

/// A dataset that may be created.
#[derive(Debug)]
pub struct Dataset {
    pub passed: Vec<u32>,
    pub chunk_shape: Vec<u64>,
    pub element: Element,
}

/// A dataset of small chunks, and one of them.
#[derive(Debug)]
pub struct Chunk {
    pub dataset: Dataset,
    pub bytes: Vec<u8>,
}

impl<'a> Arbitrary<'a> for Dataset {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let n_values = u.int_in_range(0..=12)?;
        let passed = (0..n_values)
            .map(|_| if u.ratio(7, 8)? { Ok(u.arbitrary::<u8>()?.into()) } else { u.arbitrary() });
        let passed = passed.collect::<Result<_>>()?;
        let rank = u.int_in_range(0..=6)?;
        let side = |u: &mut Unstructured| {
            if u.ratio(7, 8)? { u.int_in_range(0..=20) } else { u.int_in_range(0..=u32::MAX.into()) }
        };
        let chunk_shape = (0..rank).map(|_| side(u)).collect::<Result<_>>()?;
        Ok(Self { passed, chunk_shape, element: element(u)? })
    }
}

impl<'a> Arbitrary<'a> for Chunk {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let element = element(u)?;
        let mut most = MAX_CHUNK_BYTES as u64 / element.bytes() as u64;
        let rank = u.int_in_range(1..=5)?;
        let mut chunk_shape = Vec::new();
        for _ in 0..rank {
            let n = u.int_in_range(1..=most.min(300))?;
            most /= n;
            chunk_shape.push(n);
        }
        let passed = *u.choose(&[
            &[][..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 3],
            &[0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 2],
            &[1, 8, 1],
            &[2, 2, 2],
        ])?;
        let n_bytes = chunk_shape.iter().product::<u64>() as usize * element.bytes();
        // What is left of the input, again and again, on a slope.
        let step = u.arbitrary::<u8>()?;
        let pattern = u.bytes(u.len())?;
        let pattern = if pattern.is_empty() { &[0] } else { pattern };
        let bytes = (0..n_bytes)
            .map(|i| pattern[i % pattern.len()].wrapping_add(step.wrapping_mul((i / pattern.len()) as u8)));
        Ok(Self {
            bytes: bytes.collect(),
            dataset: Dataset { passed: passed.to_vec(), chunk_shape, element },
        })
    }
}

fn element(u: &mut Unstructured) -> Result<Element> {
    let kind =
        *u.choose(&[SampleKind::Unsigned, SampleKind::Signed, SampleKind::Float, SampleKind::Bytes])?;
    let sample_bytes = match kind {
        SampleKind::Bytes => 1,
        SampleKind::Float => *u.choose(&[2, 4, 8])?,
        _ => *u.choose(&[1, 2, 4, 8])?,
    };
    let n_samples = u.int_in_range(1..=if kind == SampleKind::Bytes { 20 } else { 3 })?;
    Ok(Element { kind, sample_bytes, n_samples, big_endian: u.arbitrary()? })
}
