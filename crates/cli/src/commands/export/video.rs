use std::path::Path;

use anyhow::{Context, Result, bail};
use h5h264::FILTER_ID;
use h5h264::movie::{self, Movie};
use video::{Container, FrameFormat, FrameShape, VideoOptions, VideoWriter};

use super::frames::Frames;
use crate::h5::{self, Explain, Grid, NumberKind, StoredChunks};
use crate::output::Output;
use crate::{progress, text};

/// Writes a lossless video. Chunks that are plain movies go in as they are.
pub fn write(frames: &Frames<'_>, target: &Path, input: &Path, options: VideoOptions) -> Result<()> {
    let container = Container::of(target)?;
    let shape = frame_shape(frames)?;
    let output = Output::new(target, &[input])?;
    let describe = || format!("can't write {}", target.display());
    let mut video = VideoWriter::create(output.path(), container, shape, options).with_context(describe)?;
    let bar = progress::bar(frames.n_frames() * frames.frame_bytes(), "exporting");
    match Chunks::of(frames)? {
        Some(chunks) => {
            for offset in chunks.stored.grid.offsets() {
                let n_frames = chunks.write(frames, &offset, shape, &mut video).with_context(describe)?;
                bar.inc(n_frames * frames.frame_bytes());
            }
        }
        None => {
            for frame in frames.iter() {
                video.write(&frame?).with_context(describe)?;
                bar.inc(frames.frame_bytes());
            }
        }
    }
    video.finish().with_context(describe)?;
    bar.finish_and_clear();
    output.finish()
}

/// What a video has of such frames. An error if there is none.
fn frame_shape(frames: &Frames<'_>) -> Result<FrameShape> {
    let (height, width, n_components) = frames.picture()?;
    let format = match (frames.kind, frames.sample_bytes, n_components) {
        (NumberKind::Unsigned, 1, 1) => FrameFormat::Gray8,
        (NumberKind::Unsigned, 1, 3) => FrameFormat::Rgb24,
        (NumberKind::Unsigned, 2, 1) => FrameFormat::Gray16,
        _ => bail!(
            "{} of {} can't be a video (expected uint8, gray or RGB, or uint16, gray; .npy holds all types)",
            text::shape(&frames.shape),
            h5::describe_type(&frames.dataset.dtype().explained()?)?,
        ),
    };
    Ok(FrameShape::new(height as usize, width as usize, format)?)
}

/// Chunks that may be movies, of whole frames one after the other.
struct Chunks<'d> {
    stored: StoredChunks<'d>,
    n_leading: usize,
}

impl<'d> Chunks<'d> {
    /// `None` if there are no such chunks.
    fn of(frames: &Frames<'d>) -> Result<Option<Self>> {
        let n_leading = frames.n_leading;
        let have_whole_frames = |grid: &Grid| {
            grid.chunk[n_leading..] == grid.shape[n_leading..]
                && grid.chunk[..n_leading.saturating_sub(1)].iter().all(|n| *n == 1)
        };
        let filters = h5::filters_of(frames.dataset)?;
        let are_ours = matches!(&filters[..], [only] if only.id == FILTER_ID);
        let Some(grid) = Grid::of(frames.dataset).filter(|grid| are_ours && have_whole_frames(grid)) else {
            return Ok(None);
        };
        Ok(Some(Self { stored: StoredChunks::of(frames.dataset, &grid)?, n_leading }))
    }

    /// Writes the frames of the chunk at `offset`; returns how many these are.
    fn write(
        &self,
        frames: &Frames<'d>,
        offset: &[u64],
        shape: FrameShape,
        video: &mut VideoWriter,
    ) -> Result<u64> {
        let extent = self.stored.grid.extent_at(offset);
        let n_frames: u64 = extent[..self.n_leading].iter().product();
        // Without the filter, or not there at all: the fill value.
        let chunk = self.stored.get(offset).filter(|chunk| chunk.filter_mask == 0);
        let stored = chunk.map(|chunk| self.stored.read(offset, chunk)).transpose()?;
        let movie = stored.as_deref().map(movie::of_stored_chunk).transpose();
        let movie = movie.with_context(|| format!("chunk {}", text::coordinates(offset)))?.flatten();
        match movie.filter(|movie| are_pictures_of(movie, n_frames, shape)) {
            Some(movie) => video.write_movie(&movie, n_frames as usize)?,
            None => {
                for frame in frames.read(offset, &extent)?.chunks_exact(shape.frame_bytes()) {
                    video.write(frame)?;
                }
            }
        }
        Ok(n_frames)
    }
}

/// Whether the movie has these frames. Small ones may be stored as rows of larger pictures, and the last ones as padding.
fn are_pictures_of(movie: &Movie<'_>, n_frames: u64, shape: FrameShape) -> bool {
    let geometry = &movie.geometry;
    let pictures = (geometry.height, geometry.width, geometry.n_components);
    geometry.n_frames as u64 >= n_frames
        && pictures == (shape.height, shape.width, shape.format.pixel_bytes())
}
