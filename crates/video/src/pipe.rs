//! Frames through a pipe, for a program that has no libraries to write and read video itself.
//!
//! The stream starts with a line of ASCII that ends in `\n`, its words separated by a space:
//!
//! | word | |
//! |---|---|
//! | `h5h264-frames-1` | the protocol |
//! | `gray8`, `gray16`, `rgb24` or `rgb48` | the [format](FrameFormat) |
//! | height, width | decimal |
//! | frame rate | frames per second, `30/1`; `0/1` if it is not known |
//!
//! Then come messages: a `u32`, little-endian, that says how many frames follow, and those frames. A 0
//! ends the stream, and nothing follows. Otherwise the writer was interrupted.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::path::Path;

use h5h264::avcodec::Preset;

use crate::container::Container;
use crate::error::{Error, Result};
use crate::reader::VideoReader;
use crate::shape::{FrameRate, FrameShape};
use crate::writer::{VideoOptions, VideoWriter};

const PROTOCOL: &str = "h5h264-frames-1";
/// A header line is shorter.
const MAX_HEADER_BYTES: u64 = 256;

/// Writes the frames that come from `input` to a video file, which is whole if this succeeds.
pub fn write_video(
    mut input: impl BufRead,
    path: &Path,
    container: Container,
    preset: Preset,
    n_threads: usize,
) -> Result<()> {
    let (shape, frame_rate) = read_header(&mut input)?;
    let options = VideoOptions { frame_rate, preset, n_threads };
    let mut video = VideoWriter::create(path, container, shape, options)?;
    let mut frame = vec![0; shape.frame_bytes()];
    loop {
        let mut n_frames = [0; 4];
        read_exact(&mut input, &mut n_frames)?;
        match u32::from_le_bytes(n_frames) {
            0 => {
                expect_end(&mut input)?;
                return video.finish();
            }
            n => (0..n).try_for_each(|_| {
                read_exact(&mut input, &mut frame)?;
                video.write(&frame)
            })?,
        }
    }
}

/// Sends the frames of a video file to `output`.
pub fn read_video(path: &Path, mut output: impl Write, n_threads: usize) -> Result<()> {
    let mut video = VideoReader::open(path, n_threads)?;
    let shape = video.shape();
    let rate = video.frame_rate().map_or("0/1".into(), |rate| rate.to_string());
    let header = format!("{PROTOCOL} {} {} {} {rate}\n", shape.format, shape.height, shape.width);
    let gone = |e: std::io::Error| Error::Pipe(format!("frames can't be handed over: {e}"));
    output.write_all(header.as_bytes()).map_err(gone)?;
    let mut frame = vec![0; shape.frame_bytes()];
    while video.read(&mut frame)? {
        output.write_all(&1u32.to_le_bytes()).and_then(|()| output.write_all(&frame)).map_err(gone)?;
    }
    output.write_all(&0u32.to_le_bytes()).and_then(|()| output.flush()).map_err(gone)
}

fn read_header(input: &mut impl BufRead) -> Result<(FrameShape, FrameRate)> {
    let mut line = Vec::new();
    input.take(MAX_HEADER_BYTES).read_until(b'\n', &mut line).map_err(|e| Error::Pipe(e.to_string()))?;
    let line = String::from_utf8_lossy(&line);
    let malformed = || {
        Error::Pipe(format!("the stream starts with {line:?} (expected {PROTOCOL} FORMAT HEIGHT WIDTH FPS)"))
    };
    let words: Vec<_> = line.strip_suffix('\n').ok_or_else(malformed)?.split(' ').collect();
    let [PROTOCOL, format, height, width, frame_rate] = words[..] else { return Err(malformed()) };
    let (Ok(height), Ok(width)) = (height.parse(), width.parse()) else { return Err(malformed()) };
    Ok((FrameShape::new(height, width, format.parse()?)?, frame_rate.parse()?))
}

/// What an interrupted frame leaves would be taken for messages.
fn expect_end(input: &mut impl BufRead) -> Result<()> {
    match input.fill_buf() {
        Ok([]) => Ok(()),
        Ok(_) => Err(Error::Pipe("the stream of frames goes on after its end".into())),
        Err(e) => Err(Error::Pipe(format!("reading frames: {e}"))),
    }
}

fn read_exact(input: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    input.read_exact(bytes).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => Error::Pipe("the stream of frames ended too early".into()),
        _ => Error::Pipe(format!("reading frames: {e}")),
    })
}
