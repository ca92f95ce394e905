//! Are chunks of every released format version still read as what they were?
//!
//! tests/data has a folder for each format version, and one for the original's layout, with what the filter
//! stored for each kind of chunk, and in its `index.txt` a line for each: name, XXH3-128 of the chunk, the
//! cd_values of its dataset, how it is stored. These files are never changed. When there is a new kind of
//! chunk or a new format version, `cargo test --test stability -- --ignored` adds those that are missing.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use h5h264::filter;
use h5h264::payload::FORMAT_VERSION;
use support::examples::{describe, examples, examples_in_original_layout, large_examples};
use twox_hash::XxHash3_128;

const ORIGINAL_LAYOUT: &str = "original layout";

struct Entry {
    folder: PathBuf,
    name: String,
    chunk_hash: String,
    cd_values: Vec<u32>,
    description: String,
}

/// The folder of the current format version, or of the original's layout.
fn folder(is_original: bool) -> PathBuf {
    let name = if is_original { "original-layout".into() } else { format!("format-{FORMAT_VERSION}") };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn index() -> Vec<Entry> {
    [true, false].into_iter().map(folder).flat_map(index_of).collect()
}

fn index_of(folder: PathBuf) -> Vec<Entry> {
    let index = fs::read_to_string(folder.join("index.txt")).expect("the index");
    let entries = index.lines().map(|line| {
        let fields: Vec<_> = line.split(" | ").map(str::to_owned).collect();
        let [name, chunk_hash, cd_values, description] = fields.try_into().expect("four fields");
        let cd_values = cd_values.split(' ').map(|value| value.parse().expect("a number")).collect();
        Entry { folder: folder.clone(), name, chunk_hash, cd_values, description }
    });
    entries.collect()
}

fn hash(chunk: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(chunk))
}

#[test]
fn stored_chunks_decode_to_what_they_were() {
    for Entry { folder, name, chunk_hash, cd_values, description } in index() {
        let stored = fs::read(folder.join(&name)).expect("a file of the index");
        let chunk = filter::decode(&cd_values, &stored).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(hash(&chunk), chunk_hash, "{name}");
        if description != ORIGINAL_LAYOUT {
            assert_eq!(describe(&stored), description, "{name}");
            // The payload says it all.
            assert!(filter::decode(&[], &stored).is_ok_and(|found| found[..] == chunk[..]), "{name}");
        }
    }
}

#[test]
fn chunks_of_every_kind_are_there() {
    let index = index();
    let found: BTreeSet<_> = index.iter().flat_map(|entry| entry.description.split(' ')).collect();
    let mappings = ["integers", "ordered", "rotated", "integral", "big-endian", "table"];
    let codings = [
        "as", "constant", "raw", "video", "gray", "noise", "narrow", "wide", "zstd", "rgb", "strips",
        "parts", "original", "padding",
    ];
    for kind in mappings.iter().chain(&codings) {
        assert!(found.contains(kind), "{kind}");
    }
}

#[test]
#[ignore = "writes what is missing in tests/data"]
fn regenerate() {
    let frames = [2, 20, 32];
    let known: BTreeSet<_> = index().into_iter().map(|entry| entry.name).collect();
    let ours = examples(frames).into_iter().chain(large_examples());
    for example in ours.chain(examples_in_original_layout(frames)) {
        if known.contains(&example.name) {
            continue;
        }
        let stored = example.encode();
        let is_original = example.cd_values[4] == 1;
        let description = if is_original { ORIGINAL_LAYOUT.into() } else { describe(&stored) };
        let folder = folder(is_original);
        let cd_values: Vec<_> = example.cd_values.iter().map(u32::to_string).collect();
        let (name, hash) = (&example.name, hash(&example.chunk));
        let mut index =
            fs::OpenOptions::new().append(true).open(folder.join("index.txt")).expect("the index");
        writeln!(index, "{name} | {hash} | {} | {description}", cd_values.join(" ")).expect("a line more");
        fs::write(folder.join(name), stored).expect("a file");
    }
}
