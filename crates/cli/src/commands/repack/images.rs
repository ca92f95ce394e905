//! Datasets of images, compressed anew.

use anyhow::{Context, Result, ensure};
use h5h264::advice;
use hdf5::dataset::Layout;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, File};
use indicatif::ProgressBar;
use twox_hash::XxHash3_128;

use super::Report;
use super::named::Named;
use super::source::Source;
use crate::h5::{self, Explain, Grid, StoredChunks, Unfiltered};
use crate::links::Folders;
use crate::write::ChunkWriter;
use crate::{parallel, text};

/// Frames of fewer rows or columns, and datasets of fewer bytes, are no images.
const MIN_SIDE: u64 = 8;
const MIN_BYTES: u64 = 4096;

/// What is repacked, and how.
pub struct Choice {
    /// The datasets that were named, instead of all images.
    pub named: Option<Named>,
    /// Filters, and what to create a dataset with.
    pub filters: Vec<(i32, Vec<u32>)>,
}

impl Choice {
    /// `is_following`: whether the elements of virtual datasets become its own.
    fn takes(&self, path: &str, dataset: &Dataset, is_following: bool) -> Result<bool> {
        if is_following && h5::is_virtual(dataset)? {
            let is_possible = dataset.size() > 0 && h5::is_numeric(&dataset.dtype().explained()?)?;
            return Ok(is_possible && self.named.as_ref().is_none_or(|named| named.is_match(path)));
        }
        let is_stored_here = match dataset.layout() {
            Layout::Chunked | Layout::Compact => true,
            Layout::Contiguous => dataset.create_plist().explained()?.external().is_empty(),
            _ => false,
        };
        let datatype = dataset.dtype().explained()?;
        let filters = h5::filters_of(dataset)?;
        let has_elements = is_stored_here && dataset.ndim() > 0 && dataset.size() > 0;
        let is_to_be_mended = has_elements
            && h5::is_stored_as_in_memory(dataset)?
            && Unfiltered::of(dataset, &filters)?.n_chunks > 0;
        let is_possible = has_elements && h5::is_numeric(&datatype)? || is_to_be_mended;
        if let Some(named) = &self.named {
            ensure!(
                is_possible || !named.is_exact(path),
                "it can't be repacked (expected a chunked or contiguous array of numbers)"
            );
            return Ok(is_possible && named.is_match(path));
        }
        if is_to_be_mended {
            return Ok(true);
        }
        let shape: Vec<_> = dataset.shape().into_iter().map(|n| n as u64).collect();
        let sides = match &shape[..] {
            [.., height, width, 3 | 4] => [*height, *width],
            [.., height, width] => [*height, *width],
            _ => return Ok(false),
        };
        if filters.iter().any(|filter| filter.id == h5calib::FILTER_ID) {
            // A view: its images are those of another dataset.
            return Ok(false);
        }
        let n_bytes = shape.iter().product::<u64>() * datatype.size() as u64;
        Ok(is_possible && sides.iter().all(|n| *n >= MIN_SIDE) && n_bytes >= MIN_BYTES)
    }
}

/// A dataset that was written.
pub struct Repacked {
    pub path: String,
    pub raw_bytes: u64,
    pub before_bytes: u64,
    pub after_bytes: u64,
    /// Of each chunk that was stored: its coordinates, and XXH3-128 of what is stored.
    hashes: Vec<(Vec<u64>, u128)>,
}

/// What repacks datasets.
pub struct Repacker<'r> {
    pub choice: &'r Choice,
    pub n_threads: usize,
    /// Whether new chunks are decoded and compared.
    pub is_checking: bool,
    /// Where the sources of virtual datasets are, if their elements are taken.
    pub followed: Option<&'r Folders>,
    pub bar: &'r ProgressBar,
}

impl Repacker<'_> {
    /// Writes a dataset anew; `None` if it is to be copied.
    pub fn repack(
        &self,
        path: &str,
        from: &Dataset,
        create: impl FnOnce(&DatasetCreate) -> Result<Dataset>,
    ) -> Result<Option<Repacked>> {
        let before_bytes = from.storage_size();
        if !self.choice.takes(path, from, self.followed.is_some())? {
            self.bar.inc(before_bytes);
            return Ok(None);
        }
        if let Some(filter) = h5::filters_of(from)?.iter().find(|filter| !h5::is_available(filter.id)) {
            self.bar.suspend(|| eprintln!("h5h264: {path} is copied as it is: {}", filter.advice()));
            return Ok(None);
        }
        if let Some(folders) = self.followed {
            let missing = h5::virtual_files(from)?.into_iter().find(|file| !folders.has(file));
            ensure!(
                missing.is_none(),
                "{path} has elements in {:?}, which is not there",
                missing.unwrap_or_default()
            );
        }
        let shape: Vec<_> = from.shape().into_iter().map(|n| n as u64).collect();
        let item_bytes = h5::item_bytes(from)?;
        let chunk = advice::chunk_shape(&shape, item_bytes, advice::DEFAULT_TARGET_BYTES);
        let dataset = create(&h5::chunked(&from.create_plist().explained()?, &chunk, &self.choice.filters)?)?;
        let writer = ChunkWriter::new(dataset, self.n_threads)?.context("the new dataset is not chunked")?;
        let writer = writer.checking(self.is_checking);
        let mut repacked = Repacked {
            path: path.into(),
            raw_bytes: shape.iter().product::<u64>() * item_bytes,
            before_bytes,
            after_bytes: 0,
            hashes: Vec::new(),
        };
        self.chunks(from, &writer, &mut repacked)?;
        repacked.after_bytes = writer.dataset.storage_size();
        Ok(Some(repacked))
    }

    fn chunks(&self, from: &Dataset, writer: &ChunkWriter, repacked: &mut Repacked) -> Result<()> {
        let source = Source::new(from, &writer.grid)?;
        let mut reader = source.reader();
        let tasks = source.offsets().map(|offset| Ok((offset.clone(), reader.read(&offset)?)));
        // The bar counts what is stored, of which each chunk is a part.
        let part = repacked.before_bytes as f64 / repacked.raw_bytes as f64;
        writer.write(
            tasks,
            |part| source.chunk(part),
            |chunk| {
                self.bar.inc((chunk.raw_bytes as f64 * part) as u64);
                repacked.hashes.push((chunk.offset, chunk.stored_hash));
                Ok(())
            },
        )
    }
}

impl Repacked {
    pub fn report(&self) -> Report {
        Report {
            path: self.path.clone(),
            raw_bytes: self.raw_bytes,
            before_bytes: self.before_bytes,
            after_bytes: self.after_bytes,
        }
    }

    /// Reads the stored chunks back, and compares them with those that were encoded, decoded and found right.
    pub fn verify(&self, file: &File, n_threads: usize, bar: &ProgressBar) -> Result<()> {
        let dataset = file.dataset(&self.path).explained()?;
        let grid = Grid::of(&dataset).context("the new dataset is not chunked")?;
        let chunks = StoredChunks::of(&dataset, &grid)?;
        let tasks = self.hashes.iter().map(|(offset, hash)| {
            let chunk = chunks.get(offset).context("a chunk is missing")?;
            Ok((chunks.read(offset, chunk)?, offset, hash))
        });
        let is_same = |(stored, offset, hash): (Vec<u8>, &Vec<u64>, &u128)| {
            let place = text::coordinates(offset);
            ensure!(XxHash3_128::oneshot(&stored) == *hash, "chunk {place} is not what was written");
            Ok(stored.len() as u64)
        };
        parallel::in_order(n_threads, tasks, is_same, |n_bytes| {
            bar.inc(n_bytes?);
            Ok(())
        })
    }
}
