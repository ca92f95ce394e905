use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::ImageReader;
use video::{FrameFormat, FrameRate, FrameShape, VideoReader};

use super::inputs::is_named_as_image;
use super::picture::{Format, Picture, SampleType};
use super::reader::Frame;
use super::scale::Change;

/// Whether a file has no image in it that is read without FFmpeg, by its name or by how it starts.
pub fn is_video(path: &Path) -> Result<bool> {
    if path.is_dir() || is_named_as_image(path) {
        return Ok(false);
    }
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let format = reader.with_context(|| path.display().to_string())?.format();
    Ok(!format.is_some_and(|format| format.reading_enabled()))
}

/// The frames of a video file, in order.
pub struct Video {
    reader: VideoReader,
    path: PathBuf,
    /// Done to each frame at once, since those of many large frames that become small are kept for a chunk.
    change: Change,
    n_frames: u64,
    /// Of all frames so far, in seconds, as long as all have one.
    timestamps: Option<Vec<f64>>,
}

impl Video {
    /// An error if the file is no video, or none that is read here.
    pub fn open(path: &Path, change: Change, n_threads: usize) -> Result<Self> {
        let reader = VideoReader::open(path, n_threads)?;
        Ok(Self { reader, path: path.to_owned(), change, n_frames: 0, timestamps: Some(vec![]) })
    }

    /// What the frames are after the change.
    pub fn format(&self) -> Result<Format> {
        let shape = self.reader.shape();
        Ok(self.change.format(picture(shape, vec![0; shape.frame_bytes()])?.format))
    }

    /// As far as the file tells; 0 if it does not.
    pub fn expected_frames(&mut self) -> u64 {
        self.reader.expected_frames().unwrap_or(0)
    }

    /// Frames per second, if the file tells.
    pub fn frame_rate(&mut self) -> Option<f64> {
        let FrameRate { num, den } = self.reader.frame_rate()?;
        Some(f64::from(num) / f64::from(den))
    }

    /// When each frame that was read is shown, in seconds, if the file tells.
    pub fn timestamps(&self) -> Option<&[f64]> {
        self.timestamps.as_deref()
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        let shape = self.reader.shape();
        let mut frame = vec![0; shape.frame_bytes()];
        if !self.reader.read(&mut frame)? {
            return Ok(None);
        }
        match (&mut self.timestamps, self.reader.timestamp()) {
            (Some(timestamps), Some(seconds)) => timestamps.push(seconds),
            (timestamps, _) => *timestamps = None,
        }
        self.n_frames += 1;
        let name = format!("{}, frame {}", self.path.display(), self.n_frames);
        Ok(Some(Frame::Decoded { name, picture: self.change.apply(picture(shape, frame)?)? }))
    }
}

impl Iterator for Video {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn picture(shape: FrameShape, frame: Vec<u8>) -> Result<Picture> {
    let (width, height) = (u32::try_from(shape.width)?, u32::try_from(shape.height)?);
    let (n_components, sample) = match shape.format {
        FrameFormat::Gray8 => (1, SampleType::U8),
        FrameFormat::Rgb24 => (3, SampleType::U8),
        FrameFormat::Gray16 => (1, SampleType::U16),
    };
    Picture::new(width, height, n_components, sample, frame)
}
