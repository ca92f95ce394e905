//! Encoding a chunk: to memory of the library, or of the caller.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use h5filter::{Buffer, Failure};

use super::{Status, answer, at_most, attempt, input, write_text};
use crate::filter;
use crate::process::with_threads;

/// The bytes to store for a chunk.
///
/// # Safety
/// `cd_values` points to `n_cd_values` values and `chunk` to `chunk_bytes` bytes, which stay as
/// they are during the call; the others as for [`answer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_encode(
    cd_values: *const u32,
    n_cd_values: usize,
    chunk: *const c_void,
    chunk_bytes: usize,
    n_threads: usize,
    stored: *mut *mut c_void,
    stored_bytes: *mut usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let (cd_values, chunk) =
        unsafe { (input(cd_values, n_cd_values), input(chunk.cast::<u8>(), chunk_bytes)) };
    // SAFETY: the caller's contract.
    unsafe { answer(|| encoded(cd_values, chunk, n_threads), stored, stored_bytes, error, error_bytes) }
}

/// The same, written to `room_bytes` bytes at `stored`.
///
/// # Safety
/// As for [`h5h264_encode`]; nobody else uses the `room_bytes` bytes at `stored` during the call, whatever is in them, and
/// they are no others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_encode_into(
    cd_values: *const u32,
    n_cd_values: usize,
    chunk: *const c_void,
    chunk_bytes: usize,
    n_threads: usize,
    stored: *mut c_void,
    room_bytes: usize,
    stored_bytes: *mut usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let (cd_values, chunk) =
        unsafe { (input(cd_values, n_cd_values), input(chunk.cast::<u8>(), chunk_bytes)) };
    // SAFETY: the caller's contract.
    let buffer = unsafe { attempt(|| encoded(cd_values, chunk, n_threads), error, error_bytes) };
    let n_bytes = buffer.as_ref().map_or(0, |buffer| buffer.len());
    // SAFETY: the caller's contract.
    unsafe { *stored_bytes = n_bytes };
    match buffer {
        Ok(buffer) if n_bytes <= room_bytes => {
            // SAFETY: the caller's contract: there is room.
            unsafe { ptr::copy_nonoverlapping(buffer.as_ptr(), stored.cast(), n_bytes) };
            Status::Done as c_int
        }
        Ok(_) => {
            let text = format!(
                "the chunk is encoded to {n_bytes} bytes (expected room for them, found {room_bytes})"
            );
            // SAFETY: the caller's contract.
            unsafe { write_text(&text, error, error_bytes) };
            Status::NoRoom as c_int
        }
        Err(status) => status as c_int,
    }
}

fn encoded(cd_values: &[u32], chunk: &[u8], n_threads: usize) -> Result<Buffer, Failure> {
    Ok(with_threads(at_most(n_threads), || filter::encode(cd_values, chunk))?)
}
