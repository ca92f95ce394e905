use std::path::{Path, PathBuf};

use anyhow::Result;
use video::{FrameFormat, FrameRate, FrameShape, VideoReader};

use super::inputs::is_named_as_image;
use super::kinds::FileKind;
use super::orientation::Orientation;
use super::picture::{Format, Picture, SampleType};
use super::reader::Frame;
use super::scale::Change;

/// Whether a file is read with FFmpeg, by how it starts.
pub fn is_video(path: &Path) -> Result<bool> {
    Ok(!path.is_dir() && !is_named_as_image(path) && FileKind::of(path)? == FileKind::Other)
}

/// The frames of a video file, in order.
pub struct Video {
    reader: VideoReader,
    path: PathBuf,
    orientation: Orientation,
    /// Done to each frame at once, since those of many large frames that become small are kept for a chunk.
    change: Change,
    n_frames: u64,
    /// Of all frames so far, in seconds, as long as all have one.
    timestamps: Option<Vec<f64>>,
}

impl Video {
    /// An error if the file is no video, or none that is read here.
    pub fn open(path: &Path, is_turned: bool, change: Change, n_threads: usize) -> Result<Self> {
        let reader = VideoReader::open(path, n_threads)?;
        let matrix = if is_turned { video::display_matrix(path) } else { None };
        let orientation = matrix.map_or(Orientation::default(), Orientation::of_matrix);
        let path = path.to_owned();
        Ok(Self { reader, path, orientation, change, n_frames: 0, timestamps: Some(vec![]) })
    }

    /// What the frames are after the change.
    pub fn format(&self) -> Result<Format> {
        let shape = self.reader.shape();
        let format = picture(shape, vec![0; shape.frame_bytes()])?.format;
        Ok(self.change.format(self.orientation.format(format)))
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
        let upright = self.orientation.apply(picture(shape, frame)?)?;
        Ok(Some(Frame::Decoded { name, picture: self.change.apply(upright)? }))
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
        FrameFormat::Rgb48 => (3, SampleType::U16),
        FrameFormat::Gray16 => (1, SampleType::U16),
    };
    Picture::new(width, height, n_components, sample, frame)
}
