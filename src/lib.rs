//! Lossless H.264 for image sequences in HDF5: filter 32010.
//!
//! The library is an HDF5 dynamic filter plugin. A chunk's way is a straight line, in
//! [`filter`]: its bytes are described as frames ([`options`], [`geometry`]), its samples
//! transformed ([`transform`]), their upper bits coded as pictures ([`video`], [`avcodec`]), what is noise
//! by an entropy coder ([`noise`]), what repeats by zstd, and the whole stored with its checksums ([`payload`]). Nothing calls back up. [`capi`] offers the
//! same to programs that read and write stored chunks themselves.

pub mod advice;
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

use std::ffi::CStr;

use h5filter::{Buffer, Failure, Filter, NewDataset, PluginClass};

/// The filter id. The HDF Group's list has it as LPC-Rice's; the users of h5h264 have always used it.
pub const FILTER_ID: i32 = 32010;

struct H264;

impl Filter for H264 {
    const ID: i32 = FILTER_ID;
    const NAME: &'static CStr = c"h5h264";

    fn set_local(dataset: &NewDataset<'_>) -> Result<(), Failure> {
        let cd_values = options::resolve(dataset)?;
        video::check_encoder()?;
        dataset.set_cd_values(&cd_values)
    }

    fn encode(cd_values: &[u32], chunk: &[u8]) -> Result<Buffer, Failure> {
        Ok(filter::encode(cd_values, chunk)?)
    }

    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure> {
        Ok(filter::decode(cd_values, stored)?)
    }
}

/// What a program that contains this crate and HDF5 hands to `H5Zregister`, once.
pub static PLUGIN_CLASS: PluginClass = PluginClass::of::<H264>();

#[cfg(feature = "plugin")]
h5filter::export_plugin!(H264);
