use std::ffi::c_void;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Memory from C's allocator, so that HDF5 can take it over and free it.
pub struct Buffer {
    start: NonNull<u8>,
    len: usize,
}

/// A [`Buffer`] that is yet to be written.
pub struct UninitBuffer(Buffer);

/// There is no memory for this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many bytes were asked for; 0 when that is not known.
    pub bytes: usize,
}

impl Buffer {
    /// A buffer of `len` zero bytes.
    pub fn zeroed(len: usize) -> Result<Self, OutOfMemory> {
        // SAFETY: calloc has no preconditions; one byte at least, because calloc(0) may be null.
        let start = unsafe { libc::calloc(len.max(1), 1) };
        match NonNull::new(start.cast()) {
            Some(start) => Ok(Self { start, len }),
            None => Err(OutOfMemory { bytes: len }),
        }
    }

    /// A buffer of these parts, one after the other. Making it 0 before would take as long as the
    /// copying: memory that was used before comes back from the allocator as it was left.
    pub fn concat(parts: &[&[u8]]) -> Result<Self, OutOfMemory> {
        // What is too much to count is too much to allocate.
        let len = parts.iter().fold(0, |len: usize, part| len.saturating_add(part.len()));
        let mut buffer = Self::uninit(len)?;
        let mut rest = buffer.bytes();
        for part in parts {
            let (start, end) = rest.split_at_mut(part.len());
            for (byte, &value) in start.iter_mut().zip(*part) {
                byte.write(value);
            }
            rest = end;
        }
        // SAFETY: all parts together have the `len` bytes of the buffer.
        Ok(unsafe { buffer.assume_init() })
    }

    /// A buffer of `len` bytes that are still to be written.
    pub fn uninit(len: usize) -> Result<UninitBuffer, OutOfMemory> {
        // SAFETY: malloc has no preconditions; one byte at least, because malloc(0) may be null.
        let start = unsafe { libc::malloc(len.max(1)) };
        match NonNull::new(start.cast()) {
            Some(start) => Ok(UninitBuffer(Self { start, len })),
            None => Err(OutOfMemory { bytes: len }),
        }
    }

    /// Shortens what counts of the buffer; the memory behind stays allocated.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Gives the memory away; whoever takes it frees it with C's `free`.
    pub fn into_raw(self) -> *mut c_void {
        std::mem::ManuallyDrop::new(self).start.as_ptr().cast()
    }
}

impl UninitBuffer {
    /// The bytes, to be written.
    pub fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: `start` points to `len` bytes that this value owns.
        unsafe { std::slice::from_raw_parts_mut(self.0.start.as_ptr().cast(), self.0.len) }
    }

    /// The buffer, when it is written.
    ///
    /// # Safety
    /// All bytes have been written.
    pub unsafe fn assume_init(self) -> Buffer {
        self.0
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points to `len` initialised bytes that this value owns.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: `start` came from calloc or malloc and is freed once, here.
        unsafe { libc::free(self.start.as_ptr().cast()) };
    }
}

// SAFETY: the memory is owned by this value alone, and C's allocator may free it from any thread.
unsafe impl Send for Buffer {}
// SAFETY: a shared Buffer gives read access only.
unsafe impl Sync for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            0 => f.write_str("out of memory"),
            bytes => write!(f, "out of memory: {bytes} bytes are not available"),
        }
    }
}

impl std::error::Error for OutOfMemory {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_starts_zeroed_and_keeps_what_is_written() {
        let mut buffer = Buffer::zeroed(5).unwrap();
        assert_eq!(&buffer[..], [0; 5]);
        buffer.copy_from_slice(b"hello");
        assert_eq!(&buffer[..], b"hello");
    }

    #[test]
    fn parts_stand_one_after_the_other() {
        assert_eq!(&Buffer::concat(&[b"one", b"", b"two"]).unwrap()[..], b"onetwo");
        assert_eq!(&Buffer::concat(&[]).unwrap()[..], b"");
    }

    #[test]
    fn truncation_only_shortens() {
        let mut buffer = Buffer::zeroed(5).unwrap();
        buffer.truncate(3);
        assert_eq!(buffer.len(), 3);
        buffer.truncate(4);
        assert_eq!(buffer.len(), 3);
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        let bytes = isize::MAX as usize;
        assert_eq!(Buffer::zeroed(bytes).unwrap_err(), OutOfMemory { bytes });
    }

    #[test]
    fn an_empty_buffer_is_a_real_pointer() {
        let start = Buffer::zeroed(0).unwrap().into_raw();
        assert!(!start.is_null());
        // SAFETY: `into_raw` gave us the only pointer to this allocation.
        unsafe { libc::free(start) };
    }
}
