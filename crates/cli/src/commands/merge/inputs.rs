//! The files that are merged, of which some are open at a time: there may be more than a process may open.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use clap::Args;
use hdf5::{Dataset, File};

use crate::h5::{self, Explain};
use crate::output::with_h5_extension;

/// The arguments that name files.
#[derive(Debug, Args)]
pub struct Files {
    /// The HDF5 files, in order; separated by commas, unless that is the name of a file. @LIST stands for the
    /// files that are named in the text file LIST, one per line
    #[arg(long, required = true, num_args = 1.., value_name = "FILE,…")]
    inputs: Vec<String>,
    /// The HDF5 file to write; .h5 is added to a name without extension
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Files {
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for input in &self.inputs {
            if Path::new(input).exists() {
                paths.push(input.into());
            } else if let Some(list) = input.strip_prefix('@') {
                let text = fs::read_to_string(list).with_context(|| list.to_owned())?;
                paths.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from));
            } else {
                paths.extend(input.split(',').map(PathBuf::from));
            }
        }
        Ok(paths)
    }

    pub fn output(&self) -> PathBuf {
        with_h5_extension(&self.output)
    }
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
