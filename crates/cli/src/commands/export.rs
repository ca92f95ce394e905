mod frames;
mod npy;
mod pictures;
mod video;

use std::path::PathBuf;

use ::video::{FrameRate, VideoOptions};
use anyhow::{Context, Result, bail};
use clap::Args;
use hdf5::Dataset;

use crate::h5::{self, Explain};
use crate::parallel::Threads;
use crate::preset::PresetOption;
use crate::target::Target;

use frames::Frames;

const DEFAULT_RATE: FrameRate = FrameRate { num: 30, den: 1 };

/// Write a dataset's frames as a video, as PNG or TIFF files, or the dataset as a NumPy array
///
/// OUT says which: frames.mp4 or frames.mkv, a lossless video: H.264 of uint8, gray or RGB, or, in .mkv, FFV1
/// of uint16; frames.png, which becomes frames_0.png, frames_1.png …; frames.tif likewise; frames.npy.
/// Chunks that are plain movies go into a video without decoding.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The dataset: FILE:/path
    #[arg(value_name = "FILE:/DATASET")]
    target: Target,
    /// What to write: *.mp4, *.mkv, *.png, *.tif or *.npy
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Frames per second of a video: a number, or a fraction as 30000/1001 [default: the dataset's attribute
    /// fps, or 30]
    #[arg(long, value_name = "FPS")]
    fps: Option<FrameRate>,
    #[command(flatten)]
    preset: PresetOption,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let name = self.target.dataset()?;
        let file = h5::open_file(&self.target.file)?;
        let dataset = file.dataset(name).explained().with_context(|| format!("can't open {name}"))?;
        let frames = Frames::of(&dataset).with_context(|| name.to_owned())?;
        let extension = self.output.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let (output, input, n_threads) = (&self.output, &self.target.file, self.threads.n());
        match &*extension {
            "npy" => npy::write(&frames, output, input),
            "png" => pictures::write(&frames, output, input, n_threads, pictures::png),
            "tif" | "tiff" => pictures::write(&frames, output, input, n_threads, pictures::tiff),
            "mp4" | "mkv" => {
                let frame_rate = self.fps.or_else(|| stored_rate(&dataset)).unwrap_or(DEFAULT_RATE);
                let options = VideoOptions { frame_rate, preset: self.preset.preset(), n_threads };
                video::write(&frames, output, input, options)
            }
            _ => {
                bail!("{} (expected a name that ends with .mp4, .mkv, .png, .tif or .npy)", output.display())
            }
        }
    }
}

/// What `convert` has written, or others have.
fn stored_rate(dataset: &Dataset) -> Option<FrameRate> {
    FrameRate::from_number(dataset.attr("fps").ok()?.read_scalar().ok()?).ok()
}
