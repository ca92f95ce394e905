//! Link arguments of the plugin. Downloads nothing.

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=FFMPEG_DIR");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // HDF5 unloads plugins at exit, when threads may still be running their code. Elsewhere, `keep_loaded` of h5filter
    // prevents it.
    if os == "linux" {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
    // What programs that link it (include/h5h264.h) look for at run time. The plugin that HDF5 loads is the same file.
    let major = env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    match os.as_str() {
        "linux" => println!("cargo::rustc-link-arg-cdylib=-Wl,-soname,libh5h264.so.{major}"),
        "macos" => {
            println!("cargo::rustc-link-arg-cdylib=-Wl,-install_name,@rpath/libh5h264.{major}.dylib")
        }
        _ => (),
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
