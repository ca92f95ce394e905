//! The files that are merged, of which some are open at a time: there may be more than a process may open.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use hdf5::{Dataset, File};

use crate::h5::{self, Explain};

/// Files that are open, beside the first.
const MAX_OPEN: usize = 32;

/// The files, in order.
pub struct Inputs {
    paths: Vec<PathBuf>,
    first: File,
    /// Those that were used last, the latest at the end.
    open: Mutex<VecDeque<(usize, File)>>,
}

impl Inputs {
    pub fn new(paths: Vec<PathBuf>) -> Result<Self> {
        let first = h5::open_file(&paths[0])?;
        Ok(Self { paths, first, open: Mutex::default() })
    }

    pub fn len(&self) -> usize {
        self.paths.len()
    }

    pub fn path(&self, i: usize) -> &Path {
        &self.paths[i]
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// A file, opened if it is not.
    pub fn file(&self, i: usize) -> Result<File> {
        if i == 0 {
            return Ok(self.first.clone());
        }
        // The list is whole at every point where a panic could happen.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.iter().position(|(number, _)| *number == i).and_then(|place| open.remove(place));
        let file = match known {
            Some((_, file)) => file,
            None => h5::open_file(&self.paths[i])?,
        };
        open.push_back((i, file.clone()));
        if open.len() > MAX_OPEN {
            open.pop_front();
        }
        Ok(file)
    }

    pub fn dataset(&self, i: usize, path: &str) -> Result<Dataset> {
        let dataset = self.file(i)?.dataset(path).explained();
        dataset.with_context(|| format!("{path} in {}", self.paths[i].display()))
    }
}
