//! The straight line: a chunk is encoded, a chunk is decoded.

use h5filter::Buffer;

use crate::error::{Error, Result, damaged, filled};
use crate::options::{self, Options};
use crate::original;
use crate::payload::{self, Content, Header, Layout, Payload};
use crate::process::{ChunkKey, Process, switch_from_env};
use crate::transform::{self, Sample, order};
use crate::video::{self, FrameDecoder};

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
        return copy_of(&known);
    }
    let chunk = decode_uncached(cd_values, stored)?;
    // A chunk that is stored as it is comes as fast from there.
    if chunk.len() > stored.len() {
        process.chunks.put(key, &chunk);
    }
    Ok(chunk)
}

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
            copy_of(chunk)?
        }
        Content::Resized(chunk) => copy_of_resized(chunk, expected)?,
        Content::Coded { header, raw_planes, stream } => {
            check_size(header.geometry.chunk_bytes(), expected)?;
            match header.geometry.sample_bytes {
                1 => decode_samples::<u8>(header, raw_planes, stream)?,
                2 => decode_samples::<u16>(header, raw_planes, stream)?,
                4 => decode_samples::<u32>(header, raw_planes, stream)?,
                _ => decode_samples::<u64>(header, raw_planes, stream)?,
            }
        }
    };
    if switch_from_env("H5H264_VERIFY", true) {
        payload.verify(&chunk)?;
    }
    Ok(chunk)
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
    let mut numbers = filled::<S>(geometry.n_frames * geometry.frame_samples())?;
    let samples = numbers.chunks_exact_mut(geometry.frame_samples());
    for (samples, frame) in samples.zip(chunk.chunks_exact(geometry.frame_bytes())) {
        order::load(frame, &geometry, options.big_endian, samples);
    }
    let transform = transform::plan(&mut numbers, &geometry, options.kind, options.preset);
    let (video, stream) = video::encode(&numbers, &geometry, &transform, options.preset)?.unzip();
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    let header = Header { geometry, big_endian: options.big_endian, transform, video };
    let pack = |mut packed: &mut [u8]| {
        for frame in numbers.chunks_exact(geometry.frame_samples()) {
            let (first, rest) = packed.split_at_mut(frame_raw_bytes);
            header.transform.pack_raw(frame, first);
            packed = rest;
        }
    };
    payload::write_coded(
        chunk,
        &header,
        geometry.n_frames * frame_raw_bytes,
        pack,
        &stream.unwrap_or_default(),
    )
}

fn decode_samples<S: Sample>(header: &Header, raw_planes: &[u8], stream: &[u8]) -> Result<Buffer> {
    let Header { geometry, transform, video, .. } = header;
    let mut video = match video {
        Some(video) => Some(FrameDecoder::new(geometry, transform, video, stream)?),
        None => None,
    };
    let mut chunk = Buffer::zeroed(geometry.chunk_bytes())?;
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    for (t, frame) in chunk.chunks_exact_mut(geometry.frame_bytes()).enumerate() {
        let raw_planes = &raw_planes[t * frame_raw_bytes..][..frame_raw_bytes];
        transform.unpack_raw(raw_planes, &mut numbers);
        if let Some(video) = &mut video {
            video.decode(t, &mut numbers)?;
        }
        if let Some(table) = &transform.table {
            table.undo(&mut numbers)?;
        }
        transform.mapping.undo(&mut numbers);
        order::store(&numbers, geometry, header.big_endian, frame);
    }
    if let Some(video) = video {
        video.finish();
    }
    Ok(chunk)
}

fn copy_of(bytes: &[u8]) -> Result<Buffer> {
    let mut copy = Buffer::zeroed(bytes.len())?;
    copy.copy_from_slice(bytes);
    Ok(copy)
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
