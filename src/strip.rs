//! A strip: some rows of all frames of a chunk. Strips are coded independently, at the same time.

use std::ops::Range;

use crate::avcodec::{Coded, Preset};
use crate::error::{Result, damaged, filled, reserve};
use crate::geometry::Geometry;
use crate::payload::Header;
use crate::transform::order::{self, Frames};
use crate::transform::{Plan, Ranks, Sample};
use crate::video::{FrameDecoder, FrameEncoder};

/// The height of strips is a multiple of this, so that planes below each other start at a macroblock.
pub const STRIP_HEIGHT_STEP: usize = 16;

/// What a strip is coded to.
pub struct CodedStrip {
    /// The raw planes, frame by frame.
    pub raw_planes: Vec<u8>,
    /// The video planes.
    pub video: Coded,
}

/// Codes some rows of all frames. `ranks` are those of the transform's table.
pub fn encode<S: Sample>(
    frames: &Frames<'_>,
    rows: Range<usize>,
    plan: &Plan,
    ranks: Option<&Ranks>,
    preset: Preset,
) -> Result<CodedStrip> {
    let transform = &plan.transform;
    let geometry = frames.geometry.of_rows(&rows);
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    let mut raw_planes = filled(geometry.n_frames * frame_raw_bytes)?;
    let is_whole = geometry == *frames.geometry;
    let mut video = FrameEncoder::new(&geometry, is_whole, transform, preset)?;
    // Nearly always one: only the strips of huge frames don't fit one picture.
    let n_parts = video.as_ref().map_or(1, FrameEncoder::n_parts);
    for part in 0..n_parts {
        for t in 0..geometry.n_frames {
            order::load(frames.rows(t, rows.clone()), &geometry, frames.big_endian, &mut numbers);
            transform.mapping.apply(&mut numbers);
            if let Some(ranks) = ranks {
                ranks.apply(&mut numbers);
            }
            transform.reflect(&mut numbers);
            if part == 0 {
                transform.pack_raw(&numbers, &mut raw_planes[t * frame_raw_bytes..][..frame_raw_bytes]);
            }
            if let Some(video) = &mut video {
                video.encode(part, t == 0 || !plan.looks_back, &numbers)?;
            }
        }
    }
    let video = video.map(FrameEncoder::finish).transpose()?.unwrap_or_default();
    Ok(CodedStrip { raw_planes, video })
}

/// A strip of a stored chunk, and where it goes.
pub struct StoredStrip<'a> {
    geometry: Geometry,
    raw_planes: &'a [u8],
    access_units: Vec<&'a [u8]>,
    /// The rows of each frame.
    frames: Vec<&'a mut [u8]>,
}

/// The strips of a chunk. `header` has been checked; `raw_planes` and `stream` have just the bytes
/// that it tells of, `chunk` is as large as its frames.
pub fn split<'a>(
    header: &Header,
    mut raw_planes: &'a [u8],
    mut stream: &'a [u8],
    chunk: &'a mut [u8],
) -> Result<Vec<StoredStrip<'a>>> {
    let rows = header.geometry.strips(header.strip_height);
    let mut strips = reserve(rows.len())?;
    let mut sizes = header.video.iter().flat_map(|video| video.access_unit_bytes.iter().copied());
    for rows in rows {
        let geometry = header.geometry.of_rows(&rows);
        let n_raw_bytes = geometry.n_frames * header.transform.raw_bytes(geometry.frame_samples());
        let (first, rest) = raw_planes
            .split_at_checked(n_raw_bytes)
            .ok_or_else(|| damaged!("it ends within its raw planes"))?;
        raw_planes = rest;
        let n_access_units = header.n_access_units(&geometry)?;
        let mut access_units = reserve(n_access_units)?;
        for n_bytes in sizes.by_ref().take(n_access_units) {
            let unit;
            (unit, stream) =
                stream.split_at_checked(n_bytes).ok_or_else(|| damaged!("it ends within its video"))?;
            access_units.push(unit);
        }
        let frames = reserve(geometry.n_frames)?;
        strips.push(StoredStrip { geometry, raw_planes: first, access_units, frames });
    }
    for frame in chunk.chunks_exact_mut(header.geometry.frame_bytes()) {
        let rows = frame.chunks_mut(header.strip_height * header.geometry.row_bytes());
        strips.iter_mut().zip(rows).for_each(|(strip, rows)| strip.frames.push(rows));
    }
    Ok(strips)
}

/// Decodes a strip to where it goes.
pub fn decode<S: Sample>(header: &Header, strip: StoredStrip<'_>) -> Result<()> {
    let Header { transform, big_endian, .. } = header;
    let StoredStrip { geometry, raw_planes, access_units, frames } = strip;
    let mut video = match &header.video {
        Some(video) => {
            let is_whole = geometry == header.geometry;
            Some(FrameDecoder::new(&geometry, is_whole, transform, video, access_units)?)
        }
        None => None,
    };
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    for (t, frame) in frames.into_iter().enumerate() {
        transform.unpack_raw(&raw_planes[t * frame_raw_bytes..][..frame_raw_bytes], &mut numbers);
        if let Some(video) = &mut video {
            video.decode(t, &mut numbers)?;
        }
        transform.unreflect(&mut numbers);
        if let Some(table) = &transform.table {
            table.undo(&mut numbers)?;
        }
        transform.mapping.undo(&mut numbers);
        order::store(&numbers, &geometry, *big_endian, frame);
    }
    if let Some(video) = video {
        video.finish();
    }
    Ok(())
}
