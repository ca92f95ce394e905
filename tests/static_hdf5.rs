//! What works in a program that contains libhdf5 and exports none of its functions, so that the
//! plugin can't ask for the shape and type of a dataset?

mod support;

use support::{Hdf5, Lab};

/// A folder with the programs `static` and `shared`, which differ in the libhdf5 that they use.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Static, "static");
    lab.build("dataset", Hdf5::Shared, "shared");
    let linked = lab.run("readelf", &["-d", "static"]).succeeded().stdout;
    assert!(!linked.contains("libhdf5"), "{linked}");
    lab
}

fn write<'a>(values: &[&'a str]) -> Vec<&'a str> {
    [&["write", "frames.h5", "frames", "u16", "8", "64", "80", "4", "filter"], values].concat()
}

const CHECK: [&str; 3] = ["check", "frames.h5", "frames"];

#[test]
fn three_values_suffice_to_write_and_read() {
    let lab = lab();
    for values in [&["64", "80", "2"][..], &["64", "80", "2", "5"]] {
        lab.run("static", &write(values)).succeeded().was_silent();
        lab.run("static", &CHECK).succeeded().was_silent();
        lab.run("shared", &CHECK).succeeded().was_silent();
        let stored = lab.run("h5ls", &["-v", "frames.h5"]).succeeded();
        stored.printed(&format!("h5h264-32010  {{{}}}", values.join(", ")));
    }
}

#[test]
fn without_them_a_mandatory_filter_fails() {
    lab().run("static", &write(&[])).failed().printed("filter returned failure");
}

#[test]
fn files_of_other_programs_are_read() {
    let lab = lab();
    lab.run("shared", &write(&[])).succeeded().was_silent();
    lab.run("static", &CHECK).succeeded().was_silent();
}
