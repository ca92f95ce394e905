//! Whole chunks of ten frames, by preset and number of threads.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use h5filter::SampleKind;
use h5h264::avcodec::PRESETS;
use h5h264::filter;
use h5h264::process::Process;

const SHAPE: [u64; 3] = [10, 512, 512];

fn filter(c: &mut Criterion) {
    let chunk = support::chunk_u16(SHAPE);
    let process = Process::current();
    for n_threads in [1, 2] {
        // Their threads end.
        process.encoders.clear();
        process.decoders.clear();
        // SAFETY: no other thread runs.
        unsafe { std::env::set_var("H5H264_THREADS", n_threads.to_string()) };
        let mut group = c.benchmark_group(format!("{n_threads} threads"));
        group.sample_size(10).throughput(Throughput::Bytes(chunk.len() as u64));
        for (preset, name) in (0..).zip(PRESETS) {
            let cd_values = support::cd_values(preset, SHAPE, SampleKind::Unsigned, 2);
            group.bench_function(BenchmarkId::new("encode", name), |b| {
                b.iter(|| filter::encode(&cd_values, &chunk));
            });
            group.bench_function(BenchmarkId::new("decode", name), |b| {
                let stored = filter::encode(&cd_values, &chunk).expect("a stored chunk");
                b.iter(|| {
                    process.chunks.clear();
                    filter::decode(&cd_values, &stored)
                });
            });
        }
    }
}

criterion_group!(benches, filter);
criterion_main!(benches);
