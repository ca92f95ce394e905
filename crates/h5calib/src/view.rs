//! The straight line: from a stored header to frames.

use std::mem::MaybeUninit;
use std::sync::Arc;

use h5filter::{Buffer, Element, File, Hdf5, parallel};

use crate::arithmetic::calibrate;
use crate::constants::{Constants, LANES};
use crate::depth::Depth;
use crate::error::{Error, Result, bad_header, bad_source};
use crate::frames::written;
use crate::header::Header;
use crate::number::Number;
use crate::options;
use crate::process::Process;
use crate::source::Source;

/// A thread is worth starting for this many pixels.
const MIN_PIXELS: usize = 1 << 16;
/// Frames of the same cell are computed part by part, and each part has constants of this many bytes:
/// they stay in the second-level cache until the next frame needs them.
const TILE_BYTES: usize = 256 << 10;
/// Frames are computed together as long as their constants have no more bytes than this.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// The frames of a chunk.
pub fn read(cd_values: &[u32], stored: &[u8]) -> Result<Buffer> {
    let header = Header::read_from(stored)?;
    let _depth = Depth::enter()?;
    let hdf5 = Hdf5::calling()?;
    hdf5.quietly(|| {
        let candidates = Process::current().open_objects.candidates(hdf5, header.file_magic)?;
        let n_bytes = check_chunk_bytes(&header, options::chunk_bytes(cd_values), &candidates.chunk_bytes)?;
        // Should this be the chunk of a larger view, HDF5 reads behind its end.
        let reserve = candidates.chunk_bytes.iter().copied().max().unwrap_or(0).max(n_bytes);
        let files = candidates.files(hdf5);
        let Some((file, copies)) = files.split_first() else {
            return Err(bad_source!("the view's file is being closed"));
        };
        let mut frames = read_from(file, &header, n_bytes, reserve)?;
        frames.truncate(n_bytes);
        for copy in copies {
            let others = read_from(copy, &header, n_bytes, n_bytes)?;
            if others[..] != frames[..] {
                return Err(bad_source!(
                    "{} and {} are copies of each other with different data, and a view is open in both: close one",
                    file.name(),
                    copy.name()
                ));
            }
        }
        Ok(frames)
    })
}

/// Bytes of the chunk, which have to be what the dataset expects: so it tells (`stored`), or else one
/// of the open views.
fn check_chunk_bytes(header: &Header, stored: Option<u64>, open_views: &[usize]) -> Result<usize> {
    let n_bytes = header.chunk_bytes().unwrap_or(0);
    let fits = match stored {
        Some(stored) => stored == n_bytes as u64,
        None => open_views.contains(&n_bytes),
    };
    if !fits {
        let Header { n_frames, height, width, sample_bytes, .. } = header;
        return Err(bad_header!(
            "{n_frames} frames of {height} x {width} pixels of {sample_bytes} bytes do not fill a chunk"
        ));
    }
    Ok(n_bytes)
}

/// The `n_bytes` of frames from one file, and zeros behind them.
fn read_from(file: &File<'_>, header: &Header, n_bytes: usize, reserve: usize) -> Result<Buffer> {
    let process = Process::current();
    let images_bytes = n_bytes / header.n_frames * header.n_images;
    process.shared_files.with_source(file, header, |source| {
        process.buffers.lend(source.image_bytes() * header.n_images, |raw| {
            source.read_raw(raw)?;
            written(images_bytes, reserve, |images| match header.sample_bytes {
                4 => compute::<f32>(process, source, header, raw, images),
                _ => compute::<f64>(process, source, header, raw, images),
            })
        })
    })
}

/// A frame, or part of it: its raw numbers, and where it is written.
type Frame<'a> = (&'a [u8], &'a mut [MaybeUninit<u8>]);

/// Frames of one memory cell, or the same part of each of them.
struct Task<'a, T> {
    cell: u32,
    constants: Arc<Constants<T>>,
    /// The first pixel.
    start: usize,
    frames: Vec<Frame<'a>>,
}

/// Writes all of `frames`, which has room for as many as there are images in `raw`. Returns how many
/// bytes were written.
fn compute<T: Number>(
    process: &Process,
    source: &Source<'_>,
    header: &Header,
    raw: &[u8],
    frames: &mut [MaybeUninit<u8>],
) -> Result<usize> {
    let frame_bytes = header.n_pixels() * size_of::<T>();
    let images = raw.chunks_exact(source.image_bytes()).zip(frames.chunks_exact_mut(frame_bytes));
    let mut batch: Vec<Task<'_, T>> = Vec::new();
    let mut batch_bytes = 0;
    let mut written = 0;
    for (i, frame) in images.enumerate() {
        let cell = header.cell(i);
        if let Some(task) = batch.iter_mut().find(|task| task.cell == cell) {
            task.frames.push(frame);
            continue;
        }
        if batch_bytes >= MAX_BATCH_BYTES {
            written += run(process, source.raw_element(), header, std::mem::take(&mut batch))?;
            batch_bytes = 0;
        }
        let constants = source.constants::<T>(&process.cache, &process.buffers, cell)?;
        batch_bytes += constants.bytes();
        batch.push(Task { cell, constants, start: 0, frames: vec![frame] });
    }
    Ok(written + run(process, source.raw_element(), header, batch)?)
}

/// Calculates frames on several threads. Returns how many bytes were written.
fn run<T: Number>(
    process: &Process,
    element: &Element,
    header: &Header,
    batch: Vec<Task<'_, T>>,
) -> Result<usize> {
    let Header { algorithm, .. } = *header;
    let n_frames: usize = batch.iter().map(|task| task.frames.len()).sum();
    let n_threads = process.n_threads().min(header.n_pixels() * n_frames / MIN_PIXELS).max(1);
    let n_parts = n_threads.div_ceil(batch.len().max(1));
    let mut part = header.n_pixels().div_ceil(n_parts);
    if n_frames > batch.len() {
        part = part.min(TILE_BYTES / (algorithm.n_constants() * size_of::<T>()));
    }
    let part = part.next_multiple_of(LANES);
    let raw_bytes = part * algorithm.raw_numbers() * element.sample_bytes;
    let tasks = batch.into_iter().flat_map(|task| task.split(part, raw_bytes)).collect();
    let work = |Task { constants, start, frames, .. }: Task<'_, T>| {
        let calibrated =
            frames.into_iter().map(|(raw, out)| calibrate(algorithm, element, &constants, start, raw, out));
        Ok::<_, Error>(calibrated.sum::<usize>())
    };
    Ok(parallel::map(tasks, n_threads, work)?.into_iter().sum())
}

impl<T: Number> Task<'_, T> {
    /// Parts of `n_pixels`, whose raw numbers have `raw_bytes`; the last may have fewer.
    fn split(self, n_pixels: usize, raw_bytes: usize) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for (raw, frame) in self.frames {
            let pieces = raw.chunks(raw_bytes).zip(frame.chunks_mut(n_pixels * size_of::<T>()));
            for (i, piece) in pieces.enumerate() {
                match parts.get_mut(i) {
                    Some(part) => part.frames.push(piece),
                    None => parts.push(Task {
                        cell: self.cell,
                        constants: Arc::clone(&self.constants),
                        start: i * n_pixels,
                        frames: vec![piece],
                    }),
                }
            }
        }
        parts
    }
}
