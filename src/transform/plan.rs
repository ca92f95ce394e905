use h5filter::SampleKind;

use super::differences::SampledRows;
use super::{Coding, Mapping, Plane, Sample, Table, Transform};
use crate::geometry::Geometry;
use crate::options::Preset;

/// A transform that takes away the plain movie in a chunk of bytes has to save this much.
const WORTH_LOSING_THE_MOVIE: f64 = 0.95;
/// A table has to save this much, since looking values up takes time.
const WORTH_A_TABLE: f64 = 0.98;

/// Chooses the transform for a chunk, and replaces its samples by what the planes are cut from.
pub fn plan<S: Sample>(
    samples: &mut [S],
    geometry: &Geometry,
    kind: SampleKind,
    preset: Preset,
) -> Transform {
    let mapping = Mapping::apply(kind, samples);
    let rows = SampledRows::of(samples, geometry);
    let differences = rows.differences();
    let is_bytes = S::BITS == 8;

    let mut differences_coded = differences.clone();
    let mut table = None;
    let bits_of_all = bits_of(samples);
    let mut n_bits = if is_bytes { 8 } else { bits_of_all.length };
    if bits_of_all.varying != 0
        && let Some(candidate) = Table::of(samples)
    {
        let packed = rows.map(|numbers| candidate.apply(numbers)).differences();
        let table_bits = candidate.values().len() as f64 * 8.0 / samples.len() as f64;
        let (_, before) = cheapest(|s| differences.cost(s, preset.is_cavlc()), 0, n_bits);
        let (_, after) = cheapest(|s| packed.cost(s, preset.is_cavlc()), 0, n_bits);
        let worth = if is_bytes { WORTH_LOSING_THE_MOVIE } else { WORTH_A_TABLE };
        if after + table_bits < worth * before {
            candidate.apply(samples);
            differences_coded = packed;
            table = Some(candidate);
        }
    }
    let bits_of_all = if table.is_some() { bits_of(samples) } else { bits_of_all };
    if table.is_some() || bits_of_all.varying == 0 {
        n_bits = bits_of_all.length;
    }

    let constant_low = bits_of_all.varying.trailing_zeros().min(n_bits);
    let cost = |s| differences_coded.cost(s, preset.is_cavlc());
    let (mut noise_end, best) = cheapest(cost, constant_low, n_bits);
    if is_bytes && best > WORTH_LOSING_THE_MOVIE * cost(constant_low) {
        noise_end = constant_low;
    }
    let mut planes = Vec::new();
    cut(0, constant_low, |shift| Coding::Constant((bits_of_all.common >> shift) as u8), &mut planes);
    cut(constant_low, noise_end, |_| Coding::Raw, &mut planes);
    cut(noise_end, n_bits, |_| Coding::Video, &mut planes);
    Transform { mapping, table, planes }
}

/// Planes of eight bits, and one of what remains, for the bits from `start` to `end`.
fn cut(start: u32, end: u32, coding: impl Fn(u32) -> Coding, planes: &mut Vec<Plane>) {
    let mut shift = start;
    while shift < end {
        let bits = (end - shift).min(8);
        let coding = match coding(shift) {
            Coding::Constant(byte) => Coding::Constant(byte & (0xff >> (8 - bits))),
            coding => coding,
        };
        planes.push(Plane { bits, coding });
        shift += bits;
    }
}

fn cheapest(cost: impl Fn(u32) -> f64, from: u32, to: u32) -> (u32, f64) {
    let mut best = (from, cost(from));
    for s in from + 1..=to {
        let cost = if s == to { f64::from(to) } else { cost(s) };
        if cost < best.1 {
            best = (s, cost);
        }
    }
    best
}

struct Bits {
    /// Bits that are not the same in all numbers.
    varying: u64,
    /// Bits that are 1 in all numbers.
    common: u64,
    /// Bits up to the highest that is 1 in any number.
    length: u32,
}

fn bits_of<S: Sample>(numbers: &[S]) -> Bits {
    let all = S::truncate(u64::MAX);
    let (any, common) =
        numbers.iter().fold((S::default(), all), |(any, common), &n| (any.or(n), common.and(n)));
    Bits { varying: any.xor(common).widen(), common: common.widen(), length: any.bit_length() }
}
