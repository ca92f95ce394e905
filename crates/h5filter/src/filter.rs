use std::ffi::{CStr, c_uint, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use hdf5_sys::h5::{herr_t, htri_t};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5z::{H5Z_CLASS_T_VERS, H5Z_FLAG_REVERSE, H5Z_class2_t, H5Z_filter_t};

use crate::buffer::{Buffer, OutOfMemory};
use crate::failure::{Failure, Minor};
use crate::library::Library;
use crate::memory;
use crate::new_dataset::NewDataset;

/// An HDF5 filter, in terms of slices and results.
pub trait Filter: 'static {
    /// The filter id.
    const ID: H5Z_filter_t;
    /// The name that HDF5 stores beside the id: one short word.
    const NAME: &'static CStr;
    /// Whether `H5Dwrite` into a dataset that exists already is refused. What is left are
    /// `H5Dwrite_chunk`, and writing through the id by which the dataset was created.
    const READ_ONLY: bool = false;
    /// How many bytes [`wrap`](Self::wrap) needs behind a chunk. What has some should
    /// [put as much by](memory::put_by) as a chunk and they have together.
    const WRAPPING_BYTES: usize = 0;

    /// Checks what the user asked for against the dataset that is about to be created, and
    /// stores the parameters that `encode` and `decode` will get. An error stops the creation.
    ///
    /// Not called when a file is opened again, nor when the functions of the calling libhdf5
    /// can't be found: then `encode` and `decode` get the values as the user passed them.
    fn set_local(dataset: &NewDataset<'_>) -> Result<(), Failure>;

    /// The bytes to store for `chunk`.
    fn encode(cd_values: &[u32], chunk: &[u8]) -> Result<Buffer, Failure>;

    /// The chunk that `stored` was made from.
    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure>;

    /// What is stored for a chunk that there is no memory to encode: it stays where it is. `room` starts
    /// with the `chunk_bytes` bytes of the chunk, and has [`WRAPPING_BYTES`](Self::WRAPPING_BYTES) more.
    /// Returns how many bytes of it are to be stored; an error leaves the chunk as it was.
    ///
    /// Not called where HDF5 keeps a chunk that a filter fails for, which is while a program flushes:
    /// there, lack of memory is an error. Elsewhere, HDF5 gives up the chunk, which may be one that an
    /// earlier `H5Dwrite` has accepted; and when it is closing the dataset, it frees the dataset and keeps
    /// its id, and the program crashes at its end.
    fn wrap(_cd_values: &[u32], _room: &mut [u8], _chunk_bytes: usize) -> Result<usize, Failure> {
        Err(Failure::new(Minor::CantFilter, "the filter can't store a chunk as it is".into()))
    }
}

/// The class struct that a plugin hands to HDF5.
#[repr(transparent)]
pub struct PluginClass(H5Z_class2_t);

// SAFETY: the struct is constant, and its name pointer is to a static string.
unsafe impl Sync for PluginClass {}

impl PluginClass {
    /// The class of filter `F`.
    pub const fn of<F: Filter>() -> Self {
        Self(H5Z_class2_t {
            version: H5Z_CLASS_T_VERS as i32,
            id: F::ID,
            encoder_present: 1,
            decoder_present: 1,
            name: F::NAME.as_ptr(),
            // A filter that can't apply would be skipped in silence when it is optional, which is
            // how h5py registers filters; an error of set_local always reaches the user.
            can_apply: match F::READ_ONLY {
                true => Some(refuse_writing::<F>),
                false => None::<extern "C" fn(hid_t, hid_t, hid_t) -> htri_t>,
            },
            set_local: Some(set_local::<F>),
            filter: Some(filter::<F>),
        })
    }

    /// The pointer that `H5PLget_plugin_info` returns and `H5Zregister` takes.
    pub fn as_ptr(&'static self) -> *const c_void {
        ptr::from_ref(self).cast()
    }
}

/// The functions that write elements.
pub const WRITERS: &[&CStr] = &[c"H5Dwrite", c"H5Dwrite_multi", c"H5Dwrite_async", c"H5Dwrite_multi_async"];

/// The functions that write chunks and keep them in memory.
pub const FLUSHERS: &[&CStr] =
    &[c"H5Dflush", c"H5Dflush_async", c"H5Fflush", c"H5Fflush_async", c"H5Oflush", c"H5Oflush_async"];

/// HDF5 asks whether a filter can apply when a dataset is created, and once more before the first
/// write into one that was opened. A negative answer stops the write at once, even if the filter is
/// optional.
extern "C" fn refuse_writing<F: Filter>(_dcpl: hid_t, _datatype: hid_t, _space: hid_t) -> htri_t {
    let result = guard(|| match Library::calling() {
        Some(library) if library.is_called_by(WRITERS) => {
            let message = "the dataset is computed when it is read, and can't be written to".into();
            Err(Failure::new(Minor::BadValue, message))
        }
        _ => Ok(()),
    });
    if report::<F, _>(result).is_some() { 1 } else { -1 }
}

extern "C" fn set_local<F: Filter>(dcpl: hid_t, datatype: hid_t, _space: hid_t) -> herr_t {
    let result = guard(|| match Library::calling() {
        Some(library) => F::set_local(&NewDataset::new(&library, dcpl, datatype, F::ID)),
        None => Ok(()),
    });
    if report::<F, _>(result).is_some() { 0 } else { -1 }
}

/// # Safety
/// To be called by HDF5 only, whose contract (`H5Z_func_t`) is: `cd_values` points to `cd_nelmts`
/// values, `*buf` is allocated by C's `malloc`, has `*buf_size` bytes and holds at least `nbytes`.
unsafe extern "C" fn filter<F: Filter>(
    flags: c_uint,
    cd_nelmts: usize,
    cd_values: *const c_uint,
    nbytes: usize,
    buf_size: *mut usize,
    buf: *mut *mut c_void,
) -> usize {
    let reverse = flags & H5Z_FLAG_REVERSE != 0;
    let result = guard(|| {
        // SAFETY: the caller's contract; empty slices are made without the pointer.
        let (cd_values, input) = unsafe { (slice(cd_values, cd_nelmts), slice((*buf).cast::<u8>(), nbytes)) };
        let output = if reverse { F::decode(cd_values, input) } else { F::encode(cd_values, input) }?;
        if output.is_empty() {
            // HDF5 would take its length for a failure.
            return Err(Failure::new(Minor::CantFilter, "the filter made no bytes".into()));
        }
        Ok(output)
    });
    if !reverse && matches!(&result, Err(failure) if failure.minor == Minor::NoSpace) {
        // SAFETY: the caller's contract.
        let wrapped = guard(|| unsafe { wrap::<F>(slice(cd_values, cd_nelmts), nbytes, buf_size, buf) });
        if let Ok(n_bytes) = wrapped {
            return n_bytes;
        }
    }
    let Some(output) = report::<F, _>(result) else { return 0 };
    let n_bytes = output.len();
    // SAFETY: the caller's contract: the old buffer has `*buf_size` bytes, is malloc'ed and nobody's any
    // more; a new one becomes HDF5's.
    unsafe {
        if !reverse && n_bytes <= *buf_size {
            // H5Ocopy uses the buffer again for whole chunks that it finds in the cache, and does not look
            // whether they fit (H5D__chunk_copy_cb, at least up to HDF5 2.0): it must not shrink.
            output.as_ptr().copy_to_nonoverlapping((*buf).cast(), n_bytes);
        } else {
            libc::free(*buf);
            *buf = output.into_raw();
            *buf_size = n_bytes;
        }
    }
    n_bytes
}

/// Stores a chunk as it is, unless HDF5 can be told of the failure and keeps the chunk.
///
/// # Safety
/// As for [`filter`].
unsafe fn wrap<F: Filter>(
    cd_values: &[u32],
    chunk_bytes: usize,
    buf_size: *mut usize,
    buf: *mut *mut c_void,
) -> Result<usize, Failure> {
    let room_bytes = chunk_bytes.saturating_add(F::WRAPPING_BYTES);
    if F::WRAPPING_BYTES == 0 || Library::calling().is_some_and(|library| library.is_called_by(FLUSHERS)) {
        return Err(OutOfMemory { bytes: room_bytes }.into());
    }
    memory::use_reserve();
    // SAFETY: the caller's contract: the buffer is malloc'ed, and has the `chunk_bytes` bytes of the chunk.
    // What is behind them is written before it is read.
    let room = unsafe {
        if room_bytes > *buf_size {
            let larger = libc::realloc(*buf, room_bytes);
            if larger.is_null() {
                return Err(OutOfMemory { bytes: room_bytes }.into());
            }
            (*buf, *buf_size) = (larger, room_bytes);
        }
        let start = (*buf).cast::<u8>();
        start.add(chunk_bytes).write_bytes(0, F::WRAPPING_BYTES);
        std::slice::from_raw_parts_mut(start, room_bytes)
    };
    F::wrap(cd_values, room, chunk_bytes)
}

/// # Safety
/// `start` points to `len` initialised values that live and stay unchanged for `'a`; it may be
/// anything when `len` is 0.
unsafe fn slice<'a, T>(start: *const T, len: usize) -> &'a [T] {
    if len == 0 || start.is_null() {
        return &[];
    }
    // SAFETY: the caller's contract.
    unsafe { std::slice::from_raw_parts(start, len) }
}

/// The one panic guard: nothing unwinds into the program that calls.
pub fn guard<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Failure::from_panic(&*payload)))
}

/// Puts a failure on the error stack of the calling libhdf5, with the name of the filter before it.
fn report<F: Filter, T>(result: Result<T, Failure>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(failure) => {
            let _ = guard(|| {
                if let Some(library) = Library::calling() {
                    library.push_error(failure.minor, &format!("{}: {failure}", F::NAME.to_string_lossy()));
                }
                Ok(())
            });
            None
        }
    }
}

/// Keeps panics, which [`guard`] turns into errors, from being printed. Holds for all that uses the
/// same copy of Rust's standard library: a dynamic plugin (cdylib) has one of its own, but in a Rust
/// program that contains the filter it is the program's.
pub fn silence_panics() {
    panic::set_hook(Box::new(|_| ()));
}

/// Exports the two functions by which HDF5 loads a dynamic filter plugin, whose allocator becomes [`Allocator`](crate::Allocator).
#[macro_export]
macro_rules! export_plugin {
    ($filter:ty) => {
        #[global_allocator]
        static ALLOCATOR: $crate::Allocator = $crate::Allocator::new();

        /// HDF5 asks: what kind of plugin is this? A filter.
        #[unsafe(no_mangle)]
        pub extern "C" fn H5PLget_plugin_type() -> ::std::ffi::c_int {
            // H5PL_TYPE_FILTER
            0
        }

        /// HDF5 asks: which filter is it?
        #[unsafe(no_mangle)]
        pub extern "C" fn H5PLget_plugin_info() -> *const ::std::ffi::c_void {
            static CLASS: $crate::PluginClass = $crate::PluginClass::of::<$filter>();
            $crate::keep_loaded();
            $crate::silence_panics();
            CLASS.as_ptr()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Reverse;

    impl Filter for Reverse {
        const ID: H5Z_filter_t = 256;
        const NAME: &'static CStr = c"reverse";

        fn set_local(_: &NewDataset<'_>) -> Result<(), Failure> {
            Ok(())
        }

        fn encode(cd_values: &[u32], chunk: &[u8]) -> Result<Buffer, Failure> {
            assert!(cd_values.is_empty(), "cd_values came");
            let mut buffer = Buffer::zeroed(chunk.len())?;
            buffer.copy_from_slice(chunk);
            buffer.reverse();
            Ok(buffer)
        }

        fn decode(_: &[u32], _: &[u8]) -> Result<Buffer, Failure> {
            Err(Failure::new(Minor::CantFilter, "no".into()))
        }
    }

    /// Runs the callback as HDF5 does; returns its result and what is in the buffer afterwards.
    fn call(flags: c_uint, cd_values: &[u32], input: &[u8]) -> (usize, Vec<u8>) {
        // SAFETY: a malloc'ed buffer larger than nbytes, as HDF5 passes it; freed once at the end.
        unsafe {
            let mut buf_size = input.len() + 100;
            let mut buf = libc::malloc(buf_size);
            ptr::copy_nonoverlapping(input.as_ptr(), buf.cast(), input.len());
            let n = filter::<Reverse>(
                flags,
                cd_values.len(),
                cd_values.as_ptr(),
                input.len(),
                &mut buf_size,
                &mut buf,
            );
            let kept = if n == 0 { input.len() } else { n };
            let output = slice(buf.cast::<u8>(), kept).to_vec();
            libc::free(buf);
            (n, output)
        }
    }

    #[test]
    fn the_buffer_is_replaced_on_success() {
        assert_eq!(call(0, &[], b"abc"), (3, b"cba".to_vec()));
    }

    #[test]
    fn the_buffer_does_not_shrink() {
        // SAFETY: as in `call`; all of the new buffer is written to.
        unsafe {
            let mut buf_size = 1000;
            let mut buf = libc::calloc(buf_size, 1);
            assert_eq!(filter::<Reverse>(0, 0, ptr::null(), 3, &mut buf_size, &mut buf), 3);
            assert_eq!(buf_size, 1000);
            ptr::write_bytes(buf, 1, buf_size);
            libc::free(buf);
        }
    }

    #[test]
    fn an_error_leaves_the_buffer_untouched() {
        assert_eq!(call(H5Z_FLAG_REVERSE, &[], b"abc"), (0, b"abc".to_vec()));
    }

    #[test]
    fn an_empty_output_is_an_error_and_leaves_the_buffer_untouched() {
        let mut buf_size = 3;
        // SAFETY: as in `call`; no input is read.
        unsafe {
            let malloced = libc::malloc(buf_size);
            let mut buf = malloced;
            assert_eq!(filter::<Reverse>(0, 0, ptr::null(), 0, &mut buf_size, &mut buf), 0);
            assert_eq!((buf, buf_size), (malloced, 3));
            libc::free(buf);
        }
    }

    /// Never has memory.
    struct Poor;

    impl Filter for Poor {
        const ID: H5Z_filter_t = 257;
        const NAME: &'static CStr = c"poor";
        const WRAPPING_BYTES: usize = 2;

        fn set_local(_: &NewDataset<'_>) -> Result<(), Failure> {
            Ok(())
        }

        fn encode(_: &[u32], _: &[u8]) -> Result<Buffer, Failure> {
            Err(OutOfMemory { bytes: 1 }.into())
        }

        fn decode(_: &[u32], _: &[u8]) -> Result<Buffer, Failure> {
            Err(OutOfMemory { bytes: 1 }.into())
        }

        fn wrap(_: &[u32], room: &mut [u8], chunk_bytes: usize) -> Result<usize, Failure> {
            assert_eq!(room.len(), chunk_bytes + 2);
            room.copy_within(..chunk_bytes, 1);
            room[0] = b'<';
            room[chunk_bytes + 1] = b'>';
            Ok(room.len())
        }
    }

    #[test]
    fn without_memory_a_chunk_is_stored_where_it_is() {
        for room in [3, 4, 5, 100] {
            // SAFETY: as in `call`.
            unsafe {
                let mut buf_size = room;
                let mut buf = libc::calloc(room, 1);
                buf.cast::<u8>().copy_from_nonoverlapping(b"abc".as_ptr(), 3);
                assert_eq!(filter::<Poor>(0, 0, ptr::null(), 3, &mut buf_size, &mut buf), 5);
                assert_eq!(slice(buf.cast::<u8>(), 5), b"<abc>");
                assert_eq!(buf_size, room.max(5));
                assert_eq!(filter::<Poor>(H5Z_FLAG_REVERSE, 0, ptr::null(), 5, &mut buf_size, &mut buf), 0);
                libc::free(buf);
            }
        }
    }

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(call(0, &[1], b"abc"), (0, b"abc".to_vec()));
    }
}
