//! The sources of virtual datasets. Where HDF5 can't open one, it gives the fill value and no error.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};
use hdf5::{Dataset, Datatype};

use super::Verifier;
use super::findings::Place;
use super::search::{Home, Opened};
use crate::h5::{self, Address, Bounds, Explain, Mapping, Object, Selected};
use crate::text;

/// Files that a process has open besides sources: its input and output, the virtual dataset's own.
const OTHER_OPEN_FILES: u64 = 4;
/// Virtual datasets of virtual datasets, each of which is open, and HDF5 reads one inside the other.
const MAX_DEPTH: usize = 32;

/// Verifies what a virtual dataset is made of. One source is open at a time, where HDF5 would open all.
pub struct Sources<'v> {
    verifier: &'v mut Verifier,
    /// The dataset.
    place: &'v Place,
    /// The virtual datasets that were begun, each of which is verified once.
    begun: HashSet<(PathBuf, Address)>,
    /// Those that are not at their end: one inside the other.
    outer: Vec<(PathBuf, Address)>,
}

/// A source, by the names that the virtual dataset has for it.
struct Source<'m> {
    file: String,
    path: String,
    /// Those that take elements from it.
    mappings: &'m [Mapping],
}

impl<'m> Source<'m> {
    fn of_block(block: u64, mappings: &'m [Mapping]) -> Self {
        Self { file: mappings[0].file.of_block(block), path: mappings[0].path.of_block(block), mappings }
    }

    /// What of it the virtual dataset has; `None` if everything.
    fn bounds(&self) -> Option<Vec<Bounds>> {
        let bounds = self.mappings.iter().map(|mapping| match &mapping.selected {
            Selected::Within(bounds) => Some(bounds.clone()),
            Selected::All(_) | Selected::Growing => None,
        });
        bounds.collect()
    }
}

impl<'v> Sources<'v> {
    pub fn new(verifier: &'v mut Verifier, place: &'v Place) -> Self {
        Self { verifier, place, begun: HashSet::new(), outer: Vec::new() }
    }

    /// Of a virtual dataset, and of the virtual ones among its sources.
    pub fn check(&mut self, dataset: &Dataset) -> Result<()> {
        let read = || Ok((Home::of(dataset)?, h5::mappings(dataset)?, dataset.dtype().explained()?));
        let (home, mappings, datatype) = match read() {
            Ok(read) => read,
            Err(e) => return self.verifier.findings.damage(self.place, &e),
        };
        let identity = (home.resolved(), h5::address_of(dataset)?);
        if self.outer.contains(&identity) {
            let e = anyhow!("virtual datasets have their elements from each other, in a circle");
            return self.verifier.findings.damage(self.place, &e);
        }
        if self.outer.len() == MAX_DEPTH {
            let e =
                anyhow!("virtual datasets have their elements from each other, more than {MAX_DEPTH} times");
            return self.verifier.findings.damage(self.place, &e);
        }
        if !self.begun.insert(identity.clone()) {
            return Ok(());
        }
        self.outer.push(identity);
        let (numbered, mut named): (Vec<_>, Vec<_>) = mappings.into_iter().partition(Mapping::is_numbered);
        named.sort_by(|a, b| (&a.file, &a.path).cmp(&(&b.file, &b.path)));
        let mut n_files = named.chunk_by(|a, b| a.file == b.file).count() as u64;
        let mut opened = Opened::new(home);
        for mappings in named.chunk_by(|a, b| (&a.file, &a.path) == (&b.file, &b.path)) {
            let source = Source::of_block(0, mappings);
            let found = self.source(&mut opened, &datatype, &source)?;
            self.unless_found(&source, found)?;
        }
        n_files += self.numbered(&mut opened, &datatype, &numbered)?;
        self.outer.pop();
        match most_open_files() {
            Some(most) if n_files + OTHER_OPEN_FILES > most => {
                self.verifier.findings.too_many_files(self.place, n_files, most)
            }
            _ => Ok(()),
        }
    }

    /// Sources with numbers, one for each block. HDF5 takes the first that it can't open for the end of the mapping,
    /// and the end of the longest mapping for that of the dataset. How many files they are.
    fn numbered(&mut self, opened: &mut Opened, datatype: &Datatype, mappings: &[Mapping]) -> Result<u64> {
        let (mut n_files, mut ends) = (0, Vec::new());
        for mapping in mappings {
            let (mut block, mut before) = (0, None);
            let missing = loop {
                let source = Source::of_block(block, std::slice::from_ref(mapping));
                match self.source(opened, datatype, &source)? {
                    Found::Source => block += 1,
                    other => break other,
                }
                // A name that is found by its last part, which has no number, leads to the same file for ever.
                let here = opened.open(&source.file)?.map(|home| (home.resolved(), source.path.clone()));
                if here == before {
                    let place = self.place.source(Path::new(&source.file), &source.path);
                    let cause = anyhow!("it is the source of the block before, and so of all blocks");
                    break self.damage(&place, &cause, Found::Closed)?;
                }
                before = here;
            };
            n_files += if mapping.file.is_numbered() { block } else { 1 };
            ends.push((block, missing));
        }
        let lengths = mappings.iter().zip(&ends).map(|(mapping, (n, _))| mapping.blocks.end_of(*n));
        let length = lengths.max().unwrap_or(0);
        for (mapping, (block, missing)) in mappings.iter().zip(ends) {
            // If it is empty, nobody is told why.
            if length == 0 || mapping.blocks.start_of(block) < length {
                self.unless_found(&Source::of_block(block, std::slice::from_ref(mapping)), missing)?;
            }
        }
        Ok(n_files)
    }

    fn unless_found(&mut self, source: &Source<'_>, found: Found) -> Result<()> {
        let what = match found {
            Found::Source | Found::Closed => return Ok(()),
            Found::NoFile => "file",
            Found::NoDataset => "dataset",
        };
        self.verifier.findings.report.n_sources += 1;
        let place = self.place.source(Path::new(&source.file), &source.path);
        self.verifier.findings.damage(&place, &anyhow!("the {what} is missing"))
    }

    /// Verifies a source, unless it is missing.
    fn source(&mut self, opened: &mut Opened, datatype: &Datatype, source: &Source<'_>) -> Result<Found> {
        let place = self.place.source(Path::new(&source.file), &source.path);
        let home = match opened.open(&source.file) {
            Ok(Some(home)) => home,
            Ok(None) => return Ok(Found::NoFile),
            Err(e) => return self.damage(&place, &e, Found::Closed),
        };
        let place = self.place.source(&home.path, &source.path);
        if h5::has_object(&home.file, &source.path).is_ok_and(|is_there| !is_there) {
            return Ok(Found::NoDataset);
        }
        let dataset = match usable(home, datatype, source) {
            Ok(dataset) => dataset,
            Err(e) => return self.damage(&place, &e, Found::Source),
        };
        self.verifier.findings.report.n_sources += 1;
        if h5::is_virtual(&dataset)? {
            self.check(&dataset)?;
        } else if !self.verifier.files.contains(&Home::of(&dataset)?.resolved()) {
            self.verifier.findings.bar.inc_length(dataset.storage_size());
            self.verifier.dataset(&place, &dataset, source.bounds().as_deref())?;
        }
        Ok(Found::Source)
    }

    /// Of a source that is not missing.
    fn damage(&mut self, place: &Place, cause: &anyhow::Error, found: Found) -> Result<Found> {
        self.verifier.findings.report.n_sources += 1;
        self.verifier.findings.damage(place, cause)?;
        Ok(found)
    }
}

/// Whether a source is there.
#[derive(Clone, Copy)]
enum Found {
    Source,
    /// Its file can't be opened, which was said.
    Closed,
    NoFile,
    NoDataset,
}

/// The dataset that a source is, if HDF5 can take elements from where the virtual dataset says.
fn usable(home: &Home, datatype: &Datatype, source: &Source<'_>) -> Result<Dataset> {
    let object = h5::open(&home.file.group("/").explained()?, &source.path)?;
    let Object::Dataset(dataset) = object else { bail!("it is not a dataset") };
    let own = dataset.dtype().explained()?;
    ensure!(
        h5::is_convertible(&own, datatype),
        "its type is {} (expected {})",
        h5::describe_type(&own)?,
        h5::describe_type(datatype)?
    );
    // HDF5 opens the sources of one that is virtual to tell how long it is.
    let is_virtual = h5::is_virtual(&dataset)?;
    let shape =
        if is_virtual { h5::virtual_shape(&dataset)? } else { h5::shape_of(&dataset.space().explained()?) };
    let shape = shape.ok_or_else(|| anyhow!("it has no elements"))?;
    let n_elements = shape.iter().fold(1, |n: u64, length| n.saturating_mul(*length));
    for mapping in source.mappings {
        let expected = match &mapping.selected {
            Selected::All(Some(n)) if *n != n_elements && !is_virtual => text::count(*n, "element"),
            Selected::Within(Bounds { end, .. }) if end.len() != shape.len() => {
                text::count(end.len() as u64, "dimension")
            }
            Selected::Within(bounds) if !bounds.are_in(&shape) && !is_virtual => {
                format!("{} or more", text::shape(&bounds.end))
            }
            _ => continue,
        };
        bail!("its shape is {} (expected {expected})", text::shape(&shape));
    }
    Ok(dataset)
}

/// How many files a process may have open; `None` if the system does not say.
fn most_open_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}
