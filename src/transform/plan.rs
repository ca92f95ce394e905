use h5filter::SampleKind;

use super::differences::{Differences, SampledRows};
use super::number::Extent;
use super::order::Frames;
use super::{Coding, Mapping, Plane, Ranks, Sample, Table, Transform};
use crate::avcodec::Preset;

/// A transform that takes away the plain movie in a chunk of bytes has to save this much.
const WORTH_LOSING_THE_MOVIE: f64 = 0.9;
/// A table has to save this much, since looking values up takes time.
const WORTH_A_TABLE: f64 = 0.98;

/// The frame before has to save this many bits per sample. Without it, x264 is twice as fast.
const WORTH_LOOKING_BACK: f64 = 0.03;

/// What to do with a chunk.
pub struct Plan {
    /// What to do to the samples.
    pub transform: Transform,
    /// What finds the ranks of the transform's table.
    pub ranks: Option<Ranks>,
    /// Whether pictures may refer to those before.
    pub looks_back: bool,
}

/// Chooses what to do with a chunk.
pub fn plan<S: Sample>(frames: &Frames<'_>, kind: SampleKind, preset: Preset, n_threads: usize) -> Plan {
    let sampled = SampledRows::<S>::of(frames);
    let (mapping, mut extent) = Mapping::choose(kind, frames, &sampled, n_threads);
    let mut rows = sampled.mapped(frames, &mapping);
    let table = Table::of(frames, &mapping, &extent, &rows, n_threads)
        .and_then(|table| worthwhile(table, frames, &mut rows, preset));
    let (table, ranks) = table.unzip();
    if let Some(table) = &table {
        let max = table.values().len() as u64 - 1;
        extent = Extent { min: 0, max, varying: max.min(1) };
    }
    let is_movie = S::BITS == 8 && table.is_none() && extent.varying != 0;
    let n_bits = if is_movie { 8 } else { extent.n_bits() };
    let differences = rows.differences();
    let noise = noise(&differences, &extent, n_bits, is_movie, preset);

    let mut planes = Vec::new();
    // These bits are the same in all numbers.
    cut(0..noise.start, |shift| Coding::Constant((extent.min >> shift) as u8), &mut planes);
    cut(noise, |_| Coding::Raw, &mut planes);
    let start = planes.iter().map(|plane| plane.bits).sum();
    cut(start..n_bits.max(extent.n_bits()), |_| Coding::Video, &mut planes);
    let n_video = planes.iter().filter(|plane| plane.coding == Coding::Video).count();
    Plan {
        transform: Transform { mapping, table, planes, is_reflected: n_video > 1 },
        ranks,
        looks_back: differences.saved_by_previous > WORTH_LOOKING_BACK,
    }
}

/// The table, if it pays; the rows are then ranks, too.
fn worthwhile<S: Sample>(
    table: Table,
    frames: &Frames<'_>,
    rows: &mut SampledRows<S>,
    preset: Preset,
) -> Option<(Table, Ranks)> {
    let least_cost = |rows: &SampledRows<S>| {
        let differences = rows.differences();
        cheapest(|s| differences.cost(s, preset), 0..S::BITS).1
    };
    let ranks = table.ranks(frames.bytes.len() / S::BYTES);
    let ranked = rows.clone().map(|numbers| ranks.apply(numbers));
    // A value takes about a byte.
    let table_bits = table.values().len() as f64 * 8.0 * S::BYTES as f64 / frames.bytes.len() as f64;
    let worth = if S::BITS == 8 { WORTH_LOSING_THE_MOVIE } else { WORTH_A_TABLE };
    if least_cost(&ranked) + table_bits >= worth * least_cost(rows) {
        return None;
    }
    *rows = ranked;
    Some((table, ranks))
}

/// Which bits are noise. Those below are constant, those above worth coding.
fn noise<S: Sample>(
    differences: &Differences<S>,
    extent: &Extent,
    n_bits: u32,
    is_movie: bool,
    preset: Preset,
) -> std::ops::Range<u32> {
    let start = if is_movie { 0 } else { extent.varying.trailing_zeros().min(n_bits) };
    let cost = |s| differences.cost(s, preset);
    let (end, least) = cheapest(cost, start..n_bits);
    if is_movie && least > WORTH_LOSING_THE_MOVIE * cost(start) { start..start } else { start..end }
}

/// The number of raw bits in `range` that costs least, and its cost. At the end of the range, all
/// bits are raw and nothing is coded.
fn cheapest(cost: impl Fn(u32) -> f64, range: std::ops::Range<u32>) -> (u32, f64) {
    let raw = (range.end, f64::from(range.end));
    let mut best = (range.end, f64::INFINITY);
    for s in range {
        let cost = cost(s);
        // A raw bit more costs a bit: it only gets worse.
        if cost > best.1 + 1.0 {
            break;
        }
        if cost < best.1 {
            best = (s, cost);
        }
    }
    if best.1 < raw.1 { best } else { raw }
}

/// Appends planes of eight bits, and one of what remains, for these bits.
fn cut(bits: std::ops::Range<u32>, coding: impl Fn(u32) -> Coding, planes: &mut Vec<Plane>) {
    let mut shift = bits.start;
    while shift < bits.end {
        let bits = (bits.end - shift).min(8);
        let coding = match coding(shift) {
            Coding::Constant(byte) => Coding::Constant(byte & (0xff >> (8 - bits))),
            coding => coding,
        };
        planes.push(Plane { bits, coding });
        shift += bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::transform::order;

    fn plan_of<S: Sample>(samples: &[S], geometry: Geometry, kind: SampleKind) -> (Transform, Vec<S>) {
        let mut bytes = vec![0; geometry.chunk_bytes()];
        for (samples, frame) in
            samples.chunks(geometry.frame_samples()).zip(bytes.chunks_mut(geometry.frame_bytes()))
        {
            order::store(samples, &geometry, false, frame);
        }
        let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
        let transform = plan::<S>(&frames, kind, Preset::default(), 2).transform;
        let mut numbers = samples.to_vec();
        transform.mapping.apply(&mut numbers);
        if let Some(table) = &transform.table {
            table.ranks(numbers.len()).apply(&mut numbers);
        }
        let n_bits: u32 = transform.planes.iter().map(|plane| plane.bits).sum();
        assert!(n_bits <= S::BITS);
        assert!(numbers.iter().all(|n| n.bit_length() <= n_bits), "the planes hold all bits");
        (transform, numbers)
    }

    fn frames(n_frames: u64, sample_bytes: u64) -> Geometry {
        Geometry::new(n_frames, 32, 32, 1, sample_bytes).unwrap()
    }

    /// Bits that look random.
    fn hash(i: usize) -> u64 {
        let x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16
    }

    #[test]
    fn ordinary_frames_of_bytes_stay_as_they_are() {
        let samples: Vec<u8> = (0..3 * 1024).map(|i| (i / 40 % 200) as u8 + (hash(i) % 3) as u8).collect();
        let (transform, numbers) = plan_of(&samples, frames(3, 1), SampleKind::Unsigned);
        assert_eq!(numbers, samples);
        assert_eq!(transform.planes, [Plane { bits: 8, coding: Coding::Video }]);
    }

    #[test]
    fn a_constant_chunk_needs_no_plane() {
        let (transform, _) = plan_of(&[77u16; 1024], frames(1, 2), SampleKind::Unsigned);
        assert_eq!(
            transform,
            Transform {
                mapping: Mapping::Integer { offset: 77 },
                table: None,
                planes: vec![],
                is_reflected: false
            }
        );
    }

    #[test]
    fn noise_is_raw() {
        let samples: Vec<u16> = (0..4096).map(|i| hash(i) as u16).collect();
        let (transform, _) = plan_of(&samples, frames(4, 2), SampleKind::Unsigned);
        assert!(transform.planes.iter().all(|plane| plane.coding == Coding::Raw), "{transform:?}");
    }

    #[test]
    fn the_noisy_bits_of_a_smooth_picture_are_raw() {
        let samples: Vec<u16> = (0..4096).map(|i| (i % 1024 * 30) as u16 + (hash(i) % 64) as u16).collect();
        let (transform, _) = plan_of(&samples, frames(4, 2), SampleKind::Unsigned);
        assert_eq!(transform.planes[0].coding, Coding::Raw);
        assert!((3..=6).contains(&transform.planes[0].bits), "{transform:?}");
        assert_eq!(transform.planes.last().unwrap().coding, Coding::Video);
    }

    #[test]
    fn low_bits_that_never_change_are_constant() {
        // 12-bit data in the upper bits, as some cameras have it; too many values for a table.
        let samples: Vec<u16> = (0..4096).map(|i| (hash(i) as u16 % 4096) << 4).collect();
        let (transform, _) = plan_of(&samples, frames(4, 2), SampleKind::Unsigned);
        assert_eq!(transform.planes[0], Plane { bits: 4, coding: Coding::Constant(0) });
    }
}
