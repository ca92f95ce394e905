//! Does a header that promises much, with little behind it, cost memory or time?
//!
//! The process may use 2 GiB of addresses, and a chunk for which there is no memory has to be an
//! error. An infallible allocation beyond that ends this program.

mod support;

use std::time::{Duration, Instant};

use h5filter::{Element, SampleKind};
use h5h264::error::Error;
use h5h264::geometry::Geometry;
use h5h264::payload::{Content, Header, Payload, Video, repair_checksum, write_coded};
use h5h264::picture::PixelFormat;
use h5h264::transform::{Coding, Mapping, Plane, Table, Transform};
use h5h264::{filter, options};
use support::examples::{Example, examples, examples_in_original_layout, large_examples};

/// Opening the codec and telling that there is nothing takes milliseconds.
const LONG: Duration = Duration::from_secs(5);

fn limit_memory() {
    let limit = libc::rlimit { rlim_cur: 2 << 30, rlim_max: 2 << 30 };
    // SAFETY: `limit` is valid for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// Frames of samples of planes that are coded like this.
fn coded(
    [n_frames, height, width, n_components, sample_bytes]: [u64; 5],
    plane: Plane,
    n_planes: usize,
) -> Header {
    let is_video = plane.coding == Coding::Video;
    let video = Video { format: PixelFormat::Gray, access_unit_bytes: vec![1] };
    Header {
        geometry: Geometry::new(n_frames, height, width, n_components, sample_bytes).expect("a geometry"),
        strip_height: height as usize,
        big_endian: false,
        transform: Transform {
            mapping: Mapping::Integer { offset: 0 },
            table: None,
            planes: vec![plane; n_planes],
        },
        zstd_bytes: vec![],
        noise: None,
        padding: None,
        video: is_video.then_some(video),
    }
}

/// Decodes what has this header and nothing but zeros behind it; the dataset promises chunks of
/// that size.
#[track_caller]
fn decode(header: &Header, n_zeros: usize) -> Error {
    limit_memory();
    let stored = write_coded(b"", header, &[&vec![0; n_zeros]]).expect("a payload");
    let g = &header.geometry;
    let bytes = Element { kind: SampleKind::Unsigned, sample_bytes: 1, n_samples: 1, big_endian: false };
    let chunk_shape = [g.n_frames, g.frame_bytes() / g.width, g.width].map(|n| n as u64);
    let promised = options::resolve_for(&[], &chunk_shape, bytes).ok();
    let start = Instant::now();
    let error =
        filter::decode(promised.as_deref().unwrap_or_default(), &stored).expect_err("it can't be decoded");
    assert!(start.elapsed() < LONG, "{error}: {:?}", start.elapsed());
    assert!(filter::decode(&[], &stored).is_err());
    error
}

const RAW: Plane = Plane { bits: 8, coding: Coding::Raw };
const VIDEO: Plane = Plane { bits: 8, coding: Coding::Video };
const ONE_BIT_OF_VIDEO: Plane = Plane { bits: 1, coding: Coding::Video };

#[test]
fn chunks_larger_than_the_machine_are_errors() {
    for n_frames in [1 << 20, 1 << 31, 1 << 40, 1 << 50] {
        for plane in [RAW, VIDEO] {
            let error = decode(&coded([n_frames, 64, 64, 1, 1], plane, 1), 1);
            assert!(matches!(error, Error::Damaged(_)), "{error}");
        }
        if n_frames > 1 << 20 {
            // A constant chunk has nothing behind its header, so this is honest, and too large.
            let error = decode(&coded([n_frames, 64, 64, 1, 1], RAW, 0), 0);
            assert!(matches!(error, Error::OutOfMemory(_)), "{error}");
        }
    }
}

#[test]
fn many_strips_of_nothing_cost_no_more_than_the_chunk() {
    // Constant chunks, which are honest: only their pixels may take memory.
    for shape in [[1, 1 << 27, 1, 1, 1], [1 << 27, 1, 1, 1, 1]] {
        limit_memory();
        let mut header = coded(shape, RAW, 0);
        header.strip_height = 16.min(header.geometry.height);
        let stored = write_coded(b"", &header, &[]).expect("a payload");
        let error = filter::decode(&[], &stored).expect_err("a wrong checksum");
        assert!(matches!(error, Error::Damaged(_)), "{error}");
    }
}

#[test]
fn frames_of_many_parts_are_errors() {
    let shapes =
        [[1, 1 << 30, 1, 1, 1], [1, 1, 1 << 30, 1, 1], [1, 1, 1 << 25, 64, 1], [1, 1 << 15, 1 << 15, 1, 1]];
    for shape in shapes {
        let error = decode(&coded(shape, ONE_BIT_OF_VIDEO, 1), 1);
        assert!(matches!(error, Error::Damaged(_)), "{error}");
    }
}

#[test]
fn lists_longer_than_what_is_stored_are_errors() {
    let header = coded([1, 64, 64, 1, 4], VIDEO, 1);
    let stored = write_coded(b"", &header, &[&[0]]).expect("a payload");
    // Where the header has its last fields: format, n_access_units, access_unit_bytes, zero.
    let end = stored.len() - 2;
    for number in [&[0xff, 0xff, 0xff, 0x7f][..], &[0xff; 9]] {
        let mut damaged = stored.to_vec();
        damaged.splice(end - 1..end, number.iter().copied().chain([0]));
        repair_checksum(&mut damaged);
        assert!(filter::decode(&[], &damaged).is_err());
    }
    // 65536 values take at least as many bytes.
    let mut header = coded([1, 64, 64, 1, 4], RAW, 1);
    header.transform.table = Some(Table::new((0..65536).collect()));
    let stored = write_coded(b"", &header, &[&[0; 64 * 64]]).expect("a payload");
    let mut damaged = stored[..100].to_vec();
    repair_checksum(&mut damaged);
    assert!(filter::decode(&[], &damaged).is_err());
}

#[test]
fn long_lists_of_empty_access_units_are_errors() {
    // One byte of the list for each; more in memory than the limit allows if it were believed.
    const N_FRAMES: u64 = 60_000_000;
    let mut header = coded([N_FRAMES, 1, 1, 1, 1], VIDEO, 1);
    header.video.as_mut().expect("video").access_unit_bytes = vec![0; N_FRAMES as usize];
    let error = decode(&header, 0);
    assert!(matches!(error, Error::OutOfMemory(_) | Error::Damaged(_)), "{error}");
    // As many as there are frames, or it is not even read.
    header.geometry.n_frames -= 1;
    assert!(matches!(decode(&header, 0), Error::Damaged(_)));
}

fn header_and_stream(stored: &[u8]) -> (Header, &[u8]) {
    match Payload::read(stored).expect("a payload").content {
        Content::Coded { header, parts } => (*header, parts.stream),
        Content::Raw(_) | Content::Resized(_) => panic!("a chunk that is stored as it is"),
    }
}

#[test]
fn noise_and_zstd_planes_larger_than_the_machine_are_errors() {
    for name in ["noisy", "wide_range", "labels"] {
        let all = examples([2, 20, 32]);
        let example = all.iter().find(|example| example.name == name).expect("an example of this name");
        let (mut header, _) = header_and_stream(&example.encode());
        let sample_bytes = header.geometry.sample_bytes as u64;
        for [n_frames, height, width] in
            [[1 << 31, 64, 64], [1, 1 << 30, 1], [1, 1, 1 << 30], [1 << 27, 4, 8]]
        {
            header.geometry = Geometry::new(n_frames, height, width, 1, sample_bytes).expect("a geometry");
            header.strip_height = height as usize;
            let noise_bytes = header.noise.iter().flat_map(|noise| noise.strip_bytes.iter().flatten());
            let n_bytes = noise_bytes.chain(&header.zstd_bytes).sum();
            let error = decode(&header, n_bytes);
            assert!(matches!(error, Error::Damaged(_) | Error::OutOfMemory(_)), "{error}");
        }
    }
}

#[test]
fn video_of_another_size_is_an_error() {
    limit_memory();
    let all = examples([2, 20, 32]);
    let ours = all.iter().find(|example| example.name == "plain_movie").expect("an example of this name");
    let ours_stored = ours.encode();
    let has_video = |example: &Example| header_and_stream(&example.encode()).0.video.is_some();
    let theirs: Vec<_> = large_examples().into_iter().filter(has_video).collect();
    assert!(theirs.len() > 2);
    for theirs in theirs {
        // The header says 20 × 32, the parameter sets say what the large frames have.
        let (mut header, _) = header_and_stream(&ours_stored);
        let theirs_stored = theirs.encode();
        let (theirs_header, stream) = header_and_stream(&theirs_stored);
        let n_bytes = theirs_header.video.expect("video").access_unit_bytes[0];
        header.video.as_mut().expect("video").access_unit_bytes = vec![n_bytes, 0];
        let stored = write_coded(&ours.chunk, &header, &[&stream[..n_bytes]]).expect("a payload");
        let error = filter::decode(&ours.cd_values, &stored).expect_err(&theirs.name);
        assert!(matches!(error, Error::Damaged(_)), "{}: {error}", theirs.name);
    }
}

#[test]
fn originals_that_promise_much_are_errors() {
    limit_memory();
    let original = &examples_in_original_layout([2, 64, 64])[1];
    let mut stored = original.encode();
    for promised in [0, 1, 64 * 64, 3 * 64 * 64, u64::from(u32::MAX)] {
        stored[..8].copy_from_slice(&promised.to_le_bytes());
        assert!(filter::decode(&original.cd_values, &stored).is_err(), "{promised}");
        assert!(filter::decode(&[64, 64, 1], &stored).is_err(), "{promised}");
    }
}

#[test]
fn padding_beyond_the_chunk_is_an_error() {
    limit_memory();
    let all = examples([2, 20, 32]);
    let example = all.iter().find(|example| example.name == "padded").expect("an example of this name");
    let stored = example.encode();
    let (header, _) = header_and_stream(&stored);
    let n_bytes = header.padding.as_ref().expect("padding").n_bytes;
    for promised in [n_bytes - 2, n_bytes + 2, 1 << 40, isize::MAX as usize - 1] {
        let mut header = header.clone();
        header.padding.as_mut().expect("padding").n_bytes = promised;
        let noise_bytes: usize =
            header.noise.iter().flat_map(|noise| noise.strip_bytes.iter().flatten()).sum();
        let stored = write_coded(&example.chunk, &header, &[&stored[stored.len() - noise_bytes..]])
            .expect("a payload");
        let error = filter::decode(&example.cd_values, &stored).expect_err("another size");
        assert!(matches!(error, Error::Damaged(_)), "{promised}: {error}");
    }
}
