//! A chunk becomes what is stored for it where it lies, without being coded: when there is no memory.

use std::ops::Range;

use h5filter::OutOfMemory;
use twox_hash::XxHash3_64;

use crate::error::Result;
use crate::options::Options;
use crate::payload::{self, Layout};

/// What the payload of a chunk that is stored as it is has before it (docs/format.md).
pub const HEAD_BYTES: usize = 25;
/// The XXH3-64 of the chunk, in the head.
const DECODED_HASH: Range<usize> = 16..24;

/// Makes the payload of the chunk that `room` starts with; what is behind it are [`HEAD_BYTES`].
/// Returns the bytes of the payload. The original layout has no such payload.
pub fn wrap(cd_values: &[u32], room: &mut [u8], chunk_bytes: usize) -> Result<usize> {
    let options = Options::for_chunk(cd_values, chunk_bytes)?;
    if options.layout == Layout::Original {
        return Err(OutOfMemory { bytes: chunk_bytes }.into());
    }
    let is_whole = chunk_bytes == options.geometry.chunk_bytes();
    let head = if is_whole { payload::write_raw(&[])? } else { payload::write_resized(&[])? };
    debug_assert_eq!(head.len(), HEAD_BYTES);
    let hash = XxHash3_64::oneshot(&room[..chunk_bytes]);
    room.copy_within(..chunk_bytes, HEAD_BYTES);
    room[..HEAD_BYTES].copy_from_slice(&head);
    room[DECODED_HASH].copy_from_slice(&hash.to_le_bytes());
    payload::repair_checksum(&mut room[..HEAD_BYTES + chunk_bytes]);
    Ok(HEAD_BYTES + chunk_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(cd_values: &[u32], chunk: &[u8]) -> Result<Vec<u8>> {
        let mut room = [chunk, &[0; HEAD_BYTES]].concat();
        let n_bytes = wrap(cd_values, &mut room, chunk.len())?;
        room.truncate(n_bytes);
        Ok(room)
    }

    #[test]
    fn it_is_the_payload_of_a_chunk_that_does_not_get_smaller() {
        let chunk: Vec<u8> = (0..240).map(|i| (i * 89) as u8).collect();
        assert_eq!(wrapped(&[4, 5, 1], &chunk).unwrap(), *payload::write_raw(&chunk).unwrap());
    }

    #[test]
    fn what_an_earlier_filter_made_of_a_chunk_is_stored_as_such() {
        let u8 = h5filter::Element {
            kind: h5filter::SampleKind::Unsigned,
            sample_bytes: 1,
            n_samples: 1,
            big_endian: false,
        };
        let cd_values = crate::options::resolve_for(&[], &[10, 20, 30], u8).unwrap();
        let resized = b"what gzip made of it";
        assert_eq!(wrapped(&cd_values, resized).unwrap(), *payload::write_resized(resized).unwrap());
    }

    #[test]
    fn the_original_layout_has_none() {
        assert!(wrapped(&[4, 4, 1, 0, 1], &[0; 16]).is_err());
    }
}
