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
        match &*extension {
            "npy" => npy::write(&frames, &self.output, &self.target.file),
            "png" => pictures::write(&frames, &self.output, self.threads.n(), pictures::png),
            "tif" | "tiff" => pictures::write(&frames, &self.output, self.threads.n(), pictures::tiff),
            _ => bail!("{} (expected a name that ends with .png, .tif or .npy)", self.output.display()),
        }
    }
}
