use std::io;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a script that makes a shell complete this program's arguments
///
/// For bash: h5h264 completions bash > ~/.local/share/bash-completion/completions/h5h264
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Program::command(), "h5h264", &mut script);
        Ok(io::Write::write_all(&mut io::stdout(), &script)?)
    }
}
