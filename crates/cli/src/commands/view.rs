use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::view::{self, Server};

/// Show files in the browser
///
/// Serves a page on this machine, to those who know the token in its address. It shows the tree, the attributes
/// and the values of any HDF5 file, plays image sequences, and tells how well each chunk is compressed.
#[derive(Debug, Args)]
#[command(visible_alias = "visualize")]
pub struct Arguments {
    /// HDF5 files, including those that external links and virtual datasets lead to
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Port to listen on [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,

    /// Print the address, but do not open the browser
    #[arg(long)]
    no_open: bool,
}

/// HDF5 goes down into types within types, of which 64 KiB in a file can have thousands.
const STACK_BYTES: usize = 64 << 20;

impl Arguments {
    pub fn run(self) -> Result<()> {
        ensure!(
            view::is_built(),
            "this program was built without the page: run scripts/build-web, then build it again"
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(16)
            .thread_stack_size(STACK_BYTES)
            .build()?;
        runtime.block_on(async {
            let server = Server::bind(&self.files, self.port).await?;
            println!("{}", server.url);
            if !self.no_open {
                let url = server.url.clone();
                // Some browsers end this call only when they are closed.
                tokio::task::spawn_blocking(move || {
                    if webbrowser::open(&url).is_err() {
                        eprintln!("h5h264: no browser was found: open the address above");
                    }
                });
            }
            server.run().await
        })?;
        // Work that nobody waits for any more.
        runtime.shutdown_timeout(view::GRACE);
        Ok(())
    }
}
