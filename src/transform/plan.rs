use std::ops::Range;
use std::sync::Arc;

use h5filter::SampleKind;

use super::differences::{Differences, SampledRows};
use super::number::Extent;
use super::order::Frames;
use super::repetition::Repetition;
use super::{Coding, MOVIE, Mapping, Plane, Ranks, Sample, Table, Transform};
use crate::avcodec::Preset;
use crate::error::Result;
use crate::noise::{NoiseBits, NoisePlan, Predictors, Trials};
use crate::video::is_movie;

/// Anything has to save this much. Estimates of what can't be coded are a little too low.
const WORTH_CODING: f64 = 0.99;
/// A plan that takes away the plain movie in a chunk of bytes has to save this much.
const WORTH_LOSING_THE_MOVIE: f64 = 0.9;
/// A table has to save this much, since looking values up takes time.
const WORTH_A_TABLE: f64 = 0.98;
/// Zstd is tried if what was made costs more than this much of its estimate.
const MAY_REPEAT: f64 = 1.25;
/// Estimates below so many bits per number are mostly what a frame of zstd costs by itself, or what
/// repeats too far away for a sample: then a part of them is enough.
const MAY_REPEAT_FAR_AWAY: [(f64, f64); 2] = [(0.5, 0.125), (2.0, 0.5)];
/// Below so many bits per number, a high level of zstd is fast, and finds much more.
const OFTEN_REPEATS: f64 = 0.5;
const OFTEN_REPEATS_LEVEL: i32 = 13;
/// A lower cut of the picture may save something if the one above costs at most this much more than the best.
const WORTH_LOOKING_FURTHER: f64 = 1.1;

/// Predictors that let rows decode in bulk may cost this much more in the fastest preset.
const WORTH_DECODING_IN_BULK: f64 = 1.015;

/// The frame before has to save this many bits per sample. Without it, x264 is twice as fast.
const WORTH_LOOKING_BACK: f64 = 0.03;

/// Fewer samples are planned before a thread is started.
const WORTH_THREADS: usize = 1 << 16;

/// Bytes of video that do not depend on what is in it: parameter sets, and the headers of a picture.
const STREAM_BYTES: f64 = 44.0;
const PICTURE_BYTES: f64 = 9.0;

/// Bytes of predictors and tables.
const NOISE_BYTES: f64 = 250.0;
/// Bits per number of macroblocks that are nearly all predicted.
const MACROBLOCK_COST: f64 = 0.045;

/// What to do with a chunk.
#[derive(Clone)]
pub struct Plan {
    /// What to do to the samples.
    pub transform: Transform,
    /// What finds the ranks of the transform's table.
    pub ranks: Option<Arc<Ranks>>,
    /// How to code the noise plane, if there is one.
    pub noise: Option<NoisePlan>,
    /// Whether pictures may refer to those before.
    pub looks_back: bool,
    /// How hard zstd tries.
    pub zstd_level: i32,
    /// Whether the frames are a plain movie.
    pub is_movie: bool,
    worth_losing_the_picture: f64,
}

/// What to do with a chunk, and what may be better than that.
pub struct Plans {
    /// Most likely the best.
    pub best: Plan,
    /// Others to try, if it does not keep what its estimate promised.
    pub others: Vec<OtherPlan>,
}

/// A plan that may be better.
pub struct OtherPlan {
    /// What to do.
    pub plan: Plan,
    /// It is worth a try if the chunk is stored in more bytes than these...
    pub if_above: usize,
    /// ...of which at least these are video.
    pub if_video_from: usize,
}

impl Plan {
    /// Whether it stores chunks as they are, with all bits of their samples.
    pub fn is_nothing<S: Sample>(&self) -> bool {
        let planes = &self.transform.planes;
        planes.iter().all(|plane| plane.coding == Coding::Raw)
            && planes.iter().map(|plane| plane.bits).sum::<u32>() == S::BITS
    }

    /// What another plan has to save to be better: a movie or a picture is worth something by itself.
    pub fn worth_changing(&self) -> f64 {
        match self.transform.video_shift() {
            Some(_) if self.is_movie => WORTH_LOSING_THE_MOVIE,
            Some(_) => self.worth_losing_the_picture,
            None => 1.0,
        }
    }
}

/// What is known of the numbers of a chunk.
struct Numbers<'a, S> {
    frames: &'a Frames<'a>,
    differences: Differences<S>,
    /// Bits below are the same in all numbers, those above are 0.
    varying: Range<u32>,
    /// The same bits below.
    constant: u64,
}

/// Planes above the constant ones, and what they cost in bits per number.
#[derive(Clone)]
struct Choice {
    planes: Vec<Plane>,
    noise: Option<NoisePlan>,
    cost: f64,
    zstd_level: i32,
    is_movie: bool,
}

/// The bits from `cut` on as video.
#[derive(Clone, Copy)]
struct WithVideo {
    cut: u32,
    /// Of all bits, in bits per number.
    cost: f64,
    /// Of the video.
    video: f64,
}

/// The choice that costs least, and others that may cost less.
struct Choices {
    best: Choice,
    others: Vec<Other>,
}

/// A choice that may cost less if the best one costs more bits per number than these.
struct Other {
    if_above: f64,
    if_video_from: f64,
    choice: Choice,
}

/// Chooses what to do with a chunk. `wants_movie`: its frames shall be a plain movie, which they can be.
pub fn plan<S: Sample>(
    frames: &Frames<'_>,
    kind: SampleKind,
    wants_movie: bool,
    preset: Preset,
    n_threads: usize,
) -> Result<Plans> {
    let n_threads = if frames.geometry.chunk_samples() < WORTH_THREADS { 1 } else { n_threads };
    let sampled = SampledRows::<S>::of(frames);
    // Pictures of a movie have the bytes themselves.
    let kind = if wants_movie { SampleKind::Bytes } else { kind };
    let (mapping, mut extent) = Mapping::choose(kind, frames, &sampled, n_threads);
    let mut rows = sampled.mapped(frames, &mapping);
    let table = if wants_movie { None } else { Table::of(frames, &mapping, &extent, &rows, n_threads) };
    let table = table.and_then(|table| worthwhile(table, frames, &mut rows));
    let (table, ranks) = table.unzip();
    let ranks = ranks.map(Arc::new);
    if let Some(table) = &table {
        let max = table.values().len() as u64 - 1;
        extent = Extent { min: 0, max, varying: max.min(1) };
    }
    let differences = rows.differences();
    let looks_back = differences.saved_by_previous > WORTH_LOOKING_BACK;
    let n_bits = extent.n_bits();
    let varying = extent.varying.trailing_zeros().min(n_bits)..n_bits;
    let numbers = Numbers { frames, differences, varying, constant: extent.min };
    let is_plain = mapping == Mapping::Integer { offset: 0 } && table.is_none() && is_movie(frames.geometry);
    let movie = (is_plain && (wants_movie || extent.varying != 0)).then(|| Choice {
        planes: vec![MOVIE],
        noise: None,
        cost: numbers.video_cost(0),
        zstd_level: 0,
        is_movie: true,
    });
    let with = |choice: Choice| Plan {
        transform: Transform { mapping, table: table.clone(), planes: choice.planes },
        ranks: ranks.clone(),
        noise: choice.noise,
        looks_back,
        zstd_level: choice.zstd_level,
        is_movie: choice.is_movie,
        worth_losing_the_picture: worth_losing_the_picture(preset),
    };
    let movie = match movie {
        Some(movie) if wants_movie => {
            return Ok(Plans { best: with(movie), others: vec![] });
        }
        movie => movie,
    };
    let Choices { best, mut others } = numbers.choose(&mapping, ranks.as_deref(), preset, n_threads)?;
    let is_worth_it = |movie: &Choice| {
        movie.cost < WORTH_CODING * f64::from(S::BITS) && best.cost > WORTH_LOSING_THE_MOVIE * movie.cost
    };
    let movie = movie.filter(is_worth_it);
    let best = match movie {
        Some(movie) => {
            others.insert(
                0,
                Other { if_above: best.cost / WORTH_LOSING_THE_MOVIE, if_video_from: 0.0, choice: best },
            );
            movie
        }
        None => best,
    };
    let n_samples = frames.geometry.chunk_samples() as f64;
    let bytes = |bits: f64| (bits * n_samples / 8.0) as usize;
    let other = |other: Other| OtherPlan {
        plan: with(other.choice),
        if_above: bytes(other.if_above),
        if_video_from: bytes(other.if_video_from),
    };
    Ok(Plans { best: with(best), others: others.into_iter().map(other).collect() })
}

/// A plan without video has to save this much; less in slower presets, which nobody takes for the picture.
fn worth_losing_the_picture(preset: Preset) -> f64 {
    if preset == Preset::default() { 0.98 } else { 0.995 }
}

/// The table, if it pays; the rows are then ranks, too.
fn worthwhile<S: Sample>(
    table: Table,
    frames: &Frames<'_>,
    rows: &mut SampledRows<S>,
) -> Option<(Table, Ranks)> {
    let least_cost = |rows: &SampledRows<S>| {
        let differences = rows.differences();
        cheapest(|s| differences.cost(s), 0..S::BITS)
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

/// The least cost with a number of raw bits in `range`, or with all bits raw.
fn cheapest(cost: impl Fn(u32) -> f64, range: Range<u32>) -> f64 {
    let mut best = f64::INFINITY;
    let end = range.end;
    for s in range {
        let cost = cost(s);
        // A raw bit more costs a bit: it only gets worse.
        if cost > best + 1.0 {
            break;
        }
        best = best.min(cost);
    }
    best.min(end.into())
}

impl<S: Sample> Numbers<'_, S> {
    /// The planes that cost least, by estimates, and others.
    fn choose(
        &self,
        mapping: &Mapping,
        ranks: Option<&Ranks>,
        preset: Preset,
        n_threads: usize,
    ) -> Result<Choices> {
        let Range { start, end } = self.varying;
        if start == end {
            return Ok(Choices { best: self.choice(vec![], None, 0.0), others: vec![] });
        }
        let raw = self.choice(planes(start..end, Coding::Raw), None, f64::from(end - start));
        let trials = Trials::of::<S>(self.frames, mapping, ranks, n_threads)?;
        // What is below is the noise of the noise: of floats, the lowest bits of 64.
        let lowest = start.max(end.saturating_sub(Coding::Noise.max_bits()));
        let bits = NoiseBits::new(lowest..end, end);
        let tolerance = if preset == Preset::default() { WORTH_DECODING_IN_BULK } else { 1.0 };
        let predictors = trials.predictors(bits, tolerance, n_threads)?;
        let fixed = 8.0 * NOISE_BYTES / self.frames.geometry.chunk_samples() as f64;
        let all_noise_cost = trials.cost(bits, &predictors)? + f64::from(lowest - start) + fixed;
        let with_video = self.least_with_video(&trials, lowest, &predictors, fixed)?;
        let with_video = with_video
            .filter(|with_video| worth_losing_the_picture(preset) * with_video.cost <= all_noise_cost);
        let least = with_video.map_or(all_noise_cost, |with_video| with_video.cost);
        let repetition = Repetition::of::<S>(self.frames, mapping, ranks, self.varying.clone())?;
        let zstd = |repetition: Repetition| Choice {
            zstd_level: if repetition.cost < OFTEN_REPEATS {
                preset.zstd_level().max(OFTEN_REPEATS_LEVEL)
            } else {
                preset.zstd_level()
            },
            ..self.choice(repetition.planes, None, repetition.cost)
        };
        if WORTH_CODING * raw.cost <= least.min(repetition.cost) {
            return Ok(Choices { best: raw, others: vec![] });
        }
        let below = planes(start..lowest, Coding::Raw);
        let all_noise = |noise| {
            let planes = [&below[..], &planes(lowest..end, Coding::Noise)].concat();
            self.choice(planes, Some(NoisePlan { bits, ..noise }), all_noise_cost)
        };
        let best = match with_video {
            Some(with_video) if with_video.cut > lowest => {
                let noise = planes(lowest..with_video.cut, Coding::Noise);
                let planes = [&below[..], &noise, &planes(with_video.cut..end, Coding::Video)].concat();
                let noise = trials.plan(NoiseBits::new(lowest..with_video.cut, end), predictors)?;
                self.choice(planes, Some(noise), with_video.cost)
            }
            Some(with_video) => {
                self.choice([&below[..], &planes(lowest..end, Coding::Video)].concat(), None, with_video.cost)
            }
            None => all_noise(trials.plan(bits, predictors)?),
        };
        let mut others = Vec::new();
        if repetition.cost < worth_losing_the_picture(preset) * least {
            others.push(Other { if_above: least, if_video_from: 0.0, choice: best });
            return Ok(Choices { best: zstd(repetition), others });
        }
        if let (Some(noise), Some(with_video)) = (&best.noise, with_video) {
            let if_video_from =
                all_noise_cost / worth_losing_the_picture(preset) - (with_video.cost - with_video.video);
            others.push(Other { if_above: 0.0, if_video_from, choice: all_noise(noise.clone()) });
        }
        let part = MAY_REPEAT_FAR_AWAY.into_iter().find(|&(below, _)| repetition.cost < below);
        others.push(Other {
            if_above: repetition.cost * part.map_or(MAY_REPEAT, |(_, part)| part),
            if_video_from: 0.0,
            choice: zstd(repetition),
        });
        Ok(Choices { best, others })
    }

    /// Where the picture starts at best, with the noise below.
    fn least_with_video(
        &self,
        trials: &Trials,
        lowest: u32,
        predictors: &Predictors,
        fixed_noise_cost: f64,
    ) -> Result<Option<WithVideo>> {
        let Range { start, end } = self.varying;
        let mut best: Option<WithVideo> = None;
        for cut in (lowest.max(end.saturating_sub(Coding::Video.max_bits()))..end).rev() {
            let noise = match cut {
                _ if cut == lowest => 0.0,
                _ => trials.cost(NoiseBits::new(lowest..cut, end), predictors)?,
            };
            let fixed = if cut == lowest { 0.0 } else { fixed_noise_cost };
            let video = self.video_cost(cut);
            let cost = video + noise + f64::from(lowest - start) + fixed;
            let least = best.map_or(f64::INFINITY, |best| best.cost);
            if cost > WORTH_LOOKING_FURTHER * least {
                break;
            }
            if cost <= least {
                best = Some(WithVideo { cut, cost, video });
            }
        }
        Ok(best)
    }

    /// What the bits from `cut` on cost as video.
    fn video_cost(&self, cut: u32) -> f64 {
        let geometry = self.frames.geometry;
        let fixed = 8.0 * (STREAM_BYTES + PICTURE_BYTES * geometry.n_frames as f64);
        self.differences.cost(cut) - f64::from(cut)
            + MACROBLOCK_COST
            + fixed / geometry.chunk_samples() as f64
    }

    /// With the constant bits below.
    fn choice(&self, planes_above: Vec<Plane>, noise: Option<NoisePlan>, cost: f64) -> Choice {
        let mut planes = planes(0..self.varying.start, Coding::Constant(0));
        let mut shift = 0;
        for plane in &mut planes {
            plane.coding = Coding::Constant((self.constant >> shift) as u8 & (0xff >> (8 - plane.bits)));
            shift += plane.bits;
        }
        planes.extend(planes_above);
        Choice { planes, noise, cost, zstd_level: 0, is_movie: false }
    }
}

/// As many planes as `bits` take, each with as many bits as it may have, but for the last.
pub(super) fn planes(bits: Range<u32>, coding: Coding) -> Vec<Plane> {
    let most = coding.max_bits();
    let starts = bits.clone().step_by(most as usize);
    starts.map(|start| Plane { bits: (bits.end - start).min(most), coding }).collect()
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
        let transform = plan::<S>(&frames, kind, false, Preset::default(), 2).unwrap().best.transform;
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
    fn moving_frames_of_bytes_stay_as_they_are() {
        // A texture that moves: only H.264 follows it.
        let level = |i: usize| {
            let (y, x) = (i / 64 % 64 + i / 4096, i % 64 + 2 * (i / 4096));
            (hash(y / 2 * 1000 + x / 2) % 200) as u8 / 2
                + (hash(y / 16 * 1000 + x / 16) % 100) as u8
                + (hash(i) % 3) as u8
        };
        let samples: Vec<u8> = (0..8 * 4096).map(level).collect();
        let (transform, numbers) =
            plan_of(&samples, Geometry::new(8, 64, 64, 1, 1).unwrap(), SampleKind::Unsigned);
        assert_eq!(numbers, samples);
        assert_eq!(transform.planes, [Plane { bits: 8, coding: Coding::Video }]);
    }

    #[test]
    fn a_constant_chunk_needs_no_plane() {
        let (transform, _) = plan_of(&[77u16; 1024], frames(1, 2), SampleKind::Unsigned);
        assert_eq!(
            transform,
            Transform { mapping: Mapping::Integer { offset: 77 }, table: None, planes: vec![] }
        );
    }

    #[test]
    fn noise_is_raw() {
        let samples: Vec<u16> = (0..4096).map(|i| hash(i) as u16).collect();
        let (transform, _) = plan_of(&samples, frames(4, 2), SampleKind::Unsigned);
        assert!(transform.planes.iter().all(|plane| plane.coding == Coding::Raw), "{transform:?}");
    }

    #[test]
    fn a_smooth_picture_is_video_and_its_noise_is_not() {
        let samples: Vec<u16> =
            (0..1 << 17).map(|i| (i % 16384 * 3) as u16 + (hash(i) % 64) as u16).collect();
        let geometry = Geometry::new(8, 128, 128, 1, 2).unwrap();
        let (transform, _) = plan_of(&samples, geometry, SampleKind::Unsigned);
        let codings: Vec<_> = transform.planes.iter().map(|plane| plane.coding).collect();
        assert_eq!(codings, [Coding::Noise, Coding::Video], "{transform:?}");
    }

    #[test]
    fn what_repeats_is_for_zstd() {
        let samples: Vec<u32> = (0..4096).map(|i| hash(i % 32) as u32).collect();
        let (transform, _) = plan_of(&samples, frames(4, 4), SampleKind::Unsigned);
        assert!(transform.planes.iter().all(|plane| plane.coding == Coding::Zstd), "{transform:?}");
    }

    #[test]
    fn whoever_wants_a_movie_gets_one() {
        let bytes: Vec<u8> = (0..3072).map(|i| (hash(i) % 7) as u8 * 30).collect();
        let geometry = frames(3, 1);
        let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
        for (wants_movie, is_movie) in [(true, true), (false, false)] {
            let best =
                plan::<u8>(&frames, SampleKind::Unsigned, wants_movie, Preset::default(), 1).unwrap().best;
            assert_eq!(best.transform.planes == [MOVIE], is_movie);
            assert_eq!(best.transform.table.is_none(), is_movie);
        }
    }

    #[test]
    fn low_bits_that_never_change_are_constant() {
        // 12-bit data in the upper bits, as some cameras have it; too many values for a table.
        let samples: Vec<u16> = (0..4096).map(|i| (hash(i) as u16 % 4096) << 4).collect();
        let (transform, _) = plan_of(&samples, frames(4, 2), SampleKind::Unsigned);
        assert_eq!(transform.planes[0], Plane { bits: 4, coding: Coding::Constant(0) });
    }
}
