//! The memory of frames, which is not cleared before they are written.

use std::mem::MaybeUninit;

use h5filter::Buffer;

use crate::error::Result;

/// A buffer of `reserve` bytes, of which `write` writes the first `n_bytes`, and says how many it
/// wrote; the rest is zeros.
///
/// # Panics
/// If `write` wrote less than all.
pub fn written(
    n_bytes: usize,
    reserve: usize,
    write: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<usize>,
) -> Result<Buffer> {
    let mut buffer = Buffer::uninit(reserve)?;
    let (frames, rest) = buffer.bytes().split_at_mut(n_bytes);
    assert_eq!(write(frames)?, n_bytes, "frames are not whole");
    rest.fill(MaybeUninit::new(0));
    // SAFETY: `calibrate` counts the bytes that it has written, each once; all were, and then the rest.
    Ok(unsafe { buffer.assume_init() })
}
