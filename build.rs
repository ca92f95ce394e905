//! Link arguments of the plugin. Downloads nothing.

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=FFMPEG_DIR");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match os.as_str() {
        // HDF5 unloads plugins at exit, when threads may still be running their code.
        "linux" => println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete"),
        // hdf5-sys names libhdf5 to the linker, which keeps it out where nothing of it is used.
        "macos" => println!("cargo::rustc-link-arg-cdylib=-Wl,-dead_strip_dylibs"),
        _ => {}
    }
    if env::var_os("CARGO_FEATURE_STATIC").is_some() {
        if let Some(prefix) = env::var_os("FFMPEG_DIR") {
            println!("cargo::rustc-link-search=native={}/lib", prefix.to_string_lossy());
        }
        println!("cargo::rustc-link-lib=static=x264");
        // libavcodec's assembly refers to its own tables directly.
        if os == "linux" {
            println!("cargo::rustc-link-arg=-Wl,-Bsymbolic");
        }
    }
}
