//! Does the plugin keep to itself in the process that loads it?

#![cfg(target_os = "linux")]

mod support;

use std::fs;

use support::{Hdf5, Lab, built_plugin};

/// What a tool prints about the plugin.
fn about_the_plugin(program: &str, argument: &str) -> String {
    let plugin = built_plugin();
    Lab::new().run(program, &[argument, plugin.to_str().expect("a path in UTF-8")]).succeeded().stdout
}

fn needed_libraries() -> Vec<String> {
    let dynamic = about_the_plugin("readelf", "-dW");
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    needed.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect()
}

#[test]
fn it_brings_no_libhdf5() {
    let needed = needed_libraries();
    assert!(!needed.is_empty());
    assert!(needed.iter().all(|library| !library.contains("hdf5")), "{needed:?}");
}

#[test]
fn the_static_build_needs_only_the_c_library() {
    const C_LIBRARY: [&str; 6] =
        ["libc.so.", "libm.so.", "libgcc_s.so.", "libpthread.so.", "libdl.so.", "ld-linux"];
    let foreign: Vec<_> = needed_libraries()
        .into_iter()
        .filter(|library| !C_LIBRARY.iter().any(|name| library.starts_with(name)))
        .collect();
    // Also says whether the plugin is the one for the features that this test was built with.
    assert_eq!(foreign.is_empty(), cfg!(feature = "static"), "{foreign:?}");
}

#[test]
fn it_exports_the_functions_of_a_plugin_and_of_the_c_interface_and_nothing_else() {
    let symbols = about_the_plugin("nm", "-D");
    let named = |is_wanted: fn(&str) -> bool| {
        let symbols = symbols.lines().filter_map(|line| {
            let mut fields = line.split_whitespace().rev();
            let name = fields.next()?.split('@').next()?;
            is_wanted(fields.next()?).then_some(name)
        });
        symbols.collect::<Vec<_>>()
    };
    let mut defined = named(|kind| !matches!(kind, "U" | "w" | "v"));
    defined.sort_unstable();
    let expected = [
        "H5PLget_plugin_info",
        "H5PLget_plugin_type",
        "h5h264_cd_values",
        "h5h264_decode",
        "h5h264_decoded_bytes",
        "h5h264_describe",
        "h5h264_encode",
        "h5h264_encode_bound",
        "h5h264_encode_into",
        "h5h264_filter_class",
        "h5h264_free",
        "h5h264_n_threads",
        "h5h264_version",
    ];
    assert_eq!(defined, expected);
    let undefined = named(|kind| kind == "U");
    assert!(!undefined.is_empty());
    assert!(undefined.iter().all(|name| !name.starts_with("H5")), "{undefined:?}");
}

#[test]
fn it_stays_loaded() {
    // HDF5 unloads plugins at exit, when threads may still be running their code.
    assert!(about_the_plugin("readelf", "-dW").contains("NODELETE"));
}

#[test]
fn it_prints_nothing_whatever_happens() {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
    let write = ["-q", "write", "frames.h5", "frames", "u16", "8", "64", "80", "4", "filter"];
    let check = ["-q", "check", "frames.h5", "frames"];
    const ORIGINAL_LAYOUT: &[&str] = &["0", "0", "0", "0", "1"];
    for values in [&[][..], &["64", "80", "2"], &["0", "0", "0", "5"], ORIGINAL_LAYOUT] {
        lab.run("dataset", &[&write, values].concat()).succeeded().was_silent();
        lab.run("dataset", &check).succeeded().was_silent();
        lab.run("stored_chunk", &["get", "frames.h5", "frames", "1", "bytes"]).succeeded();
        let stored = fs::read(lab.path("bytes")).expect("the stored chunk");
        for damaged in damages(&stored) {
            fs::write(lab.path("bytes"), damaged).expect("the damaged chunk");
            lab.run("stored_chunk", &["put", "frames.h5", "frames", "1", "bytes"]).succeeded();
            let run = lab.run("dataset", &check).was_silent();
            // The original's chunks have no checksum: damaged ones may decode to something.
            if values != ORIGINAL_LAYOUT {
                run.failed();
            }
        }
    }
    for values in [&["1"][..], &["64", "80", "3"], &["0", "0", "0", "77"], &["0", "0", "0", "0", "7"]] {
        lab.run("dataset", &[&write, values].concat()).failed().was_silent();
    }
}

/// Of each kind one: cut off, foreign, of a newer version, and with damage that only the codec
/// can see.
fn damages(stored: &[u8]) -> Vec<Vec<u8>> {
    let mut newer = stored.to_vec();
    newer[7] = 99;
    let mut behind_the_checksum = stored.to_vec();
    let at = stored.len() * 3 / 4;
    behind_the_checksum[at..at + 8].fill(0xff);
    h5h264::payload::repair_checksum(&mut behind_the_checksum);
    vec![stored[..stored.len() / 2].to_vec(), vec![0x55; 400], newer, behind_the_checksum]
}
