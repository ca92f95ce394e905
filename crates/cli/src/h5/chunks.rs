use std::collections::{BTreeMap, BTreeSet};
use std::ptr;

use anyhow::{Result, ensure};
use hdf5::Dataset;
use hdf5::dataset::ChunkInfoRef;
use hdf5_sys::h5d::H5Dread_chunk;
use hdf5_sys::h5p::H5P_DEFAULT;

use serde::Serialize;

use super::{Explain, FilterUse, call, item_bytes};
use crate::text;

/// Bytes that are read at a time of datasets that are not chunked.
const PART_BYTES: u64 = 8 << 20;

/// The chunks of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The dataset's.
    pub shape: Vec<u64>,
    /// A chunk's; as long as `shape`.
    pub chunk: Vec<u64>,
}

impl Grid {
    /// `None` if the dataset is not chunked.
    pub fn of(dataset: &Dataset) -> Option<Self> {
        Some(Self { shape: lengths(dataset.shape()), chunk: lengths(dataset.chunk()?) })
    }

    /// A grid of parts of some megabytes, for datasets that are not chunked.
    pub fn of_parts(dataset: &Dataset) -> Result<Self> {
        let shape = lengths(dataset.shape());
        Ok(Self { chunk: part_shape(&shape, item_bytes(dataset)?), shape })
    }

    fn n_along(&self) -> impl Iterator<Item = u64> {
        self.shape.iter().zip(&self.chunk).map(|(n, chunk)| n.div_ceil(*chunk))
    }

    /// How many chunks the dataset has if all are stored.
    pub fn n_chunks(&self) -> u64 {
        self.n_along().fold(1, u64::saturating_mul)
    }

    /// Elements of a chunk.
    pub fn chunk_len(&self) -> u64 {
        self.chunk.iter().product()
    }

    /// The coordinates of a chunk's first element; `index` counts in C order.
    pub fn offset(&self, index: u64) -> Vec<u64> {
        let mut rest = index;
        let n_along: Vec<_> = self.n_along().collect();
        let mut offset: Vec<_> = n_along
            .iter()
            .zip(&self.chunk)
            .rev()
            .map(|(n, chunk)| {
                let position = rest % n;
                rest /= n;
                position * chunk
            })
            .collect();
        offset.reverse();
        offset
    }

    /// The index of the chunk that the element at `offset` is in.
    pub fn index(&self, offset: &[u64]) -> u64 {
        let places = self.n_along().zip(&self.chunk).zip(offset);
        places.fold(0, |index, ((n, chunk), offset)| index * n + offset / chunk)
    }

    /// The coordinates of the chunks that a part of the dataset reaches into, in C order.
    pub fn offsets_in(&self, offset: &[u64], extent: &[u64]) -> impl Iterator<Item = Vec<u64>> + use<> {
        let mut first = Vec::new();
        let mut shape = Vec::new();
        for ((offset, extent), chunk) in offset.iter().zip(extent).zip(&self.chunk) {
            first.push(offset / chunk * chunk);
            shape.push((offset + extent).saturating_sub(offset / chunk * chunk));
        }
        let part = Self { shape, chunk: self.chunk.clone() };
        (0..part.n_chunks()).map(move |index| {
            let within = part.offset(index);
            within.iter().zip(&first).map(|(within, first)| first + within).collect()
        })
    }

    /// The coordinates of the chunks that any of these parts reaches into, in C order. A part is an offset and
    /// an extent.
    pub fn offsets_of_parts(
        &self,
        parts: impl Iterator<Item = (Vec<u64>, Vec<u64>)>,
    ) -> Box<dyn Iterator<Item = Vec<u64>> + '_> {
        let mut indices = BTreeSet::new();
        for (offset, extent) in parts {
            indices.extend(self.offsets_in(&offset, &extent).map(|offset| self.index(&offset)));
        }
        Box::new(indices.into_iter().map(|index| self.offset(index)))
    }

    /// How much of the chunk that starts at `offset` lies in the dataset.
    pub fn extent_at(&self, offset: &[u64]) -> Vec<u64> {
        let ends = self.shape.iter().zip(&self.chunk).zip(offset);
        ends.map(|((n, chunk), offset)| *chunk.min(&(n - offset))).collect()
    }

    /// How many threads each chunk gets, so that few chunks do not leave cores idle.
    pub fn threads_per_chunk(&self, n_threads: usize) -> usize {
        let n_chunks = usize::try_from(self.n_chunks()).unwrap_or(usize::MAX);
        n_threads.div_ceil(n_chunks.max(1))
    }

    /// The coordinates of all chunks, in C order.
    pub fn offsets(&self) -> impl Iterator<Item = Vec<u64>> {
        (0..self.n_chunks()).map(|index| self.offset(index))
    }
}

fn lengths(lengths: Vec<usize>) -> Vec<u64> {
    lengths.into_iter().map(|n| n as u64).collect()
}

/// As many of the last dimensions as fit into [`PART_BYTES`], and as much of the one before.
fn part_shape(shape: &[u64], item_bytes: u64) -> Vec<u64> {
    let mut room = (PART_BYTES / item_bytes.max(1)).max(1);
    let mut part: Vec<_> = shape
        .iter()
        .rev()
        .map(|n| {
            let length = room.min(*n).max(1);
            room = if length == *n { room / length } else { 1 };
            length
        })
        .collect();
    part.reverse();
    part
}

/// Of a chunk that is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredChunk {
    pub n_bytes: u64,
    /// Bit i is set if the i-th filter was left out.
    pub filter_mask: u32,
}

/// Chunks that were stored without a filter, by a program that did not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unfiltered {
    pub n_chunks: u64,
    /// As they are stored.
    pub n_bytes: u64,
}

impl Unfiltered {
    /// The chunks of a dataset that were stored without our filter.
    pub fn of(dataset: &Dataset, filters: &[FilterUse]) -> Result<Self> {
        let place = filters.iter().position(|filter| filter.id == h5h264::FILTER_ID);
        match (place, Grid::of(dataset)) {
            (Some(place), Some(grid)) => Ok(StoredChunks::of(dataset, &grid)?.unfiltered(place)),
            _ => Ok(Self::default()),
        }
    }

    /// A sentence without its subject's place; `None` if there are none.
    pub fn text(self) -> Option<String> {
        let were = if self.n_chunks == 1 { "was" } else { "were" };
        (self.n_chunks > 0).then(|| {
            let (chunks, bytes) = (text::count(self.n_chunks, "chunk"), text::bytes(self.n_bytes));
            format!("{chunks} of {bytes} {were} stored without h5h264, by a program that did not have it")
        })
    }
}

/// The chunks of a dataset that are in the file, looked up once: HDF5 goes through all of them to find one.
pub struct StoredChunks<'d> {
    dataset: &'d Dataset,
    /// Where they are.
    pub grid: Grid,
    /// By index in the grid.
    chunks: BTreeMap<u64, StoredChunk>,
}

impl<'d> StoredChunks<'d> {
    /// `grid` is the dataset's own.
    pub fn of(dataset: &'d Dataset, grid: &Grid) -> Result<Self> {
        let mut chunks = BTreeMap::new();
        if dataset.storage_size() > 0 {
            let add = |chunk: ChunkInfoRef<'_>| {
                let stored = StoredChunk { n_bytes: chunk.size, filter_mask: chunk.filter_mask };
                if chunk.offset.iter().zip(&grid.shape).all(|(offset, n)| offset < n) {
                    chunks.insert(grid.index(chunk.offset), stored);
                }
                0
            };
            dataset.chunks_visit(add).explained()?;
        }
        Ok(Self { dataset, grid: grid.clone(), chunks })
    }

    /// What the file has of the chunk that starts at `offset`; `None` if nothing.
    pub fn get(&self, offset: &[u64]) -> Option<StoredChunk> {
        self.chunks.get(&self.grid.index(offset)).copied()
    }

    /// Forgets the chunks of which `is_wanted` does not want the coordinates.
    pub fn retain(&mut self, is_wanted: impl Fn(&[u64]) -> bool) {
        let grid = &self.grid;
        self.chunks.retain(|index, _| is_wanted(&grid.offset(*index)));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// The chunks that were stored without the filter at this place of the pipeline.
    pub fn unfiltered(&self, place: usize) -> Unfiltered {
        let without = self.chunks.values().filter(|chunk| chunk.filter_mask & 1 << place != 0);
        without.fold(Unfiltered::default(), |sum, chunk| Unfiltered {
            n_chunks: sum.n_chunks + 1,
            n_bytes: sum.n_bytes + chunk.n_bytes,
        })
    }

    /// All of them, with their coordinates, in C order.
    pub fn iter(&self) -> impl Iterator<Item = (Vec<u64>, StoredChunk)> {
        self.chunks.iter().map(|(index, chunk)| (self.grid.offset(*index), *chunk))
    }

    /// The stored bytes of the chunk that starts at `offset`, as [`get`](Self::get) has found it.
    pub fn read(&self, offset: &[u64], chunk: StoredChunk) -> Result<Vec<u8>> {
        read_chunk(self.dataset, offset, chunk)
    }
}

/// What the file has of the chunk that starts at `offset`; `None` if nothing. For few chunks of many.
pub fn stored_chunk(dataset: &Dataset, offset: &[u64]) -> Option<StoredChunk> {
    // HDF5 has an error for a chunk that is not there, as for one that it can't find out about; reading
    // the dataset tells which it was.
    read_direct(dataset, offset, &mut []).ok()
}

/// The stored bytes of the chunk that starts at `offset`, as was found.
pub fn read_chunk(dataset: &Dataset, offset: &[u64], chunk: StoredChunk) -> Result<Vec<u8>> {
    let len = usize::try_from(chunk.n_bytes)?;
    let mut stored = Vec::new();
    stored.try_reserve_exact(len)?;
    stored.resize(len, 0);
    let found = read_direct(dataset, offset, &mut stored)?;
    ensure!(found == chunk, "the chunk has changed meanwhile");
    Ok(stored)
}

/// Finds a chunk, and reads it if it fits.
fn read_direct(dataset: &Dataset, offset: &[u64], stored: &mut [u8]) -> Result<StoredChunk> {
    ensure!(offset.len() == dataset.ndim(), "coordinates of {} dimensions", offset.len());
    let (mut filter_mask, mut n_bytes) = (0, stored.len());
    // SAFETY: `offset` has a value per dimension; `n_bytes` says how much fits into `stored`.
    call(|| unsafe {
        H5Dread_chunk(
            dataset.id(),
            H5P_DEFAULT,
            offset.as_ptr(),
            &mut filter_mask,
            stored.as_mut_ptr().cast(),
            ptr::from_mut(&mut n_bytes),
        )
    })?;
    Ok(StoredChunk { n_bytes: n_bytes as u64, filter_mask })
}

/// An array, and where a part of it starts.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub shape: &'a [u64],
    pub offset: &'a [u64],
}

/// Copies elements of the shape `extent` from one array to another.
pub fn copy_part(to: &mut [u8], to_at: At<'_>, from: &[u8], from_at: At<'_>, extent: &[u64]) {
    let Some((&n, inner_extent)) = extent.split_first() else {
        to.copy_from_slice(from);
        return;
    };
    if extent.contains(&0) {
        return;
    }
    let (to_row, from_row) = (to.len() / to_at.shape[0] as usize, from.len() / from_at.shape[0] as usize);
    let (to_start, from_start) = (to_at.offset[0] as usize * to_row, from_at.offset[0] as usize * from_row);
    let (to_inner, from_inner) = (to_at.inner(), from_at.inner());
    if to_inner.shape == inner_extent && from_inner.shape == inner_extent {
        let n_bytes = n as usize * to_row;
        to[to_start..to_start + n_bytes].copy_from_slice(&from[from_start..from_start + n_bytes]);
        return;
    }
    let to_rows = to[to_start..].chunks_exact_mut(to_row);
    let from_rows = from[from_start..].chunks_exact(from_row);
    for (to, from) in to_rows.zip(from_rows).take(n as usize) {
        copy_part(to, to_inner, from, from_inner, inner_extent);
    }
}

impl At<'_> {
    fn inner(self) -> Self {
        Self { shape: &self.shape[1..], offset: &self.offset[1..] }
    }
}

/// Copies all elements of an array of the shape `extent` into a larger one, to where `offset` says.
pub fn place(array: &mut [u8], shape: &[u64], offset: &[u64], elements: &[u8], extent: &[u64]) {
    let all = At { shape: extent, offset: &vec![0; extent.len()] };
    copy_part(array, At { shape, offset }, elements, all, extent);
}

/// An array whose elements all are `element`.
pub fn filled(element: &[u8], shape: &[u64]) -> Result<Vec<u8>> {
    let n = usize::try_from(shape.iter().product::<u64>())?;
    let is_zero = element.iter().all(|byte| *byte == 0);
    Ok(if is_zero { vec![0; n * element.len()] } else { element.repeat(n) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_counts_its_chunks() {
        let grid = Grid { shape: vec![5, 7, 4], chunk: vec![2, 7, 3] };
        assert_eq!(grid.n_chunks(), 3 * 2);
        let offsets: Vec<_> = grid.offsets().collect();
        assert_eq!(offsets[1], [0, 0, 3]);
        assert_eq!(offsets[4], [4, 0, 0]);
        assert_eq!(grid.index(&[4, 6, 3]), 5);
        assert!(offsets.iter().enumerate().all(|(i, offset)| grid.index(offset) == i as u64));
        let reached: Vec<_> = grid.offsets_in(&[1, 2, 3], &[3, 1, 1]).collect();
        assert_eq!(reached, [[0, 0, 3], [2, 0, 3]]);
        assert_eq!(grid.extent_at(&[4, 0, 3]), [1, 7, 1]);
        assert_eq!(Grid { shape: vec![], chunk: vec![] }.offsets().count(), 1);
        assert_eq!(Grid { shape: vec![0, 7], chunk: vec![2, 7] }.offsets().count(), 0);
    }

    #[test]
    fn parts_have_some_megabytes() {
        assert_eq!(part_shape(&[1000, 1024, 1024], 2), [4, 1024, 1024]);
        assert_eq!(part_shape(&[10, 1 << 20, 1 << 20], 1), [1, 8, 1 << 20]);
        assert_eq!(part_shape(&[0, 3], 8), [1, 3]);
        assert_eq!(part_shape(&[2], 1 << 30), [1]);
        assert!(part_shape(&[], 4).is_empty());
    }

    #[test]
    fn elements_are_placed_where_they_belong() {
        let placed = |offset: &[u64], elements: &[u8], extent: &[u64]| {
            let mut array = vec![0; 2 * 3 * 2];
            place(&mut array, &[2, 3, 2], offset, elements, extent);
            array
        };
        assert_eq!(placed(&[1, 0, 0], &[1, 2, 3, 4, 5, 6], &[1, 3, 2]), [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(placed(&[0, 1, 1], &[1, 2, 3, 4], &[2, 2, 1]), [0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 0, 4]);
        assert_eq!(placed(&[0, 0, 0], &[1, 2, 3, 4], &[2, 1, 2]), [1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0]);
    }
    #[test]
    fn a_part_of_an_array_is_copied() {
        let from: Vec<u8> = (0..18).collect();
        let mut to = [99; 6];
        // Elements of two bytes.
        let from_at = At { shape: &[3, 3], offset: &[1, 1] };
        copy_part(&mut to, At { shape: &[3, 1], offset: &[1, 0] }, &from, from_at, &[2, 1]);
        assert_eq!(to, [99, 99, 8, 9, 14, 15]);
    }
}
