//! Damages chunks of every kind, in millions, and decodes them through the C functions. See scripts/torture.
//!
//!     torture SEED FIRST N         tries these numbers; prints a line for each kind of chunk
//!
//! A try is made from its number and the seed alone: which chunk, what damage, and whether the checksum of the stored
//! bytes is repaired afterwards. Exits with 2 after a wrong byte or a long call, which it describes.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fs, ptr, thread};

use fastrand::Rng;
use h5h264::capi::{Status, h5h264_decode};
use h5h264::payload;

#[path = "../tests/support/examples.rs"]
#[allow(dead_code)]
mod examples;

use examples::{Example, describe, examples, examples_in_original_layout, large_examples};

/// A call that takes longer counts as hanging.
const LONGEST: Duration = Duration::from_secs(20);

/// A chunk, and what is stored for it.
struct Subject {
    example: Example,
    /// The codings, in words.
    kind: String,
    stored: Vec<u8>,
    /// Without checksums, as in chunks of the original layout, any frames may come.
    is_checked: bool,
}

/// What came of the tries with chunks of one kind.
#[derive(Default)]
struct Tally {
    n_plain: u64,
    n_repaired: u64,
    n_intact: u64,
    slowest: Duration,
}

fn main() -> ExitCode {
    let numbers: Vec<u64> = env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let [seed, first, n] = numbers[..] else {
        eprintln!("expected SEED FIRST N");
        return ExitCode::FAILURE;
    };
    let subjects = subjects();
    let largest = subjects.iter().map(|subject| subject.example.chunk.len()).max().unwrap_or(1);
    let mut chunk = vec![0u8; largest];
    thread::spawn(watch);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for number in first..first + n {
        STARTED.store(now(), Ordering::Relaxed);
        if let Err(what) = attempt(&subjects, seed, number, &mut chunk, &mut tallies) {
            println!("try {number} of seed {seed}: {what}");
            return ExitCode::from(2);
        }
    }
    for (kind, Tally { n_plain, n_repaired, n_intact, slowest }) in tallies {
        println!("{kind}\t{n_plain}\t{n_repaired}\t{n_intact}\t{}", slowest.as_micros());
    }
    println!("memory\t{}\t{largest}", peak_bytes());
    ExitCode::SUCCESS
}

fn subjects() -> Vec<Subject> {
    let of_this_layout = [examples([2, 16, 24]), examples([4, 48, 64]), large_examples()].concat();
    let original =
        [examples_in_original_layout([2, 16, 24]), examples_in_original_layout([4, 48, 64])].concat();
    let checked = of_this_layout.into_iter().map(|example| (example, true));
    checked
        .chain(original.into_iter().map(|example| (example, false)))
        .map(|(example, is_checked)| {
            let stored = example.encode();
            let kind = if is_checked { describe(&stored) } else { "original layout".into() };
            Subject { example, kind, stored, is_checked }
        })
        .collect()
}

fn attempt<'s>(
    subjects: &'s [Subject],
    seed: u64,
    number: u64,
    chunk: &mut [u8],
    tallies: &mut BTreeMap<&'s str, Tally>,
) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // Large chunks take a hundred times as long.
    let n_small = subjects.iter().filter(|subject| subject.stored.len() < 1 << 13).count();
    let subject = loop {
        let subject = rng.choice(subjects).expect("there are some");
        if subject.stored.len() < 1 << 13 || rng.usize(..subjects.len()) > n_small {
            break subject;
        }
    };
    let mut damaged = subject.stored.clone();
    let mut damages = Vec::new();
    for _ in 0..1 + rng.u32(..3) * rng.u32(..2) {
        damages.push(damage(&mut damaged, subjects, &mut rng));
    }
    let is_repaired = rng.u32(..4) > 0;
    if is_repaired && subject.is_checked {
        payload::repair_checksum(&mut damaged);
    }

    let expected = &subject.example.chunk;
    let start = processor_time();
    let status = decode(&subject.example.cd_values, &damaged, &mut chunk[..expected.len()]);
    let elapsed = processor_time() - start;

    let tally = tallies.entry(&subject.kind).or_default();
    *if is_repaired { &mut tally.n_repaired } else { &mut tally.n_plain } += 1;
    tally.slowest = tally.slowest.max(elapsed);
    let describe = |what: &str| {
        format!("{what}: {} ({}), {damages:?}, repaired: {is_repaired}", subject.example.name, subject.kind)
    };
    if status == Status::Done as i32 {
        tally.n_intact += 1;
        // Behind a repaired checksum, what was spliced may be another chunk as a whole.
        let is_one = |subject: &Subject| subject.example.chunk == chunk[..expected.len()];
        if subject.is_checked && !is_one(subject) && !subjects.iter().any(is_one) {
            return Err(describe("wrong bytes"));
        }
    } else if status != Status::CantFilter as i32 {
        return Err(describe(&format!("status {status}")));
    }
    Ok(())
}

/// Something that happens to stored bytes; says what it was.
fn damage(stored: &mut Vec<u8>, subjects: &[Subject], rng: &mut Rng) -> String {
    if stored.is_empty() {
        return "nothing left".into();
    }
    // Half of it happens in the first bytes, where the header is.
    let len = stored.len();
    let at = if rng.bool() { rng.usize(..len.min(96)) } else { rng.usize(..len) };
    let most = 1 << rng.u32(..7);
    let n = rng.usize(1..=most).min(len - at);
    match rng.u32(..9) {
        0 => {
            stored[at] ^= 1 << rng.u32(..8);
            format!("a bit at {at}")
        }
        1 => {
            stored[at] = rng.choice([0, 1, 0x7f, 0x80, 0xfe, 0xff]).expect("some");
            format!("a special value at {at}")
        }
        2 => {
            stored[at] = stored[at].wrapping_add(rng.choice([1, 2, 0xfe, 0xff]).expect("some"));
            format!("a near value at {at}")
        }
        3 => {
            stored[at..at + n].iter_mut().for_each(|byte| *byte = rng.u8(..));
            format!("{n} random bytes at {at}")
        }
        4 => {
            stored.truncate(at);
            format!("cut off at {at}")
        }
        5 => {
            stored.drain(at..at + n);
            format!("{n} bytes missing at {at}")
        }
        6 => {
            let to = rng.usize(..len);
            let copied = stored[at..at + n].to_vec();
            stored.splice(to..to, copied);
            format!("{n} bytes of {at} again at {to}")
        }
        7 => {
            let byte = if rng.bool() { 0 } else { 0xff };
            stored[at..at + n].fill(byte);
            format!("{n} bytes of {byte:#x} at {at}")
        }
        _ => {
            let other = rng.choice(subjects).expect("some");
            let from = at.min(other.stored.len());
            stored.splice(at.., other.stored[from..].iter().copied());
            format!("from {at} on what is in {}", other.example.name)
        }
    }
}

fn decode(cd_values: &[u32], stored: &[u8], chunk: &mut [u8]) -> i32 {
    let mut error = [0 as c_char; 200];
    // SAFETY: the pointers are of slices that live through the call, with their lengths.
    unsafe {
        h5h264_decode(
            cd_values.as_ptr(),
            cd_values.len(),
            stored.as_ptr().cast::<c_void>(),
            stored.len(),
            1,
            chunk.as_mut_ptr().cast(),
            chunk.len(),
            ptr::from_mut(&mut error).cast(),
            error.len(),
        )
    }
}

/// How long this process has worked: whatever else the machine does, a call takes as much.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every Unix; `time` can be written to.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// When the running try started, in milliseconds.
static STARTED: AtomicU64 = AtomicU64::new(u64::MAX);

fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// Ends the process, as a crash would, when a call hangs.
fn watch() {
    loop {
        thread::sleep(Duration::from_secs(1));
        if now().saturating_sub(STARTED.load(Ordering::Relaxed)) > LONGEST.as_millis() as u64 {
            eprintln!("a call takes longer than {LONGEST:?}");
            std::process::abort();
        }
    }
}

/// The most memory that was ever resident, in bytes; 0 where /proc does not tell.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}
