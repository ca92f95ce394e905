use anyhow::{Result, ensure};
use hdf5::Dataset;
use twox_hash::XxHash3_128;

use crate::codec::Pipeline;
use crate::h5::{self, Grid};
use crate::{parallel, text};

/// A new dataset, whose chunks are encoded on several threads.
pub struct ChunkWriter {
    pub dataset: Dataset,
    pub grid: Grid,
    is_checking: bool,
    pipeline: Pipeline,
    n_threads: usize,
}

/// What was made of a chunk.
pub struct Written {
    /// Of the chunk's first element.
    pub offset: Vec<u64>,
    pub raw_bytes: u64,
    /// XXH3-128 of what is stored.
    pub stored_hash: u128,
}

impl ChunkWriter {
    /// `None` if the dataset's filters can't be applied here.
    pub fn new(dataset: Dataset, n_threads: usize) -> Result<Option<Self>> {
        let Some(grid) = Grid::of(&dataset) else { return Ok(None) };
        let pipeline = Pipeline::of_dataset(&dataset, &grid)?;
        Ok(pipeline.map(|pipeline| Self { dataset, grid, is_checking: false, pipeline, n_threads }))
    }

    /// Whether every chunk is decoded, and compared, before it is written.
    pub fn checking(self, is_checking: bool) -> Self {
        Self { is_checking, ..self }
    }

    /// Makes a chunk of each task, which comes with the chunk's coordinates, encodes it, both on other
    /// threads, and writes it. `written` is told in the order of the tasks.
    pub fn write<T: Send>(
        &self,
        tasks: impl Iterator<Item = Result<(Vec<u64>, T)>>,
        make: impl Fn(T) -> Result<Vec<u8>> + Sync,
        mut written: impl FnMut(Written) -> Result<()>,
    ) -> Result<()> {
        let threads_per_chunk = self.grid.threads_per_chunk(self.n_threads);
        let work = |(offset, task): (Vec<u64>, T)| -> Result<_> {
            let chunk = make(task)?;
            let stored = self.pipeline.encode(&chunk, threads_per_chunk)?;
            let stored_hash = XxHash3_128::oneshot(&stored);
            let raw_bytes = chunk.len() as u64;
            if self.is_checking {
                let is_same = self.pipeline.decode(stored.clone(), 0, threads_per_chunk)? == chunk;
                ensure!(
                    is_same,
                    "chunk {} does not decode to what it was made of",
                    text::coordinates(&offset)
                );
            }
            Ok((stored, Written { offset, raw_bytes, stored_hash }))
        };
        parallel::in_order(self.n_threads, tasks, work, |result| {
            let (stored, chunk) = result?;
            h5::write_chunk(&self.dataset, &chunk.offset, &stored, 0)?;
            written(chunk)
        })
    }
}
