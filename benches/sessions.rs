//! What it is worth to keep codec sessions from one small chunk to the next.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use h5filter::SampleKind;
use h5h264::filter;
use h5h264::process::Process;

const SHAPE: [u64; 3] = [1, 64, 64];

fn sessions(c: &mut Criterion) {
    let cd_values = support::cd_values(0, SHAPE, SampleKind::Unsigned, 2);
    let chunk = support::chunk_u16(SHAPE);
    let stored = filter::encode(&cd_values, &chunk).expect("a stored chunk");
    let process = Process::current();

    let mut group = c.benchmark_group("chunk_64x64");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("kept session", |b| b.iter(|| filter::encode(&cd_values, &chunk)));
    group.bench_function("fresh session", |b| {
        b.iter(|| {
            process.encoders.clear();
            filter::encode(&cd_values, &chunk)
        });
    });
    group.finish();

    let mut group = c.benchmark_group("chunk_64x64_decode");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("kept session", |b| b.iter(|| filter::decode(&cd_values, &stored)));
    group.bench_function("fresh session", |b| {
        b.iter(|| {
            process.decoders.clear();
            filter::decode(&cd_values, &stored)
        });
    });
}

criterion_group!(benches, sessions);
criterion_main!(benches);
