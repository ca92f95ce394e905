use anyhow::{Result, ensure};
use hdf5::Dataset;

use crate::h5::{self, Explain, Grid, NumberKind};

/// A dataset of numbers, frame by frame.
pub struct Frames<'d> {
    pub dataset: &'d Dataset,
    pub shape: Vec<u64>,
    pub kind: NumberKind,
    pub sample_bytes: usize,
    big_endian: bool,
    /// A part is a frame.
    grid: Grid,
}

impl<'d> Frames<'d> {
    pub fn of(dataset: &'d Dataset) -> Result<Self> {
        let datatype = dataset.dtype().explained()?;
        let (kind, sample_bytes, big_endian) = h5::number_kind(&datatype)?;
        let shape: Vec<_> = dataset.shape().into_iter().map(|n| n as u64).collect();
        ensure!(dataset.size() > 0, "there is nothing in it");
        let n_inner = match &shape[..] {
            [_, _, 3 | 4] | [_, _, .., 3 | 4] if shape.len() > 2 => 3,
            _ => shape.len().min(2),
        };
        let mut chunk = shape.clone();
        chunk[..shape.len() - n_inner].fill(1);
        Ok(Self {
            dataset,
            kind,
            sample_bytes,
            big_endian,
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

    /// A frame's samples, in the byte order of this machine.
    pub fn read(&self, index: u64) -> Result<Vec<u8>> {
        let offset = self.grid.offset(index);
        let mut bytes = h5::read_slab(self.dataset, &offset, &self.grid.chunk)?.into_bytes()?;
        if self.big_endian != cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(self.sample_bytes).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }
}
