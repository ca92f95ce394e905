//! Shows hdf5-sys an HDF5 without any functions, so that the plugins take its types and link nothing, whatever HDF5
//! the machine has, for any target.

use std::path::PathBuf;
use std::{env, fs, io};

/// The oldest HDF5 that the plugins work with decides which types there are.
const VERSION: &str = "1.10.0";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let include = root.join("include");
    let lib = root.join("lib");
    fs::create_dir_all(&include)?;
    fs::create_dir_all(&lib)?;
    fs::write(include.join("H5pubconf.h"), format!("#define H5_VERSION \"{VERSION}\"\n"))?;
    // An archive without members. rustc looks for it under the target's kind of name.
    for name in ["libhdf5.a", "hdf5.lib"] {
        fs::write(lib.join(name), "!<arch>\n")?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::metadata=root={}", root.display());
    println!("cargo::metadata=include={}", include.display());
    println!("cargo::metadata=library=hdf5");
    Ok(())
}
