//! The layout of the original C plugin: the decoded size as a little-endian u64, then an Annex B
//! stream of 4:2:0 pictures whose luma planes, one after the other, are the chunk.

use h5filter::Buffer;

use crate::avcodec::{Decoder, DecoderConfig, Encoder, EncoderConfig, Reference, Threads, access_units};
use crate::error::{Result, bad_options, damaged};
use crate::options::Options;
use crate::picture::PixelFormat;

const SIZE_BYTES: usize = 8;

/// Codes a chunk as the original would; `options` have been checked to allow it.
pub fn encode(options: &Options, chunk: &[u8]) -> Result<Buffer> {
    let (height, width) = options.original_picture()?;
    let expected = options.geometry.chunk_bytes();
    if chunk.len() != expected {
        return Err(bad_options!(
            "the original layout can't follow a filter that changes the size of chunks (found {} bytes, expected \
             {expected})",
            chunk.len()
        ));
    }
    let mut encoder = Encoder::open(&EncoderConfig {
        width,
        height,
        format: PixelFormat::Yuv420,
        preset: options.preset,
        n_slices: 1,
        threads: Threads::None,
    })?;
    for (t, picture) in chunk.chunks_exact(height * width).enumerate() {
        let fill = |mut lines: crate::avcodec::LinesMut<'_>| {
            for (y, row) in picture.chunks_exact(width).enumerate() {
                lines.line(y)[..width].copy_from_slice(row);
            }
        };
        encoder.encode(if t == 0 { Reference::Start } else { Reference::Before }, fill)?;
    }
    let stream = encoder.finish_chunk()?.stream;
    let mut stored = Buffer::zeroed(SIZE_BYTES + stream.len())?;
    stored[..SIZE_BYTES].copy_from_slice(&(chunk.len() as u64).to_le_bytes());
    stored[SIZE_BYTES..].copy_from_slice(&stream);
    Ok(stored)
}

/// The decoded size that a chunk of the original's announces.
pub fn decoded_bytes(stored: &[u8]) -> Result<usize> {
    let Some(size) = stored.first_chunk::<SIZE_BYTES>() else {
        return Err(damaged!("it has {} bytes (expected more than {SIZE_BYTES})", stored.len()));
    };
    usize::try_from(u64::from_le_bytes(*size)).map_err(|_| damaged!("a size that this machine can't address"))
}

/// Decodes a chunk that the original plugin wrote.
pub fn decode(options: &Options, stored: &[u8]) -> Result<Buffer> {
    let chunk_bytes = decoded_bytes(stored)?;
    let (height, width) = options.original_picture()?;
    let picture_bytes = height * width;
    if !chunk_bytes.is_multiple_of(picture_bytes) {
        return Err(damaged!("{chunk_bytes} bytes of pictures of {height} × {width} bytes"));
    }
    // Found in the stream before the size is believed and memory asked for it.
    let access_units = access_units(&stored[SIZE_BYTES..], chunk_bytes / picture_bytes)?;
    let mut decoder =
        Decoder::open(&DecoderConfig { width, height, format: PixelFormat::Yuv420, n_threads: 1 })?;
    let mut chunk = Buffer::zeroed(chunk_bytes)?;
    for (unit, picture) in access_units.into_iter().zip(chunk.chunks_exact_mut(picture_bytes)) {
        let [luma, ..] = decoder.decode(unit)?;
        for (y, row) in picture.chunks_exact_mut(width).enumerate() {
            row.copy_from_slice(&luma.line(y)[..width]);
        }
    }
    Ok(chunk)
}
