//! The datasets that `--dataset` names.

use anyhow::{Result, ensure};
use globset::{Glob, GlobMatcher};
use hdf5::File;

use crate::h5::{self, Entry, Object};

/// Paths, and patterns of paths.
pub struct Named(Vec<GlobMatcher>);

impl Named {
    /// Each of them has to match a dataset of the file.
    pub fn in_file(globs: &[Glob], file: &File) -> Result<Self> {
        let named = Self(globs.iter().map(Glob::compile_matcher).collect());
        let mut is_found = vec![false; globs.len()];
        h5::walk(file, "/", |_, path, _, entry| {
            if let Entry::Object(Object::Dataset(_)) = entry {
                for (is_found, glob) in is_found.iter_mut().zip(&named.0) {
                    *is_found |= matches(glob, path);
                }
            }
            Ok(())
        })?;
        for (is_found, glob) in is_found.iter().zip(globs) {
            ensure!(*is_found, "no dataset matches {glob}");
        }
        Ok(named)
    }

    /// Whether a dataset is to be taken.
    pub fn is_match(&self, path: &str) -> bool {
        self.0.iter().any(|glob| matches(glob, path))
    }

    /// Whether it is this very dataset that was named, not one of many.
    pub fn is_exact(&self, path: &str) -> bool {
        self.0.iter().any(|glob| is_exact(glob, path))
    }
}

/// With or without the slash before the path, which may have brackets in it.
fn matches(glob: &GlobMatcher, path: &str) -> bool {
    is_exact(glob, path) || glob.is_match(path) || glob.is_match(path.trim_start_matches('/'))
}

fn is_exact(glob: &GlobMatcher, path: &str) -> bool {
    glob.glob().glob().trim_start_matches('/') == path.trim_start_matches('/')
}
