mod frames;
mod npy;
mod pictures;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::h5::{self, Explain};
use crate::parallel::Threads;
use crate::target::Target;

use frames::Frames;

/// Write a dataset's frames as PNG or TIFF files, or the dataset as a NumPy array
///
/// OUT says which: frames.npy; frames.png, which becomes frames_0.png, frames_1.png …; frames.tif likewise.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The dataset: FILE:/path
    #[arg(value_name = "FILE:/DATASET")]
    target: Target,
    /// What to write: *.png, *.tif or *.npy
    #[arg(value_name = "OUT")]
    output: PathBuf,
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
            _ => bail!("{} (expected a name that ends with .png, .tif or .npy)", self.output.display()),
        }
    }
}
