//! Chunks of datasets, decoded by several threads outside of HDF5's lock, and kept for a while.

use std::sync::Arc;
use std::thread;

use anyhow::{Result as AnyResult, ensure};
use hdf5::Dataset;
use moka::future::Cache;
use tokio::sync::Semaphore;

use super::failure::{Failure, Result};
use super::files::{Files, Stamp};
use super::inflate::Foreign;
use super::resolve::Found;
use crate::codec::Pipeline;
use crate::h5::{self, Address, Grid, Object, StoredChunk, Type};

/// Decoded chunks that are kept, in all.
const CACHE_BYTES: u64 = 64 << 20;
/// Chunks beyond this are not decoded.
const MAX_CHUNK_BYTES: u64 = 1 << 30;

/// Chunks that are decoded at the same time have so many MiB, or are a single one.
const ROOM_MIB: usize = 256;

/// Stored bytes that a chunk may have more than bytes, and an eighth of these.
const MAX_OVERHEAD_BYTES: u64 = 4096;

/// The chunks that were needed last.
pub struct Blocks {
    cache: Cache<Key, Arc<Vec<u8>>>,
    /// As many chunks are decoded at the same time as there are cores.
    decoders: Arc<Semaphore>,
    room: Arc<Semaphore>,
    pub n_decoders: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    file: usize,
    stamp: Stamp,
    address: Address,
    index: u64,
}

/// A chunked dataset of elements of a fixed size.
#[derive(Clone)]
pub struct Chunked {
    // Dropped before the file.
    dataset: Dataset,
    _open: Arc<Found>,
    file: usize,
    stamp: Stamp,
    address: Address,
    pub grid: Arc<Grid>,
    pub item_bytes: usize,
    pipeline: Option<Pipeline>,
    /// What decodes chunks if that does not.
    foreign: Foreign,
}

impl Chunked {
    /// `None` if HDF5 has to read the dataset as a whole.
    pub fn of(files: &Files, found: Arc<Found>, datatype: &Type) -> Result<Option<Self>> {
        let Object::Dataset(dataset) = &found.object else { return Ok(None) };
        let Some(grid) = Grid::of(dataset) else { return Ok(None) };
        if datatype.has_pointers() || grid.shape.contains(&0) {
            return Ok(None);
        }
        let chunk_bytes = grid.chunk_len().saturating_mul(datatype.size as u64);
        if chunk_bytes > MAX_CHUNK_BYTES {
            return Err(Failure::too_large(format!(
                "a chunk has {chunk_bytes} bytes (expected at most {MAX_CHUNK_BYTES})"
            )));
        }
        Ok(Some(Self {
            foreign: Foreign::of(dataset)?,
            dataset: dataset.clone(),
            file: found.file,
            stamp: files.stamp(found.file)?,
            address: h5::address_of(dataset)?,
            pipeline: Pipeline::of_dataset(dataset, &grid)?,
            grid: Arc::new(grid),
            item_bytes: datatype.size,
            _open: found,
        }))
    }

    pub fn chunk_bytes(&self) -> u64 {
        self.grid.chunk_len() * self.item_bytes as u64
    }

    /// The stored bytes of a chunk, and which filters were left out of it; `None` if the file has none.
    pub fn stored(&self, index: u64) -> AnyResult<Option<(Vec<u8>, u32)>> {
        let offset = self.grid.offset(index);
        let Some(chunk) = h5::stored_chunk(&self.dataset, &offset) else { return Ok(None) };
        self.check_stored(chunk)?;
        Ok(Some((h5::read_chunk(&self.dataset, &offset, chunk)?, chunk.filter_mask)))
    }

    /// Filters make a chunk larger by some bytes, if at all.
    fn check_stored(&self, chunk: StoredChunk) -> AnyResult<()> {
        let expected = self.chunk_bytes() + self.chunk_bytes() / 8 + MAX_OVERHEAD_BYTES;
        ensure!(
            chunk.n_bytes <= expected,
            "damaged chunk: it has {} stored bytes (expected at most {expected})",
            chunk.n_bytes
        );
        Ok(())
    }

    /// The elements of a chunk, those that lie outside of the dataset included.
    fn load(&self, index: u64, n_threads: usize) -> Result<Vec<u8>> {
        let offset = self.grid.offset(index);
        let stored = h5::stored_chunk(&self.dataset, &offset);
        if let Some(chunk) = stored {
            self.check_stored(chunk).map_err(|e| at(&offset, e))?;
            if let Some(pipeline) = &self.pipeline {
                let stored = h5::read_chunk(&self.dataset, &offset, chunk)?;
                return pipeline.decode(stored, chunk.filter_mask, n_threads).map_err(|e| at(&offset, e));
            }
            self.foreign.check(&self.dataset, &offset, chunk).map_err(|e| at(&offset, e))?;
        }
        let extent = self.grid.extent_at(&offset);
        let inside = h5::read_slab(&self.dataset, &offset, &extent).and_then(h5::Elements::into_bytes);
        Ok(filled_up(&inside.map_err(|e| at(&offset, e))?, &extent, &self.grid.chunk, self.item_bytes))
    }
}

fn at(offset: &[u64], e: anyhow::Error) -> Failure {
    let place: Vec<_> = offset.iter().map(u64::to_string).collect();
    e.context(format!("the chunk at ({})", place.join(", "))).into()
}

/// A chunk at the border, with zeros where the dataset has ended.
fn filled_up(inside: &[u8], extent: &[u64], chunk: &[u64], item_bytes: usize) -> Vec<u8> {
    if extent == chunk {
        return inside.to_vec();
    }
    let (Some((n, extent)), Some((n_full, chunk))) = (extent.split_first(), chunk.split_first()) else {
        return inside.to_vec();
    };
    let part_bytes = inside.len() / (*n).max(1) as usize;
    let full_bytes = chunk.iter().product::<u64>() as usize * item_bytes;
    let mut full = Vec::with_capacity(full_bytes * *n_full as usize);
    for part in inside.chunks_exact(part_bytes.max(1)) {
        full.extend(filled_up(part, extent, chunk, item_bytes));
    }
    full.resize(full_bytes * *n_full as usize, 0);
    full
}

impl Blocks {
    pub fn new() -> Self {
        let n_decoders = thread::available_parallelism().map_or(1, Into::into);
        let weight = |_: &Key, chunk: &Arc<Vec<u8>>| u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        Self {
            cache: Cache::builder().max_capacity(CACHE_BYTES).weigher(weight).build(),
            decoders: Arc::new(Semaphore::new(n_decoders)),
            room: Arc::new(Semaphore::new(ROOM_MIB)),
            n_decoders,
        }
    }

    /// A chunk. Who asks for one that is being decoded waits for it.
    pub async fn get(&self, dataset: &Chunked, index: u64) -> Result<Arc<Vec<u8>>> {
        let Chunked { file, stamp, address, .. } = *dataset;
        let load = async {
            // Closed never.
            let n_mib = (dataset.chunk_bytes() >> 20).min(ROOM_MIB as u64) as u32;
            let room = Arc::clone(&self.room).acquire_many_owned(n_mib).await;
            let permit = Arc::clone(&self.decoders).acquire_owned().await;
            // Cores that no other chunk is decoded on.
            let n_threads = 1 + self.decoders.available_permits();
            let dataset = dataset.clone();
            let load = tokio::task::spawn_blocking(move || {
                let _permits = (room, permit);
                dataset.load(index, n_threads).map(Arc::new)
            });
            load.await.unwrap_or_else(|e| Err(anyhow::anyhow!("a chunk was not read: {e}").into()))
        };
        let key = Key { file, stamp, address, index };
        self.cache.try_get_with(key, load).await.map_err(|e| Failure::clone(&e))
    }

    /// Decodes chunks that will be wanted soon, as far as there is room for them.
    pub fn prepare(self: &Arc<Self>, dataset: &Chunked, indexes: &[u64]) {
        let n_fit = (CACHE_BYTES / 2 / dataset.chunk_bytes().max(1)) as usize;
        for &index in indexes.iter().take(n_fit) {
            let (blocks, dataset) = (Arc::clone(self), dataset.clone());
            // An error is told to who asks for the chunk.
            tokio::spawn(async move { blocks.get(&dataset, index).await.map(drop) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_at_the_border_is_filled_up() {
        assert_eq!(filled_up(&[1, 2, 3, 4], &[2, 2], &[2, 3], 1), [1, 2, 0, 3, 4, 0]);
        assert_eq!(filled_up(&[1, 2], &[1, 2], &[2, 2], 1), [1, 2, 0, 0]);
        assert_eq!(filled_up(&[1, 2], &[1, 1], &[1, 2], 2), [1, 2, 0, 0]);
    }
}
