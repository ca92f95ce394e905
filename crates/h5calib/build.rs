//! Link arguments of the plugin.

use std::env;

fn main() {
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // HDF5 unloads plugins at exit, when threads may still be running their code. Elsewhere, `keep_loaded` of h5filter
    // prevents it.
    if os == "linux" {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
