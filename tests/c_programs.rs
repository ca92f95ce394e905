//! Do C programs, whatever they do, get their frames back?

mod support;

use std::fs;

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
fn a_program_without_the_filter_is_told_when_it_writes() {
    for hdf5 in [Hdf5::Shared, Hdf5::Static] {
        let lab = Lab::new();
        lab.build("dataset", hdf5, "dataset");
        lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
        let write = ["write", "frames.h5", "frames", "u16", "8", "64", "80", "4"];
        lab.run("dataset", &write).succeeded().was_silent();
        // Datasets that h5repack makes have the filter as those of other programs.
        lab.run("h5repack", &["-f", "UD=32010,1,0", "frames.h5", "packed.h5"]).succeeded().was_silent();
        let stored = || {
            let chunk = ["get", "packed.h5", "frames", "1", "bytes"];
            (
                lab.run("stored_chunk", &chunk).succeeded().stdout,
                fs::read(lab.path("bytes")).expect("a chunk"),
            )
        };
        let before = stored();
        // HDF5 loads no plugin for it, though it could.
        let run = lab.run("dataset", &["overwrite", "packed.h5", "frames"]).failed();
        run.printed("required filter 32010 is not registered");
        assert!(stored() == before);
        lab.run("dataset", &["check", "packed.h5", "frames"]).succeeded().was_silent();
    }
}

#[test]
fn threads_get_what_one_thread_gets() {
    let lab = Lab::new();
    lab.build("concurrent", Hdf5::Shared, "concurrent");
    let plugin = built_plugin();
    lab.run("concurrent", &[plugin.to_str().expect("a path in UTF-8")]).succeeded().printed("0 of 8 threads");
}

/// The program has glibc's names of what it replaces.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn no_allocation_that_fails_ends_the_process() {
    let lab = Lab::new();
    lab.build("failing_allocations", Hdf5::Shared, "failing_allocations");
    let plugin = built_plugin();
    let plugin = plugin.to_str().expect("a path in UTF-8");
    for what in [
        ["allocations", "u8", "2", "40", "48"],
        ["allocations", "l16", "2", "40", "48"],
        ["allocations", "f32", "2", "40", "48"],
        ["threads", "f32", "4", "256", "256"],
    ] {
        let run = lab.run("failing_allocations", &[&[plugin][..], &what].concat()).succeeded();
        assert!(run.printed("reading: ").stderr.is_empty());
    }
}

#[test]
fn processes_write_together_what_one_writes() {
    let lab = Lab::new();
    lab.build("parallel", Hdf5::Parallel, "parallel");
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
    let write = ["write", "alone.h5", "frames", "u16", "30", "64", "80", "4", "filter"];
    lab.run("dataset", &write).succeeded().was_silent();
    let chunk = |file, index: u32| {
        lab.run("stored_chunk", &["get", file, "frames", &index.to_string(), "bytes"]).succeeded();
        fs::read(lab.path("bytes")).expect("a chunk")
    };
    for n_processes in ["1", "3"] {
        // A process that waits for another one for ever is ended by mpirun.
        let options = ["--allow-run-as-root", "--oversubscribe", "--timeout", "60", "-n", n_processes];
        let run = lab.run("mpirun", &[&options[..], &["./parallel", "together.h5"]].concat()).succeeded();
        run.printed(&format!("{n_processes} processes: bit-exact: yes"));
        lab.run("dataset", &["check", "together.h5", "frames"]).succeeded().was_silent();
        for index in 0..8 {
            assert!(chunk("together.h5", index) == chunk("alone.h5", index), "chunk {index}");
        }
    }
}
