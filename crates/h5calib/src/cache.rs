use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use h5filter::{FileState, Identity, environment};

use crate::algorithm::Algorithm;
use crate::constants::Constants;
use crate::number::Number;

/// Default of `H5CALIB_CACHE_MIB`.
const DEFAULT_MIB: usize = 1024;

/// The constants of a cell, by the very objects that they were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The dataset of the constants.
    pub constants: Origin,
    /// The dataset of the mask.
    pub mask: Option<Origin>,
    /// Decides which of a pixel's constants are masked.
    pub algorithm: Algorithm,
    /// Bytes per number.
    pub sample_bytes: usize,
    /// The memory cell.
    pub cell: u32,
}

/// A dataset whose numbers do not change without its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In this opened file, as long as its state (if that is known) stays the same.
    Opened(Identity, Option<FileState>),
    /// In any opened file of this state. An external link opens its file for each chunk.
    OnDisk(Identity, FileState),
}

impl Origin {
    /// The origin of a dataset in a file of this state.
    pub fn new(dataset: Identity, file: Option<FileState>) -> Self {
        match file {
            Some(state) if state.is_settled() => Self::OnDisk(dataset.within_file(), state),
            _ => Self::Opened(dataset, file),
        }
    }
}

/// The constants that were used last, the latest at the end.
#[derive(Default)]
pub struct Cache(Mutex<VecDeque<Entry>>);

struct Entry {
    key: Key,
    n_bytes: usize,
    constants: Arc<dyn Any + Send + Sync>,
}

impl Cache {
    /// The constants of a key.
    pub fn get<T: Number>(&self, key: &Key) -> Option<Arc<Constants<T>>> {
        let mut entries = self.lock();
        let index = entries.iter().position(|entry| entry.key == *key)?;
        let entry = entries.remove(index)?;
        let constants = Arc::clone(&entry.constants);
        entries.push_back(entry);
        constants.downcast().ok()
    }

    /// Keeps constants; those that were not used for longest make room.
    pub fn put<T: Number>(&self, key: Key, constants: &Arc<Constants<T>>) {
        let n_bytes = constants.bytes();
        let max_bytes = max_bytes();
        if n_bytes > max_bytes {
            return;
        }
        let mut entries = self.lock();
        entries.retain(|entry| entry.key != key);
        entries.push_back(Entry { key, n_bytes, constants: Arc::clone(constants) as _ });
        let mut total: usize = entries.iter().map(|entry| entry.n_bytes).sum();
        while total > max_bytes {
            total -= entries.pop_front().map_or(0, |entry| entry.n_bytes);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Entry>> {
        // The list is whole at every point where a panic could happen.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn max_bytes() -> usize {
    environment::number("H5CALIB_CACHE_MIB").unwrap_or(DEFAULT_MIB).saturating_mul(1 << 20)
}
