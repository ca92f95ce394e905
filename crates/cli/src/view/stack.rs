//! What is asked of many frames of a dataset at once.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::bad::Marks;
use super::failure::{Failure, Result};
use super::frames::{Shape, pixels};
use super::json::MAX_BYTES;
use super::pieces::{Frames, MAX_GROUP, MAX_SLAB_BYTES};
use super::room::Room;
use super::values::Opened;
use super::{State, blocking};
use crate::h5::Along;

/// An answer is made of what is read in this time; the client asks for the rest.
pub const SLICE: Duration = Duration::from_millis(700);

/// Which dataset.
#[derive(Debug, Deserialize)]
pub struct Source {
    file: String,
    path: String,
}

/// Which frames, and which rectangle of them: `start`, `start + step`, … below `stop`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    start: u64,
    stop: Option<u64>,
    step: Option<u64>,
    top: u64,
    left: u64,
    height: Option<u64>,
    width: Option<u64>,
}

/// The same, of a dataset that has them.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub start: u64,
    pub step: u64,
    pub top: u64,
    pub left: u64,
    pub height: u64,
    pub width: u64,
    pub n_components: u64,
    /// Frames that are asked for, and those of them that an answer may have.
    n_asked: u64,
    n_most: u64,
}

impl Part {
    /// An error if they are not there.
    pub fn of(&self, shape: &Shape) -> Result<Wanted> {
        let n = shape.n_frames();
        let (start, stop, step) = (self.start, self.stop.unwrap_or(n), self.step.unwrap_or(1));
        if start >= stop || stop > n || step == 0 {
            return Err(Failure::unusable(format!(
                "frames {start} to {stop} in steps of {step} are not there: the dataset has {n}"
            )));
        }
        let side = |first: u64, wanted: Option<u64>, len: u64| {
            let wanted = wanted.unwrap_or(len.saturating_sub(first));
            let is_inside = wanted > 0 && first.checked_add(wanted).is_some_and(|end| end <= len);
            is_inside.then_some(wanted)
        };
        let height = side(self.top, self.height, shape.height());
        let width = side(self.left, self.width, shape.width());
        let (Some(height), Some(width)) = (height, width) else {
            return Err(Failure::unusable(format!(
                "the region is not inside of frames of {} × {} pixels",
                shape.height(),
                shape.width()
            )));
        };
        let (top, left, n_components) = (self.top, self.left, shape.n_components());
        let n_asked = (stop - start).div_ceil(step);
        Ok(Wanted { start, step, top, left, height, width, n_components, n_asked, n_most: n_asked })
    }
}

impl Wanted {
    /// Bounds the frames of an answer.
    pub fn limit(&mut self, n: u64) {
        self.n_most = self.n_most.min(n);
    }

    /// Frames that an answer may have.
    pub fn n_frames(&self) -> u64 {
        self.n_most
    }

    /// Of the rectangle, in one frame.
    pub fn n_pixels(&self) -> u64 {
        self.height.saturating_mul(self.width)
    }

    /// The same, each component for itself.
    pub fn n_elements(&self) -> u64 {
        self.n_pixels().saturating_mul(self.n_components)
    }

    /// Elements of a row.
    pub fn row_len(&self) -> usize {
        (self.width * self.n_components) as usize
    }

    /// The rectangle along the dimensions of a frame, of which a colour is one.
    pub fn rectangle(&self, n_axes: usize) -> Vec<Along> {
        let along = |start, count| Along { start, step: 1, count };
        let all = [along(self.top, self.height), along(self.left, self.width), along(0, self.n_components)];
        all[..n_axes].to_vec()
    }
}

/// A dataset, and what is asked of it.
pub struct Stack {
    pub file: String,
    pub opened: Arc<Opened>,
    pub shape: Shape,
    pub wanted: Wanted,
}

impl Stack {
    pub async fn open(state: &Arc<State>, source: Source, part: &Part) -> Result<Self> {
        let Source { file, path } = source;
        let opened = {
            let (state, file) = (Arc::clone(state), file.clone());
            Arc::new(blocking(move || Opened::open(&state, &file, &path)).await?)
        };
        let shape = Shape::of(&opened)?;
        pixels(&opened.datatype)?;
        let wanted = part.of(&shape)?;
        Ok(Self { file, opened, shape, wanted })
    }

    /// For an answer of so many bytes, and what is read for it. An error if there is never enough.
    pub async fn room(&self, state: &State, n_bytes: u64, marks: &Marks) -> Result<Room> {
        let n_elements = self.wanted.n_elements();
        let slab_bytes = n_elements.saturating_mul(self.opened.datatype.size as u64);
        let mask_bytes = marks.n_bytes(self.wanted.n_pixels());
        let needed =
            [n_bytes, slab_bytes, MAX_SLAB_BYTES, mask_bytes].into_iter().fold(0, u64::saturating_add);
        match usize::try_from(needed) {
            Ok(needed) if needed <= MAX_BYTES => state.rooms.get(needed).await,
            _ => Err(Failure::too_large(format!(
                "{} × {} pixels need {needed} bytes (expected at most {MAX_BYTES}): select fewer rows",
                self.wanted.height, self.wanted.width
            ))),
        }
    }

    /// The first frame that is not among the first `n` that are wanted. `None` if all are.
    pub fn next(&self, n: u64) -> Option<u64> {
        (n < self.wanted.n_asked).then(|| self.wanted.start + n * self.wanted.step)
    }

    /// What is read for an answer that has room.
    pub fn frames<'a>(&'a self, state: &'a State, room: &'a Room) -> Frames<'a> {
        Frames { state, room, stack: self, max_group: MAX_GROUP }
    }
}
