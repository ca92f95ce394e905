//! `/stack` and `/frames`: datasets as sequences of frames.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::failure::{Failure, Result};
use super::metadata::{dtype_text, is_complex};
use super::neighbours::{self, Neighbours};
use super::query::Asked;
use super::safe::Safe;
use super::selection::Selection;
use super::values::{self, Opened};
use super::{State, answer, blocking, gather, json_answer, projection};
use crate::h5::{Along, Kind, Type};

/// An answer has no more frames.
const MAX_FRAMES: u64 = 1 << 16;
/// Frames that are looked at to know which chunks will be wanted next.
const MAX_AHEAD: usize = 64;
/// An answer with several frames is not longer.
const MAX_FRAMES_BYTES: usize = 32 << 20;

#[derive(Debug, Deserialize)]
pub struct Wanted {
    file: String,
    path: String,
    #[serde(default)]
    start: u64,
    #[serde(default = "one")]
    count: u64,
}

fn one() -> u64 {
    1
}

/// What a player needs to know of a dataset.
#[derive(Debug, Serialize)]
pub struct Stack {
    n_frames: u64,
    /// The lengths of the dimensions before the frame's; frames are counted in C order.
    leading: Vec<u64>,
    height: u64,
    width: u64,
    n_components: u64,
    /// NumPy's word for the values as they are sent.
    dtype: String,
    /// And as they are in the file.
    stored_dtype: String,
    frame_bytes: u64,
    /// Frames that are stored together.
    chunk_frames: u64,
    /// Rows of a frame that `/projection` takes at a time, at most.
    projection_rows: u64,
    /// Frames per second, as the dataset's attribute `fps` says.
    fps: Option<f64>,
    /// Names of the dimensions before the frame's, as far as they have one.
    labels: Vec<Option<String>>,
    #[serde(flatten)]
    neighbours: Neighbours,
}

pub async fn stack(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    json_answer(state, move |state| {
        let opened = Opened::open(state, &wanted.file, &wanted.path)?;
        let shape = Shape::of(&opened)?;
        let safe = pixels(&opened.datatype)?;
        let neighbours = Neighbours::of(state, &wanted.file, &wanted.path, &shape)?;
        let chunk_frames = opened.chunked.as_ref().map_or(1, |chunked| {
            chunked.grid.chunk[..shape.leading.len()].iter().product::<u64>().min(shape.n_frames()).max(1)
        });
        Ok(Stack {
            n_frames: shape.n_frames(),
            frame_bytes: shape.frame.iter().product::<u64>() * safe.size as u64,
            height: shape.height(),
            width: shape.width(),
            n_components: shape.n_components(),
            projection_rows: projection::most_rows(&shape, opened.datatype.size),
            fps: neighbours::frame_rate(&opened.dataset),
            labels: neighbours::labels(&opened.dataset, shape.leading.len()),
            leading: shape.leading,
            dtype: safe.word,
            stored_dtype: dtype_text(&opened.datatype),
            chunk_frames,
            neighbours,
        })
    })
    .await
}

/// What is sent of pixels.
pub fn pixels(datatype: &Type) -> Result<Safe<'_>> {
    let safe = Safe::of(datatype).ok().filter(|_| !is_complex(datatype));
    safe.ok_or_else(|| {
        let word = dtype_text(datatype);
        Failure::unusable(format!(
            "values of type {word} are not shown as frames (expected integers or floats)"
        ))
    })
}

/// Values of frames as they are, little-endian, one frame after the other.
pub async fn frames(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    let opened = {
        let (state, file, path) = (Arc::clone(&state), wanted.file, wanted.path);
        Arc::new(blocking(move || Opened::open(&state, &file, &path)).await?)
    };
    let shape = Shape::of(&opened)?;
    let end = wanted.start.checked_add(wanted.count.max(1)).filter(|end| *end <= shape.n_frames());
    let end = end.ok_or_else(|| {
        let (start, count, n) = (wanted.start, wanted.count, shape.n_frames());
        Failure::unusable(format!("{count} frames from frame {start} on are not there: the dataset has {n}"))
    })?;
    if end - wanted.start > MAX_FRAMES {
        return Err(Failure::too_large(format!("{} frames (expected at most {MAX_FRAMES})", wanted.count)));
    }
    let frame_bytes = opened.n_bytes(&shape.selection(wanted.start))?;
    let n_bytes = frame_bytes.saturating_mul(usize::try_from(wanted.count.max(1)).unwrap_or(usize::MAX));
    if wanted.count > 1 && n_bytes > MAX_FRAMES_BYTES {
        return Err(Failure::too_large(format!(
            "{} frames have {n_bytes} bytes (expected at most {MAX_FRAMES_BYTES})",
            wanted.count
        )));
    }
    let room = state.rooms.get(pixels(&opened.datatype)?.n_bytes(n_bytes)?).await?;
    let read = |frame| {
        let (state, opened, selection, room) = (&state, &opened, shape.selection(frame), &room);
        async move { values::read(state, opened, &selection, room).await }
    };
    let frames =
        futures_util::stream::iter(wanted.start..end).map(read).buffered(2 * state.blocks.n_decoders);
    let bytes = frames
        .try_fold(Vec::with_capacity(n_bytes), |mut all, frame| async move {
            all.extend(frame);
            Ok(all)
        })
        .await?;
    prepare(&state, &opened, &shape, end);
    let bytes = tokio::task::block_in_place(|| Safe::of(&opened.datatype)?.convert(bytes))?;
    Ok(answer(bytes, "application/octet-stream", room))
}

/// Decodes chunks that a player asks for next: those of the frames from `end` on, as far as they are not
/// those of the frame before.
fn prepare(state: &State, opened: &Opened, shape: &Shape, end: u64) {
    let Some(chunked) = &opened.chunked else { return };
    let n_wanted = 2 * state.blocks.n_decoders;
    let place = |frame| shape.place_in(frame, &chunked.grid.chunk);
    let mut seen = vec![place(end - 1)];
    let mut ahead = Vec::new();
    for frame in (end..shape.n_frames()).take(MAX_AHEAD) {
        if ahead.len() >= n_wanted {
            break;
        }
        // Frames of the same chunks along the leading dimensions have all their chunks in common.
        if !seen.contains(&place(frame)) {
            seen.push(place(frame));
            ahead.extend(
                gather::touched(&chunked.grid, &shape.selection(frame).along).into_iter().take(n_wanted),
            );
        }
    }
    ahead.truncate(n_wanted);
    state.blocks.prepare(chunked, &ahead);
}

/// Whether values are red, green or blue if a dimension of the right length is the last: one byte, or two without a sign.
fn is_component(datatype: &Type) -> bool {
    datatype.size == 1
        || datatype.size == 2 && matches!(datatype.kind, Kind::Integer { is_signed: false, .. })
}

/// The dimensions of a dataset: the last two are a frame; a last one of 3 or 4 is its colour.
pub struct Shape {
    pub leading: Vec<u64>,
    frame: Vec<u64>,
}

impl Shape {
    pub fn of(opened: &Opened) -> Result<Self> {
        let shape = opened.shape.as_deref().unwrap_or_default();
        let has_colours = shape.len() >= 3 && matches!(shape.last(), Some(3 | 4));
        let is_colour = has_colours && is_component(&opened.datatype);
        let n_frame_axes = if is_colour { 3 } else { 2 };
        if shape.len() < n_frame_axes {
            let n = shape.len();
            return Err(Failure::unusable(format!(
                "a dataset of {n} dimensions has no frames (expected 2 or more)"
            )));
        }
        let (leading, frame) = shape.split_at(shape.len() - n_frame_axes);
        Ok(Self { leading: leading.to_vec(), frame: frame.to_vec() })
    }

    pub fn n_frames(&self) -> u64 {
        self.leading.iter().product()
    }

    pub fn height(&self) -> u64 {
        self.frame[0]
    }

    pub fn width(&self) -> u64 {
        self.frame[1]
    }

    /// Values of a pixel: more than one if frames are in colour.
    pub fn n_components(&self) -> u64 {
        self.frame.get(2).copied().unwrap_or(1)
    }

    /// Dimensions of a frame, with that of its colours.
    pub fn n_frame_axes(&self) -> usize {
        self.frame.len()
    }

    /// In which chunk along each leading dimension a frame is.
    pub fn place_in(&self, frame: u64, chunk: &[u64]) -> Vec<u64> {
        let along = self.selection(frame).along;
        let leading = along.iter().zip(chunk).take(self.leading.len());
        leading.map(|(along, chunk)| along.start / chunk).collect()
    }

    /// Where a frame is.
    pub fn selection(&self, frame: u64) -> Selection {
        let mut rest = frame;
        let mut along: Vec<_> =
            self.frame.iter().rev().map(|n| Along { start: 0, step: 1, count: *n }).collect();
        for n in self.leading.iter().rev() {
            along.push(Along { start: rest % n, step: 1, count: 1 });
            rest /= n;
        }
        along.reverse();
        Selection { along, shape: self.frame.clone() }
    }
}
