//! The `h5h264` program: image sequences into HDF5 files, and what can be done with them there.

mod codec;
mod commands;
mod h5;
mod links;
mod lzf;
mod output;
mod packages;
mod parallel;
mod preset;
mod progress;
mod signals;
mod target;
mod text;
mod view;
mod write;

#[cfg(unix)]
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    signals::survive_file_size_limit();
    let program = commands::Program::parse();
    match h5::register_filters().and_then(|()| program.run()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(e) if text::is_closed_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("h5h264: {}", text::one_line(&e));
            end()
        }
    }
}

/// Ends the program after an error, without HDF5's exit handler: what could not be written would be tried again, and may
/// crash there.
#[cfg(unix)]
fn end() -> ! {
    let _ = std::io::stdout().flush();
    // SAFETY: it does not come back.
    unsafe { libc::_exit(1) }
}

#[cfg(not(unix))]
fn end() -> ExitCode {
    ExitCode::FAILURE
}
