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

/// Write a dataset as a lossless video, as PNG or TIFF files, or as a NumPy array
///
/// The name OUT decides what is written. frames.mp4 and frames.mkv are lossless videos: H.264 for uint8, gray
/// or RGB, and FFV1 for uint16, in .mkv only. frames.png becomes a file per frame, frames_0.png, frames_1.png
/// …, and so does frames.tif. frames.npy is the dataset as a NumPy array. Chunks that are plain movies are
/// copied into a video without being decoded.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file, and the path of the dataset in it
    #[arg(value_name = "FILE:/DATASET")]
    target: Target,
    /// What to write: *.mp4, *.mkv, *.png, *.tif or *.npy
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Frames per second of a video: a number, or a fraction such as 30000/1001 [default: the attribute fps of
    /// the dataset, or 30]
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
        h5::check_available(&dataset).with_context(|| name.to_owned())?;
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
