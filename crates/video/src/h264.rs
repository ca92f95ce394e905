use h5h264::avcodec::{Coded, Encoder, EncoderConfig, LinesMut, Preset, Reference, Threads};
use h5h264::picture::PixelFormat;

use crate::error::Result;
use crate::shape::{FrameFormat, FrameShape};

/// Frames from one to the next that a player can start with.
const KEY_FRAME_INTERVAL: usize = 250;

/// The encoder of the filter. It makes access units in Annex B format, of which key frames have the
/// parameter sets.
pub(crate) struct H264Encoder {
    encoder: Encoder,
    row_bytes: usize,
    /// Since the last key frame.
    n_frames: usize,
}

impl H264Encoder {
    pub(crate) fn open(shape: &FrameShape, preset: Preset, n_threads: usize) -> Result<Self> {
        let format = match shape.format {
            FrameFormat::Rgb24 | FrameFormat::Rgb48 => PixelFormat::Rgb,
            FrameFormat::Gray8 | FrameFormat::Gray16 => PixelFormat::Gray,
        };
        let config = EncoderConfig {
            width: shape.width,
            height: shape.height,
            format,
            preset,
            n_slices: 1,
            threads: if n_threads > 1 { Threads::Pictures(n_threads) } else { Threads::None },
        };
        Ok(Self { encoder: Encoder::open(&config)?, row_bytes: shape.row_bytes(), n_frames: 0 })
    }

    /// Codes a frame and returns what is ready, of this frame or of some before it.
    pub(crate) fn encode(&mut self, frame: &[u8]) -> Result<Coded> {
        let reference = if self.n_frames == 0 { Reference::Start } else { Reference::Before };
        self.n_frames = (self.n_frames + 1) % KEY_FRAME_INTERVAL;
        self.encoder.encode(reference, |lines| copy_rows(frame, self.row_bytes, lines))?;
        Ok(self.encoder.take_coded())
    }

    /// Returns what has not come yet. The next frame will be a key frame.
    pub(crate) fn flush(&mut self) -> Result<Coded> {
        self.n_frames = 0;
        Ok(self.encoder.finish_chunk()?)
    }
}

/// Fills a picture with the rows of a frame.
pub(crate) fn copy_rows(frame: &[u8], row_bytes: usize, mut lines: LinesMut<'_>) {
    for (y, row) in frame.chunks_exact(row_bytes).enumerate() {
        lines.line(y)[..row_bytes].copy_from_slice(row);
    }
}
