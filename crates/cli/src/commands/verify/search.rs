//! The files that a virtual dataset names, as HDF5 finds them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Error, Result, anyhow};
use hdf5::{Dataset, File};

use crate::h5::{self, Explain};

/// The file that a virtual dataset is in.
pub struct Home {
    pub path: PathBuf,
    pub file: File,
    search: Search,
}

/// The file of a virtual dataset, and that of a source, the last one: sources of a file follow each other.
pub struct Opened {
    home: Home,
    last: Option<(String, Home)>,
}

impl Home {
    /// The file that a dataset is in.
    pub fn of(dataset: &Dataset) -> Result<Self> {
        Ok(Self::new(PathBuf::from(dataset.filename()), dataset.file().explained()?))
    }

    fn new(path: PathBuf, file: File) -> Self {
        Self { search: Search::of(&path), path, file }
    }

    /// Absolute and without symbolic links.
    pub fn resolved(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone())
    }
}

impl Opened {
    pub fn new(home: Home) -> Self {
        Self { home, last: None }
    }

    /// The file of this name; `None` if it is missing.
    pub fn open(&mut self, name: &str) -> Result<Option<&Home>> {
        if name == "." {
            return Ok(Some(&self.home));
        }
        if self.last.as_ref().is_none_or(|(known, _)| known != name) {
            self.last = None;
            let Some(path) = self.home.search.find(name)? else { return Ok(None) };
            let file = h5::open_file(&path)?;
            self.last = Some((name.to_owned(), Home::new(path, file)));
        }
        Ok(self.last.as_ref().map(|(_, home)| home))
    }
}

/// The folders that HDF5 looks into, in its order (`H5F_prefix_open_file`).
struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// For what the virtual datasets of a file name.
    fn of(file: &Path) -> Self {
        Self::with_prefix(file, &env::var("HDF5_VDS_PREFIX").unwrap_or_default())
    }

    fn with_prefix(file: &Path, prefix: &str) -> Self {
        let mut folders: Vec<_> =
            env::split_paths(prefix).filter(|one| !one.as_os_str().is_empty()).collect();
        let beside = file.parent().unwrap_or(file);
        if let Some(below) = prefix.strip_prefix("${ORIGIN}") {
            folders.push(beside.join(below.trim_start_matches('/')));
        }
        folders.push(beside.to_owned());
        // As the name stands: in the folder in which the program runs.
        folders.push(PathBuf::new());
        folders.extend(file.canonicalize().ok().and_then(|resolved| Some(resolved.parent()?.to_owned())));
        Self { folders }
    }

    /// The first file of this name that can be opened; `None` if there is none. An error if there is one, and it
    /// can't be opened.
    fn find(&self, name: &str) -> Result<Option<PathBuf>> {
        let mut cause = None;
        for path in self.places(name) {
            match open(&path) {
                Ok(true) => return Ok(Some(path)),
                Ok(false) => (),
                Err(e) => cause = cause.or(Some(e)),
            }
        }
        cause.map_or(Ok(None), Err)
    }

    /// What is not found where an absolute name says is looked for by its last part, as a relative one.
    fn places(&self, name: &str) -> Vec<PathBuf> {
        let name = Path::new(name);
        let mut places = Vec::new();
        let mut relative = name;
        if name.is_absolute() {
            places.push(name.to_owned());
            relative = name.file_name().map_or(name, Path::new);
        }
        places.extend(self.folders.iter().map(|folder| folder.join(relative)));
        places
    }
}

/// Whether there is a file. An error if it can't be opened.
fn open(path: &Path) -> Result<bool> {
    let failed = |e: io::Error| -> Error { anyhow!(e).context(path.display().to_string()) };
    match fs::metadata(path) {
        Ok(_) => fs::File::open(path).map(|_| true).map_err(failed),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(e) => Err(failed(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(prefix: &str, name: &str) -> Vec<PathBuf> {
        Search::with_prefix(Path::new("run/v.h5"), prefix).places(name)
    }

    fn paths<const N: usize>(paths: [&str; N]) -> Vec<PathBuf> {
        paths.map(PathBuf::from).to_vec()
    }

    #[test]
    fn a_file_is_looked_for_beside_the_virtual_one_and_in_the_current_folder() {
        assert_eq!(places("", "raw/a.h5"), paths(["run/raw/a.h5", "raw/a.h5"]));
        assert_eq!(places("", "/raw/a.h5"), paths(["/raw/a.h5", "run/a.h5", "a.h5"]));
    }

    #[test]
    #[cfg(unix)]
    fn folders_of_the_prefix_come_first() {
        assert_eq!(places("/x::y", "a.h5"), paths(["/x/a.h5", "y/a.h5", "run/a.h5", "a.h5"]));
        let origin = places("${ORIGIN}/../raw", "a.h5");
        assert_eq!(origin[1..], paths(["run/../raw/a.h5", "run/a.h5", "a.h5"]));
    }
}
