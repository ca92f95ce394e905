//! Frames that compress, and what the `ffmpeg` program makes of a file.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;
use std::process::Command;

use h5h264::avcodec::Preset;
use video::{Container, FrameFormat, FrameRate, FrameShape, Result, VideoOptions, VideoReader, VideoWriter};

/// Gradients that move, of all values, with a little noise.
pub fn frames(shape: &FrameShape, n_frames: usize) -> Vec<Vec<u8>> {
    let noise = |i: usize| (i as u32).wrapping_mul(2_654_435_761) >> 31;
    (0..n_frames)
        .map(|t| {
            let n_values = shape.frame_bytes() / if shape.format == FrameFormat::Gray16 { 2 } else { 1 };
            let value = |i: usize| (i / 3 + 5 * t) as u32 + noise(i * (t + 1));
            match shape.format {
                FrameFormat::Gray16 => {
                    (0..n_values).flat_map(|i| (value(i).wrapping_mul(97) as u16).to_ne_bytes()).collect()
                }
                _ => (0..n_values).map(|i| value(i) as u8).collect(),
            }
        })
        .collect()
}

pub fn options() -> VideoOptions {
    VideoOptions { frame_rate: FrameRate::new(30, 1).unwrap(), preset: Preset::default(), n_threads: 2 }
}

/// Starts a video of the container that the path names.
pub fn create(path: &Path, shape: FrameShape, options: VideoOptions) -> Result<VideoWriter> {
    VideoWriter::create(path, Container::of(path)?, shape, options)
}

pub fn write(path: &Path, shape: FrameShape, frames: &[Vec<u8>], options: VideoOptions) {
    let mut writer = create(path, shape, options).unwrap();
    frames.iter().for_each(|frame| writer.write(frame).unwrap());
    writer.finish().unwrap();
}

pub fn read(path: &Path) -> (FrameShape, Vec<Vec<u8>>) {
    let mut reader = VideoReader::open(path, 2).unwrap();
    let shape = reader.shape();
    let mut frames = Vec::new();
    loop {
        let mut frame = vec![0; shape.frame_bytes()];
        if !reader.read(&mut frame).unwrap() {
            return (shape, frames);
        }
        frames.push(frame);
    }
}

/// All frames, as the `ffmpeg` program gives them out without further options.
pub fn ffmpeg_read(path: &Path, pixel_format: &str) -> Vec<u8> {
    ffmpeg_convert(path, pixel_format, &[])
}

/// All frames, with options.
pub fn ffmpeg_convert(path: &Path, pixel_format: &str, options: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(options)
        .args(["-f", "rawvideo", "-pix_fmt", pixel_format, "-"])
        .output()
        .expect("the ffmpeg program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A file of what `source` (a filter of FFmpeg) makes, encoded with `arguments`.
pub fn ffmpeg_write(path: &Path, source: &str, arguments: &[&str]) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", source])
        .args(arguments)
        .arg(path)
        .output()
        .expect("the ffmpeg program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
