use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result as AnyResult, ensure};
use hdf5::File;

use super::failure::{Failure, Result};
use crate::h5::{self, Address};

/// Room for decoded chunks that HDF5 keeps for a dataset while it is open: those that it alone can read.
const CACHE_BYTES: usize = 8 << 20;

/// The files that are served. Nothing else is ever opened.
#[derive(Debug)]
pub struct Files {
    files: Vec<Served>,
    allowed: Mutex<Allowed>,
}

/// Virtual datasets and views that may be read as long as all files are in these states.
#[derive(Debug, Default)]
struct Allowed {
    stamps: Vec<Stamp>,
    datasets: HashSet<(usize, Address)>,
}

#[derive(Debug)]
struct Served {
    /// What the page calls it.
    name: String,
    /// Absolute, without symbolic links.
    path: PathBuf,
}

/// A file's state, which changes when somebody writes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    modified: Option<SystemTime>,
    n_bytes: u64,
}

impl Files {
    /// Each is opened once, so that what can't be served is an error before there is a page.
    pub fn new(paths: &[PathBuf]) -> AnyResult<Self> {
        let mut files: Vec<Served> = Vec::new();
        for path in paths {
            drop(h5::open_file(path)?);
            let absolute = path.canonicalize().with_context(|| path.display().to_string())?;
            if files.iter().any(|file| file.path == absolute) {
                continue;
            }
            files.push(Served { name: String::new(), path: absolute });
        }
        ensure!(!files.is_empty(), "no file is named");
        let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
        for file in &mut files {
            file.name = shortest_name(&file.path, &paths);
        }
        Ok(Self { files, allowed: Mutex::default() })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &file.name[..])
    }

    pub fn name(&self, index: usize) -> &str {
        &self.files[index].name
    }

    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.files.iter().position(|file| file.name == name);
        // The words that H5Web looks for.
        found.ok_or_else(|| {
            Failure::not_found(format!("File not found! {name} is not one of the files given"))
        })
    }

    pub fn open(&self, index: usize) -> Result<File> {
        Ok(h5::open_file_with_cache(&self.files[index].path, CACHE_BYTES)?)
    }

    pub fn stamp(&self, index: usize) -> Result<Stamp> {
        let path = &self.files[index].path;
        let metadata = std::fs::metadata(path)
            .map_err(|e| Failure::not_found(format!("File not found! {}: {e}", path.display())))?;
        Ok(Stamp { modified: metadata.modified().ok(), n_bytes: metadata.len() })
    }

    /// Checks a virtual dataset or a view, unless that has been done since the files were changed last.
    pub fn check_once(
        &self,
        file: usize,
        dataset: Address,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let stamps = (0..self.files.len()).map(|file| self.stamp(file)).collect::<Result<Vec<_>>>()?;
        let allowed = || self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let allowed = allowed();
            if allowed.stamps == stamps && allowed.datasets.contains(&(file, dataset)) {
                return Ok(());
            }
        }
        check()?;
        let mut allowed = allowed();
        if allowed.stamps != stamps {
            *allowed = Allowed { stamps, datasets: HashSet::new() };
        }
        allowed.datasets.insert((file, dataset));
        Ok(())
    }

    /// The file that another one names, as HDF5 would look for it: beside that file.
    pub fn named_by(&self, index: usize, target: &str) -> Option<usize> {
        let folder = self.files[index].path.parent().unwrap_or(Path::new("/"));
        let wanted = folder.join(target).canonicalize().ok()?;
        self.files.iter().position(|file| file.path == wanted)
    }

    /// The same, unless the name is that of a symbolic link: HDF5 looks for what that file names beside the link.
    pub fn named_directly_by(&self, index: usize, target: &str) -> Option<usize> {
        let found = self.named_by(index, target)?;
        let path = self.files[index].path.parent().unwrap_or(Path::new("/")).join(target);
        let beside = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
        (beside == self.files[found].path).then_some(found)
    }
}

/// As much of the path's end as no other path has.
fn shortest_name(path: &Path, all: &[PathBuf]) -> String {
    let parts: Vec<_> = path.components().collect();
    let names = (1..=parts.len()).map(|n| parts[parts.len() - n..].iter().collect::<PathBuf>());
    let is_unique = |name: &PathBuf| all.iter().filter(|other| other.ends_with(name)).count() == 1;
    names.into_iter().find(is_unique).unwrap_or_else(|| path.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_as_short_as_it_can_be() {
        let all = ["/a/run1/x.h5", "/a/run2/x.h5", "/a/y.h5"].map(PathBuf::from);
        assert_eq!(shortest_name(&all[0], &all), "run1/x.h5");
        assert_eq!(shortest_name(&all[1], &all), "run2/x.h5");
        assert_eq!(shortest_name(&all[2], &all), "y.h5");
    }
}
