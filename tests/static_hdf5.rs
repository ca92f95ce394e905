//! What works in a program that contains libhdf5 and exports none of its functions? The plugin finds
//! them in the program's symbol table; when that was stripped, it can't ask for the shape and type of a
//! dataset.

mod support;

use support::{Hdf5, Lab};

/// A folder with the programs `static` and `shared`, which differ in the libhdf5 that they use.
fn lab(hdf5: Hdf5) -> Lab {
    let lab = Lab::new();
    lab.build("dataset", hdf5, "static");
    lab.build("dataset", Hdf5::Shared, "shared");
    let linked = lab.run("readelf", &["-d", "static"]).succeeded().stdout;
    assert!(!linked.contains("libhdf5"), "{linked}");
    lab
}

fn write<'a>(values: &[&'a str]) -> Vec<&'a str> {
    write_type("u16", values)
}

fn write_type<'a>(name: &'a str, values: &[&'a str]) -> Vec<&'a str> {
    [&["write", "frames.h5", "frames", name, "8", "64", "80", "4", "filter"], values].concat()
}

const CHECK: [&str; 3] = ["check", "frames.h5", "frames"];

#[test]
fn a_program_with_symbols_works_like_any_other() {
    for hdf5 in [Hdf5::Static, Hdf5::StaticNoPie] {
        let lab = lab(hdf5);
        for sample_type in ["u16", "i32", "f32"] {
            let stored = ["static", "shared"].map(|program| {
                lab.run(program, &write_type(sample_type, &[])).succeeded().was_silent();
                lab.run("static", &CHECK).succeeded().was_silent();
                lab.run("shared", &CHECK).succeeded().was_silent();
                lab.run("h5dump", &["-pH", "frames.h5"]).succeeded().stdout
            });
            assert_eq!(stored[0], stored[1]);
        }
    }
}

#[test]
fn its_error_stack_says_what_is_wrong() {
    for hdf5 in [Hdf5::Static, Hdf5::StaticNoPie] {
        let run = lab(hdf5).run("static", &write(&["0", "0", "0", "77"])).failed();
        run.printed("h5h264: preset 77 does not exist (expected 0, ultrafast, to 9, placebo)");
    }
}

#[test]
fn stripped_three_values_suffice_to_write_and_read() {
    let lab = lab(Hdf5::StaticStripped);
    for values in [&["64", "80", "2"][..], &["64", "80", "2", "5"]] {
        lab.run("static", &write(values)).succeeded().was_silent();
        lab.run("static", &CHECK).succeeded().was_silent();
        lab.run("shared", &CHECK).succeeded().was_silent();
        let stored = lab.run("h5ls", &["-v", "frames.h5"]).succeeded();
        stored.printed(&format!("h5h264-32010  {{{}}}", values.join(", ")));
    }
}

#[test]
fn stripped_a_mandatory_filter_without_them_fails() {
    lab(Hdf5::StaticStripped).run("static", &write(&[])).failed().printed("filter returned failure");
}

#[test]
fn stripped_it_reads_the_files_of_others() {
    let lab = lab(Hdf5::StaticStripped);
    lab.run("shared", &write(&[])).succeeded().was_silent();
    lab.run("static", &CHECK).succeeded().was_silent();
}
