//! The files that are merged, of which some are open at a time: there may be more than a process may open.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use hdf5::{Dataset, File};

use crate::h5::{self, Explain};

/// The files that arguments name: each one, or some separated by commas, or those of a list.
pub fn named(arguments: &[String]) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for argument in arguments {
        if Path::new(argument).exists() {
            paths.push(argument.into());
        } else if let Some(list) = argument.strip_prefix('@') {
            let text = fs::read_to_string(list).with_context(|| list.to_owned())?;
            paths.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from));
        } else {
            paths.extend(argument.split(',').map(PathBuf::from));
        }
    }
    Ok(paths)
}

/// The files, in order.
pub struct Inputs {
    paths: Vec<PathBuf>,
    first: File,
    /// So many are open at a time, beside the first.
    most_open: usize,
    /// Those that were used last, the latest at the end.
    open: Mutex<VecDeque<(usize, File)>>,
}

impl Inputs {
    /// One file at least.
    pub fn new(paths: Vec<PathBuf>, most_open: usize) -> Result<Self> {
        let first = h5::open_file(paths.first().context("there are no inputs")?)?;
        Ok(Self { paths, first, most_open, open: Mutex::default() })
    }

    pub fn first(&self) -> &File {
        &self.first
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
        if open.len() > self.most_open {
            open.pop_front();
        }
        Ok(file)
    }

    pub fn dataset(&self, i: usize, path: &str) -> Result<Dataset> {
        let dataset = self.file(i)?.dataset(path).explained();
        dataset.with_context(|| format!("{path} in {}", self.paths[i].display()))
    }
}
