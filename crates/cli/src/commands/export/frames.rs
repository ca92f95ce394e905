use anyhow::{Result, ensure};
use hdf5::{Dataset, Datatype};

use crate::h5::{self, Explain, Grid, NumberKind};

/// A dataset of numbers, frame by frame.
pub struct Frames<'d> {
    pub dataset: &'d Dataset,
    pub shape: Vec<u64>,
    pub kind: NumberKind,
    pub sample_bytes: usize,
    memory_type: Datatype,
    /// How many dimensions are not those of a frame.
    pub n_leading: usize,
    /// A part is a frame.
    grid: Grid,
}

impl<'d> Frames<'d> {
    pub fn of(dataset: &'d Dataset) -> Result<Self> {
        let datatype = dataset.dtype().explained()?;
        let (kind, memory_type) = h5::native_type(&datatype)?;
        let shape: Vec<_> = dataset.shape().into_iter().map(|n| n as u64).collect();
        ensure!(dataset.size() > 0, "there is nothing in it");
        let n_inner = match &shape[..] {
            [_, _, 3 | 4] | [_, _, .., 3 | 4] if shape.len() > 2 => 3,
            _ => shape.len().min(2),
        };
        let mut chunk = shape.clone();
        let n_leading = shape.len() - n_inner;
        chunk[..n_leading].fill(1);
        Ok(Self {
            dataset,
            kind,
            sample_bytes: memory_type.size(),
            memory_type,
            n_leading,
            grid: Grid { shape: shape.clone(), chunk },
            shape,
        })
    }

    pub fn n_frames(&self) -> u64 {
        self.grid.n_chunks()
    }

    pub fn frame_bytes(&self) -> u64 {
        self.grid.chunk_len() * self.sample_bytes as u64
    }

    /// Height, width and components, if it has those.
    pub fn picture(&self) -> Result<(u32, u32, u32)> {
        let frame: Vec<u64> = self.grid.chunk.clone();
        let (height, width, n_components) = match frame[..] {
            [.., height, width, n @ (3 | 4)] => (height, width, n),
            [.., height, width] => (height, width, 1),
            _ => anyhow::bail!("it has one dimension (expected frames: two dimensions at least)"),
        };
        Ok((height.try_into()?, width.try_into()?, n_components as u32))
    }

    /// All frames, one after the other: those of a chunk are read together, which decodes it once.
    pub fn iter(&self) -> impl Iterator<Item = Result<Vec<u8>>> {
        let frame_bytes = self.frame_bytes() as usize;
        self.parts(self.shape.len() - self.n_leading).flat_map(move |part| {
            let (part, error) = match part {
                Ok(part) => (part, None),
                Err(e) => (vec![], Some(Err(e))),
            };
            let n = part.len() / frame_bytes;
            let frames = (0..n).map(move |i| Ok(part[i * frame_bytes..(i + 1) * frame_bytes].to_vec()));
            frames.chain(error)
        })
    }

    /// The samples of the whole dataset, in C order, some megabytes at a time: `n_whole` of the last dimensions
    /// are not divided.
    pub fn parts(&self, n_whole: usize) -> impl Iterator<Item = Result<Vec<u8>>> {
        let chunk = Grid::of(self.dataset).map_or(vec![1; self.shape.len()], |grid| grid.chunk);
        let part = part_shape(&self.shape, &chunk, self.sample_bytes as u64, n_whole);
        let grid = Grid { shape: self.shape.clone(), chunk: part };
        let n_parts = grid.n_chunks();
        (0..n_parts).map(move |index| {
            let offset = grid.offset(index);
            self.read(&offset, &grid.extent_at(&offset))
        })
    }

    /// The samples of a part, in the byte order of this machine.
    pub fn read(&self, offset: &[u64], extent: &[u64]) -> Result<Vec<u8>> {
        h5::read_as(self.dataset, &self.memory_type, offset, extent)
    }
}

/// Bytes that are read at a time, if chunks are not larger.
const PART_BYTES: u64 = 8 << 20;
/// The same if chunks are: enough for a row of them, mostly, so that each is decoded once.
const MOST_PART_BYTES: u64 = 512 << 20;

/// The shape of parts that lie behind each other in C order: as many of the last dimensions as fit, at least
/// `n_whole` of them, and as much of the one before. `chunk` has a 1 per dimension if there are none.
fn part_shape(shape: &[u64], chunk: &[u64], sample_bytes: u64, n_whole: usize) -> Vec<u64> {
    let mut part = vec![1; shape.len()];
    let mut bytes = sample_bytes;
    for i in (0..shape.len()).rev() {
        let is_chunk_deeper = chunk[..i].iter().any(|n| *n > 1);
        let room = if is_chunk_deeper { MOST_PART_BYTES } else { PART_BYTES } / bytes;
        part[i] = if i + n_whole >= shape.len() || room >= shape[i] {
            shape[i]
        } else if room >= chunk[i] {
            room / chunk[i] * chunk[i]
        } else {
            chunk[i].min(MOST_PART_BYTES / bytes).clamp(1, shape[i])
        };
        bytes = bytes.saturating_mul(part[i]);
        if part[i] < shape[i] {
            break;
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rows_of_chunks() {
        let shape = [2, 6000, 512, 512];
        assert_eq!(part_shape(&shape, &[1, 600, 512, 512], 1, 2), [1, 600, 512, 512]);
        assert_eq!(part_shape(&shape, &[1, 600, 64, 64], 1, 2), [1, 600, 512, 512]);
        // Chunks do not fit.
        assert_eq!(part_shape(&shape, &[2, 6000, 64, 64], 1, 2), [1, 2048, 512, 512]);
        assert_eq!(part_shape(&shape, &[1; 4], 1, 2), [1, 32, 512, 512]);
        // Frames do not, and are needed.
        assert_eq!(part_shape(&[9, 40_000, 40_000], &[1, 64, 64], 1, 2), [1, 40_000, 40_000]);
        assert_eq!(part_shape(&[9, 40_000, 40_000], &[1, 64, 64], 1, 0), [1, 192, 40_000]);
        assert_eq!(part_shape(&[1 << 40], &[1], 8, 0), [1 << 20]);
    }
}
