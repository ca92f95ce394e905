//! Where the elements of a dataset that is repacked come from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow};
use hdf5::Dataset;

use crate::codec::Pipeline;
use crate::h5::{self, At, Grid, StoredChunks};

/// Decoded chunks that are kept, because the next ones to be made reach into them, too, have so many bytes.
const MOST_KEPT_BYTES: u64 = 128 << 20;

/// A dataset whose elements go into new chunks.
pub struct Source<'s> {
    dataset: &'s Dataset,
    target: &'s Grid,
    fill: Vec<u8>,
    /// If it is chunked.
    chunks: Option<StoredChunks<'s>>,
    /// If its chunks can be decoded on any thread.
    pipeline: Option<Pipeline>,
}

/// What makes a new chunk.
pub enum Part {
    /// A stored chunk at the same place.
    Chunk(Stored),
    /// All stored chunks that reach into it.
    Chunks { offset: Vec<u64>, extent: Vec<u64>, chunks: Vec<Arc<Shared>> },
    /// All its elements.
    Elements { elements: Vec<u8>, extent: Vec<u64> },
}

/// What a file has of a chunk.
#[derive(Default)]
pub struct Stored {
    bytes: Vec<u8>,
    filter_mask: u32,
}

/// A stored chunk, decoded by the first thread that needs it.
pub struct Shared {
    offset: Vec<u64>,
    stored: Mutex<Stored>,
    decoded: OnceLock<Result<Vec<u8>, String>>,
}

impl<'s> Source<'s> {
    /// `target` has the new chunks.
    pub fn new(dataset: &'s Dataset, target: &'s Grid) -> Result<Self> {
        let fill = h5::fill_value(dataset)?;
        let (mut chunks, mut pipeline) = (None, None);
        if let Some(grid) = Grid::of(dataset) {
            chunks = Some(StoredChunks::of(dataset, &grid)?);
            pipeline = Pipeline::of_dataset(dataset, &grid)?;
        }
        Ok(Self { dataset, target, fill, chunks, pipeline })
    }

    /// The coordinates of the new chunks that there is anything for, in C order.
    pub fn offsets(&self) -> Box<dyn Iterator<Item = Vec<u64>> + '_> {
        let Some(chunks) = &self.chunks else { return Box::new(self.target.offsets()) };
        let parts = chunks.iter().map(|(offset, _)| {
            let extent = chunks.grid.extent_at(&offset);
            (offset, extent)
        });
        self.target.offsets_of_parts(parts)
    }

    /// What reads it, from beginning to end.
    pub fn reader(&self) -> Reader<'_> {
        Reader { source: self, kept: HashMap::new() }
    }

    /// The whole new chunk, on any thread.
    pub fn chunk(&self, part: Part) -> Result<Vec<u8>> {
        let target = &self.target.chunk[..];
        match part {
            Part::Chunk(stored) => self.decode(stored),
            Part::Chunks { offset, extent, chunks } => {
                let mut chunk = self.blank()?;
                for shared in chunks {
                    self.copy(&shared, &mut chunk, &offset, &extent)?;
                }
                Ok(chunk)
            }
            Part::Elements { elements, extent } if extent == target => Ok(elements),
            Part::Elements { elements, extent } => {
                let mut chunk = self.blank()?;
                h5::place(&mut chunk, target, &vec![0; extent.len()], &elements, &extent);
                Ok(chunk)
            }
        }
    }

    /// A new chunk that nobody has written to.
    fn blank(&self) -> Result<Vec<u8>> {
        h5::filled(&self.fill, &self.target.chunk)
    }

    fn decode(&self, Stored { bytes, filter_mask }: Stored) -> Result<Vec<u8>> {
        let pipeline = self.pipeline.as_ref().context("filters that are left to HDF5")?;
        pipeline.decode(bytes, filter_mask, 1)
    }

    /// Copies what a stored chunk has of the part at `offset` to the new chunk that starts there.
    fn copy(&self, shared: &Shared, chunk: &mut [u8], offset: &[u64], extent: &[u64]) -> Result<()> {
        let chunks = self.chunks.as_ref().context("a dataset that is not chunked")?;
        let own = &chunks.grid.chunk;
        let (mut to, mut from, mut common) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..offset.len() {
            let start = offset[i].max(shared.offset[i]);
            let end = (offset[i] + extent[i]).min(shared.offset[i] + own[i]);
            to.push(start - offset[i]);
            from.push(start - shared.offset[i]);
            common.push(end.saturating_sub(start));
        }
        let to = At { shape: &self.target.chunk, offset: &to };
        let from = At { shape: own, offset: &from };
        h5::copy_part(chunk, to, shared.decoded(self)?, from, &common);
        Ok(())
    }
}

impl Shared {
    fn decoded(&self, source: &Source<'_>) -> Result<&[u8]> {
        let decode = || {
            let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            source.decode(std::mem::take(&mut *stored)).map_err(|e| format!("{e:#}"))
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

impl<'s> Reader<'s> {
    /// What goes into the new chunk at `offset`.
    pub fn read(&mut self, offset: &[u64]) -> Result<Part> {
        let Source { target, chunks, pipeline, .. } = self.source;
        let extent = target.extent_at(offset);
        let (Some(chunks), Some(_)) = (chunks, pipeline) else { return self.elements(offset, extent) };
        if chunks.grid.chunk == target.chunk {
            return Ok(Part::Chunk(stored(chunks, offset)?));
        }
        let reached = chunks.grid.offsets_in(offset, &extent);
        let reached: Vec<_> = reached.filter(|offset| chunks.get(offset).is_some()).collect();
        let chunk_bytes = chunks.grid.chunk_len() * self.source.fill.len() as u64;
        if reached.len() > 1 && reached.len() as u64 * chunk_bytes > MOST_KEPT_BYTES {
            // HDF5 does one after the other.
            return self.elements(offset, extent);
        }
        let parts = reached.into_iter().map(|offset| self.shared(chunks, offset));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        if self.kept.len() as u64 * chunk_bytes > MOST_KEPT_BYTES {
            self.kept.retain(|_, kept| parts.iter().any(|part| Arc::ptr_eq(part, kept)));
        }
        Ok(Part::Chunks { offset: offset.to_vec(), extent, chunks: parts })
    }

    fn elements(&self, offset: &[u64], extent: Vec<u64>) -> Result<Part> {
        let elements = h5::read_slab(self.source.dataset, offset, &extent)?.into_bytes()?;
        Ok(Part::Elements { elements, extent })
    }

    fn shared(&mut self, chunks: &StoredChunks<'_>, offset: Vec<u64>) -> Result<Arc<Shared>> {
        if let Some(known) = self.kept.get(&offset) {
            return Ok(known.clone());
        }
        let stored = Mutex::new(stored(chunks, &offset)?);
        let shared = Arc::new(Shared { offset: offset.clone(), stored, decoded: OnceLock::new() });
        self.kept.insert(offset, shared.clone());
        Ok(shared)
    }
}

fn stored(chunks: &StoredChunks<'_>, offset: &[u64]) -> Result<Stored> {
    let chunk = chunks.get(offset).context("a chunk that is not stored")?;
    Ok(Stored { bytes: chunks.read(offset, chunk)?, filter_mask: chunk.filter_mask })
}
