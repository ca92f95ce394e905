//! The stored bytes: checksums over large ones, the header of small ones.

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use h5h264::geometry::Geometry;
use h5h264::payload::{self, Header, Payload, Video};
use h5h264::picture::PixelFormat;
use h5h264::process::ChunkKey;
use h5h264::transform::{Coding, Mapping, Plane, Table, Transform};

fn checksums(c: &mut Criterion) {
    let chunk = support::chunk_u16([10, 512, 512]);
    let stored = payload::write_raw(&chunk).expect("memory");
    let payload = Payload::read(&stored).expect("a whole payload");
    let mut group = c.benchmark_group("checksums");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("of what is written", |b| b.iter(|| payload::write_raw(&chunk)));
    group.bench_function("of what is read", |b| b.iter(|| Payload::read(&stored).map(drop)));
    group.bench_function("of what was decoded", |b| b.iter(|| payload.verify(&chunk)));
    group.bench_function("key of a stored chunk", |b| b.iter(|| ChunkKey::of(&stored)));
}

fn header(c: &mut Criterion) {
    let raw = Plane { bits: 5, coding: Coding::Raw };
    let video = Plane { bits: 8, coding: Coding::Video };
    let header = |n_frames: usize, n_values: u64| Header {
        geometry: Geometry::new(n_frames as u64, 16, 16, 1, 2).expect("a possible geometry"),
        strip_height: 16,
        big_endian: false,
        transform: Transform {
            mapping: Mapping::Integer { offset: 1000 },
            table: (n_values > 0).then(|| Table::new((0..n_values).map(|i| 37 * i).collect())),
            planes: vec![raw, video],
        },
        zstd_bytes: vec![],
        noise: None,
        padding: None,
        video: Some(Video {
            format: PixelFormat::Gray,
            access_unit_bytes: (0..n_frames).map(|t| if t == 0 { 8 } else { 1 }).collect(),
        }),
    };
    let mut group = c.benchmark_group("header");
    for (name, header) in
        [("10 frames", header(10, 0)), ("1000 frames", header(1000, 0)), ("1700 values", header(1, 1700))]
    {
        let raw_planes = vec![0; header.geometry.n_frames * 160];
        let stream = vec![0; header.geometry.n_frames + 7];
        let stored = payload::write_coded(&[], &header, &[&raw_planes, &stream]).expect("memory");
        group.bench_function(format!("write {name}"), |b| {
            b.iter(|| {
                let mut out = Vec::new();
                header.write_to(&mut out);
                black_box(out)
            });
        });
        group.bench_function(format!("read {name}"), |b| {
            b.iter(|| Payload::read(&stored).map(drop).expect("a whole payload"));
        });
    }
}

criterion_group!(benches, checksums, header);
criterion_main!(benches);
