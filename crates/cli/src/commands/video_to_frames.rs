use std::io;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use video::pipe;

use crate::parallel::Threads;

/// Write the frames of a video file to standard output
///
/// For other programs, such as the Python package. crates/video/src/pipe.rs describes the stream.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A video file
    input: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        Ok(pipe::read_video(&self.input, io::stdout().lock(), self.threads.n())?)
    }
}
