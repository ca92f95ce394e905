//! Where Python packages and HDF5's plugins are.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};

/// The folders of Python packages below a prefix.
pub fn site_packages(prefix: &Path) -> impl Iterator<Item = PathBuf> {
    let libs = ["lib", "lib64", "local/lib"].map(|lib| prefix.join(lib));
    let pythons = libs.into_iter().flat_map(|lib| in_folder(&lib, |name| name.starts_with("python3")));
    let packages =
        pythons.flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.join(name)));
    // Windows has one Python below a prefix.
    packages.chain([prefix.join("Lib/site-packages")])
}

/// What is in `folder` under such a name, in order.
pub fn in_folder(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| is_wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Folders with plugins of HDF5 that are used without HDF5_PLUGIN_PATH: those of the package hdf5plugin, where
/// this program or the active environment has it, and those where conda, HDF5 and Debian put them.
pub fn plugin_folders() -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let beside = program.as_deref().and_then(|program| program.parent()?.parent());
    let [conda, venv] = ["CONDA_PREFIX", "VIRTUAL_ENV"].map(|name| env::var_os(name).map(PathBuf::from));
    let prefixes: Vec<&Path> = [beside, venv.as_deref(), conda.as_deref()].into_iter().flatten().collect();
    let mut folders = Vec::new();
    for prefix in &prefixes {
        // pip install --target puts programs into `bin` beside the packages.
        let packages = site_packages(prefix).chain([prefix.to_path_buf()]);
        folders.extend(packages.map(|packages| packages.join("hdf5plugin/plugins")));
    }
    folders.extend(prefixes.iter().map(|prefix| prefix.join("lib/hdf5/plugin")));
    let usr = Path::new("/usr");
    folders.extend(
        ["local/hdf5/lib/plugin", "local/lib/hdf5/plugin", "lib/hdf5/plugin"].map(|lib| usr.join(lib)),
    );
    for lib in in_folder(&usr.join("lib"), |name| name.ends_with("-linux-gnu")) {
        folders.extend(["hdf5/plugins", "hdf5/serial/plugins"].map(|plugins| lib.join(plugins)));
    }
    let mut known = HashSet::new();
    folders.retain(|folder| folder.is_dir() && known.insert(folder.clone()));
    folders
}
