use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

/// Print the manual page, or write those of all subcommands to a folder
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder for h5h264.1, h5h264-convert.1 …; it is created if it does not exist
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let program = super::Program::command();
        let Some(folder) = self.output else {
            return Ok(Man::new(program).render(&mut io::stdout())?);
        };
        let describe = || format!("can't write manual pages to {}", folder.display());
        fs::create_dir_all(&folder).with_context(describe)?;
        clap_mangen::generate_to(program, &folder).with_context(describe)
    }
}
