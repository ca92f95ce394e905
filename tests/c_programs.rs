//! Do C programs, whatever they do, get their frames back?

mod support;

use support::{Hdf5, Lab, built_plugin};

const OUR_SENTENCE: &str = "h5h264: preset 77 does not exist (expected 0, ultrafast, to 9, placebo)";

#[test]
fn the_documented_program_works() {
    for hdf5 in [Hdf5::Shared, Hdf5::Static] {
        let lab = Lab::new();
        lab.build("write_read", hdf5, "write_read");
        let run = lab.run("write_read", &["frames.h5"]).succeeded();
        let run = run.printed("inferred: bit-exact: yes").printed("explicit: bit-exact: yes");
        let run = run.printed("A wrong option gives:\nHDF5-DIAG").printed(OUR_SENTENCE);
        assert!(run.stderr.is_empty(), "{}", run.stderr);
    }
}

#[test]
fn a_program_may_use_the_error_codes_itself() {
    for hdf5 in [Hdf5::Shared, Hdf5::Static] {
        let lab = Lab::new();
        lab.build("error_codes", hdf5, "error_codes");
        lab.run("error_codes", &[""; 0]).succeeded().printed(OUR_SENTENCE).printed("its own");
    }
}

#[test]
fn valgrind_finds_nothing_in_it() {
    let lab = Lab::new();
    lab.build("write_read", Hdf5::Shared, "write_read");
    let run = lab.run(
        "valgrind",
        &[
            "--quiet",
            "--error-exitcode=1",
            "--leak-check=full",
            // Sessions that wait for their next chunk are reachable, some through pointers into
            // the middle of what x264 allocated, which valgrind calls possibly lost.
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
            "./write_read",
            "frames.h5",
        ],
    );
    let run = run.succeeded().printed("explicit: bit-exact: yes");
    assert!(run.stderr.is_empty(), "{}", run.stderr);
}

#[test]
fn chunks_that_are_filtered_at_exit_are_whole() {
    let lab = Lab::new();
    lab.build("open_at_exit", Hdf5::Shared, "open_at_exit");
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.run("open_at_exit", &["open.h5"]).succeeded().was_silent();
    lab.run("dataset", &["check", "open.h5", "frames"]).succeeded();
}

#[test]
fn threads_get_what_one_thread_gets() {
    let lab = Lab::new();
    lab.build("concurrent", Hdf5::Shared, "concurrent");
    let plugin = built_plugin();
    lab.run("concurrent", &[plugin.to_str().expect("a path in UTF-8")]).succeeded().printed("0 of 8 threads");
}
