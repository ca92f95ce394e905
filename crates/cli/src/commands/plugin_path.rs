use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::packages;

mod probe;
mod search;

/// Print the folder of the plugin, to which HDF5_PLUGIN_PATH has to be set for other programs
#[derive(Debug, Args)]
pub struct Arguments {
    /// Say which HDF5 libraries on this machine find the plugin now, and which do not
    #[arg(long)]
    check: bool,
    /// The libraries to ask, instead of those in the usual folders and in the Python environments
    #[arg(requires = "check", value_name = "LIBHDF5")]
    libraries: Vec<PathBuf>,
    /// Say it of one library, for `--check`, in a process of its own
    #[arg(long, hide = true, value_name = "LIBHDF5")]
    probe: Option<PathBuf>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match (self.probe, self.check) {
            (Some(library), _) => Ok(serde_json::to_writer(io::stdout(), &probe::ask(&library)?)?),
            (None, true) if self.libraries.is_empty() => check(&search::libraries()),
            (None, true) => check(&self.libraries),
            (None, false) => Ok(writeln!(io::stdout(), "{}", plugin_folder()?.display())?),
        }
    }
}

/// Prints a line for each library. An error if one of them does not find the plugin.
fn check(libraries: &[PathBuf]) -> Result<()> {
    let mut n_without = 0;
    let mut output = io::stdout().lock();
    for library in libraries {
        let answer = probe::ask_in_a_process(library)?;
        n_without += usize::from(!answer.finds_the_plugin());
        writeln!(output, "{answer}: {}", library.display())?;
    }
    match n_without {
        _ if libraries.is_empty() => bail!("no HDF5 library was found: name one behind --check"),
        0 => Ok(()),
        _ => bail!(
            "{n_without} of {} HDF5 libraries do not find the plugin. Copy it to a folder where they look, or set {}",
            libraries.len(),
            plugin_folder()
                .map_or("HDF5_PLUGIN_PATH".into(), |folder| format!("HDF5_PLUGIN_PATH={}", folder.display()))
        ),
    }
}

fn plugin_folder() -> Result<PathBuf> {
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
    found.canonicalize().context("the plugin's folder can't be read")
}

fn plugin_name() -> String {
    format!("{}h5h264{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Where the plugin may be: as built, as installed by pip beside `bin`, as installed by scripts/install.
fn candidates(bin: &Path) -> Vec<PathBuf> {
    let prefix = bin.parent().unwrap_or(bin);
    let mut folders = vec![bin.to_owned()];
    // pip install --target puts programs into `bin` beside the packages.
    folders.push(prefix.join("h5h264/plugins"));
    folders.extend(packages::site_packages(prefix).map(|packages| packages.join("h5h264/plugins")));
    folders.extend(["lib/hdf5/plugin", "hdf5/lib/plugin"].map(|folder| prefix.join(folder)));
    // A workspace: crates/cli/target/release beside target/release.
    if let Some(profile) = bin.file_name() {
        folders.push(bin.join("../../../../target").join(profile));
    }
    folders
}
