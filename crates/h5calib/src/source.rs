//! The datasets that a header names.

use std::ffi::CStr;
use std::sync::Arc;

use h5filter::{Dataset, Element, File, SampleKind};

use crate::algorithm::Algorithm;
use crate::buffers::Buffers;
use crate::cache::{Cache, Key, Origin};
use crate::constants::{Constants, Mask};
use crate::error::{Result, bad_source};
use crate::header::Header;
use crate::number::{Number, is_number};

/// An open dataset, and what its elements are.
struct Part<'f> {
    dataset: Dataset<'f>,
    element: Element,
    shape: Vec<u64>,
    /// For messages: "raw dataset /raw in run.h5".
    name: String,
}

/// What the frames of a chunk are computed from.
pub struct Source<'f> {
    header: &'f Header,
    raw: Part<'f>,
    constants: Part<'f>,
    mask: Option<Part<'f>>,
    /// Of the constants and the mask; `None` if they can't be kept.
    origins: Option<(Origin, Option<Origin>)>,
}

impl<'f> Source<'f> {
    /// Opens the datasets, and checks that they fit the header.
    pub fn open(file: &'f File<'_>, header: &'f Header) -> Result<Self> {
        let raw = Part::open(file, "raw dataset", &header.raw)?;
        let constants = Part::open(file, "constants", &header.constants)?;
        let mask = header.mask.as_deref().map(|path| Part::open(file, "mask", path)).transpose()?;
        let mut source = Self { header, raw, constants, mask, origins: None };
        source.check_raw()?;
        source.check_constants()?;
        source.check_mask()?;
        source.origins = source.origins()?;
        Ok(source)
    }

    fn check_raw(&self) -> Result<()> {
        let Self { header, raw, .. } = self;
        let algorithm = header.algorithm;
        let n = algorithm.raw_numbers() as u64;
        let rest: &[u64] = &[header.height as u64, header.width as u64, n][..if n > 1 { 3 } else { 2 }];
        if raw.shape.get(1..) != Some(rest) {
            return Err(raw.has_shape(&format!("(images, {})", list(rest)), header));
        }
        let words = raw.element.sample_bytes == 2
            && matches!(raw.element.kind, SampleKind::Unsigned | SampleKind::Signed);
        if algorithm == Algorithm::JungfrauV1 && !words {
            return Err(bad_source!("{}: {algorithm} needs 16-bit integers", raw.name));
        }
        let end = header.first_image + header.n_images as u64;
        if end > raw.shape[0] {
            return Err(bad_source!(
                "{} has {} images, and image {} is to be read",
                raw.name,
                raw.shape[0],
                end - 1
            ));
        }
        Ok(())
    }

    fn check_constants(&self) -> Result<()> {
        let Self { header, constants, .. } = self;
        let n = header.algorithm.n_constants() as u64;
        let rest: &[u64] = &[header.height as u64, header.width as u64, n][..if n > 1 { 3 } else { 2 }];
        constants.check_cells(rest, header, header.n_cells == 1)
    }

    fn check_mask(&self) -> Result<()> {
        let Some(mask) = &self.mask else { return Ok(()) };
        if !matches!(mask.element.kind, SampleKind::Unsigned | SampleKind::Signed) {
            return Err(bad_source!("{}: a mask needs integers or booleans", mask.name));
        }
        mask.check_cells(&[self.header.height as u64, self.header.width as u64], self.header, true)
    }

    /// Whether all that is read lies in this file.
    pub fn is_in(&self, file: &File<'_>) -> Result<bool> {
        let identity = file.identity()?;
        let parts = [Some(&self.raw), Some(&self.constants), self.mask.as_ref()];
        for Part { dataset, .. } in parts.into_iter().flatten() {
            if !dataset.is_self_contained() || dataset.file()?.identity()? != identity {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How the raw numbers are stored.
    pub fn raw_element(&self) -> &Element {
        &self.raw.element
    }

    /// Bytes of a raw image.
    pub fn image_bytes(&self) -> usize {
        self.header.n_pixels() * self.header.algorithm.raw_numbers() * self.raw.element.sample_bytes
    }

    /// Reads the raw images of all frames.
    pub fn read_raw(&self, bytes: &mut [u8]) -> Result<()> {
        let mut start = vec![0; self.raw.shape.len()];
        start[0] = self.header.first_image;
        let mut count = self.raw.shape.clone();
        count[0] = self.header.n_images as u64;
        self.raw.read(&start, &count, bytes)
    }

    /// The constants of a cell, which are kept in `cache`.
    pub fn constants<T: Number>(
        &self,
        cache: &Cache,
        buffers: &Buffers,
        cell: u32,
    ) -> Result<Arc<Constants<T>>> {
        let algorithm = self.header.algorithm;
        let key = self.origins.map(|(constants, mask)| Key {
            constants,
            mask,
            algorithm,
            sample_bytes: size_of::<T>(),
            cell,
        });
        if let Some(known) = key.as_ref().and_then(|key| cache.get(key)) {
            return Ok(known);
        }
        let constants = Arc::new(self.read_constants(buffers, cell)?);
        if let Some(key) = key {
            cache.put(key, &constants);
        }
        Ok(constants)
    }

    fn origins(&self) -> Result<Option<(Origin, Option<Origin>)>> {
        let Some(constants) = self.constants.origin()? else { return Ok(None) };
        let Some(mask) = &self.mask else { return Ok(Some((constants, None))) };
        Ok(mask.origin()?.map(|mask| (constants, Some(mask))))
    }

    fn read_constants<T: Number>(&self, buffers: &Buffers, cell: u32) -> Result<Constants<T>> {
        let Self { header, constants, mask, .. } = self;
        let n_pixels = header.n_pixels();
        let numbers = n_pixels * header.algorithm.n_constants();
        buffers.lend(numbers * constants.element.bytes(), |stored| {
            constants.read_cell(cell, numbers, stored)?;
            let Some(mask) = mask else {
                return Constants::new(header.algorithm, &constants.element, stored, None);
            };
            buffers.lend(n_pixels * mask.element.bytes(), |bytes| {
                mask.read_cell(cell, n_pixels, bytes)?;
                let mask = Mask { bytes, pixel_bytes: mask.element.bytes() };
                Constants::new(header.algorithm, &constants.element, stored, Some(mask))
            })
        })
    }
}

impl<'f> Part<'f> {
    fn open(file: &'f File<'_>, what: &str, path: &CStr) -> Result<Self> {
        let dataset = file.dataset(path).map_err(|e| bad_source!("{what} {e}"))?;
        let file_name = dataset.file().map_or_else(|_| file.name(), |file| file.name());
        let name = format!("{what} {} in {file_name}", path.to_string_lossy());
        let element = dataset.element().map_err(|e| bad_source!("{name}: {e}"))?;
        if !is_number(&element) {
            return Err(bad_source!("{name}: its elements are not single integers or floats"));
        }
        let shape = dataset.shape().map_err(|e| bad_source!("{name}: {e}"))?;
        Ok(Self { dataset, element, shape, name })
    }

    fn has_shape(&self, expected: &str, header: &Header) -> crate::error::Error {
        bad_source!(
            "{} has shape ({}) (expected {expected} for {})",
            self.name,
            list(&self.shape),
            header.algorithm
        )
    }

    /// Whether the shape is that of cells, or of the only one.
    fn check_cells(&self, rest: &[u64], header: &Header, one_is_enough: bool) -> Result<()> {
        let has_cells = self.shape.get(1..) == Some(rest);
        let has_one = one_is_enough && self.shape == rest;
        if !has_cells && !has_one {
            return Err(self.has_shape(&format!("(cells, {})", list(rest)), header));
        }
        if has_cells && self.shape[0] < u64::from(header.n_cells) {
            return Err(bad_source!(
                "{} has {} memory cells (expected {})",
                self.name,
                self.shape[0],
                header.n_cells
            ));
        }
        Ok(())
    }

    /// Reads a cell, or all there is when there are no cells. A cell has `n_elements`.
    fn read_cell(&self, cell: u32, n_elements: usize, bytes: &mut [u8]) -> Result<()> {
        let mut start = vec![0; self.shape.len()];
        let mut count = self.shape.clone();
        if self.shape.iter().product::<u64>() != n_elements as u64 {
            start[0] = u64::from(cell);
            count[0] = 1;
        }
        self.read(&start, &count, bytes)
    }

    fn read(&self, start: &[u64], count: &[u64], bytes: &mut [u8]) -> Result<()> {
        self.dataset.read(start, count, bytes).map_err(|e| {
            // HDF5 refuses to read a dataset for the sake of reading it.
            match self.dataset.chunk_shape_behind(crate::FILTER_ID) {
                Some(_) => {
                    bad_source!("{} is a view itself: does a view lead back to itself? ({e})", self.name)
                }
                None => bad_source!("{}: {e}", self.name),
            }
        })
    }

    /// What its numbers depend on; `None` if nothing tells when they change: its file may be written to
    /// in this process, or they come from other datasets or files.
    fn origin(&self) -> Result<Option<Origin>> {
        let file = self.dataset.file()?;
        let is_view = self.dataset.chunk_shape_behind(crate::FILTER_ID).is_some();
        if !file.is_constant() || is_view || !self.dataset.is_self_contained() {
            return Ok(None);
        }
        Ok(Some(Origin::new(self.dataset.identity()?, file.state())))
    }
}

fn list(shape: &[u64]) -> String {
    shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
