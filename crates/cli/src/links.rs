//! The links of a file made in another.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hdf5::plist::LinkCreate;
use hdf5::{File, Group, LinkInfo};

use crate::h5::{self, Entry, Explain};
use crate::output::folder_of;

/// Where a file is, and where the one that is made of it is going to be. External links and virtual datasets
/// lead to files beside it.
pub struct Folders {
    from: PathBuf,
    to: PathBuf,
}

impl Folders {
    pub fn of(from: &Path, to: &Path) -> Self {
        Self { from: folder_of(from).to_owned(), to: folder_of(to).to_owned() }
    }

    /// Whether the file `name`, as a virtual dataset has it, is found from the one. HDF5 takes a missing one for one
    /// that was not written yet.
    pub fn has(&self, name: &CStr) -> bool {
        let name = name.to_string_lossy();
        let path = Path::new(&*name);
        let beside = path.file_name().map(|name| self.from.join(name));
        // A name with a percent sign stands for many.
        name == "."
            || name.contains('%')
            || self.from.join(path).exists()
            || beside.is_some_and(|path| path.exists())
    }

    /// Says so if what `path` leads to, the file `name`, is found from the one and not from the other.
    pub fn warn(&self, path: &str, name: &CStr) {
        let name = name.to_string_lossy();
        // "." is the file itself.
        if name != "." && self.from.join(&*name).exists() && !self.to.join(&*name).exists() {
            eprintln!("h5h264: {path} leads to {name}, which is not found from {}", self.to.display());
        }
    }
}

/// Where a link is to be, and what it is made with.
pub struct Place<'p> {
    pub parent: Group,
    pub name: &'p str,
    pub link: LinkCreate,
}

impl<'p> Place<'p> {
    /// At `path` of a file in which the groups above it are; the link is like another.
    pub fn of(path: &'p str, like: &LinkInfo, file: &File) -> Result<Self> {
        let (parent, name) = path.rsplit_once('/').context("a path without a slash")?;
        let parent = file.group(if parent.is_empty() { "/" } else { parent }).explained()?;
        let link = LinkCreate::build().char_encoding(like.char_encoding).finish().explained()?;
        Ok(Self { parent, name, link })
    }

    /// Makes a link that does not lead to an object for the first time.
    pub fn link(&self, path: &str, entry: Entry, file: &File, folders: &Folders) -> Result<()> {
        let Self { parent, name, link } = self;
        match entry {
            Entry::Again(known) => h5::link_hard(file, &known, parent, name, link),
            Entry::Soft(target) => h5::link_soft(&target, parent, name, link),
            Entry::External(target_file, target) => {
                folders.warn(path, &target_file);
                h5::link_external(&target_file, &target, parent, name, link)
            }
            Entry::UserDefined => {
                eprintln!(
                    "h5h264: {path} is left out: a link of a kind that only the program that made it knows"
                );
                Ok(())
            }
            Entry::Unreadable(e) => Err(e),
            Entry::Object(_) => bail!("an object is more than a link"),
        }
    }
}
