//! Lossless H.264 for image sequences in HDF5: filter 32010.
//!
//! The library is an HDF5 dynamic filter plugin. A chunk's way is a straight line, in
//! [`filter`]: its bytes are described as frames ([`options`], [`geometry`]), its samples
//! transformed ([`transform`]), their upper bits coded as pictures ([`video`], [`avcodec`]), what is noise
//! by an entropy coder ([`noise`]), what repeats by zstd, and the whole stored with its checksums ([`payload`]). Nothing calls back up. [`capi`] offers the
//! same to programs that read and write stored chunks themselves.

pub mod advice;
mod as_it_is;
pub mod avcodec;
pub mod capi;
pub mod error;
pub mod filter;
mod fixed_log2;
pub mod geometry;
pub mod movie;
#[doc(hidden)]
pub mod noise;
pub mod options;
mod original;
pub mod payload;
pub mod picture;
#[doc(hidden)]
pub mod process;
mod strip;
pub mod transform;
mod varint;
#[doc(hidden)]
pub mod video;
mod zstd_plane;

use std::borrow::Cow;
use std::ffi::CStr;

use h5filter::{Buffer, Failure, Filter, Library, NewDataset, OutOfMemory, PluginClass, memory};

use options::Options;
use payload::Layout;

/// The filter id. The HDF Group's list has it as LPC-Rice's; the users of h5h264 have always used it.
pub const FILTER_ID: i32 = 32010;

/// What encoding needs beside what grows with the chunk: tables, sessions of small pictures.
const SMALL_BUFFERS_BYTES: usize = 8 << 20;

/// What an allocator needs at most to keep account of a buffer, and to round it up.
const ALLOCATORS_BYTES: usize = 256 << 10;

struct H264;

impl Filter for H264 {
    const ID: i32 = FILTER_ID;
    const NAME: &'static CStr = c"h5h264";
    const WRAPPING_BYTES: usize = as_it_is::HEAD_BYTES;

    fn set_local(dataset: &NewDataset<'_>) -> Result<(), Failure> {
        let cd_values = options::resolve(dataset)?;
        video::check_encoder()?;
        // An optional filter is left out, in silence, by every program that does not have it. The original
        // layout can't hold every chunk, so there it is as the user says.
        let options = Options::for_chunk(&cd_values, 0)?;
        put_by_for(options.geometry.chunk_bytes());
        match options.layout {
            Layout::Original => dataset.set_cd_values(&cd_values),
            _ => dataset.set_mandatory_cd_values(&cd_values),
        }
    }

    fn encode(cd_values: &[u32], chunk: &[u8]) -> Result<Buffer, Failure> {
        put_by_for(chunk.len());
        let bytes = chunk.len().saturating_mul(2).saturating_add(SMALL_BUFFERS_BYTES);
        if !memory::is_available(bytes) {
            return Err(OutOfMemory { bytes }.into());
        }
        Ok(filter::encode(&values_for(cd_values, chunk.len()), chunk)?)
    }

    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure> {
        Ok(filter::decode(cd_values, stored)?)
    }

    fn wrap(cd_values: &[u32], room: &mut [u8], chunk_bytes: usize) -> Result<usize, Failure> {
        Ok(as_it_is::wrap(&values_for(cd_values, chunk_bytes), room, chunk_bytes)?)
    }
}

/// The values for a chunk whose dataset could not be asked: of pointers, if HDF5 calls.
fn values_for(cd_values: &[u32], chunk_bytes: usize) -> Cow<'_, [u32]> {
    let values = options::values_of_pointers(cd_values, chunk_bytes);
    match values.filter(|_| Library::calling().is_some()) {
        Some(values) => values.into(),
        None => cd_values.into(),
    }
}

/// So that a chunk can be stored as it is when there is no memory.
fn put_by_for(chunk_bytes: usize) {
    memory::put_by(chunk_bytes.saturating_add(as_it_is::HEAD_BYTES + ALLOCATORS_BYTES));
}

/// What a program that contains this crate and HDF5 hands to `H5Zregister`, once.
pub static PLUGIN_CLASS: PluginClass = PluginClass::of::<H264>();

#[cfg(feature = "plugin")]
h5filter::export_plugin!(H264);
