//! The straight line: a chunk is encoded, a chunk is decoded.

use h5filter::Buffer;

use crate::error::{Error, Result, damaged, filled};
use crate::geometry::Geometry;
use crate::options::{self, Options};
use crate::original;
use crate::payload::Layout;
use crate::payload::{self, Content, Header, Payload};
use crate::process::{ChunkKey, Process, switch_from_env};
use crate::transform::{self, Coding, Plane, Sample, Transform, bits, order};
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
        return original::encode(&options, chunk);
    }
    match encode_coded(&options, chunk) {
        Ok(Some(stored)) if is_sound(cd_values, &stored, chunk)? => Ok(stored),
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
        let mut chunk = Buffer::zeroed(known.len())?;
        chunk.copy_from_slice(&known);
        return Ok(chunk);
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
            // A filter before this one can have changed the chunk's size. If not, HDF5 before 2.2
            // reads a whole chunk from the buffer, however little a damaged file has in it.
            let mut copy = Buffer::zeroed(chunk.len().max(expected.unwrap_or(0)))?;
            copy.truncate(chunk.len());
            copy.copy_from_slice(chunk);
            copy
        }
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

/// `None` if coding does not pay, or if the chunk is not what the options describe (a filter
/// before this one has changed its size).
fn encode_coded(options: &Options, chunk: &[u8]) -> Result<Option<Buffer>> {
    if chunk.len() != options.geometry.chunk_bytes() {
        return Ok(None);
    }
    let stored = match options.geometry.sample_bytes {
        1 => encode_samples::<u8>(options, chunk)?,
        2 => encode_samples::<u16>(options, chunk)?,
        4 => encode_samples::<u32>(options, chunk)?,
        _ => encode_samples::<u64>(options, chunk)?,
    };
    Ok(Some(stored).filter(|stored| stored.len() < chunk.len()))
}

fn encode_samples<S: Sample>(options: &Options, chunk: &[u8]) -> Result<Buffer> {
    let geometry = options.geometry.folded();
    let mut numbers = filled::<S>(geometry.n_frames * geometry.frame_samples())?;
    for (samples, frame) in
        frames_mut(&mut numbers, &geometry).zip(chunk.chunks_exact(geometry.frame_bytes()))
    {
        order::load(frame, &geometry, options.big_endian, samples);
    }
    let transform = transform::plan(&mut numbers, &geometry, options.kind, options.preset);
    let (video, stream) = video::encode(&numbers, &geometry, &transform, options.preset)?.unzip();
    let raw_bytes = geometry.n_frames * transform.raw_bytes(geometry.frame_samples());
    let header = Header { geometry, big_endian: options.big_endian, transform, video };
    let mut bytes = filled(geometry.frame_samples())?;
    let pack = |packed: &mut [u8]| pack_raw_planes(&numbers, &header.transform, packed, &mut bytes);
    payload::write_coded(chunk, &header, raw_bytes, pack, &stream.unwrap_or_default())
}

fn decode_samples<S: Sample>(header: &Header, raw_planes: &[u8], stream: &[u8]) -> Result<Buffer> {
    let Header { geometry, transform, video, .. } = header;
    let mut video = match video {
        Some(video) => Some(FrameDecoder::new(geometry, transform, video, stream)?),
        None => None,
    };
    let mut chunk = Buffer::zeroed(geometry.chunk_bytes())?;
    let mut numbers = filled::<S>(geometry.frame_samples())?;
    let mut bytes = filled::<u8>(geometry.frame_samples())?;
    let frame_raw_bytes = transform.raw_bytes(geometry.frame_samples());
    for (t, frame) in chunk.chunks_exact_mut(geometry.frame_bytes()).enumerate() {
        let raw_planes = &raw_planes[t * frame_raw_bytes..][..frame_raw_bytes];
        unpack_raw_planes(raw_planes, transform, &mut numbers, &mut bytes);
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

fn frames_mut<'a, S>(numbers: &'a mut [S], geometry: &Geometry) -> impl Iterator<Item = &'a mut [S]> {
    numbers.chunks_exact_mut(geometry.frame_samples())
}

/// Packs the raw planes, frame by frame; `bytes` is scratch with room for a frame.
fn pack_raw_planes<S: Sample>(numbers: &[S], transform: &Transform, mut packed: &mut [u8], bytes: &mut [u8]) {
    for frame in numbers.chunks_exact(bytes.len()) {
        for (shift, plane) in raw_planes(transform) {
            let mask = 0xff >> (8 - plane.bits);
            bytes.iter_mut().zip(frame).for_each(|(byte, number)| *byte = number.byte_at(shift) & mask);
            let (first, rest) = packed.split_at_mut(bits::packed_bytes(frame.len(), plane.bits));
            bits::pack(bytes, plane.bits, first);
            packed = rest;
        }
    }
}

/// Sets the numbers of a frame to what its constant and raw planes say; `bytes` is scratch.
fn unpack_raw_planes<S: Sample>(
    mut packed: &[u8],
    transform: &Transform,
    numbers: &mut [S],
    bytes: &mut [u8],
) {
    let constant =
        transform.placed_planes().fold(S::default(), |constant, (shift, plane)| match plane.coding {
            Coding::Constant(byte) => constant.or(S::from_byte(byte, shift)),
            _ => constant,
        });
    numbers.fill(constant);
    for (shift, plane) in raw_planes(transform) {
        let (first, rest) = packed.split_at(bits::packed_bytes(numbers.len(), plane.bits));
        bits::unpack(first, plane.bits, bytes);
        numbers
            .iter_mut()
            .zip(&*bytes)
            .for_each(|(number, &byte)| *number = number.or(S::from_byte(byte, shift)));
        packed = rest;
    }
}

fn raw_planes(transform: &Transform) -> impl Iterator<Item = (u32, Plane)> {
    transform.placed_planes().filter(|(_, plane)| plane.coding == Coding::Raw)
}

/// With `H5H264_VERIFY_WRITE=1`, whether the stored chunk decodes to the chunk it was made from.
fn is_sound(cd_values: &[u32], stored: &[u8], chunk: &[u8]) -> Result<bool> {
    if !switch_from_env("H5H264_VERIFY_WRITE", false) {
        return Ok(true);
    }
    match decode_uncached(cd_values, stored) {
        Ok(decoded) => Ok(decoded[..] == *chunk),
        Err(Error::OutOfMemory(e)) => Err(e.into()),
        Err(_) => Ok(false),
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
