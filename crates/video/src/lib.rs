//! Lossless video files from frames, and frames from any video file.
//!
//! [`VideoWriter`] writes `.mp4` and `.mkv`: 8-bit gray and RGB as lossless H.264, 16-bit gray as FFV1.
//! Access units that exist already, those of a stored chunk, go in as they are. [`VideoReader`] gives
//! the frames of whatever FFmpeg was built to read. [`pipe`] does both for a program that is at the
//! other end of a pipe.

#[cfg(feature = "static")]
extern crate libz_sys as _;

mod annexb;
mod container;
mod demuxer;
mod error;
mod ffv1;
mod h264;
mod matroska;
mod muxer;
mod output;
mod parameter_sets;
pub mod pipe;
mod reader;
mod rotation;
mod scaler;
mod shape;
mod writer;

pub use container::Container;
pub use error::{Error, Result};
pub use reader::VideoReader;
pub use rotation::display_matrix;
pub use shape::{FrameFormat, FrameRate, FrameShape};
pub use writer::{VideoOptions, VideoWriter};
