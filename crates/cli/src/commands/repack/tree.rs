//! Everything but the content of datasets of images.

use anyhow::{Context, Result, ensure};
use hdf5::plist::LinkCreate;
use hdf5::{Dataset, Datatype, File, LinkInfo};

use crate::h5::{self, Entry, Explain, Grid, Object, StoredChunks, Translator, Unfiltered};
use crate::links::{Folders, Place};
use crate::text;

/// Where datatypes with names are until their own links are made: they have to be there before the datasets.
/// As many underscores more as make it a new name.
const DATATYPES: &str = "h5h264_datatypes";

/// External links that lead to files with such links, and so on.
const MOST_DEEP: usize = 16;

/// What makes a dataset anew at a place, of a type; false if it is to be copied.
pub trait Repack: FnMut(&str, &Dataset, &Place<'_>, &Datatype) -> Result<bool> {}

impl<F> Repack for F where F: FnMut(&str, &Dataset, &Place<'_>, &Datatype) -> Result<bool> {}

/// Copies all links and objects of a file to a new one, and then the attributes and references of
/// the objects, which may lead anywhere.
///
/// If `is_following`, what external links lead to becomes objects of the new file.
pub fn copy(
    input: &File,
    output: &File,
    folders: &Folders,
    is_following: bool,
    repack: impl Repack,
) -> Result<()> {
    let mut copier = Copier {
        translator: Translator::new(input, output),
        folders,
        is_following,
        followed: Vec::new(),
        n_deep: 0,
        paths: Vec::new(),
        datatypes: Vec::new(),
        repack,
    };
    copier.translator.place("/", input, output)?;
    copier.paths.push(("/".into(), false));
    copier.copy_datatypes()?;
    h5::walk(input, "/", |_, path, link, entry| {
        copier.link(path, link, entry).with_context(|| path.to_owned())
    })?;
    for (path, is_copied) in &copier.paths {
        copier.content(path, *is_copied).with_context(|| path.clone())?;
    }
    for (path, is_copied) in &copier.followed {
        copier.followed_content(path, *is_copied).with_context(|| path.clone())?;
    }
    if let Some((folder, _)) = copier.datatypes.first().and_then(|path| path.rsplit_once('/')) {
        output.unlink(folder).explained()?;
    }
    match copier.translator.n_lost() {
        0 => (),
        n => eprintln!(
            "h5h264: {} to objects that no link leads to: null in the new file",
            text::count(n, "reference")
        ),
    }
    Ok(())
}

struct Copier<'f, R> {
    translator: Translator<'f>,
    folders: &'f Folders,
    is_following: bool,
    /// Of objects of other files, and whether HDF5 has copied them.
    followed: Vec<(String, bool)>,
    /// External links on the way to where we are.
    n_deep: usize,
    /// Of all objects, and whether HDF5 has copied them.
    paths: Vec<(String, bool)>,
    /// Where the datatypes with names are in the new file.
    datatypes: Vec<String>,
    repack: R,
}

impl<R: Repack> Copier<'_, R> {
    /// Copies the datatypes that have names.
    fn copy_datatypes(&mut self) -> Result<()> {
        let mut datatypes = Vec::new();
        h5::walk(self.translator.from, "/", |_, _, _, entry| {
            if let Entry::Object(Object::Datatype(datatype)) = entry {
                datatypes.push(datatype);
            }
            Ok(())
        })?;
        if datatypes.is_empty() {
            return Ok(());
        }
        let mut folder = DATATYPES.to_owned();
        while self.translator.from.link_exists(&folder) {
            folder.insert(0, '_');
        }
        let group = self.translator.to.create_group(&folder).explained()?;
        let link = LinkCreate::try_new().explained()?;
        for (i, datatype) in datatypes.iter().enumerate() {
            let name = i.to_string();
            h5::copy_object(datatype, &group, &name, &link, &[])?;
            let copy = h5::open(&group, &name)?;
            let path = format!("/{folder}/{name}");
            self.translator.place(&path, datatype, copy.location())?;
            self.datatypes.push(path);
        }
        Ok(())
    }

    fn link(&mut self, path: &str, info: &LinkInfo, entry: Entry) -> Result<()> {
        let to = self.translator.to;
        let place = Place::of(path, info, to)?;
        match entry {
            Entry::Object(object) => self.object(path, &object, &place),
            external @ Entry::External(..) if self.is_following => match h5::open(self.translator.from, path)
            {
                Ok(object) => self.follow(path, &object, &place),
                Err(e) => {
                    eprintln!("h5h264: {path} stays a link: {}", text::one_line(&e));
                    place.link(path, external, to, self.folders)
                }
            },
            other => place.link(path, other, to, self.folders),
        }
    }

    fn object(&mut self, path: &str, object: &Object, place: &Place<'_>) -> Result<()> {
        let Place { parent, name, link } = place;
        let is_copied = match object {
            Object::Group(group) => {
                h5::create_group_like(group, parent, name, link)?;
                false
            }
            Object::Dataset(dataset) => {
                let datatype = self.translator.datatype(dataset.dtype().explained()?)?;
                let is_copied = !(self.repack)(path, dataset, place, &datatype)?;
                if is_copied {
                    self.dataset(path, dataset, place, &datatype)?;
                }
                is_copied
            }
            Object::Datatype(datatype) => {
                let known = self.translator.path_of(datatype)?;
                h5::link_hard(self.translator.to, known, parent, name, link)?;
                self.paths.push((path.to_owned(), true));
                return Ok(());
            }
        };
        let copy = h5::open(parent, name)?;
        self.translator.place(path, object.location(), copy.location())?;
        self.paths.push((path.to_owned(), is_copied));
        Ok(())
    }

    /// Copies an object of another file, with all that is in it.
    fn follow(&mut self, path: &str, object: &Object, place: &Place<'_>) -> Result<()> {
        let Place { parent, name, link } = place;
        let is_copied = match object {
            Object::Dataset(dataset) => {
                let datatype = h5::copy_of(&dataset.dtype().explained()?)?;
                let is_copied = !(self.repack)(path, dataset, place, &datatype)?;
                if is_copied {
                    h5::copy_object(dataset, parent, name, link, &[])?;
                }
                is_copied
            }
            Object::Datatype(datatype) => {
                h5::copy_object(datatype, parent, name, link, &[])?;
                true
            }
            Object::Group(group) => {
                ensure!(self.n_deep < MOST_DEEP, "external links lead in a circle");
                h5::create_group_like(group, parent, name, link)?;
                self.n_deep += 1;
                let to = self.translator.to;
                h5::walk(group, path, |_, path, info, entry| {
                    let place = Place::of(path, info, to)?;
                    match entry {
                        // Links to those in a followed group are followed with it.
                        Entry::Object(Object::Group(group)) => {
                            h5::create_group_like(&group, &place.parent, place.name, &place.link)?;
                            self.followed.push((path.to_owned(), false));
                            Ok(())
                        }
                        Entry::Object(object) => self.follow(path, &object, &place),
                        external @ Entry::External(..) => self.link(path, info, external),
                        other => place.link(path, other, to, self.folders),
                    }
                    .with_context(|| path.to_owned())
                })?;
                self.n_deep -= 1;
                false
            }
        };
        self.followed.push((path.to_owned(), is_copied));
        Ok(())
    }

    /// The same as `content`, for an object of another file. Its references lead nowhere in the new one.
    fn followed_content(&self, path: &str, is_copied: bool) -> Result<()> {
        let (from, to) = (h5::open(self.translator.from, path)?, h5::open(self.translator.to, path)?);
        let file = from.location().file().explained()?;
        let nowhere = Translator::new(&file, self.translator.to);
        for lost in h5::copy_attributes(from.location(), to.location(), &nowhere)? {
            h5::delete_attribute(to.location(), &lost)?;
        }
        if !is_copied {
            h5::copy_comment(from.location(), to.location())?;
        }
        Ok(())
    }

    fn dataset(&self, path: &str, dataset: &Dataset, place: &Place<'_>, datatype: &Datatype) -> Result<()> {
        let Place { parent, name, link } = place;
        for file in h5::virtual_files(dataset)? {
            self.folders.warn(path, &file);
        }
        if !h5::has_pointing_fill_value(dataset)? && !is_to_be_mended(dataset)? {
            return h5::copy_object(dataset, parent, name, link, &self.datatypes);
        }
        let space = dataset.space().explained()?;
        let plist = dataset.create_plist().explained()?;
        let copy = h5::create_dataset(parent, name, datatype, &space, &plist, link)?;
        copy_elements(dataset, &copy)?;
        h5::flush(&copy)
    }

    /// Attributes, comments, and references that are the elements of a dataset.
    fn content(&self, path: &str, is_copied: bool) -> Result<()> {
        let (from, to) = (h5::open(self.translator.from, path)?, h5::open(self.translator.to, path)?);
        h5::copy_attributes(from.location(), to.location(), &self.translator)?;
        match (&from, &to) {
            (Object::Dataset(from), Object::Dataset(to)) if is_copied => self.references(from, to),
            _ if is_copied => Ok(()),
            _ => h5::copy_comment(from.location(), to.location()),
        }
    }

    fn references(&self, from: &Dataset, to: &Dataset) -> Result<()> {
        if !h5::has_references(&from.dtype().explained()?)? || from.size() == 0 {
            return Ok(());
        }
        let parts = Grid::of_parts(from)?;
        for offset in parts.offsets() {
            let extent = parts.extent_at(&offset);
            let mut elements = h5::read_slab(from, &offset, &extent)?;
            elements.translate(&self.translator)?;
            h5::write_slab(to, &offset, &extent, &elements)?;
        }
        h5::flush(to)
    }
}

/// Whether chunks have elements of variable length and were stored without our filter, which HDF5 would copy.
fn is_to_be_mended(dataset: &Dataset) -> Result<bool> {
    Ok(h5::has_pointers(&dataset.dtype().explained()?)?
        && Unfiltered::of(dataset, &h5::filters_of(dataset)?)?.n_chunks > 0)
}

/// Reads and writes what is stored.
fn copy_elements(from: &Dataset, to: &Dataset) -> Result<()> {
    let copy = |grid: &Grid, offset: &[u64]| {
        let extent = grid.extent_at(offset);
        h5::write_slab(to, offset, &extent, &h5::read_slab(from, offset, &extent)?)
    };
    if let Some(grid) = Grid::of(from) {
        return StoredChunks::of(from, &grid)?.iter().try_for_each(|(offset, _)| copy(&grid, &offset));
    }
    if from.storage_size() == 0 {
        return Ok(());
    }
    let parts = Grid::of_parts(from)?;
    parts.offsets().try_for_each(|offset| copy(&parts, &offset))
}
