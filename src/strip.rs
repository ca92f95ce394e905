//! A strip: some rows of all frames of a chunk. Strips are coded independently, at the same time.

use std::ops::Range;

use crate::avcodec::{Coded, Reference};
use crate::error::{Result, damaged, filled, reserve};
use crate::geometry::Geometry;
use crate::noise::{DecodingTables, StripDecoder, StripEncoder, Symbols};
use crate::payload::{Header, Parts};
use crate::transform::order::{self, Frames};
use crate::transform::{Coding, Plan, Sample};
use crate::video::{FrameDecoder, FrameEncoder, VideoOptions};
use crate::zstd_plane::{PlanesDecoder, PlanesEncoder};

/// What a strip is coded to, but for its video plane.
pub struct CodedStrip {
    /// The raw planes, frame by frame.
    pub raw_planes: Vec<u8>,
    /// Each zstd plane.
    pub zstd: Vec<Vec<u8>>,
    /// What is left of the noise, if there is any.
    pub noise: Option<Symbols>,
}

/// Codes some rows of all frames, but for their video plane.
pub fn encode<S: Sample>(frames: &Frames<'_>, rows: Range<usize>, plan: &Plan) -> Result<CodedStrip> {
    let transform = &plan.transform;
    let geometry = frames.geometry.of_rows(&rows);
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    let mut raw_planes = filled(geometry.n_frames * frame_raw_bytes)?;
    let mut zstd = PlanesEncoder::new(&geometry, transform, plan.zstd_level)?;
    let mut noise = plan.noise.as_ref().map(|noise| StripEncoder::new(&geometry, noise)).transpose()?;
    for t in 0..geometry.n_frames {
        load(frames, t, &rows, plan, &mut numbers);
        transform.pack_raw(&numbers, &mut raw_planes[t * frame_raw_bytes..][..frame_raw_bytes]);
        zstd.encode(&numbers)?;
        if let Some(noise) = &mut noise {
            noise.encode(&numbers)?;
        }
    }
    Ok(CodedStrip { raw_planes, zstd: zstd.finish()?, noise: noise.map(StripEncoder::finish) })
}

/// Codes the video plane of some rows of all frames.
pub fn encode_video<S: Sample>(
    frames: &Frames<'_>,
    rows: Range<usize>,
    plan: &Plan,
    options: &VideoOptions,
) -> Result<Coded> {
    let geometry = frames.geometry.of_rows(&rows);
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let mut video = FrameEncoder::new(&geometry, &plan.transform, options)?;
    // Nearly always one: only the strips of huge frames don't fit one picture.
    for part in 0..video.n_parts() {
        for t in 0..geometry.n_frames {
            let reference = match t {
                0 => Reference::Start,
                _ if plan.looks_back => Reference::Before,
                _ => Reference::Nothing,
            };
            load(frames, t, &rows, plan, &mut numbers);
            video.encode(part, reference, &numbers)?;
        }
    }
    video.finish()
}

/// The numbers of some rows of frame `t`.
fn load<S: Sample>(frames: &Frames<'_>, t: usize, rows: &Range<usize>, plan: &Plan, numbers: &mut [S]) {
    let geometry = frames.geometry.of_rows(rows);
    order::load(frames.rows(t, rows.clone()), &geometry, frames.big_endian, numbers);
    plan.transform.mapping.apply(numbers);
    if let Some(ranks) = &plan.ranks {
        ranks.apply(numbers);
    }
}

/// A strip of a stored chunk, and where it goes.
pub struct StoredStrip<'a> {
    geometry: Geometry,
    raw_planes: &'a [u8],
    zstd: Vec<&'a [u8]>,
    /// Tokens and further bits.
    noise: [&'a [u8]; 2],
    access_units: Vec<&'a [u8]>,
    target: Target<'a>,
}

/// Where the rows of a strip go.
enum Target<'a> {
    /// The strip is all of the frames.
    Chunk(&'a mut [u8]),
    /// Its rows in each frame.
    Rows(Vec<&'a mut [u8]>),
}

/// The strips of a chunk. `header` has been checked; `parts` have just the bytes that it tells of,
/// `chunk` is as large as its frames.
pub fn split<'a>(header: &Header, parts: &Parts<'a>, chunk: &'a mut [u8]) -> Result<Vec<StoredStrip<'a>>> {
    let Parts { mut raw_planes, mut zstd, mut noise, mut stream } = *parts;
    let strip_height = if has_stored_planes(header) { header.strip_height } else { header.geometry.height };
    let rows = header.geometry.strips(strip_height);
    let mut strips = reserve(rows.len())?;
    let mut noise_bytes = header.noise.iter().flat_map(|noise| noise.strip_bytes.iter().copied());
    let mut sizes = header.video.iter().flat_map(|video| video.access_unit_bytes.iter().copied());
    for rows in rows {
        let geometry = header.geometry.of_rows(&rows);
        let n_raw_bytes = geometry.n_frames * header.transform.raw_bytes(geometry.frame_samples());
        let n_access_units = header.n_access_units(&geometry)?;
        let mut access_units = reserve(n_access_units)?;
        for n_bytes in sizes.by_ref().take(n_access_units) {
            access_units.push(take(&mut stream, n_bytes)?);
        }
        let [n_token_bytes, n_extra_bytes] = noise_bytes.next().unwrap_or_default();
        strips.push(StoredStrip {
            geometry,
            raw_planes: take(&mut raw_planes, n_raw_bytes)?,
            // If there are any, there is one strip.
            zstd: header.zstd_bytes.iter().map(|&n| take(&mut zstd, n)).collect::<Result<_>>()?,
            noise: [take(&mut noise, n_token_bytes)?, take(&mut noise, n_extra_bytes)?],
            access_units,
            target: Target::Rows(Vec::new()),
        });
    }
    if let [strip] = &mut strips[..] {
        strip.target = Target::Chunk(chunk);
        return Ok(strips);
    }
    let mut targets: Vec<Vec<_>> = reserve(strips.len())?;
    for _ in &strips {
        targets.push(reserve(header.geometry.n_frames)?);
    }
    for frame in chunk.chunks_exact_mut(header.geometry.frame_bytes()) {
        let rows = frame.chunks_mut(strip_height * header.geometry.row_bytes());
        targets.iter_mut().zip(rows).for_each(|(target, rows)| target.push(rows));
    }
    strips.iter_mut().zip(targets).for_each(|(strip, rows)| strip.target = Target::Rows(rows));
    Ok(strips)
}

/// The first `n_bytes`, which leave `bytes`.
fn take<'a>(bytes: &mut &'a [u8], n_bytes: usize) -> Result<&'a [u8]> {
    let (first, rest) =
        bytes.split_at_checked(n_bytes).ok_or_else(|| damaged!("it ends within its planes"))?;
    *bytes = rest;
    Ok(first)
}

/// Whether strips have cost stored bytes. What has not is not worth a list of rows.
fn has_stored_planes(header: &Header) -> bool {
    header.transform.planes.iter().any(|plane| !matches!(plane.coding, Coding::Constant(_)))
}

/// Decodes a strip to where it goes. `tables` are those of the noise, if there is any.
pub fn decode<S: Sample>(
    header: &Header,
    tables: Option<&DecodingTables>,
    strip: StoredStrip<'_>,
    n_threads: usize,
) -> Result<()> {
    let Header { transform, big_endian, .. } = header;
    let StoredStrip { geometry, raw_planes, zstd, noise, access_units, target } = strip;
    // Several strips are decoded at the same time, a single one has slices.
    let n_threads = if matches!(target, Target::Chunk(_)) { n_threads } else { 1 };
    let mut zstd = PlanesDecoder::new(&geometry, transform, zstd.into_iter())?;
    let mut video = match &header.video {
        Some(video) => Some(FrameDecoder::new(&geometry, transform, video.format, access_units, n_threads)?),
        None => None,
    };
    let mut noise = match (&header.noise, transform.noise_bits(), tables) {
        (Some(model), Some(bits), Some(tables)) => {
            Some(StripDecoder::new(&geometry, bits, model, tables, noise)?)
        }
        _ => None,
    };
    let frames: Box<dyn Iterator<Item = &mut [u8]>> = match target {
        Target::Chunk(chunk) => Box::new(chunk.chunks_exact_mut(geometry.frame_bytes())),
        Target::Rows(rows) => Box::new(rows.into_iter()),
    };
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    for (t, frame) in frames.enumerate() {
        transform.unpack_raw(&raw_planes[t * frame_raw_bytes..][..frame_raw_bytes], &mut numbers);
        zstd.decode(&mut numbers)?;
        if let Some(video) = &mut video {
            video.decode(t, &mut numbers)?;
        }
        // Last, since all other bits help to predict it.
        if let Some(noise) = &mut noise {
            noise.decode(&mut numbers);
        }
        if let Some(table) = &transform.table {
            table.undo(&mut numbers)?;
        }
        transform.mapping.undo(&mut numbers);
        order::store(&numbers, &geometry, *big_endian, frame);
    }
    zstd.finish()?;
    if let Some(noise) = noise {
        noise.finish()?;
    }
    if let Some(video) = video {
        video.finish();
    }
    Ok(())
}
