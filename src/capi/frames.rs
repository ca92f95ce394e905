//! What a program says of its frames before it encodes any: cd_values, and the room for an encoded chunk.

use std::ffi::{c_char, c_int};
use std::ptr;

use h5filter::{CdValues, Failure, Minor, SampleKind};

use super::{Status, attempt, input};
use crate::as_it_is::HEAD_BYTES;
use crate::error::Result;
use crate::geometry::Geometry;
use crate::options::{self, Options};
use crate::payload::Layout;

/// Added to a type: samples are big-endian.
const BIG_ENDIAN: c_int = 0x100;

/// A movie's samples of 8 bits take at most so many bytes. What a sample differs from its prediction by has 9 bits, for
/// which CAVLC has up to 28, of the first samples of a block, and 14 later; CABAC has about as many.
const MAX_CODED_BYTES: usize = 4;
/// Sides of pictures are coded as multiples of this.
const MACROBLOCK: usize = 16;
/// For headers of a picture and its slices.
const PICTURE_HEAD_BYTES: usize = 1 << 10;
/// For what is before all pictures: parameter sets, header of the chunk.
const MOVIE_HEAD_BYTES: usize = 1 << 12;

/// The cd_values of a dataset of such frames; [`h5h264.h`](super) says more.
///
/// # Safety
/// Ten values can be written to `cd_values`, and `error_bytes` bytes to `error`, which may be null when there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_cd_values(
    n_frames: u64,
    height: u32,
    width: u32,
    n_components: u32,
    r#type: c_int,
    preset: c_int,
    layout: c_int,
    cd_values: *mut u32,
    error: *mut c_char,
    error_bytes: usize,
) -> c_int {
    let work = || {
        let (kind, sample_bytes, big_endian) = sample_of(r#type)?;
        let geometry =
            Geometry::new(n_frames, height.into(), width.into(), n_components.into(), sample_bytes)?;
        // What is negative is too large, too.
        Ok(options::values_of_frames(geometry, kind, big_endian, preset as u32, layout as u32)?)
    };
    // SAFETY: the caller's contract.
    match unsafe { attempt(work, error, error_bytes) } {
        Ok(values) => {
            let values: CdValues = values;
            // SAFETY: the caller's contract; there are ten values.
            unsafe { ptr::copy_nonoverlapping(values.as_ptr(), cd_values, values.len()) };
            Status::Done as c_int
        }
        Err(status) => status as c_int,
    }
}

/// The most bytes that a chunk is encoded to, or 0 if `cd_values` do not fit it.
///
/// # Safety
/// `cd_values` points to `n_cd_values` values, which stay as they are during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn h5h264_encode_bound(
    cd_values: *const u32,
    n_cd_values: usize,
    chunk_bytes: usize,
) -> usize {
    // SAFETY: the caller's contract.
    let cd_values = unsafe { input(cd_values, n_cd_values) };
    h5filter::guard(|| Ok(bound(cd_values, chunk_bytes)?)).unwrap_or(0)
}

/// Kind, size and byte order of the samples of a type.
fn sample_of(r#type: c_int) -> std::result::Result<(SampleKind, u64, bool), Failure> {
    let (kind, sample_bytes) = match r#type & !BIG_ENDIAN {
        bytes @ (0x01 | 0x02 | 0x04 | 0x08) => (SampleKind::Unsigned, bytes),
        bytes @ (0x11 | 0x12 | 0x14 | 0x18) => (SampleKind::Signed, bytes & 0xf),
        bytes @ (0x22 | 0x24 | 0x28) => (SampleKind::Float, bytes & 0xf),
        _ => {
            let message = format!("type {type:#x} does not exist (expected one of h5h264_type in h5h264.h)");
            return Err(Failure::new(Minor::BadValue, message));
        }
    };
    Ok((kind, sample_bytes as u64, r#type & BIG_ENDIAN != 0))
}

fn bound(cd_values: &[u32], chunk_bytes: usize) -> Result<usize> {
    let options = Options::for_chunk(cd_values, chunk_bytes)?;
    let as_it_is = chunk_bytes.saturating_add(HEAD_BYTES);
    if options.layout == Layout::H5h264 || chunk_bytes != options.geometry.chunk_bytes() {
        return Ok(as_it_is);
    }
    let Geometry { n_frames, height, width, n_components, .. } = options.geometry;
    let (n_pictures, height, width, n_planes) = match options.layout {
        Layout::Original => {
            let (height, width) = options.original_picture()?;
            // Its pictures also have chroma, of half the size.
            (chunk_bytes / (height * width), height, width, 2)
        }
        _ => (n_frames, height, width, n_components),
    };
    let pixels = height.next_multiple_of(MACROBLOCK).saturating_mul(width.next_multiple_of(MACROBLOCK));
    let picture_bytes = pixels.saturating_mul(n_planes * MAX_CODED_BYTES).saturating_add(PICTURE_HEAD_BYTES);
    Ok(n_pictures.saturating_mul(picture_bytes).saturating_add(MOVIE_HEAD_BYTES))
}
