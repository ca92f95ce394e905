//! Each transform, both ways. Bytes are those of the samples.

mod support;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use h5filter::SampleKind;
use h5h264::avcodec::{Lines, LinesMut, Preset};
use h5h264::geometry::Geometry;
use h5h264::picture::{PictureLayout, PixelFormat};
use h5h264::transform::order::{self, Frames};
use h5h264::transform::{self, Coding, Mapping, Plane, Sample, Table, Transform};
use h5h264::video;
use half::f16;
use support::{noise, samples};

/// One frame, as a strip of it would be: it fits the second level cache.
const SHAPE: [u64; 3] = [1, 256, 512];
/// A chunk.
const CHUNK: [u64; 3] = [10, 512, 512];

fn geometry<S: Sample>([n, height, width]: [u64; 3], n_components: u64) -> Geometry {
    Geometry::new(n, height, width, n_components, S::BYTES as u64).expect("a possible geometry")
}

fn loaded<S: Sample>(bytes: &[u8]) -> Vec<S> {
    bytes.chunks_exact(S::BYTES).map(S::from_le_slice).collect()
}

fn frame<S: Sample>() -> Vec<S> {
    loaded(&samples(SHAPE, |value| value.to_le_bytes())).into_iter().map(|v: u64| S::truncate(v)).collect()
}

fn order(c: &mut Criterion) {
    order_of::<u8>(c);
    order_of::<u16>(c);
    order_of::<u32>(c);
    order_of::<u64>(c);
}

fn order_of<S: Sample>(c: &mut Criterion) {
    let mut group = c.benchmark_group("order");
    let [n, height, width] = SHAPE;
    for (name, n_components, big_endian) in [("native", 1, false), ("big-endian", 1, true), ("RGB", 3, false)]
    {
        let geometry = geometry::<S>([n, height, width], n_components);
        let mut bytes = vec![1; geometry.frame_bytes()];
        let mut samples = vec![S::default(); geometry.frame_samples()];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{name} load {} bits", S::BITS), |b| {
            b.iter(|| order::load(&bytes, &geometry, big_endian, &mut samples));
        });
        group.bench_function(format!("{name} store {} bits", S::BITS), |b| {
            b.iter(|| order::store(&samples, &geometry, big_endian, &mut bytes));
        });
    }
}

fn mapping(c: &mut Criterion) {
    let integer = Mapping::Integer { offset: 7 };
    let ordered = Mapping::OrderedFloat { offset: 7 };
    let rotated = Mapping::RotatedFloat { offset: 7 };
    let integral = Mapping::IntegralFloat { offset: -7 };
    mapping_of(c, "integer", integer, frame::<u16>());
    mapping_of(c, "integer", integer, frame::<u32>());
    let f32_bits: Vec<u32> = frame::<u32>().into_iter().map(|v| (v as f32).to_bits()).collect();
    mapping_of(c, "ordered float", ordered, f32_bits.clone());
    mapping_of(c, "rotated float", rotated, f32_bits.clone());
    mapping_of(c, "integral float", integral, f32_bits);
    let f64_bits = frame::<u64>().into_iter().map(|v| (v as f64).to_bits()).collect();
    mapping_of(c, "integral float", integral, f64_bits);
    let f16_bits = frame::<u16>().into_iter().map(|v| f16::from_f64(f64::from(v % 2048)).to_bits()).collect();
    mapping_of(c, "integral float", integral, f16_bits);
}

fn mapping_of<S: Sample>(c: &mut Criterion, name: &str, mapping: Mapping, samples: Vec<S>) {
    let mut numbers = samples.clone();
    mapping.apply(&mut numbers);
    let mut group = c.benchmark_group("mapping");
    group.throughput(Throughput::Bytes((samples.len() * S::BYTES) as u64));
    in_place(&mut group, format!("{name} apply {} bits", S::BITS), &samples, |s| mapping.apply(s));
    in_place(&mut group, format!("{name} undo {} bits", S::BITS), &numbers, |n| mapping.undo(n));
}

fn table(c: &mut Criterion) {
    table_of(c, "dense", frame::<u16>().into_iter().map(|v| v / 16 * 37).collect());
    table_of(c, "dense", frame::<u32>().into_iter().map(|v| v * 37).collect());
    // A detector of photons with masked and hot pixels.
    let photons = |(i, v): (u64, u32)| match i % 97 {
        0 => u32::MAX - 1 - noise(i, 1) as u32,
        1 => noise(i, 10) as u32 * 65_537,
        _ => v / 64,
    };
    table_of(c, "sparse", (0..).zip(frame::<u32>()).map(photons).collect());
}

fn table_of<S: Sample>(c: &mut Criterion, name: &str, numbers: Vec<S>) {
    let mut values: Vec<u64> = numbers.iter().map(|n| n.widen()).collect();
    values.sort_unstable();
    values.dedup();
    let table = Table::new(values);
    let ranks = table.ranks(numbers.len());
    let mut ranked = numbers.clone();
    ranks.apply(&mut ranked);
    let mut group = c.benchmark_group("table");
    group.throughput(Throughput::Bytes((numbers.len() * S::BYTES) as u64));
    in_place(&mut group, format!("{name} ranks {} bits", S::BITS), &numbers, |n| ranks.apply(n));
    in_place(&mut group, format!("{name} undo {} bits", S::BITS), &ranked, |r| {
        table.undo(r).expect("ranks of the table");
    });
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Copies the numbers and changes the copy: what the copying costs is not counted.
fn in_place<S: Sample>(group: &mut Group<'_>, name: String, numbers: &[S], change: impl Fn(&mut [S])) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(|| numbers.to_vec(), |copy| change(copy), BatchSize::SmallInput);
    });
}

fn raw_planes(c: &mut Criterion) {
    for bits in 1..=7 {
        raw_planes_of::<u16>(c, bits);
        raw_planes_of::<u32>(c, bits);
    }
}

fn raw_planes_of<S: Sample>(c: &mut Criterion, bits: u32) {
    let transform = Transform {
        mapping: Mapping::Integer { offset: 0 },
        table: None,
        planes: vec![Plane { bits, coding: Coding::Raw }, Plane { bits: 8, coding: Coding::Video }],
    };
    let mut numbers = frame::<S>();
    let mut packed = vec![0; transform.raw_bytes(numbers.len())];
    let mut group = c.benchmark_group("raw planes");
    group.throughput(Throughput::Bytes((numbers.len() * S::BYTES) as u64));
    group.bench_function(BenchmarkId::new(format!("pack {} bits", S::BITS), bits), |b| {
        b.iter(|| transform.pack_raw(&numbers, &mut packed));
    });
    group.bench_function(BenchmarkId::new(format!("unpack {} bits", S::BITS), bits), |b| {
        b.iter(|| transform.unpack_raw(&packed, &mut numbers));
    });
}

fn pictures(c: &mut Criterion) {
    pictures_of::<u8>(c, 0);
    pictures_of::<u16>(c, 5);
    pictures_of::<u32>(c, 12);
}

fn pictures_of<S: Sample>(c: &mut Criterion, shift: u32) {
    let mut numbers = frame::<S>();
    let geometry = geometry::<S>(SHAPE, 1);
    let layout = PictureLayout::of(&geometry, PixelFormat::Gray).expect("a picture");
    let mut picture = vec![0; layout.height * layout.width];
    let name = format!("{} bits", S::BITS);
    let mut group = c.benchmark_group("pictures");
    group.throughput(Throughput::Bytes((numbers.len() * S::BYTES) as u64));
    group.bench_function(format!("write {name}"), |b| {
        b.iter(|| {
            let lines = LinesMut::new(&mut picture, layout.width);
            video::write_gray(&numbers, &geometry, shift, &layout, 0, lines);
        });
    });
    group.bench_function(format!("read {name}"), |b| {
        b.iter(|| {
            let lines = Lines::new(&picture, layout.width, layout.width);
            video::read_gray(lines, &geometry, shift, &layout, 0, &mut numbers);
        });
    });
}

fn plan(c: &mut Criterion) {
    plan_of::<u8>(c, "movie", SampleKind::Unsigned, samples(CHUNK, |v| [(v / 32) as u8]));
    plan_of::<u16>(c, "u16", SampleKind::Unsigned, support::chunk_u16(CHUNK));
    plan_of::<u16>(
        c,
        "u16 with gain",
        SampleKind::Unsigned,
        samples(CHUNK, |v| (v as u16 / 16 * 37).to_le_bytes()),
    );
    plan_of::<u32>(c, "i32", SampleKind::Signed, samples(CHUNK, |v| (v as i32 - 500).to_le_bytes()));
    plan_of::<u32>(c, "f32", SampleKind::Float, samples(CHUNK, |v| (v as f32 / 7.0 + 1.0).to_le_bytes()));
    plan_of::<u32>(c, "integral f32", SampleKind::Float, samples(CHUNK, |v| (v as f32).to_le_bytes()));
    plan_of::<u64>(c, "integral f64", SampleKind::Float, samples(CHUNK, |v| (v as f64).to_le_bytes()));
    plan_of::<u16>(
        c,
        "integral f16",
        SampleKind::Float,
        samples(CHUNK, |v| f16::from_f64((v % 2048) as f64).to_le_bytes()),
    );
}

fn plan_of<S: Sample>(c: &mut Criterion, name: &str, kind: SampleKind, bytes: Vec<u8>) {
    let geometry = geometry::<S>(CHUNK, 1);
    let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
    let mut group = c.benchmark_group("plan");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(name, |b| {
        b.iter(|| transform::plan::<S>(&frames, kind, false, Preset::default(), 1));
    });
}

criterion_group!(benches, order, mapping, table, raw_planes, pictures, plan);
criterion_main!(benches);
