//! Does a damaged chunk ever give wrong bytes, a panic, or a long wait?
//!
//! Chunks of less than 1 MiB are not kept in the cache of decoded chunks, so each is decoded here.

mod support;

use std::time::{Duration, Instant};

use h5h264::error::Error;
use h5h264::{filter, payload};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use support::examples::{Example, examples, examples_in_original_layout, large_examples};
use support::repeatable;

/// An undamaged chunk of the larger ones takes some milliseconds.
const LONG: Duration = Duration::from_secs(5);

fn small() -> Vec<Example> {
    examples([2, 16, 24])
}

/// Panics if damage gives other bytes than those of the chunk.
#[track_caller]
fn check(example: &Example, damaged: &[u8], damage: impl std::fmt::Debug) {
    let start = Instant::now();
    let result = filter::decode(&example.cd_values, damaged);
    assert!(start.elapsed() < LONG, "{}, {damage:?}: {:?}", example.name, start.elapsed());
    match result {
        Ok(chunk) => assert!(chunk[..] == example.chunk, "{}, {damage:?}: wrong bytes", example.name),
        // What an encoder or the machine can't do is not what is wrong here.
        Err(e @ (Error::Options(_) | Error::OutOfMemory(_))) => {
            panic!("{}, {damage:?}: {e}", example.name)
        }
        Err(_) => {}
    }
}

#[test]
fn every_truncation_is_an_error() {
    for example in small() {
        let stored = example.encode();
        for len in 0..stored.len() {
            assert!(filter::decode(&example.cd_values, &stored[..len]).is_err(), "{}, {len}", example.name);
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    for example in small() {
        let mut stored = example.encode();
        for bit in 0..8 * stored.len() {
            stored[bit / 8] ^= 1 << (bit % 8);
            assert!(filter::decode(&example.cd_values, &stored).is_err(), "{}, {bit}", example.name);
            stored[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn behind_the_checksum_a_truncation_is_an_error() {
    for example in small() {
        let stored = example.encode();
        for len in 0..stored.len() {
            let mut damaged = stored[..len].to_vec();
            payload::repair_checksum(&mut damaged);
            assert!(filter::decode(&example.cd_values, &damaged).is_err(), "{}, {len}", example.name);
        }
    }
}

#[test]
fn behind_the_checksum_a_flipped_bit_is_never_a_wrong_byte() {
    for example in small() {
        let stored = example.encode();
        for bit in 0..8 * stored.len() {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            payload::repair_checksum(&mut damaged);
            check(&example, &damaged, bit);
        }
    }
}

/// Something that happens to stored bytes. Places and lengths are relative to how many there are.
#[derive(Clone, Debug)]
enum Damage {
    Overwritten { at: Index, bytes: Vec<u8> },
    CutOut { at: Index, len: usize },
    Repeated { from: Index, len: usize, to: Index },
    Zeroed { at: Index, len: usize },
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let index = any::<Index>;
        prop_oneof![
            (index(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Self::Overwritten { at, bytes }),
            (index(), 1..400usize).prop_map(|(at, len)| Self::CutOut { at, len }),
            (index(), 1..400usize, index()).prop_map(|(from, len, to)| Self::Repeated { from, len, to }),
            (index(), 1..400usize).prop_map(|(at, len)| Self::Zeroed { at, len }),
        ]
    }

    fn apply(&self, stored: &mut Vec<u8>) {
        let n = stored.len();
        if n == 0 {
            return;
        }
        let range = |at: &Index, len: usize| {
            let start = at.index(n);
            start..(start + len).min(n)
        };
        match self {
            Self::Overwritten { at, bytes } => {
                let range = range(at, bytes.len());
                let len = range.len();
                stored[range].copy_from_slice(&bytes[..len]);
            }
            Self::CutOut { at, len } => drop(stored.drain(range(at, *len))),
            Self::Repeated { from, len, to } => {
                let copy = stored[range(from, *len)].to_vec();
                let to = to.index(n);
                stored.splice(to..to, copy);
            }
            Self::Zeroed { at, len } => stored[range(at, *len)].fill(0),
        }
    }
}

/// Damages these examples in `n` ways, some of them behind a checksum that is right.
fn damage_at_random(examples: &[Example], n: u32, check: impl Fn(&Example, &[u8], &dyn std::fmt::Debug)) {
    let stored: Vec<_> = examples.iter().map(Example::encode).collect();
    let ways = (0..examples.len(), vec(Damage::any(), 1..4), prop::bool::weighted(0.9));
    let result = TestRunner::new(repeatable(n)).run(&ways, |(index, damages, is_repaired)| {
        let mut damaged = stored[index].clone();
        damages.iter().for_each(|damage| damage.apply(&mut damaged));
        if is_repaired {
            payload::repair_checksum(&mut damaged);
        }
        check(&examples[index], &damaged, &damages);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn random_damage_never_gives_wrong_bytes() {
    let mut examples = examples([3, 100, 120]);
    examples.extend(large_examples());
    damage_at_random(&examples, 4000, |example, damaged, damages| check(example, damaged, damages));
}

#[test]
fn damaged_chunks_of_the_original_give_something() {
    // They have no checksum, so it may be wrong bytes; but not a panic, nor a long wait.
    let examples = examples_in_original_layout([3, 100, 120]);
    damage_at_random(&examples, 1000, |example, damaged, damages| {
        let start = Instant::now();
        let result = filter::decode(&example.cd_values, damaged);
        assert!(start.elapsed() < LONG, "{}, {damages:?}: {:?}", example.name, start.elapsed());
        assert!(result.is_err() || result.is_ok_and(|chunk| chunk.len() == example.chunk.len()));
    });
}

#[test]
fn foreign_chunks_are_named() {
    // What LPC-Rice stores, text, and nothing at all.
    for foreign in [&b"\x00\x01\x02\x10\x00\x00\x40\x00\xff\xee\xdd\xcc\xbb\xaa\x99\x88"[..], b"frames", b""]
    {
        let error = filter::decode(&small()[0].cd_values, foreign).expect_err("a foreign chunk");
        assert!(matches!(error, Error::Foreign(_)), "{error}");
        assert!(error.to_string().contains("LPC-Rice"), "{error}");
    }
}

#[test]
fn newer_chunks_say_that_they_are() {
    for version in payload::FORMAT_VERSION + 1..=255 {
        let example = &small()[1];
        let mut stored = example.encode();
        stored[7] = version;
        let error = filter::decode(&example.cd_values, &stored).expect_err("a newer chunk");
        assert_eq!(error, Error::Newer { found: version, supported: payload::FORMAT_VERSION });
    }
}

#[test]
fn a_whole_chunk_of_another_dataset_is_an_error() {
    let all = examples([2, 16, 24]);
    for ours in &all {
        for theirs in all.iter().filter(|theirs| theirs.chunk.len() != ours.chunk.len()) {
            let stored = theirs.encode();
            // A chunk that is stored as it is may have any size, for HDF5 to check.
            if stored[24] == 1 {
                assert!(
                    filter::decode(&ours.cd_values, &stored).is_err(),
                    "{} in {}",
                    theirs.name,
                    ours.name
                );
            }
        }
    }
}
