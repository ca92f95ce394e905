//! Datasets of images, compressed anew.

use anyhow::{Context, Result, ensure};
use globset::GlobSet;
use h5h264::advice;
use hdf5::dataset::Layout;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, File};
use indicatif::ProgressBar;
use twox_hash::XxHash3_128;

use super::Report;
use crate::codec::Pipeline;
use crate::h5::{self, Explain, Grid};
use crate::write::ChunkWriter;
use crate::{parallel, text};

/// Frames of fewer rows or columns, and datasets of fewer bytes, are no images.
const MIN_SIDE: u64 = 8;
const MIN_BYTES: u64 = 4096;

/// What is repacked, and how.
pub struct Choice {
    /// The datasets that were named.
    pub globs: Option<GlobSet>,
    /// Filters, and what to create a dataset with.
    pub filters: Vec<(i32, Vec<u32>)>,
}

impl Choice {
    fn takes(&self, path: &str, dataset: &Dataset) -> Result<bool> {
        let is_stored_here = match dataset.layout() {
            Layout::Chunked | Layout::Compact => true,
            Layout::Contiguous => dataset.create_plist().explained()?.external().is_empty(),
            _ => false,
        };
        let datatype = dataset.dtype().explained()?;
        let is_possible =
            is_stored_here && dataset.ndim() > 0 && dataset.size() > 0 && h5::is_numeric(&datatype)?;
        if let Some(globs) = &self.globs {
            let is_named = globs.is_match(path) || globs.is_match(path.trim_start_matches('/'));
            ensure!(
                !is_named || is_possible,
                "it can't be repacked (expected a chunked or contiguous array of numbers)"
            );
            return Ok(is_named);
        }
        let shape: Vec<_> = dataset.shape().into_iter().map(|n| n as u64).collect();
        let sides = match &shape[..] {
            [.., height, width, 3 | 4] => [*height, *width],
            [.., height, width] => [*height, *width],
            _ => return Ok(false),
        };
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
    /// Of each chunk that was stored: its coordinates, and XXH3-128.
    hashes: Vec<(Vec<u64>, u128)>,
}

/// What repacks datasets.
pub struct Repacker<'r> {
    pub choice: &'r Choice,
    pub n_threads: usize,
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
        if !self.choice.takes(path, from)? {
            self.bar.inc(before_bytes);
            return Ok(None);
        }
        if let Some(filter) = h5::filters_of(from)?.iter().find(|filter| !h5::is_available(filter.id)) {
            let name = filter.known_name();
            self.bar.suspend(|| eprintln!("h5h264: {path} is copied as it is: {name} is not available here"));
            return Ok(None);
        }
        let shape: Vec<_> = from.shape().into_iter().map(|n| n as u64).collect();
        let item_bytes = h5::item_bytes(from)?;
        let chunk = advice::chunk_shape(&shape, item_bytes, advice::DEFAULT_TARGET_BYTES);
        let dataset = create(&h5::chunked(&from.create_plist().explained()?, &chunk, &self.choice.filters)?)?;
        let writer = ChunkWriter::new(dataset, self.n_threads)?.context("the new dataset is not chunked")?;
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
        let tasks = writer.grid.offsets().filter_map(|offset| {
            let part = source.read(&offset, &writer.grid.extent_at(&offset)).transpose()?;
            Some(part.map(|part| (offset, part)))
        });
        // The bar counts what is stored, of which each chunk is a part.
        let part = repacked.before_bytes as f64 / repacked.raw_bytes as f64;
        writer.write(
            tasks,
            |part| source.chunk(part),
            |chunk| {
                self.bar.inc((chunk.raw_bytes as f64 * part) as u64);
                repacked.hashes.push((chunk.offset, chunk.hash));
                Ok(())
            },
        )
    }
}

/// A dataset whose elements go into new chunks.
struct Source<'s> {
    dataset: &'s Dataset,
    /// If its chunks have the shape of the new ones, and can be decoded on any thread.
    pipeline: Option<Pipeline>,
    is_empty: bool,
    chunk: &'s [u64],
    fill: Vec<u8>,
}

/// What makes a new chunk.
enum Part {
    Stored { bytes: Vec<u8>, filter_mask: u32 },
    Elements { bytes: Vec<u8>, extent: Vec<u64> },
}

impl<'s> Source<'s> {
    fn new(dataset: &'s Dataset, target: &'s Grid) -> Result<Self> {
        let fill = h5::fill_value(dataset)?;
        let chunk_bytes = target.chunk_len() * fill.len() as u64;
        let pipeline = match Grid::of(dataset) {
            Some(own) if own.chunk == target.chunk => Pipeline::of(&h5::filters_of(dataset)?, chunk_bytes),
            _ => None,
        };
        let is_empty = dataset.is_chunked() && dataset.storage_size() == 0;
        Ok(Self { dataset, pipeline, is_empty, chunk: &target.chunk, fill })
    }

    /// What goes into the chunk at `offset`; `None` if nobody has written it.
    fn read(&self, offset: &[u64], extent: &[u64]) -> Result<Option<Part>> {
        if self.is_empty {
            return Ok(None);
        }
        if self.pipeline.is_none() {
            let bytes = h5::read_slab(self.dataset, offset, extent)?.into_bytes()?;
            return Ok(Some(Part::Elements { bytes, extent: extent.to_vec() }));
        }
        let Some(chunk) = h5::stored_chunk(self.dataset, offset)? else { return Ok(None) };
        let bytes = h5::read_chunk(self.dataset, offset, chunk)?;
        Ok(Some(Part::Stored { bytes, filter_mask: chunk.filter_mask }))
    }

    /// The whole chunk, on any thread.
    fn chunk(&self, part: Part) -> Result<Vec<u8>> {
        match (part, &self.pipeline) {
            (Part::Stored { bytes, filter_mask }, Some(pipeline)) => pipeline.decode(bytes, filter_mask, 1),
            (Part::Stored { bytes, .. }, None) => Ok(bytes),
            (Part::Elements { bytes, extent }, _) if extent == self.chunk => Ok(bytes),
            (Part::Elements { bytes, extent }, _) => {
                let mut chunk = self.fill.repeat(usize::try_from(self.chunk.iter().product::<u64>())?);
                let start = vec![0; extent.len()];
                h5::place(&mut chunk, self.chunk, &start, &bytes, &extent, self.fill.len());
                Ok(chunk)
            }
        }
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

    /// Reads the chunks back, and compares them with what they were made of.
    pub fn verify(&self, file: &File, n_threads: usize, bar: &ProgressBar) -> Result<()> {
        let dataset = file.dataset(&self.path).explained()?;
        let grid = Grid::of(&dataset).context("the new dataset is not chunked")?;
        let chunk_bytes = grid.chunk_len() * h5::item_bytes(&dataset)?;
        let pipeline = Pipeline::of(&h5::filters_of(&dataset)?, chunk_bytes);
        let pipeline = pipeline.context("the new dataset has other filters than it should")?;
        let threads_per_chunk = grid.threads_per_chunk(n_threads);
        let tasks = self.hashes.iter().map(|(offset, hash)| {
            let chunk = h5::stored_chunk(&dataset, offset)?.context("a chunk is missing")?;
            Ok((h5::read_chunk(&dataset, offset, chunk)?, chunk.filter_mask, offset, hash))
        });
        let is_same = |(stored, filter_mask, offset, hash): (Vec<u8>, _, &Vec<u64>, &u128)| {
            let n_bytes = stored.len() as u64;
            let chunk = pipeline.decode(stored, filter_mask, threads_per_chunk)?;
            let place = text::coordinates(offset);
            ensure!(XxHash3_128::oneshot(&chunk) == *hash, "chunk {place} is not what was written");
            Ok(n_bytes)
        };
        parallel::in_order(n_threads, tasks, is_same, |n_bytes| {
            bar.inc(n_bytes?);
            Ok(())
        })
    }
}
