//! Can a program link the library, and does the header say what the library does?

#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cbindgen::{Builder, Config, Language};
use h5h264::capi::Status;
use support::{Lab, built_plugin};

const SONAME: &str = concat!("libh5h264.so.", env!("CARGO_PKG_VERSION_MAJOR"));

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header() -> String {
    fs::read_to_string(root().join("include/h5h264.h")).expect("the header")
}

/// Without comments.
fn code_of(header: &str) -> String {
    let mut parts = header.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |code, part| code + part.split_once("*/").expect("the end of a comment").1)
}

/// The functions that a piece of C declares.
fn functions(code: &str) -> BTreeSet<&str> {
    let names = code.match_indices("h5h264_").filter_map(|(start, _)| {
        let (name, _) = code[start..].split_once('(')?;
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(name)
    });
    names.collect()
}

/// A lab with the library, as it is where it was installed.
fn lab_with_library() -> Lab {
    let lab = Lab::new();
    for name in [SONAME, "libh5h264.so"] {
        std::os::unix::fs::symlink(built_plugin(), lab.path(name)).expect("a link");
    }
    lab
}

/// Compiles a C file that includes the header and, after it, what the functions are in Rust.
fn compiles_with_rust(header: &str) -> bool {
    let lab = Lab::new();
    let config = Config { language: Language::C, usize_is_size_t: true, ..Config::default() };
    // Takes the modules in it along.
    let builder = Builder::new().with_config(config).with_src(root().join("src/capi/mod.rs"));
    builder.generate().expect("sources that can be read").write_to_file(lab.path("rust.h"));
    let rust = fs::read_to_string(lab.path("rust.h")).expect("what was written");
    assert_eq!(functions(&code_of(&rust)), functions(&code_of(header)));
    fs::write(lab.path("h5h264.h"), header).expect("a copy");
    fs::write(lab.path("both.c"), "#include \"h5h264.h\"\n#include \"rust.h\"\n").expect("a file");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "both.c"]);
    compiler.current_dir(lab.path(".")).output().expect("a compiler").status.success()
}

#[test]
fn the_header_declares_the_functions_as_they_are() {
    let header = header();
    assert!(compiles_with_rust(&header));
    for (right, wrong) in [
        ("uint32_t height, uint32_t width", "uint64_t height, uint32_t width"),
        ("size_t h5h264_n_threads(void)", "int h5h264_n_threads(void)"),
        ("const void *stored, size_t stored_bytes, void **json", "const void *stored, void **json"),
    ] {
        assert!(header.contains(right), "{right}");
        assert!(!compiles_with_rust(&header.replace(right, wrong)), "{wrong}");
    }
}

#[test]
fn the_library_exports_the_functions_of_the_header() {
    let symbols = Lab::new().run("nm", &["-D", "--defined-only", built_plugin().to_str().expect("UTF-8")]);
    let symbols = symbols.succeeded().stdout;
    let names = symbols.lines().filter_map(|line| line.rsplit(' ').next());
    let exported: BTreeSet<_> = names.filter(|name| name.starts_with("h5h264_")).collect();
    assert_eq!(exported, functions(&code_of(&header())));
}

#[test]
fn the_library_has_a_name_for_programs_that_link_it() {
    let dynamic = Lab::new().run("readelf", &["-dW", built_plugin().to_str().expect("UTF-8")]).succeeded();
    dynamic.printed(&format!("Library soname: [{SONAME}]"));
}

#[test]
fn the_header_is_cpp_too() {
    let lab = Lab::new();
    fs::write(lab.path("a.cpp"), "#include <h5h264.h>\nint main() { return h5h264_version() == nullptr; }\n")
        .expect("a file");
    let include = root().join("include");
    let include = include.to_str().expect("UTF-8");
    lab.run(
        "g++",
        &["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include, "a.cpp"],
    )
    .succeeded();
}

#[test]
fn a_program_that_links_the_library_encodes_what_hdf5_does() {
    let lab = lab_with_library();
    lab.build_linked(&root().join("tests/c/library.c"), "library");
    // HDF5 finds no plugin.
    let run = lab.run_with("library", &[""; 0], &[("HDF5_PLUGIN_PATH", "nowhere")]).succeeded();
    let run = run.printed(&format!("{}, {}: 0 wrong", env!("CARGO_PKG_VERSION"), h5h264::FILTER_ID));
    let statuses = [
        Status::Done,
        Status::BadValue,
        Status::BadType,
        Status::CantFilter,
        Status::NoSpace,
        Status::NoRoom,
    ];
    run.printed(&statuses.map(|status| (status as i32).to_string()).join(" "));
}

/// The writer of examples/, and what compiled it.
fn lab_with_writer() -> Lab {
    let lab = lab_with_library();
    lab.build_linked(&root().join("examples/acquire.c"), "acquire");
    lab
}

#[test]
fn a_detectors_writer_is_read_while_it_writes() {
    let lab = lab_with_writer();
    // The last chunk is not full.
    let mut writer = Command::new(lab.path("acquire"));
    writer.args(["write", "run.h5", "43", "4", "2"]).current_dir(lab.path(".")).stdout(Stdio::piped());
    let writer = writer.spawn().expect("the writer");
    let read = lab.run("acquire", &["read", "run.h5", "43"]).succeeded();
    read.printed("43 frames read");
    let written = writer.wait_with_output().expect("the writer's output");
    assert!(written.status.success());
    assert!(String::from_utf8_lossy(&written.stdout).contains("43 frames written"));
    // For programs that have nothing but the plugin.
    let listed = lab.run("h5dump", &["-d", "frames", "-s", "42,0,0", "-c", "1,1,2", "run.h5"]).succeeded();
    listed.printed("(42,0,0): 42, 0");
    assert!(lab.run("acquire", &["write"]).failed().stderr.contains("expected write FILE"));
}

#[test]
fn valgrind_finds_nothing_in_a_detectors_writer() {
    let lab = lab_with_writer();
    let options = ["--quiet", "--error-exitcode=1", "--leak-check=full"];
    // As in c_programs.rs.
    let kinds = ["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"];
    let command = ["./acquire", "write", "run.h5", "3", "2", "2"];
    let run = lab.run("valgrind", &[&options[..], &kinds, &command].concat()).succeeded();
    assert!(run.stderr.is_empty(), "{}", run.stderr);
}
