use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::depth::MAX_DEPTH;
use crate::error::{Result, filled};

/// Buffers that are kept: as many as views can be read through each other.
const MAX_KEPT: usize = MAX_DEPTH;
/// Buffers that are kept are at most this large.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Memory that was used before, which costs no page faults.
#[derive(Default)]
pub struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Lends a buffer. What is in it is left over.
    pub fn lend<T>(&self, n_bytes: usize, work: impl FnOnce(&mut [u8]) -> Result<T>) -> Result<T> {
        let mut buffer = self.lock().pop().unwrap_or_default();
        if buffer.len() < n_bytes {
            drop(buffer);
            buffer = filled(n_bytes)?;
        }
        let result = work(&mut buffer[..n_bytes]);
        let mut kept = self.lock();
        if kept.len() < MAX_KEPT && buffer.len() <= MAX_KEPT_BYTES {
            kept.push(buffer);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
