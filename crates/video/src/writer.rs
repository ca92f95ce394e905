use std::path::Path;

use h5h264::avcodec::Preset;
use h5h264::geometry::Geometry;
use h5h264::movie::Movie;

use crate::container::Container;
use crate::error::{Result, unsupported};
use crate::ffv1::Ffv1Encoder;
use crate::h264::H264Encoder;
use crate::output::Output;
use crate::shape::{FrameFormat, FrameRate, FrameShape};

/// An encoder takes memory for every picture that is coded at the same time.
const MAX_THREADS: usize = 16;

/// How a video is written.
#[derive(Debug, Clone, Copy)]
pub struct VideoOptions {
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// x264's preset, which FFV1 does without.
    pub preset: Preset,
    /// Frames, or parts of a frame, that are coded at the same time.
    pub n_threads: usize,
}

/// Writes a video losslessly: `.mp4` or `.mkv` with H.264 for 8-bit gray and RGB, `.mkv` with FFV1 for
/// 16-bit gray. It is flagged as of full range, so that conversions leave gray levels as they are.
///
/// The file is whole after [`finish`](Self::finish), and only then: who needs it under its name in one
/// piece writes to another name first.
pub struct VideoWriter {
    shape: FrameShape,
    options: VideoOptions,
    encoder: Encoder,
    output: Output,
}

enum Encoder {
    /// Opened for the first frame that has to be coded.
    H264(Option<H264Encoder>),
    Ffv1(Ffv1Encoder),
}

impl VideoWriter {
    /// Starts a file at `path`, in place of what is there. An error if the container does not hold such
    /// frames.
    pub fn create(
        path: &Path,
        container: Container,
        shape: FrameShape,
        options: VideoOptions,
    ) -> Result<Self> {
        let n_threads = options.n_threads.clamp(1, MAX_THREADS);
        if shape.format == FrameFormat::Rgb48 {
            return Err(unsupported!("frames of {shape} can't be written as video (expected 8 bits)"));
        }
        let options = VideoOptions { n_threads, ..options };
        let mut output = Output::new(path, container, shape, options.frame_rate)?;
        let encoder = match shape.format {
            FrameFormat::Gray8 | FrameFormat::Rgb24 => Encoder::H264(None),
            FrameFormat::Rgb48 => unreachable!("checked above"),
            FrameFormat::Gray16 => {
                let mut encoder = Ffv1Encoder::open(&shape, n_threads)?;
                output.start(encoder.extradata())?;
                Encoder::Ffv1(encoder)
            }
        };
        Ok(Self { shape, options, encoder, output })
    }

    /// Adds a frame: its rows from the top without gaps. An error unless it has as many bytes as a
    /// frame has.
    pub fn write(&mut self, frame: &[u8]) -> Result<()> {
        if frame.len() != self.shape.frame_bytes() {
            return Err(unsupported!(
                "a frame of {} bytes (expected {}: {})",
                frame.len(),
                self.shape.frame_bytes(),
                self.shape
            ));
        }
        match &mut self.encoder {
            Encoder::Ffv1(encoder) => self.output.write(encoder.encode(frame)?, true),
            Encoder::H264(encoder) => {
                let VideoOptions { preset, n_threads, .. } = self.options;
                let encoder = match encoder {
                    Some(encoder) => encoder,
                    None => encoder.insert(H264Encoder::open(&self.shape, preset, n_threads)?),
                };
                self.output.write_coded(&encoder.encode(frame)?)
            }
        }
    }

    /// Adds the first `n_frames` frames of a chunk as they are coded. An error unless the movie has
    /// frames of this shape, and as many.
    ///
    /// The chunks of a dataset nearly always have the same parameter sets. Those of the first frame are
    /// at the start of the file; others, of another preset say, hold from their chunk on, in whose
    /// first access unit decoders find them.
    pub fn write_movie(&mut self, movie: &Movie<'_>, n_frames: usize) -> Result<()> {
        let Geometry { height, width, n_components, .. } = movie.geometry;
        let expected_components = match self.shape.format {
            FrameFormat::Gray8 => 1,
            FrameFormat::Rgb24 => 3,
            FrameFormat::Gray16 | FrameFormat::Rgb48 => {
                return Err(unsupported!("frames of {} are no movie", self.shape));
            }
        };
        if (height, width, n_components) != (self.shape.height, self.shape.width, expected_components) {
            return Err(unsupported!(
                "a movie of {height} × {width} pixels of {n_components} components (expected {})",
                self.shape
            ));
        }
        let Some(access_units) = movie.access_units.get(..n_frames) else {
            let n = movie.access_units.len();
            return Err(unsupported!("a movie of {n} frames (expected {n_frames} or more)"));
        };
        self.flush()?;
        access_units.iter().try_for_each(|access_unit| self.output.write_access_unit(access_unit))
    }

    /// Completes the file. An error if there was no frame.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.output.finish()
    }

    /// Writes the frames that are being coded.
    fn flush(&mut self) -> Result<()> {
        match &mut self.encoder {
            Encoder::H264(Some(encoder)) => self.output.write_coded(&encoder.flush()?),
            Encoder::H264(None) | Encoder::Ffv1(_) => Ok(()),
        }
    }
}
