//! The straight line: a chunk is encoded, a chunk is decoded.

use std::ops::Range;

use h5filter::{Buffer, environment};

use crate::avcodec::Coded;
use crate::error::{Error, Result, damaged};
use crate::geometry::Geometry;
use crate::noise::{self, DecodingTables};
use crate::options::{self, Options};
use crate::payload::{self, Content, Header, Layout, Padding, Parts, Payload, Video};
use crate::process::{ChunkKey, Process, parallel};
use crate::transform::order::Frames;
use crate::transform::{self, OtherPlan, Plan, Plans, Sample};
use crate::video::VideoOptions;
use crate::{original, strip, video};

/// HDF5's limit on chunks before version 2.0: what a chunk may decode to when the dataset does
/// not say how large its chunks are.
const MAX_UNANNOUNCED_BYTES: usize = u32::MAX as usize;

/// The picture of one strip, of so many, may cost so much more than its share before that of the chunk is
/// given up.
const MIN_STRIPS_TO_TRY_ONE: usize = 4;
const MAY_VARY: f64 = 1.25;

/// The bytes to store for a chunk.
///
/// With this project's layout this fails only for lack of memory: what can't be coded, or does
/// not get smaller, is stored as it is in a payload of its own. So h5py, which lets HDF5 skip a
/// filter that fails, never stores a chunk without its checksum.
pub fn encode(cd_values: &[u32], chunk: &[u8]) -> Result<Buffer> {
    let options = Options::for_chunk(cd_values, chunk.len())?;
    if options.layout == Layout::Original {
        let stored = original::encode(&options, chunk)?;
        check_sound(cd_values, &stored, chunk)?;
        return Ok(stored);
    }
    if chunk.len() != options.geometry.chunk_bytes() {
        return payload::write_resized(chunk);
    }
    let stored = encode_coded(&options, chunk).and_then(|stored| {
        check_sound(cd_values, &stored, chunk)?;
        Ok(stored)
    });
    match stored {
        // Whoever wants the movie gets it at any size.
        Ok(stored) if stored.len() < chunk.len() || options.layout == Layout::Movie => Ok(stored),
        Ok(_) | Err(Error::Codec(_)) => payload::write_raw(chunk),
        Err(e) => Err(e),
    }
}

/// The chunk that `stored` was made from.
pub fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer> {
    let process = Process::current();
    let key = ChunkKey::of(stored);
    if let Some(known) = process.chunks.get(&key) {
        check_size(known.len(), options::stored_chunk_bytes(cd_values))?;
        return Ok(Buffer::concat(&[&known])?);
    }
    let chunk = decode_uncached(cd_values, stored)?;
    // A chunk that is stored as it is comes as fast from there.
    if chunk.len() > stored.len() {
        process.chunks.put(key, &chunk);
    }
    Ok(chunk)
}

/// How large the chunk is that `stored` was made from.
pub fn decoded_bytes(cd_values: &[u32], stored: &[u8]) -> Result<usize> {
    let found = match payload::layout_of(stored)? {
        Layout::Original => original::decoded_bytes(stored)?,
        Layout::H5h264 | Layout::Movie => Payload::read(stored)?.content.decoded_bytes(),
    };
    check_size(found, options::stored_chunk_bytes(cd_values))?;
    Ok(found)
}

/// Decodes to `chunk`, which has to have the chunk's size. All of it is written, but after an error
/// anything may be in it.
pub fn decode_into(cd_values: &[u32], stored: &[u8], chunk: &mut [u8]) -> Result<()> {
    let expected = Some(chunk.len());
    if payload::layout_of(stored)? == Layout::Original {
        check_size(original::decoded_bytes(stored)?, expected)?;
        chunk.copy_from_slice(&original::decode(&Options::for_chunk(cd_values, chunk.len())?, stored)?);
        return Ok(());
    }
    let payload = Payload::read(stored)?;
    check_size(payload.content.decoded_bytes(), expected)?;
    match &payload.content {
        Content::Raw(bytes) | Content::Resized(bytes) => chunk.copy_from_slice(bytes),
        Content::Coded { header, parts } => decode_coded(header, parts, chunk)?,
    }
    verify(&payload, chunk)
}

/// [`decode`], which neither looks whether the chunk was decoded before nor keeps it.
fn decode_uncached(cd_values: &[u32], stored: &[u8]) -> Result<Buffer> {
    let expected = options::stored_chunk_bytes(cd_values);
    if payload::layout_of(stored)? == Layout::Original {
        let chunk_bytes = original::decoded_bytes(stored)?;
        check_size(chunk_bytes, expected)?;
        return original::decode(&Options::for_chunk(cd_values, chunk_bytes)?, stored);
    }
    let payload = Payload::read(stored)?;
    let chunk = match &payload.content {
        Content::Raw(chunk) => {
            // What is not announced is bounded by what is stored.
            check_size(chunk.len(), expected.or(Some(chunk.len())))?;
            Buffer::concat(&[chunk])?
        }
        Content::Resized(chunk) => copy_of_resized(chunk, expected)?,
        Content::Coded { header, parts } => {
            check_size(header.chunk_bytes(), expected)?;
            let mut chunk = Buffer::zeroed(header.chunk_bytes())?;
            decode_coded(header, parts, &mut chunk)?;
            chunk
        }
    };
    verify(&payload, &chunk)?;
    Ok(chunk)
}

fn verify(payload: &Payload<'_>, chunk: &[u8]) -> Result<()> {
    if environment::switch("H5H264_VERIFY", true) { payload.verify(chunk) } else { Ok(()) }
}

fn encode_coded(options: &Options, chunk: &[u8]) -> Result<Buffer> {
    match options.geometry.sample_bytes {
        1 => encode_samples::<u8>(options, chunk),
        2 => encode_samples::<u16>(options, chunk),
        4 => encode_samples::<u32>(options, chunk),
        _ => encode_samples::<u64>(options, chunk),
    }
}

fn encode_samples<S: Sample>(options: &Options, chunk: &[u8]) -> Result<Buffer> {
    // A movie has all frames.
    let padding = if options.layout == Layout::Movie { None } else { Padding::of(chunk, &options.geometry)? };
    let n_coded_bytes = chunk.len() - padding.as_ref().map_or(0, |padding| padding.n_bytes);
    let n_frames = n_coded_bytes / options.geometry.frame_bytes();
    let geometry = Geometry { n_frames, ..options.geometry }.folded();
    let bytes = &chunk[..n_coded_bytes];
    let frames = Frames { bytes, geometry: &geometry, big_endian: options.big_endian };
    let input = Input { options, chunk, frames, padding };
    encode_input::<S>(&input)
}

/// A chunk to encode.
struct Input<'a> {
    options: &'a Options,
    chunk: &'a [u8],
    /// What is coded of it.
    frames: Frames<'a>,
    /// What comes after these.
    padding: Option<Padding>,
}

fn encode_input<S: Sample>(input: &Input<'_>) -> Result<Buffer> {
    let Input { options, chunk, frames, padding } = input;
    let n_threads = Process::current().n_threads();
    let is_movie = options.layout == Layout::Movie;
    let Plans { best, others } =
        transform::plan::<S>(frames, options.kind, is_movie, options.preset, n_threads)?;
    if best.is_nothing::<S>() && others.is_empty() && padding.is_none() {
        return payload::write_raw(chunk);
    }
    let most_video_bytes = others.iter().filter(|other| other.if_above == 0).map(|other| other.if_video_from);
    let mut stored = encode_as::<S>(input, best, most_video_bytes.min())?;
    for OtherPlan { plan, if_above, if_video_from } in others {
        let (n_bytes, n_video_bytes, worth_changing) = match &stored {
            Some(stored) => (stored.bytes.len(), stored.video_bytes, stored.worth_changing),
            None => (usize::MAX, usize::MAX, f64::INFINITY),
        };
        if n_bytes > if_above && n_video_bytes >= if_video_from {
            // What is there is good enough if there is no memory for another.
            match encode_as::<S>(input, plan, None) {
                Ok(Some(other)) if (other.bytes.len() as f64) < worth_changing * n_bytes as f64 => {
                    stored = Some(other)
                }
                Err(e) if stored.is_none() => return Err(e),
                _ => {}
            }
        }
    }
    stored.map(|stored| stored.bytes).ok_or_else(|| Error::Codec("no plan is good enough".into()))
}

/// A stored chunk.
struct Stored {
    bytes: Buffer,
    /// How many of them are video.
    video_bytes: usize,
    /// What another plan has to save to be better.
    worth_changing: f64,
}

/// `None` if the picture is going to take more than `most_video_bytes`.
fn encode_as<S: Sample>(
    input: &Input<'_>,
    plan: Plan,
    most_video_bytes: Option<usize>,
) -> Result<Option<Stored>> {
    let Input { options, chunk, frames, padding } = input;
    let Options { preset, big_endian, .. } = **options;
    let geometry = frames.geometry;
    let n_threads = Process::current().n_threads();
    let strip_height = video::strip_height(geometry, &plan.transform);
    let video = VideoOptions::of(geometry, &plan.transform, preset, n_threads);
    let mut strips: Vec<_> = geometry.strips(strip_height).map(|rows| (rows, None)).collect();
    // One of several strips tells what the picture costs before the work on the others is done.
    if let (Some(video), Some(most), true) = (&video, most_video_bytes, strips.len() >= MIN_STRIPS_TO_TRY_ONE)
    {
        let middle = strips.len() / 2;
        let (rows, coded) = &mut strips[middle];
        let first = coded.insert(strip::encode_video::<S>(frames, rows.clone(), &plan, video)?);
        let share = rows.len() as f64 / geometry.height as f64;
        if first.stream.len() as f64 > MAY_VARY * share * most as f64 {
            return Ok(None);
        }
    }
    let encode = |(rows, coded): (Range<usize>, Option<Coded>)| {
        let coded = match (&video, coded) {
            (Some(video), None) => strip::encode_video::<S>(frames, rows.clone(), &plan, video)?,
            (_, coded) => coded.unwrap_or_default(),
        };
        Ok::<_, Error>((strip::encode::<S>(frames, rows, &plan)?, coded))
    };
    let (mut strips, videos): (Vec<_>, Vec<_>) =
        parallel::map(strips, n_threads, encode)?.into_iter().unzip();

    let symbols = strips.iter_mut().filter_map(|strip| strip.noise.take()).collect();
    let (noise, strips_of_noise) = match &plan.noise {
        Some(plan) => {
            let (noise, strips) = noise::encode_symbols(symbols, plan, geometry.width, n_threads)?;
            (Some(noise), strips)
        }
        None => (None, Vec::new()),
    };
    let zstd = || strips.iter().flat_map(|strip| &strip.zstd);
    let video = video.map(|VideoOptions { format, .. }| {
        let access_unit_bytes = videos.iter().flat_map(|video| &video.access_unit_bytes).copied().collect();
        Video { format, access_unit_bytes }
    });
    let zstd_bytes = zstd().map(Vec::len).collect();
    let video_bytes = videos.iter().map(|video| video.stream.len()).sum();
    let worth_changing = plan.worth_changing();
    let transform = plan.transform;
    let header = Header {
        geometry: *geometry,
        strip_height,
        big_endian,
        transform,
        zstd_bytes,
        noise,
        video,
        padding: padding.clone(),
    };
    let raw_planes = strips.iter().map(|strip| &strip.raw_planes);
    let noise = strips_of_noise.iter().flatten();
    let streams = videos.iter().map(|video| &video.stream);
    let parts = raw_planes.chain(zstd()).chain(noise).chain(streams).map(|part| &part[..]);
    let bytes = payload::write_coded(chunk, &header, &parts.collect::<Vec<_>>())?;
    Ok(Some(Stored { bytes, video_bytes, worth_changing }))
}

fn decode_coded(header: &Header, parts: &Parts<'_>, chunk: &mut [u8]) -> Result<()> {
    let decode = match header.geometry.sample_bytes {
        1 => decode_samples::<u8>,
        2 => decode_samples::<u16>,
        4 => decode_samples::<u32>,
        _ => decode_samples::<u64>,
    };
    let (frames, rest) = chunk.split_at_mut(header.geometry.chunk_bytes());
    if let Some(padding) = &header.padding {
        padding.fill(rest);
    }
    decode(header, parts, frames)
}

fn decode_samples<S: Sample>(header: &Header, parts: &Parts<'_>, chunk: &mut [u8]) -> Result<()> {
    let strips = strip::split(header, parts, chunk)?;
    let n_threads = Process::current().n_threads();
    let tables = header.noise.as_ref().map(|noise| DecodingTables::new(&noise.tables)).transpose()?;
    let decode = |strip| strip::decode::<S>(header, tables.as_ref(), strip, n_threads);
    parallel::map(strips, n_threads, decode)?;
    Ok(())
}

/// HDF5 before 2.2 reads a whole chunk from the buffer of the last filter, however little is in it.
/// That is this one if somebody has made up the stored bytes.
fn copy_of_resized(bytes: &[u8], chunk_bytes: Option<usize>) -> Result<Buffer> {
    let mut copy = Buffer::zeroed(bytes.len().max(chunk_bytes.unwrap_or(0)))?;
    copy.truncate(bytes.len());
    copy.copy_from_slice(bytes);
    Ok(copy)
}

/// With `H5H264_VERIFY_WRITE=1`, an error unless the stored chunk decodes to the chunk it was made
/// from.
fn check_sound(cd_values: &[u32], stored: &[u8], chunk: &[u8]) -> Result<()> {
    if !environment::switch("H5H264_VERIFY_WRITE", false) {
        return Ok(());
    }
    match decode_uncached(cd_values, stored) {
        Ok(decoded) if decoded[..] == *chunk => Ok(()),
        Err(Error::OutOfMemory(e)) => Err(e.into()),
        Ok(_) | Err(_) => Err(Error::Codec("what was encoded does not decode to what went in".into())),
    }
}

fn check_size(found: usize, expected: Option<usize>) -> Result<()> {
    match expected {
        Some(expected) if found != expected => Err(damaged!(
            "it decodes to {found} bytes (expected {expected}, the size of the dataset's chunks)"
        )),
        None if found > MAX_UNANNOUNCED_BYTES => {
            Err(damaged!("it decodes to {found} bytes (expected at most {MAX_UNANNOUNCED_BYTES})"))
        }
        _ => Ok(()),
    }
}
