//! What a process keeps between chunks.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use h5filter::{PerProcess, environment, job};

use crate::cache::Cache;
use crate::error::{Result, bad_source, filled};
use crate::open_objects::OpenObjects;
use crate::shared_files::SharedFiles;

/// How many views may be read through each other.
const MAX_DEPTH: usize = 4;
/// Buffers that are kept are at most this large.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The state of one process.
pub struct Process {
    /// Constants that were read.
    pub cache: Cache,
    /// What is known of the objects that are open.
    pub open_objects: OpenObjects,
    /// What is known of views in files that other processes have open, too.
    pub shared_files: SharedFiles,
    /// How many cores this process may use.
    n_cores: usize,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Process {
    /// The state of this process.
    pub fn current() -> &'static Self {
        static CURRENT: PerProcess<Process> = PerProcess::new();
        CURRENT.get_or_init(|| Self {
            cache: Cache::default(),
            open_objects: OpenObjects::default(),
            shared_files: SharedFiles::default(),
            n_cores: job::n_threads(),
            buffers: Mutex::default(),
        })
    }

    /// How many threads a chunk may use: `H5CALIB_THREADS`, or those that this process should have.
    pub fn n_threads(&self) -> usize {
        environment::number("H5CALIB_THREADS").filter(|&n| n > 0).unwrap_or(self.n_cores)
    }

    /// Lends a buffer: memory that was used before costs no page faults. What is in it is left over.
    pub fn with_buffer<T>(&self, n_bytes: usize, work: impl FnOnce(&mut [u8]) -> Result<T>) -> Result<T> {
        let mut buffer = self.buffers().pop().unwrap_or_default();
        if buffer.len() < n_bytes {
            drop(buffer);
            buffer = filled(n_bytes)?;
        }
        let result = work(&mut buffer[..n_bytes]);
        let mut kept = self.buffers();
        if kept.len() < MAX_DEPTH && buffer.len() <= MAX_KEPT_BYTES {
            kept.push(buffer);
        }
        result
    }

    fn buffers(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A view that is being read by this thread.
pub struct Depth(());

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    /// One view more. An error when a view is read for a view for a view …
    pub fn enter() -> Result<Self> {
        let depth = DEPTH.get();
        if depth == MAX_DEPTH {
            return Err(bad_source!(
                "more than {MAX_DEPTH} views are read through each other: does a view lead back to itself?"
            ));
        }
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_can_be_nested_a_few_times() {
        let entered: Vec<_> = (0..MAX_DEPTH).map(|_| Depth::enter().unwrap()).collect();
        assert!(Depth::enter().is_err());
        drop(entered);
        assert!(Depth::enter().is_ok());
    }
}
