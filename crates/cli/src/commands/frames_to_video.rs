use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use video::{Container, pipe};

use crate::output::Output;
use crate::parallel::Threads;
use crate::preset::PresetOption;

/// Write the frames that come from standard input to a video file
///
/// For other programs, such as the Python package. crates/video/src/pipe.rs describes the stream.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file: .mp4 or .mkv
    output: PathBuf,
    #[command(flatten)]
    preset: PresetOption,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let container = Container::of(&self.output)?;
        let output = Output::new(&self.output, &[])?;
        let (preset, n_threads) = (self.preset.preset(), self.threads.n());
        pipe::write_video(io::stdin().lock(), output.path(), container, preset, n_threads)
            .with_context(|| format!("can't write {}", self.output.display()))?;
        output.finish()
    }
}
