//! libavcodec and x264: the only unsafe media code. Each C object has one owner.
//!
//! Sessions are used from one thread at a time. They are opened without touching any state that
//! other users of a shared libavcodec could see: messages are silenced per context, not globally.

mod annexb;
mod context;
mod decoder;
mod encoder;
mod frame;
mod packet;
mod parser;
mod preset;

pub use context::Context;
pub use decoder::{Decoder, DecoderConfig};
pub use encoder::{Coded, Encoder, EncoderConfig, Reference, Threads};
pub use frame::{Frame, Lines, LinesMut};
pub use packet::Packet;
pub use parser::access_units;
pub use preset::{PRESETS, Preset};

use std::ffi::c_int;

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use crate::error::{Error, Result};

/// Turns FFmpeg's convention (negative: error) into a result.
pub fn check(status: c_int, what: &str) -> Result<c_int> {
    match status {
        0.. => Ok(status),
        _ if status == ff::AVERROR(ff::ENOMEM) => Err(OutOfMemory { bytes: 0 }.into()),
        _ => Err(Error::Codec(format!("{what}: {}", message(status)))),
    }
}

fn message(status: c_int) -> String {
    let mut text = [0u8; ff::AV_ERROR_MAX_STRING_SIZE];
    // SAFETY: av_strerror writes at most `text.len()` bytes, a NUL among them.
    unsafe { ff::av_strerror(status, text.as_mut_ptr().cast(), text.len()) };
    std::ffi::CStr::from_bytes_until_nul(&text)
        .map_or_else(|_| status.to_string(), |s| s.to_string_lossy().into())
}
