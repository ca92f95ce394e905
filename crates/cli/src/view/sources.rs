//! Where the values of a dataset are: HDF5 would read them from any file that a virtual dataset or a view names.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use h5calib::header::Header;
use hdf5::dataset::Layout;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, File};

use super::budget;
use super::failure::{Failure, Result};
use super::files::Files;
use super::resolve::{Follower, Found, MAX_HOPS, NOT_GIVEN, is_text};
use crate::h5::{self, BIG_ENDIAN, Explain, Grid, Items, Kind, Object, StoredChunks};

/// Sources of virtual datasets and views that are looked at for one, those of sources included.
const MAX_SOURCES: usize = 10_000;
/// A view's chunk names three datasets.
const MAX_HEADER_BYTES: u64 = 1 << 20;

impl Files {
    /// The shape of a dataset, found without a look into files that are not served.
    pub fn shape_of(
        &self,
        dataset: &Dataset,
        plist: &DatasetCreate,
        file: usize,
    ) -> Result<Option<Vec<u64>>> {
        if plist.layout() == Layout::Virtual && self.check_sources(dataset, file).is_err() {
            return Ok(h5::virtual_shape(dataset)?);
        }
        Ok(h5::shape_of(&dataset.space().explained()?))
    }

    /// An error if a dataset's values are in a file that is not served.
    pub fn check_sources(&self, dataset: &Dataset, file: usize) -> Result<()> {
        let check = || self.check_values(dataset, file, 0, &mut 0);
        let plist = dataset.create_plist().explained()?;
        let is_view = h5::filters_in(&plist)?.iter().any(|filter| filter.id == h5calib::FILTER_ID);
        if plist.layout() == Layout::Virtual || is_view {
            return self.check_once(file, h5::address_of(dataset)?, check);
        }
        check()
    }

    fn check_values(&self, dataset: &Dataset, file: usize, hops: usize, n_seen: &mut usize) -> Result<()> {
        let plist = dataset.create_plist().explained()?;
        if let Some(external) = plist.get_external().explained()?.first() {
            return Err(Failure::forbidden(format!(
                "the values are in {}, which is not an HDF5 file and is not read",
                external.name
            )));
        }
        if hops > MAX_HOPS {
            return Err(Failure::forbidden("datasets get their values from each other in a circle"));
        }
        let sources = match plist.layout() {
            Layout::Virtual => self.virtual_sources(dataset, file)?,
            Layout::Chunked => self.view_sources(dataset)?,
            _ => Vec::new(),
        };
        for (file, path) in sources {
            budget::step()?;
            *n_seen += 1;
            if *n_seen > MAX_SOURCES {
                return Err(Failure::too_large(format!("the dataset has more than {MAX_SOURCES} sources")));
            }
            match self.find_as(Follower::Hdf5, file, &path) {
                Ok(Found { object: Object::Dataset(inner), file, .. }) => {
                    self.check_values(&inner, file, hops + 1, n_seen)?;
                }
                // A source that is elsewhere is not read.
                Err(e) if e.status != StatusCode::NOT_FOUND => return Err(e),
                // HDF5 has an error, or fills what is missing.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The datasets that a virtual one is made of: file, and path in it.
    fn virtual_sources(&self, dataset: &Dataset, file: usize) -> Result<Vec<(usize, String)>> {
        let source = |(target, path): (String, String)| {
            if !is_text(&target) || !is_text(&path) {
                return Err(Failure::forbidden("the virtual dataset leads to a name that is not UTF-8"));
            }
            // HDF5 makes other names of those: %b is a number, %% a percent sign.
            if target.contains('%') || path.contains('%') {
                let name = format!("{target}:{path}");
                let reason = format!("the virtual dataset leads to names like {name}, which are not read");
                return Err(Failure::forbidden(reason));
            }
            if target == "." {
                return Ok((file, path));
            }
            let index = self.opened_by_hdf5(file, &target, "HDF5_VDS_PREFIX")?.ok_or_else(|| {
                Failure::forbidden(format!(
                    "the virtual dataset leads to {target}, which is {NOT_GIVEN} {target})"
                ))
            })?;
            Ok((index, path))
        };
        h5::virtual_sources(dataset)?.into_iter().map(source).collect()
    }

    /// The datasets that a view is calculated from, as its chunks name them. The filter looks for the file by a
    /// number in it, which any of the files may have.
    fn view_sources(&self, dataset: &Dataset) -> Result<Vec<(usize, String)>> {
        let filters = h5::filters_of(dataset)?;
        let Some(place) = filters.iter().position(|filter| filter.id == h5calib::FILTER_ID) else {
            return Ok(Vec::new());
        };
        if place + 1 != filters.len() {
            return Err(Failure::forbidden("a view behind other filters is not read"));
        }
        let grid = Grid::of(dataset).ok_or_else(|| Failure::unusable("a view without chunks"))?;
        let chunks = StoredChunks::of(dataset, &grid)?;
        let mut named = BTreeSet::new();
        for (offset, chunk) in chunks.iter() {
            if chunk.n_bytes > MAX_HEADER_BYTES {
                return Err(Failure::forbidden("a view with a header that is too long is not read"));
            }
            // What is no header is an error when it is read.
            if let Ok(header) = Header::read_from(&chunks.read(&offset, chunk)?) {
                let Header { file_magic, raw, constants, mask, .. } = header;
                named.extend([raw, constants].into_iter().chain(mask).map(|path| (file_magic, path)));
            }
        }
        let mut sources = Vec::new();
        for file in 0..self.names().count() {
            let magic = magic_of(&self.open(file)?);
            for (_, path) in named.iter().filter(|(wanted, _)| magic == Some(u64::from(*wanted))) {
                let path = path.to_str();
                let path =
                    path.map_err(|_| Failure::forbidden("the view leads to a name that is not UTF-8"))?;
                sources.push((file, path.to_owned()));
            }
        }
        Ok(sources)
    }
}

/// The number by which a view's filter knows a file.
fn magic_of(file: &File) -> Option<u64> {
    let attribute = file.attr("h5calib_file_magic").ok().filter(|attribute| attribute.size() == 1)?;
    let items = Items::of_attribute(&attribute).ok()?;
    let item = items.iter().next()?;
    let Kind::Integer { order, .. } = item.datatype.kind else { return None };
    let mut bytes = [0; 8];
    bytes.get_mut(..item.bytes.len())?.copy_from_slice(item.bytes);
    if order == BIG_ENDIAN {
        bytes[..item.bytes.len()].reverse();
    }
    Some(u64::from_le_bytes(bytes))
}
