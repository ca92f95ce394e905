//! Frames in pieces, as they are stored: what is computed of many frames sees each chunk once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};

use super::failure::{Failure, Result};
use super::room::Room;
use super::selection::Selection;
use super::stack::{Stack, Wanted};
use super::{State, gather, values};
use crate::h5::Along;

/// Frames of a chunk that are looked at together.
pub const MAX_GROUP: u64 = 1 << 16;
/// Bytes that are read together where there are no chunks, unless a frame has more.
pub const MAX_SLAB_BYTES: u64 = 8 << 20;

/// Frames that are read for an answer.
pub struct Frames<'a> {
    pub state: &'a State,
    pub room: &'a Room,
    pub stack: &'a Stack,
    /// Frames that are looked at together, at most.
    pub max_group: u64,
}

/// Pixels of some frames: those of the rectangle that lie in one chunk.
pub struct Piece {
    pub group: Arc<Group>,
    /// Of the first element of each frame in the block.
    frames: Vec<usize>,
    /// Elements from one row to the next, and from a frame's first to the first of the rectangle.
    row_stride: usize,
    first: usize,
    /// Where it is in the rectangle.
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
    pub n_components: usize,
    item_bytes: usize,
    block: Arc<Vec<u8>>,
}

/// Frames that are stored together, and how many of those that are wanted come before their end.
pub struct Group {
    pub frames: Vec<u64>,
    pub end: u64,
    pub n_pieces: usize,
}

impl Piece {
    pub fn n_frames(&self) -> usize {
        self.frames.len()
    }

    /// The elements of a row of one of the frames.
    pub fn row(&self, frame: usize, y: usize) -> &[u8] {
        let first = self.frames[frame] + self.first + y * self.row_stride;
        let n = self.width * self.n_components;
        &self.block[first * self.item_bytes..(first + n) * self.item_bytes]
    }
}

/// What is read for a piece.
enum Block {
    Chunk(u64),
    Slab(Selection),
}

/// Frames of a group that could not be read, and why.
pub struct Damage {
    pub group: Arc<Group>,
    pub failure: Failure,
}

impl<'a> Frames<'a> {
    /// All pieces, in the order of their frames.
    pub fn all_pieces(&self) -> impl Stream<Item = std::result::Result<Piece, Damage>> + use<'a, '_> {
        self.pieces_until(None)
    }

    /// Those of the first frames: no more are begun after some time.
    pub fn pieces_for(
        &self,
        time: Duration,
    ) -> impl Stream<Item = std::result::Result<Piece, Damage>> + use<'a, '_> {
        self.pieces_until(Some(Instant::now() + time))
    }

    fn pieces_until(
        &self,
        end: Option<Instant>,
    ) -> impl Stream<Item = std::result::Result<Piece, Damage>> + use<'a, '_> {
        let n_at_once = if self.is_direct() { self.state.blocks.n_decoders + 1 } else { 1 };
        let mut next = 0;
        let groups = std::iter::from_fn(move || {
            let is_over = next > 0 && end.is_some_and(|end| Instant::now() > end);
            let group = if is_over { None } else { self.group(next) };
            next = group.as_ref().map_or(next, |group| group.end);
            group
        });
        let sources = groups.flat_map(move |group| {
            let sources = self.sources(&group.frames);
            let group = Arc::new(Group { n_pieces: sources.as_ref().map_or(1, Vec::len), ..group });
            let (sources, failure) = match sources {
                Ok(sources) => (sources, None),
                Err(failure) => (Vec::new(), Some(failure)),
            };
            let read = sources.into_iter().map(Ok).chain(failure.map(Err));
            read.map(move |source| (Arc::clone(&group), source)).collect::<Vec<_>>()
        });
        futures_util::stream::iter(sources)
            .map(move |(group, source)| async move {
                let piece = match source {
                    Ok(source) => self.read(Arc::clone(&group), source).await,
                    Err(failure) => Err(failure),
                };
                piece.map_err(|failure| Damage { group, failure })
            })
            .buffered(n_at_once)
    }

    /// Whether chunks are taken as they are.
    fn is_direct(&self) -> bool {
        let has_whole_pixels = |chunk: &[u64]| {
            self.stack.shape.n_frame_axes() == 2 || chunk.last() == Some(&self.stack.wanted.n_components)
        };
        self.stack.opened.chunked.as_ref().is_some_and(|chunked| has_whole_pixels(&chunked.grid.chunk))
    }

    /// The wanted frames from the `nth` on that are read together. `None` if there are no more.
    fn group(&self, nth: u64) -> Option<Group> {
        let Wanted { start, step, .. } = self.stack.wanted;
        let n_left = self.stack.wanted.n_frames().checked_sub(nth).filter(|n| *n > 0)?;
        let frames = (0..n_left).map(|i| start + (nth + i) * step);
        let n_leading = self.stack.shape.leading.len();
        // Without chunks: frames that follow each other along the last dimension.
        let (chunk, n_most) = match &self.stack.opened.chunked {
            Some(chunked) if self.is_direct() => (chunked.grid.chunk[..n_leading].to_vec(), self.max_group),
            _ => {
                let mut chunk = vec![1; n_leading];
                chunk.iter_mut().last().into_iter().for_each(|last| *last = u64::MAX);
                let n_bytes =
                    self.stack.wanted.n_elements().saturating_mul(self.stack.opened.datatype.size as u64);
                (chunk, (MAX_SLAB_BYTES / n_bytes.max(1)).clamp(1, self.max_group))
            }
        };
        let place = self.stack.shape.place_in(start + nth * step, &chunk);
        let frames: Vec<_> = frames
            .take(n_most as usize)
            .take_while(|frame| self.stack.shape.place_in(*frame, &chunk) == place)
            .collect();
        Some(Group { end: nth + frames.len() as u64, frames, n_pieces: 0 })
    }

    /// What has the frames of a group.
    fn sources(&self, frames: &[u64]) -> Result<Vec<Block>> {
        let rectangle = self.stack.wanted.rectangle(self.stack.shape.n_frame_axes());
        let mut selection = self.stack.shape.selection(frames[0]);
        let n_leading = self.stack.shape.leading.len();
        selection.along.splice(n_leading.., rectangle);
        if let Some(chunked) = self.stack.opened.chunked.as_ref().filter(|_| self.is_direct()) {
            values::check_n_chunks(&chunked.grid, &selection.along)?;
            let touched = gather::touched(&chunked.grid, &selection.along);
            return Ok(touched.into_iter().map(Block::Chunk).collect());
        }
        if let Some(last) = n_leading.checked_sub(1) {
            let along = &mut selection.along[last];
            *along = Along { step: self.stack.wanted.step, count: frames.len() as u64, ..*along };
        }
        selection.shape = selection.along.iter().map(|along| along.count).collect();
        Ok(vec![Block::Slab(selection)])
    }

    async fn read(&self, group: Arc<Group>, source: Block) -> Result<Piece> {
        match source {
            Block::Slab(selection) => {
                let block = values::read(self.state, &self.stack.opened, &selection, self.room).await?;
                Ok(self.of_slab(group, Arc::new(block)))
            }
            Block::Chunk(index) => {
                let chunked = self.stack.opened.chunked.as_ref();
                let chunked = chunked.ok_or_else(|| anyhow::anyhow!("the dataset has no chunks"))?;
                let block = self.state.blocks.get(chunked, index).await?;
                Ok(self.of_chunk(group, &chunked.grid.chunk, &chunked.grid.offset(index), block))
            }
        }
    }

    fn of_slab(&self, group: Arc<Group>, block: Arc<Vec<u8>>) -> Piece {
        let Wanted { height, width, n_components, .. } = self.stack.wanted;
        let row_stride = (width * n_components) as usize;
        let frame_stride = height as usize * row_stride;
        Piece {
            frames: (0..group.frames.len()).map(|i| i * frame_stride).collect(),
            group,
            row_stride,
            first: 0,
            top: 0,
            left: 0,
            height: height as usize,
            width: width as usize,
            n_components: n_components as usize,
            item_bytes: self.stack.opened.datatype.size,
            block,
        }
    }

    fn of_chunk(&self, group: Arc<Group>, chunk: &[u64], offset: &[u64], block: Arc<Vec<u8>>) -> Piece {
        let Wanted { top, left, height, width, n_components, .. } = self.stack.wanted;
        let n_leading = self.stack.shape.leading.len();
        let row_stride = chunk[n_leading + 1] * n_components;
        let frame_stride = chunk[n_leading] * row_stride;
        let inside = |first: u64, len: u64, axis: usize| {
            let from = first.max(offset[axis]);
            (from, (first + len).min(offset[axis] + chunk[axis]) - from)
        };
        let (y, n_rows) = inside(top, height, n_leading);
        let (x, n_columns) = inside(left, width, n_leading + 1);
        let place = |frame: &u64| {
            let along = self.stack.shape.selection(*frame).along;
            let axes = along.iter().zip(chunk).zip(offset).take(n_leading);
            (axes.fold(0, |n, ((along, len), offset)| n * len + along.start - offset) * frame_stride) as usize
        };
        Piece {
            frames: group.frames.iter().map(place).collect(),
            group,
            row_stride: row_stride as usize,
            first: ((y - offset[n_leading]) * row_stride + (x - offset[n_leading + 1]) * n_components)
                as usize,
            top: (y - top) as usize,
            left: (x - left) as usize,
            height: n_rows as usize,
            width: n_columns as usize,
            n_components: n_components as usize,
            item_bytes: self.stack.opened.datatype.size,
            block,
        }
    }
}
