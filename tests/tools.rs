//! Do the tools that come with HDF5 show, compress, recompress, unpack, compare and copy datasets?

mod support;

use support::{Hdf5, Lab};

/// A folder with the dataset `frames` in plain.h5 and, through the filter, in packed.h5.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
    let write = |file, filter: &[&str]| {
        let write = ["write", file, "frames", "u16", "10", "64", "80", "4"];
        lab.run("dataset", &[&write, filter].concat()).succeeded();
    };
    write("plain.h5", &[]);
    write("packed.h5", &["filter"]);
    lab
}

/// The filter mask and the number of stored bytes of each of the dataset's three chunks.
fn stored_chunks(lab: &Lab, file: &str) -> [(u32, usize); 3] {
    ["0", "1", "2"].map(|index| {
        let chunk = lab.run("stored_chunk", &["get", file, "frames", index, "bytes"]).succeeded();
        let mut numbers = chunk.stdout.split_whitespace();
        let mut next = || numbers.next().expect("two numbers");
        (next().parse().expect("a mask"), next().parse().expect("a size"))
    })
}

#[track_caller]
fn repack(lab: &Lab, options: &[&str], from: &str, to: &str) {
    lab.run("h5repack", &[options, &[from, to]].concat()).succeeded().was_silent();
    lab.run("h5diff", &["plain.h5", to]).succeeded().was_silent();
    lab.run("dataset", &["check", to, "frames"]).succeeded().was_silent();
}

#[track_caller]
fn filters(lab: &Lab, file: &str) -> String {
    lab.run("h5dump", &["-p", "-H", file]).succeeded().stdout
}

#[test]
fn h5dump_prints_samples_and_filter() {
    let lab = lab();
    let words = |file, start: &str| {
        let run = lab.run("h5dump", &["-d", "frames", "-w", "0", file]).succeeded();
        run.stdout.split_once(start).expect("a data section").1.to_owned()
    };
    assert_eq!(words("packed.h5", "DATA {"), words("plain.h5", "DATA {"));
    let filters: Vec<String> = filters(&lab, "packed.h5").split_whitespace().map(str::to_owned).collect();
    assert!(
        filters
            .join(" ")
            .contains("USER_DEFINED_FILTER { FILTER_ID 32010 COMMENT h5h264 PARAMS { 64 80 2 0 0")
    );
}

#[test]
fn h5ls_shows_the_filter() {
    let run = lab().run("h5ls", &["-v", "packed.h5/frames"]).succeeded();
    run.printed("Filter-0:  h5h264-32010  {64, 80, 2, 0, 0").printed("Chunks:    {4, 64, 80} 40960 bytes");
}

#[test]
fn h5repack_compresses() {
    let lab = lab();
    for (filter, stored) in [
        ("UD=32010,0,0", "PARAMS { 64 80 2 0 0"),
        ("UD=32010,1,0", "PARAMS { 64 80 2 0 0"),
        ("UD=32010,0,3,64,80,2", "PARAMS { 64 80 2 0 0"),
        ("UD=32010,0,4,0,0,0,5", "PARAMS { 64 80 2 5 0"),
        ("UD=32010,0,5,64,80,2,5,1", "PARAMS { 64 80 2 5 1"),
        ("UD=32010,0,3,32,40,1", "PARAMS { 32 40 1 0 0"),
    ] {
        repack(&lab, &["-f", filter], "plain.h5", "repacked.h5");
        let filters = filters(&lab, "repacked.h5");
        assert!(filters.contains(stored), "{filter}: {filters}");
        for (mask, n_bytes) in stored_chunks(&lab, "repacked.h5") {
            assert!(mask == 0 && n_bytes < 4 * 64 * 80 * 2 / 2, "{filter}: mask {mask}, {n_bytes} bytes");
        }
    }
}

#[test]
fn h5repack_leaves_a_dataset_as_it_is_when_the_preset_does_not_exist() {
    let lab = lab();
    // It says so with -v alone.
    repack(&lab, &["-f", "UD=32010,0,4,0,0,0,10"], "plain.h5", "repacked.h5");
    assert!(!filters(&lab, "repacked.h5").contains("32010"));
}

#[test]
fn h5repack_changes_preset_and_chunk_shape() {
    let lab = lab();
    repack(&lab, &["-f", "UD=32010,0,4,0,0,0,5"], "packed.h5", "medium.h5");
    assert!(filters(&lab, "medium.h5").contains("PARAMS { 64 80 2 5 0"));
    let n_bytes = |file| stored_chunks(&lab, file).iter().map(|(_, n_bytes)| n_bytes).sum::<usize>();
    assert!(n_bytes("medium.h5") < n_bytes("packed.h5"));
    // The values stored with a dataset are those of its chunk shape: here they meet another.
    repack(&lab, &["-l", "frames:CHUNK=2x32x40"], "medium.h5", "tiles.h5");
    assert!(filters(&lab, "tiles.h5").contains("PARAMS { 32 40 2 5 0"));
}

#[test]
fn h5repack_removes_the_filter() {
    let lab = lab();
    repack(&lab, &["-f", "NONE"], "packed.h5", "unpacked.h5");
    assert!(!filters(&lab, "unpacked.h5").contains("32010"));
}

#[test]
fn h5copy_copies() {
    let lab = lab();
    lab.run("h5copy", &["-i", "packed.h5", "-o", "copy.h5", "-s", "frames", "-d", "frames"]).succeeded();
    lab.run("h5diff", &["plain.h5", "copy.h5"]).succeeded().was_silent();
    assert!(filters(&lab, "copy.h5").contains("FILTER_ID 32010"));
}
