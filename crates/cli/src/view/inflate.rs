//! gzip that HDF5 undoes takes as much memory as a file asks for. Here it is found out before how much that is.

use std::io::{self, Read};

use anyhow::{Result, bail, ensure};
use flate2::read::ZlibDecoder;
use hdf5::Dataset;

use super::gather;
use crate::h5::{self, Along, FLETCHER32, FilterUse, GZIP, Grid, StoredChunk};

/// A chunk does not get larger.
const MAX_BYTES: u64 = 256 << 20;

/// Chunks that HDF5 alone can decode.
#[derive(Clone)]
pub struct Foreign {
    filters: Vec<FilterUse>,
}

impl Foreign {
    pub fn of(dataset: &Dataset) -> Result<Self> {
        Ok(Self { filters: h5::filters_of(dataset)? })
    }

    /// An error if a chunk is too large when it is decoded.
    pub fn check(&self, dataset: &Dataset, offset: &[u64], chunk: StoredChunk) -> Result<()> {
        if let Some(filter) = self.filters.iter().find(|filter| !h5::is_available(filter.id)) {
            bail!("{} is not available here", filter.known_name());
        }
        let Some(place) = self.filters.iter().position(|filter| filter.id == GZIP) else { return Ok(()) };
        let is_outermost = self.filters[place + 1..].iter().all(|filter| filter.id == FLETCHER32);
        ensure!(is_outermost, "gzip with other filters behind it is not decoded here");
        if chunk.filter_mask >> place & 1 == 1 {
            return Ok(());
        }
        ensure!(
            chunk.n_bytes <= MAX_BYTES,
            "a chunk of {} stored bytes (expected at most {MAX_BYTES})",
            chunk.n_bytes
        );
        let stored = h5::read_chunk(dataset, offset, chunk)?;
        // What is no gzip is HDF5's error.
        let n_bytes = io::copy(&mut ZlibDecoder::new(&stored[..]).take(MAX_BYTES + 1), &mut io::sink());
        ensure!(
            !n_bytes.is_ok_and(|n| n > MAX_BYTES),
            "damaged chunk: it decodes to more than {MAX_BYTES} bytes"
        );
        Ok(())
    }

    /// The same for all chunks that a selection touches.
    pub fn check_selection(&self, dataset: &Dataset, grid: &Grid, along: &[Along]) -> Result<()> {
        for index in gather::touched(grid, along) {
            let offset = grid.offset(index);
            if let Some(chunk) = h5::stored_chunk(dataset, &offset) {
                self.check(dataset, &offset, chunk)?;
            }
        }
        Ok(())
    }
}
