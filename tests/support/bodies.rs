//! What must hold for any input. The tests call these with inputs that they choose, the fuzz
//! targets (fuzz/) with any.

use h5filter::Element;
use h5h264::error::Error;
use h5h264::payload::{self, Content, Payload};
use h5h264::{filter, options};

/// A stored chunk is at most so much larger than the chunk.
pub const MAX_OVERHEAD: usize = 64;

/// Chunks that a fuzzed payload may decode to: small, so that a try takes no time.
const MAX_FUZZED_BYTES: usize = 1 << 20;

/// Whatever is stored, decoding it ends, in a chunk of the expected size or in an error.
pub fn decode(stored: &[u8]) {
    // As a dataset would promise it: the sizes that fit what is stored are the interesting ones.
    let chunk_bytes = match Payload::read(stored).map(|payload| payload.content) {
        Ok(Content::Raw(chunk) | Content::Resized(chunk)) => chunk.len(),
        Ok(Content::Coded { header, .. }) => header.chunk_bytes(),
        Err(_) => 64 * 64,
    };
    let chunk_bytes = chunk_bytes.clamp(1, MAX_FUZZED_BYTES);
    let bytes =
        Element { kind: h5filter::SampleKind::Unsigned, sample_bytes: 1, n_samples: 1, big_endian: false };
    let cd_values = options::resolve_for(&[], &[chunk_bytes as u64], bytes).expect("bytes are supported");
    if let Ok(chunk) = filter::decode(&cd_values, stored) {
        let payload = Payload::read(stored).map(|payload| payload.verify(&chunk));
        // The original's chunks have no checksum.
        assert!(payload.is_err() || payload == Ok(Ok(())));
    }
}

/// [`decode`], behind the checksum of the stored bytes.
pub fn decode_repaired(stored: &[u8]) {
    let mut stored = stored.to_vec();
    payload::repair_checksum(&mut stored);
    decode(&stored);
}

/// Whatever the chunk, it comes back, and is hardly larger when it is stored.
///
/// Returns the stored bytes; an error if the dataset can't be created.
pub fn round_trip(
    passed: &[u32],
    chunk_shape: &[u64],
    element: Element,
    chunk: &[u8],
) -> Result<Vec<u8>, Error> {
    let cd_values = options::resolve_for(passed, chunk_shape, element)?;
    // As h5repack does, which passes the stored values on.
    assert_eq!(options::resolve_for(&cd_values, chunk_shape, element).as_ref(), Ok(&cd_values));
    let stored = filter::encode(&cd_values, chunk).unwrap_or_else(|e| panic!("{cd_values:?}: {e}"));
    // The original's layout, and movies, have any size.
    let has_any_size = passed.get(4).is_some_and(|&layout| layout > 0);
    assert!(
        has_any_size || stored.len() <= chunk.len() + MAX_OVERHEAD,
        "{} bytes became {}",
        chunk.len(),
        stored.len()
    );
    assert_eq!(filter::decoded_bytes(&cd_values, &stored), Ok(chunk.len()));
    // All of it is written, whatever was there.
    let mut decoded = vec![0x5a; chunk.len()];
    let result = filter::decode_into(&cd_values, &stored, &mut decoded);
    assert_eq!(result, Ok(()), "{cd_values:?}");
    assert!(decoded[..] == *chunk, "{cd_values:?}: other bytes came back");
    Ok(stored.to_vec())
}

/// Whatever is passed or found in a file, options are taken or refused. What was resolved for a
/// dataset fits its chunks: if they have at most `max_bytes`, one is coded.
pub fn options(cd_values: &[u32], chunk_shape: &[u64], element: Element, max_bytes: usize) {
    let _ = options::Options::for_chunk(cd_values, max_bytes);
    let _ = options::stored_chunk_bytes(cd_values);
    let Ok(resolved) = options::resolve_for(cd_values, chunk_shape, element) else { return };
    assert!(resolved.len() <= 16);
    let chunk_bytes = options::stored_chunk_bytes(&resolved).expect("resolved values say the size");
    let bytes = chunk_shape.iter().try_fold(element.bytes() as u64, |product, &n| product.checked_mul(n));
    assert_eq!(Some(chunk_bytes as u64), bytes);
    if chunk_bytes <= max_bytes {
        let chunk: Vec<u8> = (0..chunk_bytes).map(|i| (i / 7) as u8).collect();
        assert!(round_trip(cd_values, chunk_shape, element, &chunk).is_ok());
    }
}
