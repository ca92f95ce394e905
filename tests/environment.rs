//! Do the environment variables do what they say, and nothing to the frames?

mod support;

use std::fs;

use support::{Hdf5, Lab};

const WRITE: [&str; 9] = ["write", "frames.h5", "frames", "u8", "4", "512", "512", "2", "filter"];
const CHECK: [&str; 3] = ["check", "frames.h5", "frames"];

fn lab() -> Lab {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
    lab
}

#[test]
fn frames_come_back_whatever_is_set() {
    let lab = lab();
    let settings = [
        ("H5H264_THREADS", "1"),
        ("H5H264_THREADS", "3"),
        ("H5H264_THREADS", "64"),
        ("H5H264_THREADS", "0"),
        ("H5H264_THREADS", "many"),
        ("H5H264_CACHE_MIB", "0"),
        ("H5H264_CACHE_MIB", "99999999999999999999"),
        ("H5H264_VERIFY", "0"),
        ("H5H264_VERIFY_WRITE", "1"),
    ];
    for setting in settings {
        lab.run_with("dataset", &WRITE, &[setting]).succeeded().was_silent();
        lab.run("dataset", &CHECK).succeeded().was_silent();
        lab.run_with("dataset", &CHECK, &[setting]).succeeded().was_silent();
    }
}

#[test]
fn verification_can_be_turned_off() {
    let lab = lab();
    lab.run("dataset", &WRITE).succeeded();
    lab.run("stored_chunk", &["get", "frames.h5", "frames", "1", "bytes"]).succeeded();
    let mut stored = fs::read(lab.path("bytes")).expect("the stored chunk");
    // The checksum of the decoded chunk.
    stored[16] ^= 1;
    h5h264::payload::repair_checksum(&mut stored);
    fs::write(lab.path("bytes"), stored).expect("the damaged chunk");
    lab.run("stored_chunk", &["put", "frames.h5", "frames", "1", "bytes"]).succeeded();

    lab.run("dataset", &CHECK)
        .failed()
        .printed("h5h264: damaged chunk: its decoded 524288 bytes do not have");
    lab.run_with("dataset", &CHECK, &[("H5H264_VERIFY", "0")]).succeeded();
}
