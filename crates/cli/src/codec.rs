//! Chunks are encoded and decoded here, on any thread: HDF5 does one at a time.

use std::io::{Read, Write};

use anyhow::{Result, anyhow, ensure};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use h5h264::process::with_threads;
use hdf5::Dataset;

use crate::h5::{self, FLETCHER32, FilterUse, GZIP, Grid, LZF, SHUFFLE};
use crate::lzf;

/// A dataset's filters, if all that they do can be done here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    steps: Vec<Step>,
    /// Bytes of a chunk.
    chunk_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    H264 { cd_values: Vec<u32> },
    Gzip { level: u32 },
    Lzf,
    Shuffle { item_bytes: usize },
    Fletcher32,
}

impl Pipeline {
    /// What makes and reads the chunks of a dataset. `None` if that is left to HDF5.
    pub fn of_dataset(dataset: &Dataset, grid: &Grid) -> Result<Option<Self>> {
        if !h5::is_stored_as_in_memory(dataset)? || h5::has_unfiltered_edges(dataset)? {
            return Ok(None);
        }
        let chunk_bytes = grid.chunk_len().saturating_mul(h5::item_bytes(dataset)?);
        Ok(Self::of(&h5::filters_of(dataset)?, chunk_bytes))
    }

    /// `None` if there are filters that are left to HDF5, or several that change the size of a chunk; a
    /// checksum at the end does not count.
    fn of(filters: &[FilterUse], chunk_bytes: u64) -> Option<Self> {
        let steps = filters.iter().map(|filter| match (filter.id, &filter.cd_values[..]) {
            (h5h264::FILTER_ID, cd_values) => Some(Step::H264 { cd_values: cd_values.to_vec() }),
            (GZIP, [level, ..]) => Some(Step::Gzip { level: *level }),
            (LZF, _) => Some(Step::Lzf),
            (SHUFFLE, [item_bytes, ..]) => Some(Step::Shuffle { item_bytes: *item_bytes as usize }),
            (FLETCHER32, _) => Some(Step::Fletcher32),
            _ => None,
        });
        let steps = steps.collect::<Option<Vec<_>>>()?;
        let checked = steps.strip_suffix(&[Step::Fletcher32]).unwrap_or(&steps);
        let is_packed = |step: &Step| !matches!(step, Step::Shuffle { .. });
        if checked.iter().skip_while(|step| !is_packed(step)).skip(1).any(is_packed) {
            return None;
        }
        Some(Self { steps, chunk_bytes: usize::try_from(chunk_bytes).ok()? })
    }

    /// The bytes to store for a chunk, with at most `n_threads` at work on it.
    pub fn encode(&self, chunk: &[u8], n_threads: usize) -> Result<Vec<u8>> {
        ensure!(
            chunk.len() == self.chunk_bytes,
            "a chunk of {} bytes (expected {})",
            chunk.len(),
            self.chunk_bytes
        );
        let mut bytes = None;
        for step in &self.steps {
            bytes = Some(step.encode(bytes.as_deref().unwrap_or(chunk), n_threads)?);
        }
        Ok(bytes.unwrap_or_else(|| chunk.to_vec()))
    }

    /// The chunk that was stored. `filter_mask` has a bit set for each filter that was left out.
    pub fn decode(&self, stored: Vec<u8>, filter_mask: u32, n_threads: usize) -> Result<Vec<u8>> {
        let mut bytes = stored;
        for (i, step) in self.steps.iter().enumerate().rev() {
            if filter_mask & 1 << i == 0 {
                bytes = step.decode(&bytes, self.chunk_bytes, n_threads)?;
            }
        }
        let (n, expected) = (bytes.len(), self.chunk_bytes);
        ensure!(n == expected, "damaged chunk: it decodes to {n} bytes (expected {expected})");
        Ok(bytes)
    }
}

impl Step {
    fn encode(&self, bytes: &[u8], n_threads: usize) -> Result<Vec<u8>> {
        match self {
            Self::H264 { cd_values } => {
                let stored = with_threads(n_threads, || h5h264::filter::encode(cd_values, bytes));
                Ok(stored.map_err(|e| anyhow!(e))?.to_vec())
            }
            Self::Gzip { level } => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(*level));
                encoder.write_all(bytes)?;
                Ok(encoder.finish()?)
            }
            Self::Lzf => Ok(lzf::encode(bytes)),
            Self::Shuffle { item_bytes } => Ok(shuffle(bytes, *item_bytes)),
            Self::Fletcher32 => Ok([bytes, &fletcher32(bytes).to_le_bytes()].concat()),
        }
    }

    fn decode(&self, bytes: &[u8], chunk_bytes: usize, n_threads: usize) -> Result<Vec<u8>> {
        match self {
            Self::H264 { cd_values } => {
                let mut chunk = vec![0; chunk_bytes];
                with_threads(n_threads, || h5h264::filter::decode_into(cd_values, bytes, &mut chunk))
                    .map_err(|e| anyhow!(e))?;
                Ok(chunk)
            }
            Self::Gzip { .. } => {
                let mut chunk = Vec::with_capacity(chunk_bytes);
                // One byte more than there should be is enough to know.
                let decoder = ZlibDecoder::new(bytes).take(chunk_bytes as u64 + 1);
                { decoder }.read_to_end(&mut chunk).map_err(|e| anyhow!("damaged chunk: gzip: {e}"))?;
                Ok(chunk)
            }
            Self::Lzf => lzf::decode(bytes, chunk_bytes).ok_or_else(|| anyhow!("damaged chunk: lzf")),
            Self::Shuffle { item_bytes } => Ok(unshuffle(bytes, *item_bytes)),
            Self::Fletcher32 => {
                let (bytes, stored) =
                    bytes.split_last_chunk().ok_or_else(|| anyhow!("damaged chunk: no checksum"))?;
                let [a, b, c, d] = fletcher32(bytes).to_le_bytes();
                // HDF5 before 1.6.3 swapped bytes on little-endian machines.
                let is_right = [[a, b, c, d], [b, a, d, c]].contains(stored);
                ensure!(is_right, "damaged chunk: it does not have its checksum (fletcher32)");
                Ok(bytes.to_vec())
            }
        }
    }
}

/// The checksum of HDF5's filter: sums of big-endian words of 16 bits; an odd byte at the end is a high one.
fn fletcher32(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut sum, mut sum_of_sums) = (0_u32, 0_u32);
    // As many as sums have room for.
    for part in bytes.chunks(2 * 360) {
        for word in part.chunks(2) {
            sum += u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low));
            sum_of_sums += sum;
        }
        (sum, sum_of_sums) = (fold(sum), fold(sum_of_sums));
    }
    fold(sum_of_sums) << 16 | fold(sum)
}

/// The first bytes of all items, then the second ones, and so on; what is left of an item stays behind.
fn shuffle(bytes: &[u8], item_bytes: usize) -> Vec<u8> {
    let Some(n_items) = bytes.len().checked_div(item_bytes) else { return bytes.to_vec() };
    let (items, rest) = bytes.split_at(n_items * item_bytes);
    let mut shuffled = Vec::with_capacity(bytes.len());
    for i in 0..item_bytes {
        shuffled.extend(items.iter().skip(i).step_by(item_bytes));
    }
    shuffled.extend(rest);
    shuffled
}

fn unshuffle(bytes: &[u8], item_bytes: usize) -> Vec<u8> {
    let Some(n_items) = bytes.len().checked_div(item_bytes) else { return bytes.to_vec() };
    let (items, rest) = bytes.split_at(n_items * item_bytes);
    let mut unshuffled = vec![0; items.len()];
    for (i, plane) in items.chunks_exact(n_items.max(1)).enumerate() {
        for (to, from) in unshuffled.iter_mut().skip(i).step_by(item_bytes).zip(plane) {
            *to = *from;
        }
    }
    unshuffled.extend(rest);
    unshuffled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffle_puts_bytes_of_the_same_place_together() {
        assert_eq!(shuffle(b"aAbBcCx", 2), b"abcABCx");
        for item_bytes in [0, 1, 2, 3, 8, 20] {
            let bytes: Vec<u8> = (0..17).collect();
            assert_eq!(unshuffle(&shuffle(&bytes, item_bytes), item_bytes), bytes);
        }
    }

    #[test]
    fn checksums_are_those_of_the_literature() {
        // Wikipedia's, whose words are little-endian.
        assert_eq!(fletcher32(b"badcfe"), 0x5650_2d2a);
        assert_eq!(fletcher32(b"badcfehg"), 0xebe1_9591);
    }

    #[test]
    fn a_checksum_is_checked() {
        let pipeline = Pipeline { steps: vec![Step::Fletcher32], chunk_bytes: 5 };
        let mut stored = pipeline.encode(b"abcde", 1).unwrap();
        assert_eq!(pipeline.decode(stored.clone(), 0, 1).unwrap(), b"abcde");
        stored[1] ^= 1;
        assert!(pipeline.decode(stored, 0, 1).is_err());
        assert!(pipeline.decode(b"abc".to_vec(), 0, 1).is_err());
    }

    #[test]
    fn what_is_encoded_is_decoded_and_a_filter_that_was_left_out_is() {
        let steps = vec![Step::Shuffle { item_bytes: 2 }, Step::Gzip { level: 4 }];
        let pipeline = Pipeline { steps, chunk_bytes: 1000 };
        let chunk: Vec<u8> = (0..1000u32).map(|i| (i / 50) as u8).collect();
        let stored = pipeline.encode(&chunk, 1).unwrap();
        assert!(stored.len() < 500);
        assert_eq!(pipeline.decode(stored.clone(), 0, 1).unwrap(), chunk);
        assert_eq!(pipeline.decode(shuffle(&chunk, 2), 0b10, 1).unwrap(), chunk);
        assert!(pipeline.decode(stored[..50].to_vec(), 0, 1).is_err());
        assert!(pipeline.encode(&chunk[1..], 1).is_err());
    }
}
