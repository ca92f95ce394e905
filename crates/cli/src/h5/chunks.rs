use std::ptr;

use anyhow::{Result, ensure};
use hdf5::Dataset;
use hdf5_sys::h5::HADDR_UNDEF;
use hdf5_sys::h5d::{H5Dget_chunk_info_by_coord, H5Dread_chunk};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::{call, item_bytes};

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
        self.n_along().product()
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

/// What the file has of the chunk that starts at `offset`; `None` if nothing.
pub fn stored_chunk(dataset: &Dataset, offset: &[u64]) -> Result<Option<StoredChunk>> {
    ensure!(offset.len() == dataset.ndim(), "coordinates of {} dimensions", offset.len());
    let (mut filter_mask, mut address, mut n_bytes) = (0, HADDR_UNDEF, 0);
    // SAFETY: `offset` has a value per dimension; the others are written to during the call only.
    call(|| unsafe {
        H5Dget_chunk_info_by_coord(
            dataset.id(),
            offset.as_ptr(),
            &mut filter_mask,
            &mut address,
            &mut n_bytes,
        )
    })?;
    Ok((address != HADDR_UNDEF).then_some(StoredChunk { n_bytes, filter_mask }))
}

/// The stored bytes of the chunk that starts at `offset`.
pub fn read_chunk(dataset: &Dataset, offset: &[u64], chunk: StoredChunk) -> Result<Vec<u8>> {
    ensure!(offset.len() == dataset.ndim(), "coordinates of {} dimensions", offset.len());
    let len = usize::try_from(chunk.n_bytes)?;
    let mut stored = Vec::new();
    stored.try_reserve_exact(len)?;
    stored.resize(len, 0);
    let mut filter_mask = 0;
    let mut room = stored.len();
    // SAFETY: `offset` has a value per dimension; `room` says how much fits into `stored`.
    call(|| unsafe {
        H5Dread_chunk(
            dataset.id(),
            H5P_DEFAULT,
            offset.as_ptr(),
            &mut filter_mask,
            stored.as_mut_ptr().cast(),
            ptr::from_mut(&mut room),
        )
    })?;
    Ok(stored)
}

/// Copies elements of the shape `extent` into an array of the shape `shape`, to where `offset` says.
pub fn place(
    array: &mut [u8],
    shape: &[u64],
    offset: &[u64],
    elements: &[u8],
    extent: &[u64],
    item_bytes: usize,
) {
    let (Some((length, inner_shape)), Some((first, inner_offset)), Some((n, inner_extent))) =
        (shape.split_first(), offset.split_first(), extent.split_first())
    else {
        array.copy_from_slice(elements);
        return;
    };
    if shape[1..] == extent[1..] {
        let row = inner_shape.iter().product::<u64>() as usize * item_bytes;
        let start = *first as usize * row;
        array[start..start + elements.len()].copy_from_slice(elements);
        return;
    }
    if *n == 0 || *length == 0 {
        return;
    }
    let rows = array.chunks_exact_mut(array.len() / *length as usize).skip(*first as usize);
    for (row, part) in rows.zip(elements.chunks_exact(elements.len() / *n as usize)) {
        place(row, inner_shape, inner_offset, part, inner_extent, item_bytes);
    }
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
            place(&mut array, &[2, 3, 2], offset, elements, extent, 1);
            array
        };
        assert_eq!(placed(&[1, 0, 0], &[1, 2, 3, 4, 5, 6], &[1, 3, 2]), [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(placed(&[0, 1, 1], &[1, 2, 3, 4], &[2, 2, 1]), [0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 0, 4]);
        assert_eq!(placed(&[0, 0, 0], &[1, 2, 3, 4], &[2, 1, 2]), [1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0]);
    }
}
