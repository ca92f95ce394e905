use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

/// Print the folder of the plugin, to which HDF5_PLUGIN_PATH has to be set for other programs
#[derive(Debug, Args)]
pub struct Arguments {}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let program = std::env::current_exe().context("this program's own path is not known")?;
        let folder = program.parent().unwrap_or(Path::new("/"));
        let candidates = candidates(folder);
        let Some(found) = candidates.iter().find(|folder| folder.join(plugin_name()).is_file()) else {
            bail!(
                "{} was not found in {}",
                plugin_name(),
                candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
            );
        };
        let found = found.canonicalize().context("the plugin's folder can't be read")?;
        Ok(writeln!(io::stdout(), "{}", found.display())?)
    }
}

fn plugin_name() -> String {
    format!("{}h5h264{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Where the plugin may be: as built, as installed by pip beside `bin`, as packaged.
fn candidates(bin: &Path) -> Vec<PathBuf> {
    let prefix = bin.parent().unwrap_or(bin);
    let mut folders = vec![bin.to_owned()];
    // pip install --target puts programs into `bin` beside the packages.
    folders.push(prefix.join("h5h264/plugins"));
    for lib in ["lib", "lib64", "local/lib"] {
        for python in children(&prefix.join(lib), "python3") {
            for packages in ["site-packages", "dist-packages"] {
                folders.push(python.join(packages).join("h5h264/plugins"));
            }
        }
    }
    folders.push(prefix.join("lib/h5h264"));
    // A workspace: crates/cli/target/release beside target/release.
    if let Some(profile) = bin.file_name() {
        folders.push(bin.join("../../../../target").join(profile));
    }
    folders
}

/// The folders in `folder` whose names start with `prefix`.
fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
    found.sort();
    found
}
