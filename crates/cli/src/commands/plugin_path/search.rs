//! Where HDF5 libraries are.

use std::env;
use std::path::PathBuf;

use crate::packages::{in_folder, site_packages};

/// The HDF5 libraries in the usual folders for libraries, in those that variables name, and in the packages of
/// the Python environments of this program and in PATH. Each once, however many names it has.
pub fn libraries() -> Vec<PathBuf> {
    let mut found: Vec<_> = folders().iter().flat_map(|folder| in_folder(folder, is_hdf5)).collect();
    found = found.iter().filter_map(|path| path.canonicalize().ok()).collect();
    found.sort();
    found.dedup();
    found
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = env::var_os("LD_LIBRARY_PATH").iter().flat_map(env::split_paths).collect();
    let mut prefixes: Vec<PathBuf> = ["/usr", "/usr/local", "/usr/local/hdf5"].map(PathBuf::from).into();
    prefixes.extend(in_folder("/opt".as_ref(), |_| true));
    prefixes.extend(
        ["HDF5_DIR", "CONDA_PREFIX", "VIRTUAL_ENV"].iter().filter_map(env::var_os).map(PathBuf::from),
    );
    let programs = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let in_path =
        env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let bins = programs.into_iter().chain(in_path).filter(|folder| folder.ends_with("bin"));
    prefixes.extend(bins.filter_map(|bin| Some(bin.parent()?.to_owned())));
    prefixes.sort();
    prefixes.dedup();
    for prefix in prefixes {
        folders.extend(["lib", "lib64"].map(|lib| prefix.join(lib)));
        folders.extend(in_folder(&prefix.join("lib"), |name| name.ends_with("-linux-gnu")));
        for packages in site_packages(&prefix) {
            // What auditwheel and delocate put beside and into packages.
            folders.extend(in_folder(&packages, |name| name.ends_with(".libs")));
            folders.extend(in_folder(&packages, |_| true).into_iter().map(|package| package.join(".dylibs")));
        }
    }
    folders
}

/// The library itself, not those of C++, Fortran or the high-level functions.
fn is_hdf5(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libhdf5") else { return false };
    let variant = rest.split(['.', '-']).next().unwrap_or_default();
    ["", "_serial", "_openmpi", "_mpich"].contains(&variant)
        && (rest.contains(".so") || rest.ends_with(".dylib"))
}

#[cfg(test)]
mod tests {
    use super::is_hdf5;

    #[test]
    fn a_library_of_hdf5_is_known_by_its_name() {
        for name in [
            "libhdf5.so",
            "libhdf5.so.310.5.1",
            "libhdf5_serial.so.103",
            "libhdf5-9e18f0c6.so.320.0.0",
            "libhdf5.200.dylib",
        ] {
            assert!(is_hdf5(name), "{name}");
        }
        for name in
            ["libhdf5_hl.so", "libhdf5_hl_cpp-1c.so.310", "libhdf5.a", "libhdf5.settings", "libh5h264.so"]
        {
            assert!(!is_hdf5(name), "{name}");
        }
    }
}
