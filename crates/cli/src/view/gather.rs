//! Selected elements, from the chunks that they lie in.

use std::ops::Range;

use crate::h5::{Along, Grid};

/// How many chunks a selection touches.
pub fn n_touched(grid: &Grid, along: &[Along]) -> u64 {
    let axes = along.iter().zip(&grid.chunk);
    axes.fold(1, |n, (along, chunk)| n.saturating_mul(Positions::of(*along, *chunk).n()))
}

/// The chunks that a selection touches, of which there should not be too many.
pub fn touched(grid: &Grid, along: &[Along]) -> Vec<u64> {
    let mut indexes = vec![0];
    for ((along, chunk), n) in along.iter().zip(&grid.chunk).zip(&grid.shape) {
        let n_chunks = n.div_ceil(*chunk);
        let positions = Positions::of(*along, *chunk);
        let at = |i: &u64| positions.iter().map(move |p| i * n_chunks + p).collect::<Vec<_>>();
        indexes = indexes.iter().flat_map(at).collect();
    }
    indexes
}

/// Chunks along an axis.
#[derive(Clone, Copy)]
enum Positions {
    /// One after the other.
    Dense(u64, u64),
    /// One for each element.
    Sparse(Along, u64),
}

impl Positions {
    fn of(along: Along, chunk: u64) -> Self {
        match along.count.checked_sub(1) {
            None => Self::Dense(0, 0),
            Some(_) if along.step > chunk => Self::Sparse(along, chunk),
            Some(last) => Self::Dense(along.start / chunk, (along.start + last * along.step) / chunk + 1),
        }
    }

    fn n(self) -> u64 {
        match self {
            Self::Dense(start, end) => end - start,
            Self::Sparse(along, _) => along.count,
        }
    }

    fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.n()).map(move |i| match self {
            Self::Dense(start, _) => start + i,
            Self::Sparse(along, chunk) => (along.start + i * along.step) / chunk,
        })
    }
}

/// Which of the selected elements lie in `len` elements from `start` on.
fn within(along: Along, start: u64, len: u64) -> Range<u64> {
    let before = |end: u64| end.saturating_sub(along.start).div_ceil(along.step).min(along.count);
    before(start)..before(start + len)
}

/// Copies what a chunk has of a selection to where it belongs in `out`, which has the selection in C
/// order.
pub fn copy(grid: &Grid, along: &[Along], index: u64, chunk: &[u8], item_bytes: usize, out: &mut [u8]) {
    let offset = grid.offset(index);
    let axes: Vec<_> = (0..along.len())
        .map(|i| Axis {
            along: along[i],
            inside: within(along[i], offset[i], grid.chunk[i]),
            offset: offset[i],
            out_bytes: along[i + 1..].iter().map(|a| a.count as usize).product::<usize>() * item_bytes,
            chunk_bytes: grid.chunk[i + 1..].iter().product::<u64>() as usize * item_bytes,
        })
        .collect();
    copy_axes(&axes, chunk, out, item_bytes);
}

struct Axis {
    along: Along,
    /// Which of the selected elements are in the chunk.
    inside: Range<u64>,
    /// The chunk's first element.
    offset: u64,
    /// From one element along this axis to the next.
    out_bytes: usize,
    chunk_bytes: usize,
}

fn copy_axes(axes: &[Axis], chunk: &[u8], out: &mut [u8], item_bytes: usize) {
    let Some((axis, inner)) = axes.split_first() else {
        out[..item_bytes].copy_from_slice(&chunk[..item_bytes]);
        return;
    };
    let place = |i: u64| (axis.along.start + i * axis.along.step - axis.offset) as usize * axis.chunk_bytes;
    if inner.is_empty() && axis.along.step == 1 {
        let n_bytes = (axis.inside.end - axis.inside.start) as usize * item_bytes;
        let (from, to) = (place(axis.inside.start), axis.inside.start as usize * item_bytes);
        out[to..to + n_bytes].copy_from_slice(&chunk[from..from + n_bytes]);
        return;
    }
    for i in axis.inside.clone() {
        copy_axes(inner, &chunk[place(i)..], &mut out[i as usize * axis.out_bytes..], item_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks of the numbers 0, 1, … of a dataset in C order.
    fn chunk_of(grid: &Grid, index: u64) -> Vec<u8> {
        let (offset, width) = (grid.offset(index), grid.shape[1]);
        let rows = offset[0]..offset[0] + grid.chunk[0];
        rows.flat_map(|y| (offset[1]..offset[1] + grid.chunk[1]).map(move |x| (y * width + x) as u8))
            .collect()
    }

    #[test]
    fn any_selection_is_put_together_from_chunks() {
        let grid = Grid { shape: vec![7, 9], chunk: vec![3, 4] };
        for (start, step, count) in [(0, 1, 7), (1, 2, 3), (2, 4, 2), (6, 1, 1), (3, 1, 0)] {
            let along = [Along { start, step, count }, Along { start: 1, step: 3, count: 3 }];
            let mut out = vec![0xff; count as usize * 3];
            for index in touched(&grid, &along) {
                copy(&grid, &along, index, &chunk_of(&grid, index), 1, &mut out);
            }
            let rows = (0..count).map(|i| start + i * step);
            let expected: Vec<_> = rows.flat_map(|y| [1, 4, 7].map(|x| (y * 9 + x) as u8)).collect();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn chunks_between_the_steps_are_not_touched() {
        let grid = Grid { shape: vec![100], chunk: vec![10] };
        assert_eq!(touched(&grid, &[Along { start: 5, step: 40, count: 3 }]), [0, 4, 8]);
        assert_eq!(touched(&grid, &[Along { start: 5, step: 10, count: 3 }]), [0, 1, 2]);
        assert_eq!(touched(&grid, &[Along { start: 5, step: 10, count: 0 }]), [0; 0]);
        let far = Grid { shape: vec![1 << 60; 2], chunk: vec![1, 1] };
        let along =
            [Along { start: 0, step: 1 << 59, count: 2 }, Along { start: 0, step: 1, count: 1 << 20 }];
        assert_eq!(n_touched(&far, &along), 1 << 21);
    }
}
