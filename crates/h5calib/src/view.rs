//! The straight line: from a stored header to frames.

use std::mem::MaybeUninit;

use h5filter::{Buffer, Element, File, Hdf5, parallel};

use crate::arithmetic::calibrate;
use crate::constants::LANES;
use crate::error::{Error, Result, bad_header, bad_source};
use crate::frames::written;
use crate::header::Header;
use crate::number::Number;
use crate::options;
use crate::process::{Depth, Process};
use crate::source::Source;

/// A thread is worth starting for this many pixels.
const MIN_PIXELS: usize = 1 << 16;
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
    let source = Source::open(file, header)?;
    let process = Process::current();
    let images_bytes = n_bytes / header.n_frames * header.n_images;
    process.with_buffer(source.image_bytes() * header.n_images, |raw| {
        source.read_raw(raw)?;
        written(images_bytes, reserve, |images| match header.sample_bytes {
            4 => compute::<f32>(process, &source, header, raw, images),
            _ => compute::<f64>(process, &source, header, raw, images),
        })
    })
}

/// Part of a frame.
struct Task<'a, T> {
    constants: std::sync::Arc<crate::constants::Constants<T>>,
    start: usize,
    raw: &'a [u8],
    frame: &'a mut [MaybeUninit<u8>],
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
    let image_bytes = source.image_bytes();
    let frame_bytes = header.n_pixels() * size_of::<T>();
    let images = raw.chunks_exact(image_bytes).zip(frames.chunks_exact_mut(frame_bytes));
    let mut batch: Vec<(u32, Task<'_, T>)> = Vec::new();
    let mut batch_bytes = 0;
    let mut written = 0;
    for (frame, (raw, out)) in images.enumerate() {
        let cell = header.cell(frame);
        let known = batch.iter().find(|(of, _)| *of == cell);
        let constants = match known {
            Some((_, task)) => task.constants.clone(),
            None => {
                let constants = source.constants::<T>(process, cell)?;
                batch_bytes += constants.bytes();
                constants
            }
        };
        batch.push((cell, Task { constants, start: 0, raw, frame: out }));
        if batch_bytes >= MAX_BATCH_BYTES {
            written += run(process, source.raw_element(), header, std::mem::take(&mut batch))?;
            batch_bytes = 0;
        }
    }
    Ok(written + run(process, source.raw_element(), header, batch)?)
}

/// Calculates frames on several threads. Returns how many bytes were written.
fn run<T: Number>(
    process: &Process,
    element: &Element,
    header: &Header,
    batch: Vec<(u32, Task<'_, T>)>,
) -> Result<usize> {
    let n_pixels = header.n_pixels();
    let n_threads = process.n_threads().min(n_pixels * batch.len() / MIN_PIXELS).max(1);
    let n_parts = n_threads.div_ceil(batch.len().max(1));
    let part = n_pixels.div_ceil(n_parts).next_multiple_of(LANES);
    let raw_bytes = header.algorithm.raw_numbers() * element.sample_bytes;
    let mut tasks = Vec::new();
    for (_, Task { constants, raw, frame, .. }) in batch {
        let parts = raw.chunks(part * raw_bytes).zip(frame.chunks_mut(part * size_of::<T>()));
        for (i, (raw, frame)) in parts.enumerate() {
            tasks.push(Task { constants: constants.clone(), start: i * part, raw, frame });
        }
    }
    let work = |task: Task<'_, T>| {
        let Task { constants, start, raw, frame } = task;
        Ok::<_, Error>(calibrate(header.algorithm, element, &constants, start, raw, frame))
    };
    Ok(parallel::map(tasks, n_threads, work)?.into_iter().sum())
}
