//! Views in files that several processes have opened together, through MPI. HDF5 opens a virtual dataset
//! there, and the file that an external link leads to, in all processes together; a filter runs in one. So the
//! datasets of a view are looked at in the file as it is opened by this process alone. If all of them lie in
//! the file itself, later chunks do without that.

use std::collections::HashSet;
use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

use h5filter::{File, Identity};

use crate::error::Result;
use crate::header::Header;
use crate::open_objects::magic_of;
use crate::source::Source;

/// Entries that are kept. Files that were closed leave theirs behind.
const MAX_KNOWN: usize = 1000;

/// An opened file, and what a view in it names.
#[derive(PartialEq, Eq, Hash)]
struct Names {
    file: Identity,
    raw: CString,
    constants: CString,
    mask: Option<CString>,
}

/// Views whose datasets all lie in the view's file.
#[derive(Default)]
pub struct SharedFiles(Mutex<HashSet<Names>>);

impl SharedFiles {
    /// Does `work` with what a chunk is computed from.
    pub fn with_source<T>(
        &self,
        file: &File<'_>,
        header: &Header,
        work: impl FnOnce(&Source<'_>) -> Result<T>,
    ) -> Result<T> {
        if !file.is_shared() {
            return work(&Source::open(file, header)?);
        }
        let Header { raw, constants, mask, .. } = header.clone();
        let names = Names { file: file.identity()?, raw, constants, mask };
        if self.lock().contains(&names) {
            return work(&Source::open(file, header)?);
        }
        let has_magic = |file: &File<'_>| magic_of(file) == Some(header.file_magic);
        let Some(alone) = file.opened_alone().filter(has_magic) else {
            return work(&Source::open(file, header)?);
        };
        let source = Source::open(&alone, header)?;
        if source.is_in(&alone)? {
            let mut known = self.lock();
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(names);
        }
        work(&source)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Names>> {
        // The set is whole at every point where a panic could happen.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
