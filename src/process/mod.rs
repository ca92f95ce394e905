//! What a process keeps between chunks (codec sessions, decoded chunks) and how many threads it has.
//!
//! All of it belongs to the process that made it. After a `fork`, the threads of the parent's
//! sessions do not exist in the child, and its locks may be held by threads that do not exist
//! either, so a child starts with nothing and leaves what it inherited alone.

mod cache;
mod pool;

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, Ordering};

pub use cache::{ChunkCache, ChunkKey};
pub use h5filter::parallel;
use h5filter::{environment, job};
pub use pool::Pool;
use zstd::bulk::Compressor;

use crate::avcodec::{Decoder, Encoder};

/// The state of one process.
pub struct Process {
    id: u32,
    /// Idle encoders.
    pub encoders: Pool<Encoder>,
    /// Idle decoders.
    pub decoders: Pool<Decoder>,
    /// Idle compressors that estimates are made with.
    pub compressors: Pool<Compressor<'static>>,
    /// The chunks that were decoded last.
    pub chunks: ChunkCache,
    n_cores: usize,
}

impl Process {
    /// The state of this process.
    pub fn current() -> &'static Self {
        static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());
        let id = std::process::id();
        let known = CURRENT.load(Ordering::Acquire);
        // SAFETY: the pointer is null or to a Process that was leaked below.
        if let Some(process) = unsafe { known.as_ref() }.filter(|process| process.id == id) {
            return process;
        }
        let fresh = Box::into_raw(Box::new(Self::new(id)));
        match CURRENT.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `fresh` is never freed: the parent's, too, stays as it is in a child.
            Ok(_) => unsafe { &*fresh },
            Err(other) => {
                // SAFETY: nobody has seen `fresh`; `other` was leaked by the thread that was faster.
                unsafe {
                    drop(Box::from_raw(fresh));
                    &*other
                }
            }
        }
    }

    fn new(id: u32) -> Self {
        Self {
            id,
            encoders: Pool::new(),
            decoders: Pool::new(),
            compressors: Pool::new(),
            chunks: ChunkCache::new(),
            n_cores: job::n_threads(),
        }
    }

    /// How many threads a chunk may use: `H5H264_THREADS`, or those that this process [should
    /// have](job::n_threads); no more than [`with_threads`] allows.
    pub fn n_threads(&self) -> usize {
        let allowed = environment::number("H5H264_THREADS").filter(|&n| n > 0).unwrap_or(self.n_cores);
        allowed.min(MAX_THREADS.get())
    }
}

thread_local! {
    static MAX_THREADS: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Does `work` with at most `n_threads` threads for a chunk: for callers who work on several chunks
/// at once.
pub fn with_threads<T>(n_threads: usize, work: impl FnOnce() -> T) -> T {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            MAX_THREADS.set(self.0);
        }
    }
    let _restore = Restore(MAX_THREADS.replace(n_threads));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_stays_the_same() {
        assert!(std::ptr::eq(Process::current(), Process::current()));
    }

    #[test]
    fn threads_are_limited_for_as_long_as_the_work_takes() {
        let before = Process::current().n_threads();
        assert_eq!(with_threads(1, || Process::current().n_threads()), 1);
        let _ = std::panic::catch_unwind(|| with_threads(1, || panic!("work fails")));
        assert_eq!(Process::current().n_threads(), before);
    }
}
