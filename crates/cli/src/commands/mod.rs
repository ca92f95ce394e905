//! One module per subcommand; each has its arguments and what is done with them.

mod bench;
mod completions;
mod convert;
mod export;
mod frames_to_video;
mod info;
mod man;
mod merge;
mod plugin_path;
mod repack;
mod verify;
mod video_to_frames;
mod view;
mod virtual_dataset;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Image sequences in HDF5 files, compressed losslessly as H.264.
#[derive(Debug, Parser)]
#[command(name = "h5h264", version, propagate_version = true, max_term_width = 100)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Arguments),
    Merge(merge::Arguments),
    Virtual(virtual_dataset::Arguments),
    Repack(repack::Arguments),
    Info(info::Arguments),
    Verify(verify::Arguments),
    View(view::Arguments),
    Export(export::Arguments),
    Bench(bench::Arguments),
    PluginPath(plugin_path::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    #[command(hide = true)]
    FramesToVideo(frames_to_video::Arguments),
    #[command(hide = true)]
    VideoToFrames(video_to_frames::Arguments),
}

impl Program {
    /// Does what the command line says.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Convert(arguments) => arguments.run(),
            Command::Merge(arguments) => arguments.run(),
            Command::Virtual(arguments) => arguments.run(),
            Command::Repack(arguments) => arguments.run(),
            Command::Info(arguments) => arguments.run(),
            Command::Verify(arguments) => arguments.run(),
            Command::View(arguments) => arguments.run(),
            Command::Export(arguments) => arguments.run(),
            Command::Bench(arguments) => arguments.run(),
            Command::PluginPath(arguments) => arguments.run(),
            Command::Completions(arguments) => arguments.run(),
            Command::Man(arguments) => arguments.run(),
            Command::FramesToVideo(arguments) => arguments.run(),
            Command::VideoToFrames(arguments) => arguments.run(),
        }
    }
}
