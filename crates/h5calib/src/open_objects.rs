//! Which file is being read? A filter is told nothing of it; but the file's magic is in the header,
//! and the dataset that is being read is open.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use h5filter::{File, Hdf5, Identity};

use crate::error::{Result, bad_source};

/// An open file or dataset, by its id.
type Key = (usize, i64);

/// What does not change as long as an id is open. HDF5 gives no number to two ids.
#[derive(Debug, Clone)]
struct Known {
    file: Identity,
    /// The file's magic, if nobody can write it while the file is open.
    constant_magic: Option<Option<u32>>,
    /// For a dataset behind this filter: the bytes of its chunks.
    view_chunk_bytes: Option<usize>,
}

/// What was found out about the objects that are open.
#[derive(Default)]
pub struct OpenObjects(Mutex<HashMap<Key, Known>>);

/// The files that a chunk may have come from.
pub struct Candidates {
    /// An id in each of the files with this magic.
    ids: Vec<i64>,
    /// The sizes of the chunks of all open views.
    pub chunk_bytes: Vec<usize>,
}

impl Candidates {
    /// The files with the magic that was asked for. More than one when they are copies of each other
    /// and a view is open in several.
    pub fn files<'h>(&self, hdf5: &'h Hdf5) -> Vec<File<'h>> {
        self.ids.iter().filter_map(|&id| hdf5.file_of(id)).collect()
    }
}

impl OpenObjects {
    /// The files that a view with this magic can be in.
    pub fn candidates(&self, hdf5: &Hdf5, magic: u32) -> Result<Candidates> {
        let candidates = self.look(hdf5, magic)?;
        let still_so = |file: &File<'_>| magic_of(file) == Some(magic);
        if !candidates.ids.is_empty() && candidates.files(hdf5).iter().all(still_so) {
            return Ok(candidates);
        }
        // After H5close, a program starts with the same ids again.
        self.lock().clear();
        let candidates = self.look(hdf5, magic)?;
        if candidates.ids.is_empty() {
            return Err(bad_source!(
                "no open file has {magic} ({magic:#010x}) as its attribute h5calib_file_magic, which this view names"
            ));
        }
        Ok(candidates)
    }

    fn look(&self, hdf5: &Hdf5, magic: u32) -> Result<Candidates> {
        let library = hdf5.number();
        let files = hdf5.open_files()?;
        let datasets = hdf5.open_datasets()?;
        let mut known = self.lock();
        // Those that were closed are in nobody's way, as long as they are not too many.
        if known.len() > 2 * (files.len() + datasets.len()) + 64 {
            let open: HashSet<i64> = files.iter().chain(&datasets).copied().collect();
            known.retain(|(of, id), _| *of != library || open.contains(id));
        }

        let mut magics = HashMap::new();
        let mut open: Vec<(i64, Known)> = Vec::new();
        for (&id, is_dataset) in
            files.iter().map(|id| (id, false)).chain(datasets.iter().map(|id| (id, true)))
        {
            let object = match known.get(&(library, id)) {
                Some(object) => object.clone(),
                None => {
                    // An id may be of an object that another thread is closing.
                    let Some(object) = inspect(hdf5, id, is_dataset) else { continue };
                    known.insert((library, id), object.clone());
                    object
                }
            };
            magics.entry(object.file).or_insert_with(|| match object.constant_magic {
                Some(magic) => magic,
                None => hdf5.file_of(id).and_then(|file| magic_of(&file)),
            });
            open.push((id, object));
        }
        let matches = |file: &Identity| magics.get(file) == Some(&Some(magic));
        let with_magic = open.iter().filter(|(_, object)| matches(&object.file));
        let views = || open.iter().filter(|(_, object)| object.view_chunk_bytes.is_some());
        // The view that is being read is among the open ones. If each of them is in a file that has
        // the magic, that file is one of theirs.
        let in_own_file = views().all(|(_, object)| matches(&object.file)) && views().next().is_some();
        let mut ids: Vec<(Identity, i64)> = if in_own_file {
            views().map(|(id, object)| (object.file, *id)).collect()
        } else {
            with_magic.map(|(id, object)| (object.file, *id)).collect()
        };
        ids.sort_unstable();
        ids.dedup_by_key(|(file, _)| *file);
        Ok(Candidates {
            ids: ids.into_iter().map(|(_, id)| id).collect(),
            chunk_bytes: views().filter_map(|(_, object)| object.view_chunk_bytes).collect(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Known>> {
        // The map is whole at every point where a panic could happen.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inspect(hdf5: &Hdf5, id: i64, is_dataset: bool) -> Option<Known> {
    let file = hdf5.file_of(id)?;
    let view_chunk_bytes = is_dataset.then(|| {
        let dataset = hdf5.dataset_of(id)?;
        let shape = dataset.chunk_shape_behind(crate::FILTER_ID)?;
        let n_elements =
            shape.iter().try_fold(1usize, |n, &len| n.checked_mul(usize::try_from(len).ok()?))?;
        n_elements.checked_mul(dataset.element().ok()?.bytes())
    });
    Some(Known {
        file: file.identity().ok()?,
        constant_magic: file.is_constant().then(|| magic_of(&file)),
        view_chunk_bytes: view_chunk_bytes.flatten(),
    })
}

/// The magic of a file; `None` if it has none.
pub fn magic_of(file: &File<'_>) -> Option<u32> {
    file.number_attribute(c"h5calib_file_magic")
}
