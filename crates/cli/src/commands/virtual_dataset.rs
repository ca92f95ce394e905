use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::merge::inputs::{Files, Inputs};
use super::merge::merger::{Merger, Values};
use super::merge::plan::{Plan, Rule};
use super::merge::report;
use crate::links::Folders;
use crate::output::{Output, folder_of};
use crate::{h5, progress};

/// Write virtual datasets over the datasets of all files, along their first dimension
///
/// A virtual dataset looks like the datasets one after the other, and takes its values from their files, which stay where
/// they are. Before it is written, each file is opened: the datasets may differ in length, but not in type or in
/// the rest of their shape, and none may be missing. Groups, attributes and links are those of the first file.
///
/// The new file has the names of the others relative to its own folder, so all of them may be moved together.
/// `h5h264 verify` says whether they are still there.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Path of a dataset, such as /entry/frames; may be repeated [default: all datasets of the first file]
    #[arg(long, value_name = "PATH")]
    dataset: Vec<String>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        // One file at a time is open, beside the first.
        let inputs = Inputs::new(self.files.inputs()?, 1)?;
        let chosen: Vec<_> = self.dataset.iter().map(|path| format!("/{}", path.trim_matches('/'))).collect();
        let rule = if chosen.is_empty() { Rule::WhatTheFirstHas } else { Rule::Chosen(&chosen) };
        let plan = Plan::of(&inputs, rule)?;
        let target = self.files.output();
        let paths: Vec<&Path> = inputs.paths().iter().map(|path| &**path).collect();
        let output = Output::new(&target, &paths)?;
        let folder = output.folder().canonicalize()?;
        let names = paths.iter().map(|path| source_name(path, &folder)).collect::<Result<_>>()?;
        let file = h5::create_file_like(inputs.first(), output.path())?;
        let bar = progress::bar(0, "writing");
        let folders = Folders::of(inputs.path(0), &target);
        let mut merger = Merger::new(&file, &inputs, folders, Values::Virtual { names }, plan, &bar)?;
        merger.merge()?;
        let plan = merger.plan;
        bar.finish_and_clear();
        h5::close_file(file)?;
        output.finish()?;
        report(&plan)
    }
}

/// The name by which HDF5 finds a file from a folder: relative, so that both may be moved.
fn source_name(path: &Path, folder: &Path) -> Result<Vec<u8>> {
    let name = path.file_name().with_context(|| format!("{} is not a file name", path.display()))?;
    let home = folder_of(path).canonicalize().with_context(|| path.display().to_string())?;
    Ok(relative(&home, folder).join(name).into_os_string().into_encoded_bytes())
}

/// A folder as seen from another; both are absolute.
fn relative(folder: &Path, from: &Path) -> PathBuf {
    let n_common = folder.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    // Another drive, on Windows.
    if n_common == 0 {
        return folder.to_owned();
    }
    let up = from.components().skip(n_common).map(|_| Component::ParentDir);
    up.chain(folder.components().skip(n_common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_from_each_other() {
        let relative = |folder, from| relative(Path::new(folder), Path::new(from));
        assert_eq!(relative("/a/b", "/a/b"), Path::new(""));
        assert_eq!(relative("/a/b/c", "/a/b"), Path::new("c"));
        assert_eq!(relative("/a", "/a/b/c"), Path::new("../.."));
        assert_eq!(relative("/a/x/y", "/a/b"), Path::new("../x/y"));
        assert_eq!(relative("/a", "/"), Path::new("a"));
    }
}
