//! The straight line: a chunk is encoded, a chunk is decoded.

use h5filter::Buffer;

use crate::error::{Error, Result, damaged};
use crate::options::{self, Options};
use crate::payload::{self, Content, Header, Layout, Payload, Video};
use crate::process::{ChunkKey, Process, parallel, switch_from_env};
use crate::transform::order::Frames;
use crate::transform::{self, Sample};
use crate::video::VideoOptions;
use crate::{original, strip, video};

/// HDF5's limit on chunks before version 2.0: what a chunk may decode to when the dataset does
/// not say how large its chunks are.
const MAX_UNANNOUNCED_BYTES: usize = u32::MAX as usize;

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
        Ok(stored) if stored.len() < chunk.len() => Ok(stored),
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
        Layout::H5h264 => Payload::read(stored)?.content.decoded_bytes(),
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
        Content::Coded { header, raw_planes, stream } => decode_coded(header, raw_planes, stream, chunk)?,
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
        Content::Coded { header, raw_planes, stream } => {
            check_size(header.geometry.chunk_bytes(), expected)?;
            let mut chunk = Buffer::zeroed(header.geometry.chunk_bytes())?;
            decode_coded(header, raw_planes, stream, &mut chunk)?;
            chunk
        }
    };
    verify(&payload, &chunk)?;
    Ok(chunk)
}

fn verify(payload: &Payload<'_>, chunk: &[u8]) -> Result<()> {
    if switch_from_env("H5H264_VERIFY", true) { payload.verify(chunk) } else { Ok(()) }
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
    let geometry = options.geometry.folded();
    let frames = Frames { bytes: chunk, geometry: &geometry, big_endian: options.big_endian };
    let n_threads = Process::current().n_threads();
    let plan = transform::plan::<S>(&frames, options.kind, options.preset, n_threads);
    let transform = &plan.transform;
    let strip_height = video::strip_height(&geometry, transform, options.preset);
    let video = VideoOptions::of(&geometry, transform, options.preset, n_threads);
    let encode = |rows| strip::encode::<S>(&frames, rows, &plan, video.as_ref());
    let strips = parallel::map(geometry.strips(strip_height).collect(), n_threads, encode)?;

    let video = video.map(|VideoOptions { format, .. }| {
        let access_unit_bytes =
            strips.iter().flat_map(|strip| &strip.video.access_unit_bytes).copied().collect();
        Video { format, n_bands: 1, access_unit_bytes }
    });
    let header =
        Header { geometry, strip_height, big_endian: options.big_endian, transform: plan.transform, video };
    let raw_planes = strips.iter().map(|strip| &strip.raw_planes[..]);
    let streams = strips.iter().map(|strip| &strip.video.stream[..]);
    payload::write_coded(chunk, &header, &raw_planes.chain(streams).collect::<Vec<_>>())
}

fn decode_coded(header: &Header, raw_planes: &[u8], stream: &[u8], chunk: &mut [u8]) -> Result<()> {
    let decode = match header.geometry.sample_bytes {
        1 => decode_samples::<u8>,
        2 => decode_samples::<u16>,
        4 => decode_samples::<u32>,
        _ => decode_samples::<u64>,
    };
    decode(header, raw_planes, stream, chunk)
}

fn decode_samples<S: Sample>(
    header: &Header,
    raw_planes: &[u8],
    stream: &[u8],
    chunk: &mut [u8],
) -> Result<()> {
    let strips = strip::split(header, raw_planes, stream, chunk)?;
    let n_threads = Process::current().n_threads();
    parallel::map(strips, n_threads, |strip| strip::decode::<S>(header, strip, n_threads))?;
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
    if !switch_from_env("H5H264_VERIFY_WRITE", false) {
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
