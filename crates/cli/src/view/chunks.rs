//! `/chunks` and `/chunks/check`: how a dataset is stored.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::response::Response;
use h5h264::payload::{Content, Payload};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::{Failure, Result};
use super::frames::Shape;
use super::query::Asked;
use super::values::Opened;
use super::{State, json_answer};
use crate::h5::{self, FilterUse, Grid};

/// Datasets of more chunks are not listed.
const MAX_CHUNKS: u64 = 1_000_000;
/// Stored bytes that are looked at for an answer, after which it ends.
const MAX_CHECKED_BYTES: usize = 8 << 20;

#[derive(Debug, Deserialize)]
pub struct Wanted {
    file: String,
    path: String,
    /// The first chunk to check.
    #[serde(default)]
    start: u64,
}

/// How a dataset is stored. Chunks are counted in C order.
#[derive(Debug, Serialize)]
pub struct Storage {
    layout: String,
    datatype: String,
    shape: Option<Vec<u64>>,
    chunk: Option<Vec<u64>>,
    filters: Vec<String>,
    /// Bytes of all values, as they would be without filters.
    uncompressed_bytes: u64,
    stored_bytes: u64,
    /// Bytes of each chunk in the file; `null` where there is none.
    stored: Vec<Option<u64>>,
    /// The chunks that some filter was left out of.
    unfiltered: Vec<u64>,
    /// Bytes of each chunk without filters, the part of it that lies in the dataset.
    chunk_bytes: Vec<u64>,
    /// `null` if there are none.
    n_frames: Option<u64>,
    /// Frames of a chunk, `null` if there are none or they do not follow each other; and chunks that a
    /// frame is cut into.
    chunk_frames: Option<u64>,
    chunks_per_frame: Option<u64>,
    /// Whether chunks can be checked here.
    is_ours: bool,
}

pub async fn chunks(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    json_answer(state, move |state| storage(&Opened::open(state, &wanted.file, &wanted.path)?)).await
}

fn storage(opened: &Opened) -> Result<Storage> {
    let dataset = &opened.dataset;
    let filters = h5::filters_of(dataset)?;
    let grid = Grid::of(dataset);
    let n_elements: u64 = opened.shape.as_ref().map_or(0, |shape| shape.iter().product());
    let mut storage = Storage {
        layout: format!("{:?}", dataset.layout()).to_lowercase(),
        datatype: h5::describe_type(&dataset.dtype().map_err(anyhow::Error::new)?)?,
        shape: opened.shape.clone(),
        chunk: grid.as_ref().map(|grid| grid.chunk.clone()),
        filters: filters.iter().map(FilterUse::known_name).collect(),
        uncompressed_bytes: n_elements.saturating_mul(opened.datatype.size as u64),
        stored_bytes: dataset.storage_size(),
        stored: Vec::new(),
        unfiltered: Vec::new(),
        chunk_bytes: Vec::new(),
        n_frames: None,
        chunk_frames: None,
        chunks_per_frame: None,
        is_ours: is_ours(&filters),
    };
    let Some(grid) = grid else { return Ok(storage) };
    check_n_chunks(&grid)?;
    let n_chunks = grid.n_chunks();
    if let Ok(shape) = Shape::of(opened) {
        let (leading, frame) = grid.chunk.split_at(shape.leading.len());
        let frame_shape = &grid.shape[shape.leading.len()..];
        storage.n_frames = Some(shape.n_frames());
        storage.chunk_frames = is_run(leading, &shape.leading).then(|| leading.iter().product());
        storage.chunks_per_frame = Some(frame_shape.iter().zip(frame).map(|(n, c)| n.div_ceil(*c)).product());
    }
    let item_bytes = opened.datatype.size as u64;
    storage.chunk_bytes =
        grid.offsets().map(|offset| grid.extent_at(&offset).iter().product::<u64>() * item_bytes).collect();
    storage.stored = vec![None; n_chunks as usize];
    let visited = dataset.chunks_visit(|chunk| {
        let index = grid.index(chunk.offset);
        if let Some(place) = storage.stored.get_mut(index as usize) {
            *place = Some(chunk.size);
        }
        if chunk.filter_mask != 0 {
            storage.unfiltered.push(index);
        }
        0
    });
    visited.map_err(anyhow::Error::new)?;
    storage.unfiltered.sort_unstable();
    Ok(storage)
}

/// Whether the frames of a chunk follow each other, and those of the next one them: several along one dimension,
/// all along those behind it. Along the first one that is longer than 1, the last chunk may be cut off.
fn is_run(chunk: &[u64], shape: &[u64]) -> bool {
    let Some(cut) = chunk.iter().position(|n| *n > 1) else { return true };
    let is_first = shape[..cut].iter().all(|n| *n == 1);
    (is_first || shape[cut].is_multiple_of(chunk[cut])) && chunk[cut + 1..] == shape[cut + 1..]
}

fn check_n_chunks(grid: &Grid) -> Result<()> {
    match grid.n_chunks() {
        n if n <= MAX_CHUNKS => Ok(()),
        n => Err(Failure::too_large(format!("the dataset has {n} chunks (expected at most {MAX_CHUNKS})"))),
    }
}

fn is_ours(filters: &[FilterUse]) -> bool {
    filters.last().is_some_and(|last| last.id == h5h264::FILTER_ID)
}

/// Chunks that were looked at.
#[derive(Debug, Serialize)]
pub struct Checked {
    chunks: Vec<Value>,
    /// The first that was not; `null` if that were all.
    next: Option<u64>,
}

/// Reads stored chunks, without decoding them: their checksums, and what their headers say.
pub async fn check(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    json_answer(state, move |state| {
        let opened = Opened::open(state, &wanted.file, &wanted.path)?;
        let chunked = &opened.chunked;
        let chunked = chunked.as_ref().ok_or_else(|| Failure::unusable("the dataset has no chunks"))?;
        let grid = &chunked.grid;
        check_n_chunks(grid)?;
        let filters = h5::filters_of(&opened.dataset)?;
        if !is_ours(&filters) {
            return Err(Failure::unusable("the chunks are those of another filter"));
        }
        let left_out = 1 << (filters.len() - 1);
        let (mut chunks, mut n_bytes) = (Vec::new(), 0);
        for index in wanted.start..grid.n_chunks() {
            if n_bytes > MAX_CHECKED_BYTES {
                return Ok(Checked { chunks, next: Some(index) });
            }
            // Finding out that there is none is work, too.
            n_bytes += 1000;
            let told = match chunked.stored(index) {
                Ok(None) => continue,
                Ok(Some((_, filter_mask))) if filter_mask & left_out != 0 => continue,
                Ok(Some((stored, _))) => {
                    n_bytes += stored.len();
                    describe(&stored)
                }
                Err(e) => Err(e.into()),
            };
            let offset = grid.offset(index);
            chunks.push(match told {
                Ok(mut told) => {
                    told["index"] = index.into();
                    told
                }
                Err(e) => json!({ "index": index, "offset": offset, "damage": e.message }),
            });
        }
        Ok(Checked { chunks, next: None })
    })
    .await
}

fn describe(stored: &[u8]) -> Result<Value> {
    let failure = |e: h5h264::error::Error| anyhow::anyhow!(h5filter::Failure::from(e));
    let text = h5h264::capi::describe::json(stored).map_err(failure)?;
    let mut told: Value = serde_json::from_str(&text).map_err(anyhow::Error::new)?;
    // The original plugin's chunks have no such header.
    if let Ok(Payload { content: Content::Coded { header, parts }, .. }) = Payload::read(stored)
        && let Some(video) = &header.video
    {
        let other_bytes = parts.raw_planes.len() + parts.zstd.len() + parts.noise.len();
        let n_padding = header.chunk_bytes() / header.geometry.frame_bytes() - header.geometry.n_frames;
        told["frame_bytes"] =
            frame_bytes(&video.access_unit_bytes, header.geometry.n_frames, n_padding, other_bytes);
    }
    Ok(told)
}

const MAX_SHOWN_FRAMES: usize = 1 << 20;

/// Stored bytes of each frame: its access units, of all strips, and an equal part of all other planes.
/// Frames of padding have none. Nothing of more frames than a page can show: a header can tell of any number.
fn frame_bytes(access_units: &[usize], n_frames: usize, n_padding: usize, other_bytes: usize) -> Value {
    let is_shown = n_frames.checked_add(n_padding).is_some_and(|n| n <= MAX_SHOWN_FRAMES);
    if n_frames == 0 || !is_shown || !access_units.len().is_multiple_of(n_frames) {
        return Value::Null;
    }
    let mut bytes = vec![other_bytes / n_frames; n_frames];
    for (index, n) in access_units.iter().enumerate() {
        bytes[index % n_frames] += n;
    }
    bytes.resize(n_frames + n_padding, 0);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_chunks_follow_each_other_or_not() {
        for (chunk, shape, expected) in [
            (&[2][..], &[5][..], true),
            (&[1, 2], &[3, 4], true),
            (&[1, 2], &[3, 5], false),
            (&[1, 2], &[1, 5], true),
            (&[2, 5], &[3, 5], true),
            (&[2, 2], &[4, 4], false),
            (&[1, 1], &[4, 4], true),
            (&[], &[], true),
        ] {
            assert_eq!(is_run(chunk, shape), expected, "{chunk:?} {shape:?}");
        }
    }
}
