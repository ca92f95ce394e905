//! Paths are followed here link by link, not by HDF5: no link leads out of the files that are served.

use std::env;

use hdf5::{Dataset, File, Group};

use super::budget;
use super::failure::{Failure, Result};
use super::files::Files;
use crate::h5::{self, Explain, Link, Object};

/// Links to links, or virtual datasets of virtual datasets, beyond this are a circle.
pub const MAX_HOPS: usize = 32;

/// An object, and the file that it was found in.
pub struct Found {
    pub object: Object,
    pub file: usize,
    /// HDF5 closes a file's objects with it.
    _open: File,
}

/// Who follows links.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Follower {
    Server,
    /// While it reads values: it has to come to the same file as this server.
    Hdf5,
}

/// What a path leads to.
pub enum Target {
    Object(Found),
    /// A link that leads nowhere, or elsewhere.
    Dangling(Link),
}

impl Files {
    /// The object at a path; soft and external links are followed.
    pub fn find(&self, file: usize, path: &str) -> Result<Found> {
        self.find_as(Follower::Server, file, path)
    }

    pub fn find_as(&self, follower: Follower, file: usize, path: &str) -> Result<Found> {
        let open = self.open(file)?;
        let root = root(&open)?;
        self.walk(follower, Found { object: Object::Group(root), file, _open: open }, path, 0)
    }

    /// The dataset at a path.
    pub fn find_dataset(&self, file: usize, path: &str) -> Result<(Found, Dataset)> {
        let found = self.find(file, path)?;
        let Object::Dataset(dataset) = &found.object else {
            return Err(Failure::unusable(format!("{path} is not a dataset")));
        };
        let dataset = dataset.clone();
        self.check_sources(&dataset, found.file)?;
        Ok((found, dataset))
    }

    /// What `name` in a group is; a link that can't be followed is no error.
    pub fn child(&self, parent: &Found, group: &Group, name: &str, link: Link) -> Result<Target> {
        match link {
            Link::Hard => self.step(Follower::Server, parent, group, name, Link::Hard, 0).map(Target::Object),
            link => Ok(match self.step(Follower::Server, parent, group, name, link.clone(), 0) {
                Ok(found) => Target::Object(found),
                Err(_) => Target::Dangling(link),
            }),
        }
    }

    fn walk(&self, follower: Follower, from: Found, path: &str, hops: usize) -> Result<Found> {
        let mut at = from;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            let group = match &at.object {
                Object::Group(group) => Some(group.clone()),
                _ => None,
            };
            let link = match &group {
                Some(group) => h5::link(group, name)?,
                None => None,
            };
            let (Some(group), Some(link)) = (group, link) else {
                return Err(Failure::not_found(format!(
                    "{path} is not a valid path in {}",
                    self.name(at.file)
                )));
            };
            at = self.step(follower, &at, &group, name, link, hops)?;
        }
        Ok(at)
    }

    fn step(
        &self,
        follower: Follower,
        at: &Found,
        group: &Group,
        name: &str,
        link: Link,
        hops: usize,
    ) -> Result<Found> {
        budget::step()?;
        if hops > MAX_HOPS {
            return Err(Failure::not_found(format!("Cannot resolve {name}: links lead in a circle")));
        }
        match link {
            Link::Hard => {
                Ok(Found { object: h5::open(group, name)?, file: at.file, _open: at._open.clone() })
            }
            // Of which HDF5 might make something else.
            Link::Soft(path) if !is_text(&path) => Err(unnamed(name)),
            Link::Soft(path) => {
                let start = if path.starts_with('/') { root(&at._open)? } else { group.clone() };
                let start = Found { object: Object::Group(start), file: at.file, _open: at._open.clone() };
                self.walk(follower, start, &path, hops + 1).map_err(|e| {
                    Failure::new(e.status, format!("Cannot resolve {name} -> {path}: {}", e.message))
                })
            }
            Link::External(target, path) => {
                let file = match follower {
                    Follower::Server => self.named_by(at.file, &target),
                    Follower::Hdf5 => self.opened_by_hdf5(at.file, &target, "HDF5_EXT_PREFIX")?,
                };
                let file = file.ok_or_else(|| outside(name, &target))?;
                let open = self.open(file)?;
                let start = Found { object: Object::Group(root(&open)?), file, _open: open };
                self.walk(follower, start, &path, hops + 1)
            }
            Link::UserDefined => {
                Err(Failure::forbidden(format!("Cannot resolve {name}: a link of an unknown kind")))
            }
        }
    }

    /// The file that HDF5 opens when another one names it, if it is one of those that are served.
    pub fn opened_by_hdf5(&self, file: usize, target: &str, prefix: &str) -> Result<Option<usize>> {
        if env::var_os(prefix).is_some() {
            return Err(Failure::forbidden(format!(
                "the dataset leads to {target}, which is not read while {prefix} is set"
            )));
        }
        Ok(self.named_directly_by(file, target))
    }
}

pub const NOT_GIVEN: &str = "not one of the files given (h5h264 view FILE";

/// H5Web has words of its own for what can't be resolved.
fn outside(what: &str, target: &str) -> Failure {
    Failure::forbidden(format!("Cannot resolve {what}: it leads to {target}, which is {NOT_GIVEN} {target})"))
}

/// Whether a text from a file could be read: what is not UTF-8 has become this character.
pub fn is_text(text: &str) -> bool {
    !text.contains(char::REPLACEMENT_CHARACTER)
}

fn unnamed(what: &str) -> Failure {
    Failure::forbidden(format!("Cannot resolve {what}: it leads to a name that is not UTF-8"))
}

fn root(file: &File) -> Result<Group> {
    Ok(file.group("/").explained()?)
}
