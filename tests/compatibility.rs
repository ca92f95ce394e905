//! Are files of the original h5h264 read, and can its layout still be written?

mod support;

use std::fs;
use std::path::Path;

use support::{Hdf5, Lab};

/// The samples of a dataset as they are in the file once it is unpacked.
fn bytes_of(lab: &Lab, file: &str, dataset: &str) -> Vec<u8> {
    lab.run("h5dump", &["-d", dataset, "-b", "FILE", "-o", "bytes", file]).succeeded();
    fs::read(lab.path("bytes")).expect("the dumped bytes")
}

/// Copies a file of the original's into the folder.
fn fetch(lab: &Lab, name: &str) {
    let legacy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/legacy");
    fs::copy(legacy.join(name), lab.path(name)).expect("a copy");
}

const ORIGINAL_FILES: [&str; 8] = [
    "f64_as_4byte.h5",
    "i32.h5",
    "u16.h5",
    "u16_be.h5",
    "u8.h5",
    // Odd frames, which the original could not encode: chunks with filter mask 1.
    "u8_odd_stored_raw.h5",
    "u8_shuffle_fletcher.h5",
    "u8_tiles.h5",
];

#[test]
fn files_of_the_original_read_as_expected() {
    let lab = Lab::new();
    for name in ORIGINAL_FILES {
        fetch(&lab, name);
        let frames = bytes_of(&lab, name, "h264");
        assert!(!frames.is_empty() && frames == bytes_of(&lab, name, "expected"), "{name}");
        lab.run("h5diff", &[name, name, "/h264", "/expected"]).succeeded().was_silent();
    }
}

#[test]
fn files_of_the_original_can_be_repacked() {
    let lab = Lab::new();
    for name in ORIGINAL_FILES {
        fetch(&lab, name);
        lab.run("h5repack", &["-f", "h264:UD=32010,0,0", name, "repacked.h5"]).succeeded().was_silent();
        assert_eq!(bytes_of(&lab, "repacked.h5", "h264"), bytes_of(&lab, name, "expected"), "{name}");
        lab.run("h5ls", &["-v", "repacked.h5/h264"]).succeeded().printed("h5h264-32010  {");
    }
}

/// The luma planes that the `ffmpeg` program decodes from an elementary stream.
fn luma_by_ffmpeg(lab: &Lab, stream: &[u8], height: usize, width: usize) -> Vec<u8> {
    fs::write(lab.path("stream"), stream).expect("the stream");
    let decode = ["-v", "error", "-y", "-f", "h264", "-i", "stream", "-f", "rawvideo"];
    // Without a pixel format to convert to, the decoder's is kept: 4:2:0.
    lab.run("ffmpeg", &[&decode[..], &["pictures"]].concat()).succeeded().was_silent();
    let pictures = fs::read(lab.path("pictures")).expect("the decoded pictures");
    let picture_bytes = height * width * 3 / 2;
    assert_eq!(pictures.len() % picture_bytes, 0);
    pictures.chunks_exact(picture_bytes).flat_map(|picture| &picture[..height * width]).copied().collect()
}

#[test]
fn the_original_layout_is_a_size_and_a_video() {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Shared, "dataset");
    lab.build("stored_chunk", Hdf5::Shared, "stored_chunk");
    for (sample_type, sample_bytes, height, width) in
        [("u8", 1, 48, 64), ("u16", 2, 48, 63), ("u16be", 2, 50, 64), ("i32", 4, 33, 45), ("f32", 4, 48, 64)]
    {
        let [h, w] = [height, width].map(|n: usize| n.to_string());
        let write = ["write", "frames.h5", "frames", sample_type, "10", &h, &w, "5"];
        let original_layout = ["filter", "0", "0", "0", "0", "1"];
        lab.run("dataset", &[&write[..], &original_layout].concat()).succeeded();
        lab.run("dataset", &["check", "frames.h5", "frames"]).succeeded();

        lab.run("stored_chunk", &["get", "frames.h5", "frames", "1", "stored"]).succeeded().printed("0 ");
        let stored = fs::read(lab.path("stored")).expect("the stored chunk");
        let frames = bytes_of(&lab, "frames.h5", "frames");
        let second_chunk = &frames[frames.len() / 2..];
        assert_eq!(stored[..8], (second_chunk.len() as u64).to_le_bytes());
        let (height, width) = match sample_bytes {
            1 => (height, width),
            2 => (height, 2 * width),
            _ => (2 * height, 2 * width),
        };
        let luma = luma_by_ffmpeg(&lab, &stored[8..], height, width);
        assert!(luma == second_chunk, "{sample_type}");
    }
}

#[test]
fn the_original_layout_is_refused_where_the_original_could_not_write() {
    let lab = Lab::new();
    lab.build("dataset", Hdf5::Shared, "dataset");
    for (sample_type, height, width, sentence) in [
        ("u8", "33", "64", "even height and width"),
        ("u8", "64", "33", "even height and width"),
        ("u16", "33", "64", "even height and width"),
        ("f64", "32", "32", "samples of 1, 2 or 4 bytes (found 8)"),
    ] {
        let write = ["write", "frames.h5", "frames", sample_type, "4", height, width, "2"];
        let original_layout = ["filter", "0", "0", "0", "0", "1"];
        lab.run("dataset", &[&write[..], &original_layout].concat()).failed().printed(sentence);
        // Nothing of it is in the file.
        lab.run("h5ls", &["frames.h5"]).succeeded().was_silent();
    }
}
