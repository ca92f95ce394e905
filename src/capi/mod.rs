//! The chunk codec as C functions, for programs that read and write stored chunks themselves: in
//! parallel, outside HDF5's lock, or in other stores. The Python package calls them.
//!
//! `include/h5h264.h` says what they promise to a C program. tests/c_library.rs holds it against the signatures here.

pub mod describe;
pub mod encode;
pub mod frames;
#[cfg(test)]
mod tests;

use std::ffi::{c_char, c_int, c_void};
use std::sync::Once;
use std::{ptr, slice};

use h5filter::{Buffer, Failure, Minor};

use crate::filter;
use crate::process::{Process, with_threads};

/// What the functions return: who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// There is a buffer.
    Done = 0,
    /// The options do not fit the chunk.
    BadValue = 1,
    /// The datatype is not supported.
    BadType = 2,
    /// The stored bytes are damaged, of another filter or a newer version.
    CantFilter = 3,
    /// There is no memory for it.
    NoSpace = 4,
    /// It does not fit where the caller wants it.
    NoRoom = 5,
}

impl From<Minor> for Status {
    fn from(minor: Minor) -> Self {
        match minor {
            Minor::BadValue => Self::BadValue,
            Minor::BadType => Self::BadType,
            Minor::CantFilter => Self::CantFilter,
            Minor::NoSpace => Self::NoSpace,
        }
    }
}

/// How large the chunk is that was stored.
///
/// # Safety
/// `cd_values` points to `n_cd_values` values and `stored` to `stored_bytes` bytes, which stay as
/// they are during the call; `chunk_bytes` and `error` can be written to, the latter with `error_bytes`
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_decoded_bytes(
    cd_values: *const u32,
    n_cd_values: usize,
    stored: *const c_void,
    stored_bytes: usize,
    chunk_bytes: *mut usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let (cd_values, stored) =
        unsafe { (input(cd_values, n_cd_values), input(stored.cast::<u8>(), stored_bytes)) };
    // SAFETY: the caller's contract.
    match unsafe { attempt(|| Ok(filter::decoded_bytes(cd_values, stored)?), error, error_bytes) } {
        Ok(found) => {
            // SAFETY: the caller's contract.
            unsafe { *chunk_bytes = found };
            Status::Done as c_int
        }
        Err(status) => status as c_int,
    }
}

/// Decodes the chunk that was stored. After an error, anything may be in it.
///
/// # Safety
/// `cd_values` points to `n_cd_values` values and `stored` to `stored_bytes` bytes, which stay as
/// they are during the call; nobody else uses the `chunk_bytes` bytes at `chunk` during the call, whatever
/// is in them; `error` as for [`answer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_decode(
    cd_values: *const u32,
    n_cd_values: usize,
    stored: *const c_void,
    stored_bytes: usize,
    n_threads: usize,
    chunk: *mut c_void,
    chunk_bytes: usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let (cd_values, stored) =
        unsafe { (input(cd_values, n_cd_values), input(stored.cast::<u8>(), stored_bytes)) };
    let chunk: &mut [u8] = if chunk_bytes == 0 {
        &mut []
    } else {
        // SAFETY: the caller's contract.
        unsafe { slice::from_raw_parts_mut(chunk.cast(), chunk_bytes) }
    };
    let work = || Ok(with_threads(at_most(n_threads), || filter::decode_into(cd_values, stored, chunk))?);
    // SAFETY: the caller's contract.
    let status = unsafe { attempt(work, error, error_bytes) };
    status.map_or_else(|status| status as c_int, |()| Status::Done as c_int)
}

/// What is known of a stored chunk without decoding it, as JSON in UTF-8.
///
/// # Safety
/// `stored` points to `stored_bytes` bytes, which stay as they are during the call; the others as
/// for [`answer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_describe(
    stored: *const c_void,
    stored_bytes: usize,
    json: *mut *mut c_void,
    json_bytes: *mut usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let stored = unsafe { input(stored.cast::<u8>(), stored_bytes) };
    let work = || {
        let text = describe::json(stored)?;
        let mut json = Buffer::zeroed(text.len())?;
        json.copy_from_slice(text.as_bytes());
        Ok(json)
    };
    // SAFETY: the caller's contract.
    unsafe { answer(work, json, json_bytes, error, error_bytes) }
}

/// Takes back what one of these functions gave; null is nothing to take back.
///
/// # Safety
/// `buffer` is null, or came from one of these functions and was not taken back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_free(buffer: *mut c_void) {
    // SAFETY: the caller's contract; a `Buffer` is malloc'ed.
    unsafe { libc::free(buffer) };
}

/// The version of this library.
#[unsafe(no_mangle)]
pub extern "C" fn h5h264_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// What `H5Zregister` takes, so that HDF5 need not find the plugin.
#[unsafe(no_mangle)]
pub extern "C" fn h5h264_filter_class() -> *const c_void {
    h5filter::keep_loaded();
    h5filter::silence_panics();
    crate::PLUGIN_CLASS.as_ptr()
}

/// How many threads a chunk may use in HDF5: as many as there are cores for this process, or as
/// `H5H264_THREADS` says.
#[unsafe(no_mangle)]
pub extern "C" fn h5h264_n_threads() -> usize {
    h5filter::guard(|| Ok(Process::current().n_threads())).unwrap_or(1)
}

fn at_most(n_threads: usize) -> usize {
    if n_threads == 0 { usize::MAX } else { n_threads }
}

/// # Safety
/// `start` points to `len` values that live and stay unchanged for `'a`; it may be anything when
/// `len` is 0.
unsafe fn input<'a, T>(start: *const T, len: usize) -> &'a [T] {
    if len == 0 || start.is_null() {
        return &[];
    }
    // SAFETY: the caller's contract.
    unsafe { slice::from_raw_parts(start, len) }
}

/// Does the work and gives its result away.
///
/// # Safety
/// `output` and `output_bytes` can be written to; so can `error_bytes` bytes at `error`, which may
/// be null when there are none.
unsafe fn answer(
    work: impl FnOnce() -> Result<Buffer, Failure>,
    output: *mut *mut c_void,
    output_bytes: *mut usize,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    // SAFETY: the caller's contract.
    let (status, buffer, n_bytes) = match unsafe { attempt(work, error, error_bytes) } {
        Ok(buffer) => {
            let n_bytes = buffer.len();
            (Status::Done, buffer.into_raw(), n_bytes)
        }
        Err(status) => (status, ptr::null_mut(), 0),
    };
    // SAFETY: the caller's contract.
    unsafe {
        *output = buffer;
        *output_bytes = n_bytes;
    }
    status as c_int
}

/// Does the work behind the panic guard. When it fails, the sentence is in `error`.
///
/// # Safety
/// `error_bytes` bytes at `error` can be written to; it may be null when there are none.
unsafe fn attempt<T>(
    work: impl FnOnce() -> Result<T, Failure>,
    error: *mut c_char,
    error_bytes: usize,
) -> Result<T, Status> {
    static SILENCE: Once = Once::new();
    SILENCE.call_once(h5filter::silence_panics);
    h5filter::guard(work).map_err(|failure| {
        // SAFETY: the caller's contract.
        unsafe { write_text(&failure.message, error, error_bytes) };
        failure.minor.into()
    })
}

/// Writes what fits of a text, cut between characters, and a NUL.
///
/// # Safety
/// `n_bytes` bytes at `start` can be written to.
unsafe fn write_text(text: &str, start: *mut c_char, n_bytes: usize) {
    let Some(most) = n_bytes.checked_sub(1) else { return };
    let end = (0..=most.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    // SAFETY: `end` < `n_bytes`, and the two do not overlap, since one is ours.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), start, end);
        *start.add(end) = 0;
    }
}
