//! Link arguments of the plugin.

use std::env;

fn main() {
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match os.as_str() {
        // HDF5 unloads plugins at exit, when threads may still be running their code.
        "linux" => println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete"),
        // hdf5-sys names libhdf5 to the linker, which keeps it out where nothing of it is used.
        "macos" => println!("cargo::rustc-link-arg-cdylib=-Wl,-dead_strip_dylibs"),
        _ => {}
    }
}
