//! Everything but the content of datasets of images.

use std::collections::HashMap;

use anyhow::{Context, Result};
use hdf5::plist::LinkCreate;
use hdf5::{Dataset, Datatype, File, Group, LinkInfo, Location};

use crate::h5::{self, Entry, Explain, Grid, Object, Place, Translator};

/// Where datatypes with names are until their own links are made: they have to be there before the datasets.
const DATATYPES: &str = "__h5h264_datatypes";

/// What makes a dataset anew in a group, of a type; false if it is to be copied.
pub trait Repack: FnMut(&str, &Dataset, &Group, &str, &Datatype, &LinkCreate) -> Result<bool> {}

impl<F> Repack for F where F: FnMut(&str, &Dataset, &Group, &str, &Datatype, &LinkCreate) -> Result<bool> {}

/// Copies all links and objects of a file to a new one, and then the attributes and references of
/// the objects, which may lead anywhere.
pub fn copy(input: &File, output: &File, repack: impl Repack) -> Result<()> {
    let mut copier = Copier {
        translator: Translator { from: input, to: output, objects: HashMap::new() },
        paths: Vec::new(),
        datatypes: Vec::new(),
        repack,
    };
    copier.place("/", input, output)?;
    copier.paths.push(("/".into(), false));
    copier.copy_datatypes()?;
    h5::walk(input, "/", |_, path, link, entry| {
        copier.link(path, link, entry).with_context(|| path.to_owned())
    })?;
    for (path, is_copied) in &copier.paths {
        copier.content(path, *is_copied).with_context(|| path.clone())?;
    }
    if !copier.datatypes.is_empty() {
        output.unlink(DATATYPES).explained()?;
    }
    Ok(())
}

struct Copier<'f, R> {
    translator: Translator<'f>,
    /// Of all objects, and whether HDF5 has copied them.
    paths: Vec<(String, bool)>,
    /// Where the datatypes with names are in the new file.
    datatypes: Vec<String>,
    repack: R,
}

impl<R: Repack> Copier<'_, R> {
    /// Remembers where an object went.
    fn place(&mut self, path: &str, from: &Location, to: &Location) -> Result<()> {
        let place = Place { address: h5::address_of(to)?, path: path.to_owned() };
        self.translator.objects.insert(h5::address_of(from)?, place);
        Ok(())
    }

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
        let group = self.translator.to.create_group(DATATYPES).explained()?;
        let link = LinkCreate::try_new().explained()?;
        for (i, datatype) in datatypes.iter().enumerate() {
            let name = i.to_string();
            h5::copy_object(datatype, &group, &name, &link, &[])?;
            let copy = h5::open(&group, &name)?;
            let path = format!("/{DATATYPES}/{name}");
            self.place(&path, datatype, copy.location())?;
            self.datatypes.push(path);
        }
        Ok(())
    }

    fn link(&mut self, path: &str, info: &LinkInfo, entry: Entry) -> Result<()> {
        let link = LinkCreate::build().char_encoding(info.char_encoding).finish().explained()?;
        let to = self.translator.to;
        let (parent, name) = path.rsplit_once('/').context("a path without a slash")?;
        let parent = if parent.is_empty() { "/" } else { parent };
        let parent = to.group(parent).explained()?;
        match entry {
            Entry::Object(object) => self.object(path, &object, &parent, name, &link),
            Entry::Again(known) => h5::link_hard(to, &known, &parent, name, &link),
            Entry::Soft(target) => h5::link_soft(&target, &parent, name, &link),
            Entry::External(file, target) => h5::link_external(&file, &target, &parent, name, &link),
            Entry::UserDefined => {
                eprintln!(
                    "h5h264: {path} is left out: a link of a kind that only the program that made it knows"
                );
                Ok(())
            }
        }
    }

    fn object(
        &mut self,
        path: &str,
        object: &Object,
        parent: &Group,
        name: &str,
        link: &LinkCreate,
    ) -> Result<()> {
        let is_copied = match object {
            Object::Group(group) => {
                h5::create_group_like(group, parent, name, link)?;
                false
            }
            Object::Dataset(dataset) => {
                let datatype = self.translator.datatype(dataset.dtype().explained()?)?;
                let is_copied = !(self.repack)(path, dataset, parent, name, &datatype, link)?;
                if is_copied {
                    h5::copy_object(dataset, parent, name, link, &self.datatypes)?;
                }
                is_copied
            }
            Object::Datatype(datatype) => {
                let known = self.translator.objects.get(&h5::address_of(datatype)?);
                let known = known.context("a datatype that was not copied")?.path.clone();
                h5::link_hard(self.translator.to, &known, parent, name, link)?;
                self.paths.push((path.to_owned(), true));
                return Ok(());
            }
        };
        let copy = h5::open(parent, name)?;
        self.place(path, object.location(), copy.location())?;
        self.paths.push((path.to_owned(), is_copied));
        Ok(())
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
        Ok(())
    }
}
