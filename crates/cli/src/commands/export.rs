mod axes;
mod frames;
mod gif;
mod npy;
mod pictures;
mod stack;
mod video;

use std::path::{Path, PathBuf};

use ::video::{FrameRate, VideoOptions};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use hdf5::Dataset;

use crate::h5::{self, Explain};
use crate::parallel::Threads;
use crate::preset::PresetOption;
use crate::target::Target;

use frames::Frames;
use stack::Dialect;

const DEFAULT_RATE: FrameRate = FrameRate { num: 30, den: 1 };

/// Write a dataset as a lossless video, as PNG or TIFF files, as OME-TIFF, or as a NumPy array
///
/// The name OUT decides what is written. frames.mp4 and frames.mkv are lossless videos: H.264 for uint8, gray
/// or RGB, and FFV1 for uint16, in .mkv only. frames.png becomes a file per frame, frames_0.png, frames_1.png
/// …, and so does frames.tif. frames.ome.tif is one file with all frames, and the dimensions t, z and c: those
/// that the labels of the dataset's dimensions name, or else in this order. frames.npy is the dataset as a NumPy
/// array. frames.gif is for slides, and lossy: it has 256 colours. Chunks that are plain movies are copied into a
/// video without being decoded.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file, and the path of the dataset in it
    #[arg(value_name = "FILE:/DATASET")]
    target: Target,
    /// What to write: *.mp4, *.mkv, *.png, *.tif, *.ome.tif, *.gif or *.npy
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Write one TIFF file, as ImageJ does, instead of a file per frame
    #[arg(long)]
    imagej: bool,
    /// Frames per second of a video or GIF: a number, or a fraction such as 30000/1001 [default: the attribute fps of
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
        let frame_rate = || self.fps.or_else(|| stored_rate(&dataset)).unwrap_or(DEFAULT_RATE);
        let is_tiff = ["tif", "tiff", "btf", "tf2", "tf8"].contains(&&*extension);
        ensure!(is_tiff || !self.imagej, "{} (expected a name that ends with .tif)", output.display());
        match &*extension {
            _ if self.imagej => stack::write(&frames, output, input, Dialect::ImageJ, self.rate(&dataset)),
            _ if is_tiff && is_ome(output) => {
                stack::write(&frames, output, input, Dialect::Ome, self.rate(&dataset))
            }
            "gif" => gif::write(&frames, output, input, number(frame_rate())),
            "npy" => npy::write(&frames, output, input),
            "png" => pictures::write(&frames, output, input, n_threads, pictures::png),
            "tif" | "tiff" => pictures::write(&frames, output, input, n_threads, pictures::tiff),
            "mp4" | "mkv" => {
                let options =
                    VideoOptions { frame_rate: frame_rate(), preset: self.preset.preset(), n_threads };
                video::write(&frames, output, input, options)
            }
            _ => {
                bail!(
                    "{} (expected a name that ends with .mp4, .mkv, .png, .tif, .ome.tif, .gif or .npy)",
                    output.display()
                )
            }
        }
    }

    /// Frames per second, if they are known.
    fn rate(&self, dataset: &Dataset) -> Option<f64> {
        self.fps.or_else(|| stored_rate(dataset)).map(number)
    }
}

fn number(rate: FrameRate) -> f64 {
    f64::from(rate.num) / f64::from(rate.den)
}

fn is_ome(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default();
    Path::new(stem).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ome"))
}

/// What `convert` has written, or others have.
fn stored_rate(dataset: &Dataset) -> Option<FrameRate> {
    FrameRate::from_number(dataset.attr("fps").ok()?.read_scalar().ok()?).ok()
}
