//! Where the elements of a dataset that is repacked come from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Result, anyhow};
use hdf5::Dataset;

use crate::codec::Pipeline;
use crate::h5::{self, At, Grid, StoredChunk, StoredChunks};

/// Decoded chunks that are kept, because the next ones to be made reach into them, too, have so many bytes.
const MOST_KEPT_BYTES: u64 = 128 << 20;

/// A dataset whose elements go into new chunks.
pub struct Source<'s> {
    dataset: &'s Dataset,
    target: &'s Grid,
    fill: Vec<u8>,
    is_empty: bool,
    chunks: Option<Chunks<'s>>,
}

/// The chunks of a dataset, where they can be decoded on any thread.
struct Chunks<'s> {
    grid: Grid,
    chunk_bytes: u64,
    pipeline: Pipeline,
    stored: StoredChunks<'s>,
}

/// What makes a new chunk.
pub enum Part {
    /// A stored chunk at the same place.
    Chunk { stored: Vec<u8>, filter_mask: u32 },
    /// All stored chunks that reach into it.
    Chunks { offset: Vec<u64>, extent: Vec<u64>, chunks: Vec<Arc<Shared>> },
    /// All its elements.
    Elements { elements: Vec<u8>, extent: Vec<u64> },
}

/// A stored chunk, decoded by the first thread that needs it.
pub struct Shared {
    offset: Vec<u64>,
    stored: Mutex<(Vec<u8>, u32)>,
    decoded: OnceLock<Result<Vec<u8>, String>>,
}

impl<'s> Source<'s> {
    pub fn new(dataset: &'s Dataset, target: &'s Grid) -> Result<Self> {
        let fill = h5::fill_value(dataset)?;
        let is_empty = dataset.is_chunked() && dataset.storage_size() == 0;
        let chunks = Chunks::of(dataset, fill.len() as u64)?;
        Ok(Self { dataset, target, fill, is_empty, chunks })
    }

    /// What reads it, from beginning to end.
    pub fn reader(&self) -> Reader<'_> {
        Reader { source: self, kept: HashMap::new() }
    }

    /// The whole new chunk, on any thread.
    pub fn chunk(&self, part: Part) -> Result<Vec<u8>> {
        let target = &self.target.chunk[..];
        match (part, &self.chunks) {
            (Part::Chunk { stored, filter_mask }, Some(own)) => own.pipeline.decode(stored, filter_mask, 1),
            (Part::Chunks { offset, extent, chunks }, Some(own)) => {
                let mut chunk = self.blank(target)?;
                for shared in chunks {
                    own.copy(&shared, &mut chunk, target, &offset, &extent)?;
                }
                Ok(chunk)
            }
            (Part::Elements { elements, extent }, _) if extent == target => Ok(elements),
            (Part::Elements { elements, extent }, _) => {
                let mut chunk = self.blank(target)?;
                h5::place(&mut chunk, target, &vec![0; extent.len()], &elements, &extent);
                Ok(chunk)
            }
            (Part::Chunk { .. } | Part::Chunks { .. }, None) => Err(anyhow!("a chunk of no chunks")),
        }
    }

    /// A chunk that nobody has written to.
    fn blank(&self, chunk: &[u64]) -> Result<Vec<u8>> {
        h5::filled(&self.fill, chunk)
    }
}

impl<'s> Chunks<'s> {
    fn of(dataset: &'s Dataset, item_bytes: u64) -> Result<Option<Self>> {
        let Some(grid) = Grid::of(dataset) else { return Ok(None) };
        let chunk_bytes = grid.chunk_len() * item_bytes;
        let Some(pipeline) = Pipeline::of(&h5::filters_of(dataset)?, chunk_bytes) else { return Ok(None) };
        let stored = StoredChunks::of(dataset, &grid)?;
        Ok(Some(Self { grid, chunk_bytes, pipeline, stored }))
    }

    /// Copies what a stored chunk has of the part at `offset` to the chunk that starts there.
    fn copy(
        &self,
        shared: &Shared,
        chunk: &mut [u8],
        shape: &[u64],
        offset: &[u64],
        extent: &[u64],
    ) -> Result<()> {
        let own = &self.grid.chunk;
        let (mut to, mut from, mut common) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..offset.len() {
            let start = offset[i].max(shared.offset[i]);
            let end = (offset[i] + extent[i]).min(shared.offset[i] + own[i]);
            to.push(start - offset[i]);
            from.push(start - shared.offset[i]);
            common.push(end.saturating_sub(start));
        }
        let decoded = shared.decoded(&self.pipeline)?;
        h5::copy_part(chunk, At { shape, offset: &to }, decoded, At { shape: own, offset: &from }, &common);
        Ok(())
    }
}

impl Shared {
    fn decoded(&self, pipeline: &Pipeline) -> Result<&[u8]> {
        let decode = || {
            let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            let (bytes, filter_mask) = std::mem::take(&mut *stored);
            pipeline.decode(bytes, filter_mask, 1).map_err(|e| format!("{e:#}"))
        };
        match self.decoded.get_or_init(decode) {
            Ok(decoded) => Ok(decoded),
            Err(e) => Err(anyhow!("{e}")),
        }
    }
}

/// Reads the parts of a dataset that new chunks are made of.
pub struct Reader<'s> {
    source: &'s Source<'s>,
    /// By coordinates.
    kept: HashMap<Vec<u64>, Arc<Shared>>,
}

impl Reader<'_> {
    /// What goes into the new chunk at `offset`; `None` if nobody has written it.
    pub fn read(&mut self, offset: &[u64]) -> Result<Option<Part>> {
        if self.source.is_empty {
            return Ok(None);
        }
        let extent = self.source.target.extent_at(offset);
        let Some(own) = &self.source.chunks else { return self.elements(offset, extent) };
        if own.grid.chunk == self.source.target.chunk {
            let Some(chunk) = own.stored.get(offset) else { return Ok(None) };
            let stored = own.stored.read(offset, chunk)?;
            return Ok(Some(Part::Chunk { stored, filter_mask: chunk.filter_mask }));
        }
        let reached = own.grid.offsets_in(offset, &extent);
        let stored: Vec<_> = reached.filter_map(|offset| Some((own.stored.get(&offset)?, offset))).collect();
        if stored.is_empty() {
            return Ok(None);
        }
        if stored.len() > 1 && stored.len() as u64 * own.chunk_bytes > MOST_KEPT_BYTES {
            // HDF5 does one after the other.
            return self.elements(offset, extent);
        }
        let chunks = stored.into_iter().map(|(chunk, offset)| self.shared(own, offset, chunk));
        let chunks = chunks.collect::<Result<Vec<_>>>()?;
        if self.kept.len() as u64 * own.chunk_bytes > MOST_KEPT_BYTES {
            self.kept.retain(|_, kept| chunks.iter().any(|chunk| Arc::ptr_eq(chunk, kept)));
        }
        Ok(Some(Part::Chunks { offset: offset.to_vec(), extent, chunks }))
    }

    fn elements(&self, offset: &[u64], extent: Vec<u64>) -> Result<Option<Part>> {
        let elements = h5::read_slab(self.source.dataset, offset, &extent)?.into_bytes()?;
        Ok(Some(Part::Elements { elements, extent }))
    }

    fn shared(&mut self, own: &Chunks<'_>, offset: Vec<u64>, chunk: StoredChunk) -> Result<Arc<Shared>> {
        if let Some(known) = self.kept.get(&offset) {
            return Ok(known.clone());
        }
        let stored = Mutex::new((own.stored.read(&offset, chunk)?, chunk.filter_mask));
        let shared = Arc::new(Shared { offset: offset.clone(), stored, decoded: OnceLock::new() });
        self.kept.insert(offset, shared.clone());
        Ok(shared)
    }
}
