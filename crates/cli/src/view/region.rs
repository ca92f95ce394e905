//! `/region`: statistics of a rectangle in each frame.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::Value;

use super::State;
use super::bad::{Bad, Marks};
use super::failure::Result;
use super::number::Number;
use super::pieces::Piece;
use super::query::Asked;
use super::rows::Rows;
use super::stack::{Part, SLICE, Source, Stack};

/// Frames in an answer.
const MAX_FRAMES: u64 = 1 << 14;
/// What an answer has of a frame's component, at most.
const COMPONENT_BYTES: u64 = 256;
/// Larger integers are sent as texts: JavaScript's numbers do not have all their digits.
const MAX_SAFE: i128 = 1 << 53;

/// Of each frame, in their order.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The first frame that the answer does not have; `null` if it has all.
    next: Option<u64>,
    components: Vec<Columns>,
    /// Frames that could not be read, and why.
    errors: Vec<(u64, String)>,
}

/// `null` where no pixel counts.
#[derive(Debug, Clone, Default, Serialize)]
struct Columns {
    n: Vec<u64>,
    sum: Vec<Value>,
    min: Vec<Value>,
    max: Vec<Value>,
    mean: Vec<Option<f64>>,
    std: Vec<Option<f64>>,
}

pub async fn region(
    Shared(state): Shared<Arc<State>>,
    Asked(source): Asked<Source>,
    Asked(part): Asked<Part>,
    Asked(marks): Asked<Marks>,
) -> Result<Json<Answer>> {
    let mut stack = Stack::open(&state, source, &part).await?;
    stack.wanted.limit(MAX_FRAMES);
    let n_components = stack.wanted.n_components;
    let n_bytes = stack.wanted.n_frames() * n_components * COMPONENT_BYTES;
    let room = stack.room(&state, n_bytes, &marks).await?;
    let bad = marks.read(&state, &stack, &room).await?;
    let rows = Rows::of(&stack.opened.datatype);

    let mut answer = Answer {
        next: None,
        components: vec![Columns::default(); n_components as usize],
        errors: Vec::new(),
    };
    let mut sums = Vec::new();
    // Of the group of frames that pieces come of: how many have come, and whether one could not be read.
    let (mut n_pieces, mut is_damaged) = (0, false);
    let mut end = 0;
    let frames = stack.frames(&state, &room);
    let mut pieces = std::pin::pin!(frames.pieces_for(SLICE));
    while let Some(piece) = pieces.next().await {
        let group = match &piece {
            Ok(piece) => Arc::clone(&piece.group),
            Err(damage) => Arc::clone(&damage.group),
        };
        if n_pieces == 0 {
            sums = vec![Sums::default(); group.frames.len() * n_components as usize];
            is_damaged = false;
        }
        match piece {
            Ok(piece) => tokio::task::block_in_place(|| add(&mut sums, &piece, &rows, &bad)),
            Err(damage) if !is_damaged => {
                is_damaged = true;
                let message = damage.failure.message;
                answer.errors.extend(group.frames.iter().map(|frame| (*frame, message.clone())));
            }
            Err(_) => {}
        }
        n_pieces += 1;
        if n_pieces == group.n_pieces {
            if is_damaged {
                sums.fill(Sums::default());
            }
            for of_frame in sums.chunks(n_components as usize) {
                answer.components.iter_mut().zip(of_frame).for_each(|(columns, sums)| columns.push(sums));
            }
            (n_pieces, end) = (0, group.end);
        }
    }
    answer.next = stack.next(end);
    Ok(Json(answer))
}

/// Adds the rows of a piece to the sums of its frames.
fn add(sums: &mut [Sums], piece: &Piece, rows: &Rows<'_>, bad: &Bad) {
    let n_components = piece.n_components;
    let mut row = Vec::with_capacity(piece.width * n_components);
    for (frame, sums) in sums.chunks_mut(n_components).enumerate() {
        for y in 0..piece.height {
            let items = piece.row(frame, y);
            row.clear();
            rows.append(items, &mut row);
            bad.leave_out(piece, y, &mut row);
            for (component, sums) in sums.iter_mut().enumerate() {
                let numbers = || row.iter().skip(component).step_by(n_components).copied();
                sums.add(numbers);
                if rows.are_wide() {
                    let exact = rows.each(items).skip(component).step_by(n_components);
                    let kept = exact.zip(numbers()).filter(|(_, number)| number.is_finite());
                    kept.for_each(|(exact, _)| sums.add_exact(exact));
                } else if rows.are_integers() {
                    sums.round();
                }
            }
        }
    }
}

/// What is known of the numbers that have come.
#[derive(Debug, Clone)]
struct Sums {
    n: u64,
    mean: f64,
    /// Of the squared differences from the mean.
    squares: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// The sum, the least and the greatest of integers.
    exact: Option<(i128, i128, i128)>,
}

impl Default for Sums {
    fn default() -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { n: 0, mean: 0.0, squares: 0.0, sum: 0.0, min, max, exact: None }
    }
}

impl Sums {
    /// Those that are finite.
    fn add<I: Iterator<Item = f64>>(&mut self, numbers: impl Fn() -> I) {
        let finite = || numbers().filter(|number| number.is_finite());
        let (mut n, mut sum) = (0, 0.0);
        for number in finite() {
            n += 1;
            sum += number;
            self.min = self.min.min(number);
            self.max = self.max.max(number);
        }
        if n == 0 {
            return;
        }
        let mean = sum / n as f64;
        let squares: f64 = finite().map(|number| (number - mean).powi(2)).sum();
        let n_all = self.n + n;
        let (part, apart) = (n as f64 / n_all as f64, mean - self.mean);
        self.squares += squares + apart * apart * self.n as f64 * part;
        self.mean += apart * part;
        self.sum += sum;
        self.n = n_all;
    }

    fn add_exact(&mut self, number: Number) {
        let Number::Integer(n) = number else { return };
        let (sum, min, max) = self.exact.unwrap_or((0, n, n));
        self.exact = Some((sum + n, min.min(n), max.max(n)));
    }

    /// After a row of integers that `f64` holds: so are its sum, the least and the greatest.
    fn round(&mut self) {
        if self.n == 0 {
            return;
        }
        let (sum, ..) = self.exact.unwrap_or_default();
        self.exact = Some((sum + self.sum as i128, self.min as i128, self.max as i128));
        self.sum = 0.0;
    }
}

impl Columns {
    fn push(&mut self, sums: &Sums) {
        let n = sums.n as f64;
        let is_any = sums.n > 0;
        let (sum, min, max) = match sums.exact {
            Some((sum, min, max)) => (integer(sum), integer(min), integer(max)),
            None if is_any => (sums.sum.into(), sums.min.into(), sums.max.into()),
            None => Default::default(),
        };
        let mean = sums.exact.map_or(sums.mean, |(sum, ..)| sum as f64 / n);
        self.n.push(sums.n);
        self.sum.push(sum);
        self.min.push(min);
        self.max.push(max);
        self.mean.push(is_any.then_some(mean));
        self.std.push(is_any.then(|| (sums.squares / n).sqrt()));
    }
}

fn integer(n: i128) -> Value {
    match i64::try_from(n) {
        Ok(small) if n.abs() <= MAX_SAFE => small.into(),
        _ => n.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_put_together() {
        let numbers = [1e6, 1e6 + 1.0, f64::NAN, 1e6 + 5.0, f64::INFINITY, 1e6 - 2.0];
        let mut sums = Sums::default();
        numbers.chunks(2).for_each(|row| sums.add(|| row.iter().copied()));
        let finite: Vec<_> = numbers.into_iter().filter(|n| n.is_finite()).collect();
        let mean = finite.iter().sum::<f64>() / 4.0;
        let variance = finite.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 4.0;
        assert_eq!((sums.n, sums.mean, sums.min, sums.max), (4, mean, 1e6 - 2.0, 1e6 + 5.0));
        assert!((sums.squares / 4.0 - variance).abs() < 1e-9);
    }

    #[test]
    fn large_integers_keep_their_digits() {
        assert_eq!(integer(1 << 53), Value::from(1_i64 << 53));
        assert_eq!(integer(-(1 << 60)), Value::from("-1152921504606846976"));
    }
}
