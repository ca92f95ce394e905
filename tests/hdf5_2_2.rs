//! Does the plugin keep to what HDF5 2.2 asks of filters, in a program with a shared libhdf5 of that version?

mod support;

use support::{Hdf5, Lab, built_plugin};

const WRITE: [&str; 9] = ["write", "frames.h5", "frames", "u16", "8", "64", "80", "4", "filter"];
const CHECK: [&str; 3] = ["check", "frames.h5", "frames"];

/// A folder with programs that use HDF5 2.2, and with `old`, which uses the system's.
fn lab(programs: &[&str]) -> Lab {
    let lab = Lab::new();
    for program in programs {
        lab.build(program, Hdf5::Version22, program);
    }
    lab.build("dataset", Hdf5::Shared, "old");
    lab
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn what_is_returned_fits_into_buffers_of_any_size() {
    let lab = Lab::new();
    lab.build("contract", Hdf5::Version22, "contract");
    lab.build("contract", Hdf5::Shared, "old");
    let plugin = built_plugin();
    let arguments = [plugin.to_str().expect("a path in UTF-8"), "frames.h5"];
    let n_larger = |program| -> u32 {
        let run = lab.run(program, &arguments).succeeded();
        let counted = run.stdout.strip_prefix("60 chunks written, 60 read, ");
        let counted = counted.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        counted.unwrap_or_else(|| run.fail("other counts"))
    };
    // Of the chunks that are read, those with a picture and those with one value are smaller than they were.
    assert!((40..60).contains(&n_larger("contract")));
    assert_eq!(n_larger("old"), 0);
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn set_local_is_called_for_elements_that_lead_to_others() {
    let lab = lab(&["pointing_types"]);
    lab.build("pointing_types", Hdf5::Shared, "before");
    let run = lab.run("pointing_types", &["types.h5", "references.h5"]).succeeded();
    for asked in [
        "strings, optional",
        "other strings, mandatory",
        "references, optional",
        "other references, mandatory",
    ] {
        let line = run.stdout.lines().find(|line| line.starts_with(&format!("{asked}: mandatory, ")));
        let line = line.unwrap_or_else(|| run.fail(asked));
        assert!(line.ends_with(" options, mask 0") && !line.contains(" 0 options"), "{line}");
    }
    // As HDF5 before 2.1 does it.
    let run = lab.run("before", &["before.h5", "none.h5"]).succeeded();
    run.printed("strings, optional: optional, 0 options, mask 0")
        .printed("other strings, mandatory: refused");
    // Each reads what the other has written.
    let dump = |file: &str| {
        lab.run("h5dump", &["-d", "strings", "-y", file]).succeeded().stdout.contains("\"text 99\"")
    };
    assert!(dump("types.h5") && dump("before.h5"));
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn the_documented_program_works() {
    let lab = lab(&["write_read", "error_codes"]);
    let sentence = "h5h264: preset 77 does not exist (expected 0, ultrafast, to 9, placebo)";
    let run = lab.run("write_read", &["frames.h5"]).succeeded();
    let run = run.printed("inferred: bit-exact: yes").printed("explicit: bit-exact: yes").printed(sentence);
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    lab.run("error_codes", &[""; 0]).succeeded().printed(sentence).printed("its own");
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn chunks_are_those_of_every_other_hdf5() {
    let lab = lab(&["dataset", "stored_chunk"]);
    let stored = ["dataset", "old"].map(|program| {
        lab.run(program, &WRITE).succeeded().was_silent();
        lab.run("dataset", &CHECK).succeeded().was_silent();
        lab.run("old", &CHECK).succeeded().was_silent();
        let chunk = lab.run("stored_chunk", &["get", "frames.h5", "frames", "1", "bytes"]).succeeded();
        assert!(chunk.stdout.starts_with("0 "), "{}", chunk.stdout);
        (chunk.stdout, std::fs::read(lab.path("bytes")).expect("a chunk"))
    });
    assert!(stored[0].1.len() < 4 * 64 * 80 * 2 / 2);
    assert!(stored[0] == stored[1]);
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn chunks_that_are_filtered_at_exit_are_whole() {
    let lab = lab(&["open_at_exit", "dataset"]);
    lab.run("open_at_exit", &["open.h5"]).succeeded().was_silent();
    lab.run("dataset", &["check", "open.h5", "frames"]).succeeded();
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn a_damaged_chunk_is_an_error_and_nothing_is_printed() {
    let lab = lab(&["dataset", "stored_chunk"]);
    lab.run("dataset", &WRITE).succeeded();
    lab.run("stored_chunk", &["get", "frames.h5", "frames", "1", "bytes"]).succeeded();
    let mut stored = std::fs::read(lab.path("bytes")).expect("the stored chunk");
    let middle = stored.len() / 2;
    stored[middle] ^= 1;
    std::fs::write(lab.path("bytes"), stored).expect("the damaged chunk");
    lab.run("stored_chunk", &["put", "frames.h5", "frames", "1", "bytes"]).succeeded();
    lab.run("dataset", &[&["-q"], &CHECK[..]].concat()).failed().was_silent();
    lab.run("dataset", &CHECK).failed().printed("h5h264: damaged chunk");
}

#[test]
#[ignore = "needs scripts/build-hdf5"]
fn a_program_without_the_filter_is_told_when_it_writes() {
    let lab = lab(&["dataset"]);
    lab.run("dataset", &WRITE).succeeded();
    let run = lab.run("dataset", &["overwrite", "frames.h5", "frames"]).failed();
    run.printed("required filter 32010 is not registered");
    lab.run("dataset", &CHECK).succeeded().was_silent();
}
