//! `/movie`: frames as a file that other programs show, with the colours that the page has.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::bad::{Bad, Marks};
use super::budget::MAX_TIME;
use super::encode::{Encoding, Format};
use super::failure::{Failure, Result};
use super::look::{Look, Painter};
use super::pieces::Piece;
use super::query::Asked;
use super::room::Room;
use super::rows::Rows;
use super::stack::{Part, Source, Stack};
use super::{State, export, held};

/// A file of more frames takes too long.
const MAX_FRAMES: u64 = 20_000;
/// Encoders need memory for several pictures.
const MAX_PIXELS: u64 = 1 << 23;
/// Pictures that wait for the encoder, in bytes, unless one has more.
const MAX_WAITING_BYTES: u64 = 32 << 20;

#[derive(Debug, Deserialize)]
pub struct How {
    format: Format,
    /// Frames per second.
    #[serde(default = "default_rate")]
    fps: f64,
    /// Whether the first row is the lowest.
    #[serde(default)]
    upwards: bool,
    /// Whether a dot comes for each frame that has been encoded, and a line's end before the file.
    #[serde(default)]
    progress: bool,
}

fn default_rate() -> f64 {
    30.0
}

pub async fn movie(
    Shared(state): Shared<Arc<State>>,
    Asked(source): Asked<Source>,
    Asked(part): Asked<Part>,
    Asked(marks): Asked<Marks>,
    Asked(look): Asked<Look>,
    Asked(how): Asked<How>,
) -> Result<Response> {
    let stack = Stack::open(&state, source, &part).await?;
    let painter = look.painter(stack.wanted.n_components > 1)?;
    check(&stack, &how)?;
    let (told, mut frames) = mpsc::channel(16);
    let (format, has_progress) = (how.format, how.progress);
    let work = async move {
        let made = make(&state, &stack, &marks, &painter, &how, &told);
        let late = || {
            let reason =
                format!("the file was not ready within {} s: select fewer frames", MAX_TIME.as_secs());
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, reason)
        };
        tokio::time::timeout(MAX_TIME, made).await.unwrap_or_else(|_| Err(late()))
    };
    if !has_progress {
        let drain = async { while frames.recv().await.is_some() {} };
        let (made, ()) = tokio::join!(work, drain);
        let (file, room) = made?;
        return Ok(export::download(file, format.content_type(), format.disposition(), room));
    }
    let (sender, parts) = mpsc::channel::<Bytes>(16);
    let task = tokio::spawn(async move {
        let dots = sender.clone();
        let drain = async move {
            while frames.recv().await.is_some() {
                // Nobody listens any more: the task ends.
                let _ = dots.send(Bytes::from_static(b".")).await;
            }
        };
        let (made, ()) = tokio::join!(work, drain);
        let _ = match made {
            Ok((file, room)) => {
                let _ = sender.send(Bytes::from_static(b"\n")).await;
                sender.send(held(file, room)).await
            }
            Err(failure) => sender.send(format!("!{}", failure.message).into()).await,
        };
    });
    Ok(([(CONTENT_TYPE, "application/octet-stream")], as_body(parts, task.abort_handle())).into_response())
}

/// Ends the work when the client has gone.
struct Ended(AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn as_body(parts: mpsc::Receiver<Bytes>, task: AbortHandle) -> Body {
    let next = |(mut parts, ended): (mpsc::Receiver<Bytes>, Ended)| async move {
        let part = parts.recv().await?;
        Some((Ok::<_, Infallible>(part), (parts, ended)))
    };
    Body::from_stream(stream::unfold((parts, Ended(task)), next))
}

fn check(stack: &Stack, how: &How) -> Result<()> {
    let wanted = &stack.wanted;
    if wanted.n_frames() > MAX_FRAMES {
        return Err(Failure::too_large(format!(
            "{} frames (expected at most {MAX_FRAMES})",
            wanted.n_frames()
        )));
    }
    if wanted.n_pixels() > MAX_PIXELS {
        return Err(Failure::too_large(format!(
            "frames of {} × {} pixels (expected at most {MAX_PIXELS} pixels in a movie)",
            wanted.height, wanted.width
        )));
    }
    if how.format == Format::Gif && wanted.n_components > 1 {
        return Err(Failure::unusable("GIF has 256 colours, and these frames more (expected mp4)"));
    }
    Ok(())
}

/// Makes the file; tells of each frame.
async fn make(
    state: &Arc<State>,
    stack: &Stack,
    marks: &Marks,
    painter: &Painter,
    how: &How,
    told: &mpsc::Sender<()>,
) -> Result<(Vec<u8>, Room)> {
    let turn = state.rooms.get_movie().await?;
    let n_bytes: u64 = stack.wanted.n_pixels() * if painter.palette.is_some() { 1 } else { 3 };
    let room = stack.room(state, 3 * n_bytes.max(MAX_WAITING_BYTES), marks).await?;
    let bad = marks.read(state, stack, &room).await?;
    let mut encoding = Encoding::start(&stack.wanted, painter, how.format, how.fps, turn, told.clone())?;
    {
        let mut frames = stack.frames(state, &room);
        frames.max_group = (MAX_WAITING_BYTES / n_bytes.max(1)).max(1);
        let mut pictures = Vec::new();
        let mut n_pieces = 0;
        let mut pieces = std::pin::pin!(frames.all_pieces());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|damage| damage.failure)?;
            if n_pieces == 0 {
                pictures = vec![vec![0; n_bytes as usize]; piece.n_frames()];
            }
            tokio::task::block_in_place(|| paint(&mut pictures, &piece, stack, painter, &bad, how.upwards));
            n_pieces += 1;
            if n_pieces == piece.group.n_pieces {
                n_pieces = 0;
                for picture in std::mem::take(&mut pictures) {
                    encoding.write(picture).await?;
                }
            }
        }
    }
    drop(room);
    encoding.finish(state).await
}

/// Draws a piece into the pictures of its frames.
fn paint(
    pictures: &mut [Vec<u8>],
    piece: &Piece,
    stack: &Stack,
    painter: &Painter,
    bad: &Bad,
    upwards: bool,
) {
    let (width, height) = (stack.wanted.width as usize, stack.wanted.height as usize);
    let rows = Rows::of(&stack.opened.datatype);
    let pixel_bytes = if painter.palette.is_some() { 1 } else { 3 };
    let mut row = Vec::with_capacity(piece.width * piece.n_components);
    for (frame, picture) in pictures.iter_mut().enumerate() {
        for y in 0..piece.height {
            row.clear();
            rows.append(piece.row(frame, y), &mut row);
            let line = if upwards { height - 1 - piece.top - y } else { piece.top + y };
            let first = (line * width + piece.left) * pixel_bytes;
            let out = &mut picture[first..first + piece.width * pixel_bytes];
            if painter.palette.is_some() {
                bad.leave_out(piece, y, &mut row);
                painter.index(&row, out);
            } else {
                painter.light(&row, piece.n_components, out);
            }
        }
    }
}
