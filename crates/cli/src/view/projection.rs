//! `/projection`: the mean, the maximum and the spread of each pixel over frames.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::HeaderValue;
use axum::response::Response;
use futures_util::StreamExt;

use super::bad::{Bad, Marks};
use super::failure::Result;
use super::frames::Shape;
use super::json::MAX_BYTES;
use super::pieces::{MAX_SLAB_BYTES, Piece};
use super::query::Asked;
use super::rows::Rows;
use super::stack::{Part, SLICE, Source, Stack};
use super::{State, answer, bad};

/// Numbers of a pixel in an answer: `n`, mean, sum of squared differences from it, and maximum.
pub const N_PLANES: u64 = 4;
const ELEMENT_BYTES: u64 = N_PLANES * size_of::<f64>() as u64;
/// Which frame is the first that an answer does not have. There is none if it has all.
const NEXT: &str = "h5h264-next";

pub async fn projection(
    Shared(state): Shared<Arc<State>>,
    Asked(source): Asked<Source>,
    Asked(part): Asked<Part>,
    Asked(marks): Asked<Marks>,
) -> Result<Response> {
    let stack = Stack::open(&state, source, &part).await?;
    let n_bytes = stack.wanted.n_elements().saturating_mul(ELEMENT_BYTES);
    let room = stack.room(&state, n_bytes, &marks).await?;
    let bad = marks.read(&state, &stack, &room).await?;
    let rows = Rows::of(&stack.opened.datatype);
    let mut planes = Planes::new(stack.wanted.n_elements() as usize, stack.wanted.row_len());
    let mut end = 0;
    {
        let frames = stack.frames(&state, &room);
        let mut pieces = std::pin::pin!(frames.pieces_for(SLICE));
        while let Some(piece) = pieces.next().await {
            // A mean over some of the frames would look like that over all.
            let piece = piece.map_err(|damage| damage.failure)?;
            tokio::task::block_in_place(|| planes.add(&piece, &rows, &bad));
            end = piece.group.end;
        }
    }
    let bytes = planes.into_bytes();
    let mut response = answer(bytes, "application/octet-stream", room);
    if let Some(next) = stack.next(end) {
        response.headers_mut().insert(NEXT, HeaderValue::from(next));
    }
    Ok(response)
}

/// Rows that an answer has room for, with a mask.
pub fn most_rows(shape: &Shape, item_bytes: usize) -> u64 {
    let row_len = shape.width().saturating_mul(shape.n_components());
    let row_bytes = row_len.saturating_mul(ELEMENT_BYTES + item_bytes as u64 + bad::MASK_BYTES);
    ((MAX_BYTES as u64 - MAX_SLAB_BYTES) / row_bytes.max(1)).clamp(1, shape.height().max(1))
}

/// One after the other, each in C order.
struct Planes {
    numbers: Vec<f64>,
    row_len: usize,
}

impl Planes {
    fn new(n_elements: usize, row_len: usize) -> Self {
        let mut numbers = vec![0.0; n_elements * N_PLANES as usize];
        numbers[3 * n_elements..].fill(f64::NEG_INFINITY);
        Self { numbers, row_len }
    }

    /// The parts of the planes that belong to a row of a piece.
    fn rows_at(&mut self, piece: &Piece, y: usize) -> [&mut [f64]; N_PLANES as usize] {
        let n_elements = self.numbers.len() / N_PLANES as usize;
        let first = (piece.top + y) * self.row_len + piece.left * piece.n_components;
        let len = piece.width * piece.n_components;
        let mut planes = self.numbers.chunks_exact_mut(n_elements);
        std::array::from_fn(|_| planes.next().map_or(&mut [][..], |plane| &mut plane[first..first + len]))
    }

    fn add(&mut self, piece: &Piece, rows: &Rows<'_>, bad: &Bad) {
        let len = piece.width * piece.n_components;
        let mut row = Vec::with_capacity(len);
        let mut sums = Sums::new(len);
        for y in 0..piece.height {
            let [n, mean, squares, max] = self.rows_at(piece, y);
            sums.clear();
            for frame in 0..piece.n_frames() {
                row.clear();
                rows.append(piece.row(frame, y), &mut row);
                bad.leave_out(piece, y, &mut row);
                if frame == 0 {
                    start(n, mean, &row);
                }
                sums.add(&row, mean, max);
            }
            sums.finish(n, mean, squares);
        }
    }

    fn into_bytes(mut self) -> LittleEndian {
        self.numbers.iter_mut().for_each(|number| *number = f64::from_ne_bytes(number.to_le_bytes()));
        LittleEndian(self.numbers)
    }
}

/// Numbers as they are sent.
struct LittleEndian(Vec<f64>);

impl AsRef<[u8]> for LittleEndian {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Differences are taken from a number that is near: else their squares would lose digits.
fn start(n: &[f64], mean: &mut [f64], row: &[f64]) {
    for ((mean, n), value) in mean.iter_mut().zip(n).zip(row) {
        if *n == 0.0 && value.is_finite() {
            *mean = *value;
        }
    }
}

/// Of a row of pixels over the frames of a piece: how many count, their differences from the mean of those
/// before them, and the squares of these.
struct Sums {
    n: Vec<f64>,
    apart: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(len: usize) -> Self {
        Self { n: vec![0.0; len], apart: vec![0.0; len], squares: vec![0.0; len] }
    }

    fn clear(&mut self) {
        [&mut self.n, &mut self.apart, &mut self.squares].into_iter().for_each(|sums| sums.fill(0.0));
    }

    fn add(&mut self, row: &[f64], mean: &[f64], max: &mut [f64]) {
        let sums = self.n.iter_mut().zip(&mut self.apart).zip(&mut self.squares);
        for ((((n, sum), squares), max), (value, mean)) in sums.zip(max).zip(row.iter().zip(mean)) {
            let counts = value.is_finite();
            let apart = if counts { value - mean } else { 0.0 };
            *n += f64::from(u8::from(counts));
            *sum += apart;
            *squares += apart * apart;
            *max = if counts && *value > *max { *value } else { *max };
        }
    }

    fn finish(&self, n: &mut [f64], mean: &mut [f64], squares: &mut [f64]) {
        let before = n.iter_mut().zip(mean).zip(squares);
        let sums = self.n.iter().zip(&self.apart).zip(&self.squares);
        for (((n, mean), squares), ((more, apart), more_squares)) in before.zip(sums) {
            let n_all = *n + more;
            if *more > 0.0 {
                *mean += apart / n_all;
                *squares += more_squares - apart * apart / n_all;
                *n = n_all;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_that_of_all_numbers_however_they_come() {
        let numbers = [1e6, 1e6 + 3.0, f64::NAN, 1e6 - 1.0, 1e6 + 7.0];
        let (mut n, mut mean, mut squares, mut max) = ([0.0], [0.0], [0.0], [f64::NEG_INFINITY]);
        for part in numbers.chunks(2) {
            let mut sums = Sums::new(1);
            start(&n, &mut mean, &part[..1]);
            part.iter().for_each(|number| sums.add(&[*number], &mean, &mut max));
            sums.finish(&mut n, &mut mean, &mut squares);
        }
        assert_eq!((n, mean, max), ([4.0], [1e6 + 2.25], [1e6 + 7.0]));
        assert!((squares[0] - 38.75).abs() < 1e-6, "{squares:?}");
    }
}
