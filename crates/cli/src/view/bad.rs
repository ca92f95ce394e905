//! Pixels that do not count: those that a mask or a value marks, and what is not finite.

use std::sync::Arc;

use serde::Deserialize;

use super::failure::{Failure, Result};
use super::pieces::Piece;
use super::room::Room;
use super::rows::Rows;
use super::selection::Selection;
use super::stack::Stack;
use super::values::{self, Opened};
use super::{State, blocking};
use crate::h5::{Along, Type};

/// Of a pixel of a mask that is read, at most.
pub const MASK_BYTES: u64 = 1 + 8;

/// What marks them, as a request says it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// A dataset of the frame's shape: pixels are bad where it is not 0.
    mask: Option<String>,
    /// A value.
    bad_value: Option<f64>,
    /// Whether the largest number of an integer type is one.
    bad_max: bool,
}

/// The pixels of a rectangle that do not count.
pub struct Bad {
    values: Vec<f64>,
    /// Those of the mask, in C order.
    mask: Vec<bool>,
    width: usize,
}

impl Marks {
    /// Bytes that reading a mask of so many pixels needs at most.
    pub fn n_bytes(&self, n_pixels: u64) -> u64 {
        if self.mask.is_some() { n_pixels.saturating_mul(MASK_BYTES) } else { 0 }
    }

    /// Reads the mask.
    pub async fn read(&self, state: &Arc<State>, stack: &Stack, room: &Room) -> Result<Bad> {
        let rows = Rows::of(&stack.opened.datatype);
        let value = self.bad_value.map(|value| rows.nearest(value));
        let largest = rows.largest().filter(|_| self.bad_max);
        let mask = match &self.mask {
            Some(path) => read_mask(state, path, stack, room).await?,
            None => Vec::new(),
        };
        Ok(Bad {
            values: value.into_iter().chain(largest).collect(),
            mask,
            width: stack.wanted.width as usize,
        })
    }
}

async fn read_mask(state: &Arc<State>, path: &str, stack: &Stack, room: &Room) -> Result<Vec<bool>> {
    let Stack { shape, wanted, .. } = stack;
    let opened = {
        let (state, file, path) = (Arc::clone(state), stack.file.clone(), path.to_owned());
        Arc::new(blocking(move || Opened::open(&state, &file, &path)).await?)
    };
    let expected = [shape.height(), shape.width()];
    let found = opened.shape.as_deref().unwrap_or_default();
    let is_frame = found.ends_with(&expected) && found[..found.len() - 2].iter().all(|n| *n == 1);
    if !is_frame || !is_mask(&opened.datatype) {
        return Err(Failure::unusable(format!(
            "{path} is no mask of these frames (expected integers or booleans, {} × {})",
            expected[0], expected[1]
        )));
    }
    let mut along = vec![Along { start: 0, step: 1, count: 1 }; found.len() - 2];
    along.extend(wanted.rectangle(2));
    let selection = Selection { along, shape: vec![wanted.height, wanted.width] };
    let bytes = values::read(state, &opened, &selection, room).await?;
    let items = bytes.chunks_exact(opened.datatype.size.max(1));
    Ok(items.map(|item| item.iter().any(|byte| *byte != 0)).collect())
}

/// Whether elements can say which pixels are bad.
pub fn is_mask(datatype: &Type) -> bool {
    datatype.size <= 8 && Rows::of(datatype).are_integers()
}

impl Bad {
    /// Puts NaN in the place of what does not count in a row of a piece.
    pub fn leave_out(&self, piece: &Piece, y: usize, row: &mut [f64]) {
        for bad in &self.values {
            row.iter_mut().filter(|value| *value == bad).for_each(|value| *value = f64::NAN);
        }
        if self.mask.is_empty() {
            return;
        }
        let first = (piece.top + y) * self.width + piece.left;
        let marks = &self.mask[first..first + piece.width];
        for (pixel, is_bad) in row.chunks_exact_mut(piece.n_components).zip(marks) {
            if *is_bad {
                pixel.fill(f64::NAN);
            }
        }
    }
}
