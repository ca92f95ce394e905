use std::convert::Infallible;

use h5filter::SampleKind;

use super::Sample;
use super::differences::SampledRows;
use super::order::{Frames, Piece};
use crate::process::parallel;

/// How the bits of samples become unsigned numbers that start near 0 and whose order is that of
/// the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// number = sample − offset, modulo 2^bits. Serves signed integers too.
    Integer {
        /// The sample that becomes 0.
        offset: u64,
    },
    /// Floats by their bits: with the sign bit flipped for positive ones and all bits flipped for
    /// negative ones, larger floats have larger bits. Then as `Integer`.
    OrderedFloat {
        /// The reordered bits that become 0.
        offset: u64,
    },
    /// Floats by their bits, with the sign moved from the top to the bottom: neighbours of different
    /// sign differ no more than their magnitudes do. Then as `Integer`.
    RotatedFloat {
        /// The rotated bits that become 0.
        offset: u64,
    },
    /// Floats that are all integers: number = value − offset.
    IntegralFloat {
        /// The value that becomes 0.
        offset: i64,
    },
}

/// What is known of all numbers of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) min: u64,
    pub(super) max: u64,
    /// Has the lowest bit that is not the same in all numbers, and bits above it.
    pub(super) varying: u64,
}

impl Mapping {
    /// The mapping for the samples of a chunk, and what it makes of them.
    pub(super) fn choose<S: Sample>(
        kind: SampleKind,
        frames: &Frames<'_>,
        sampled: &SampledRows<S>,
        n_threads: usize,
    ) -> (Self, Extent) {
        match kind {
            SampleKind::Unsigned | SampleKind::Bytes => shifted(frames, S::default(), n_threads),
            SampleKind::Signed => shifted(frames, S::TOP_BIT, n_threads),
            SampleKind::Float => {
                integral(frames, sampled, n_threads).unwrap_or_else(|| reordered(frames, sampled, n_threads))
            }
        }
    }

    /// Replaces samples by numbers: samples that this was [chosen](Self::choose) for.
    pub fn apply<S: Sample>(&self, samples: &mut [S]) {
        match *self {
            Self::Integer { offset: 0 } => {}
            Self::Integer { offset } => {
                let offset = S::truncate(offset);
                samples.iter_mut().for_each(|s| *s = s.wrapping_sub(offset));
            }
            Self::OrderedFloat { offset } => {
                let offset = S::truncate(offset);
                samples.iter_mut().for_each(|s| *s = order(*s).wrapping_sub(offset));
            }
            Self::RotatedFloat { offset } => {
                let offset = S::truncate(offset);
                samples.iter_mut().for_each(|s| *s = s.rotate_left(1).wrapping_sub(offset));
            }
            Self::IntegralFloat { offset } => {
                let number = |s: S| S::truncate(s.integer_of_float().wrapping_sub(offset) as u64);
                samples.iter_mut().for_each(|s| *s = number(*s));
            }
        }
    }

    /// The inverse of [`apply`](Self::apply), for any numbers.
    pub fn undo<S: Sample>(&self, numbers: &mut [S]) {
        match *self {
            Self::Integer { offset: 0 } => {}
            Self::Integer { offset } => {
                let offset = S::truncate(offset);
                numbers.iter_mut().for_each(|n| *n = n.wrapping_add(offset));
            }
            Self::OrderedFloat { offset } => {
                let offset = S::truncate(offset);
                numbers.iter_mut().for_each(|n| *n = unorder(n.wrapping_add(offset)));
            }
            Self::RotatedFloat { offset } => {
                let offset = S::truncate(offset);
                numbers.iter_mut().for_each(|n| *n = n.wrapping_add(offset).rotate_right(1));
            }
            Self::IntegralFloat { offset } => {
                numbers.iter_mut().for_each(|n| *n = S::float_of_sum(offset, *n));
            }
        }
    }
}

impl Extent {
    const NOTHING: Self = Self { min: u64::MAX, max: 0, varying: 0 };

    /// That of what `number` makes of the samples.
    fn of<S: Sample>(frames: &Frames<'_>, n_threads: usize, number: impl Fn(S) -> S + Sync) -> Self {
        let mut first = [S::default()];
        frames.load_row(0, 0, 0, 0, &mut first);
        let first = number(first[0]);
        let of_piece = |piece: Piece<'_>| {
            piece.try_fold((S::MAX, S::default(), S::default()), |found, batch| {
                Ok(batch.iter().fold(found, |(min, max, varying), &sample| {
                    let number = number(sample);
                    (min.min(number), max.max(number), varying.or(number.xor(first)))
                }))
            })
        };
        let Ok(pieces): Result<_, Infallible> = parallel::map(frames.pieces(n_threads), n_threads, of_piece);
        let extents = pieces.into_iter().map(|(min, max, varying)| Self {
            min: min.widen(),
            max: max.widen(),
            varying: varying.widen(),
        });
        extents.fold(Self::NOTHING, Self::union)
    }

    fn union(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            varying: self.varying | other.varying,
        }
    }

    /// After the smallest number was subtracted from all. What is the same in the lowest bits of all
    /// stays the same.
    fn less_min(self) -> Self {
        Self { min: 0, max: self.max - self.min, ..self }
    }

    /// Bits up to the highest that is 1 in any number.
    pub(super) fn n_bits(&self) -> u32 {
        u64::BITS - self.max.leading_zeros()
    }
}

/// Integers or bytes; `flip` holds the bits to invert so that they compare as their values do.
fn shifted<S: Sample>(frames: &Frames<'_>, flip: S, n_threads: usize) -> (Mapping, Extent) {
    let extent = Extent::of(frames, n_threads, |s: S| s.xor(flip));
    // Bytes keep their values (but for the sign) because a range of at most 8 bits is one plane
    // wherever it starts, and because frames of bytes then make a movie as they are.
    if S::BITS == 8 {
        return (Mapping::Integer { offset: flip.widen() }, extent);
    }
    let offset = S::truncate(extent.min).xor(flip).widen();
    (Mapping::Integer { offset }, extent.less_min())
}

/// `None` unless all samples are integers within a range that fits.
fn integral<S: Sample>(
    frames: &Frames<'_>,
    sampled: &SampledRows<S>,
    n_threads: usize,
) -> Option<(Mapping, Extent)> {
    let first = sampled.samples().next()?.integer_of_float();
    sampled.samples().all(S::is_integral_float).then_some(())?;
    let of_piece = |piece: Piece<'_>| {
        piece.try_fold((i64::MAX, i64::MIN, 0), |found, batch: &mut [S]| {
            batch.iter().try_fold(found, |(min, max, varying), sample| {
                let integer = sample.is_integral_float().then(|| sample.integer_of_float()).ok_or(())?;
                Ok::<_, ()>((integer.min(min), integer.max(max), varying | integer ^ first))
            })
        })
    };
    let pieces = parallel::map(frames.pieces(n_threads), n_threads, of_piece).ok()?;
    let union = |a: (i64, i64, i64), b: (i64, i64, i64)| (a.0.min(b.0), a.1.max(b.1), a.2 | b.2);
    let (min, max, varying) = pieces.into_iter().reduce(union)?;
    let extent = Extent { min: 0, max: max.checked_sub(min)? as u64, varying: varying as u64 };
    (extent.max <= S::MAX.widen()).then_some((Mapping::IntegralFloat { offset: min }, extent))
}

/// The order of the values is best while the sign seldom changes, since it then costs nothing. A
/// change of sign is a jump over all small magnitudes: some fifty bits, against the one that the
/// sign costs every sample at the bottom.
fn reordered<S: Sample>(
    frames: &Frames<'_>,
    sampled: &SampledRows<S>,
    n_threads: usize,
) -> (Mapping, Extent) {
    let (mut n, mut n_changes) = (0, 0);
    for [a, b] in sampled.neighbours() {
        n += 1;
        n_changes += usize::from(a.xor(b).and(S::TOP_BIT) != S::default());
    }
    if n_changes > n / 50 {
        let extent = Extent::of(frames, n_threads, |bits: S| bits.rotate_left(1));
        (Mapping::RotatedFloat { offset: extent.min }, extent.less_min())
    } else {
        let extent = Extent::of(frames, n_threads, order::<S>);
        (Mapping::OrderedFloat { offset: extent.min }, extent.less_min())
    }
}

fn order<S: Sample>(bits: S) -> S {
    if bits.and(S::TOP_BIT) == S::default() { bits.xor(S::TOP_BIT) } else { bits.xor(S::MAX) }
}

fn unorder<S: Sample>(bits: S) -> S {
    if bits.and(S::TOP_BIT) == S::default() { bits.xor(S::MAX) } else { bits.xor(S::TOP_BIT) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Geometry;
    use crate::transform::order;

    /// Chooses for one row of samples.
    fn choose<S: Sample>(kind: SampleKind, samples: &[S]) -> (Mapping, Extent) {
        let geometry = Geometry::new(1, 1, samples.len() as u64, 1, S::BYTES as u64).unwrap();
        let mut bytes = vec![0; geometry.chunk_bytes()];
        order::store(samples, &geometry, false, &mut bytes);
        let frames = Frames { bytes: &bytes, geometry: &geometry, big_endian: false };
        Mapping::choose::<S>(kind, &frames, &SampledRows::of(&frames), 2)
    }

    fn round_trip<S: Sample>(kind: SampleKind, samples: &[S]) -> (Mapping, Vec<S>) {
        let (mapping, extent) = choose(kind, samples);
        let mut numbers = samples.to_vec();
        mapping.apply(&mut numbers);
        let mut back = numbers.clone();
        mapping.undo(&mut back);
        assert_eq!(back, samples, "{mapping:?}");
        // The naive twin of the extent.
        let wide: Vec<u64> = numbers.iter().map(|n| n.widen()).collect();
        let varying = wide.iter().fold(0, |varying, n| varying | n ^ wide[0]);
        assert_eq!((extent.min, extent.max), (*wide.iter().min().unwrap(), *wide.iter().max().unwrap()));
        assert_eq!(extent.varying.trailing_zeros(), varying.trailing_zeros(), "{mapping:?}");
        (mapping, numbers)
    }

    #[test]
    fn the_smallest_value_becomes_zero() {
        let (_, numbers) = round_trip(SampleKind::Unsigned, &[1000u16, 1003, 1001]);
        assert_eq!(numbers, [0, 3, 1]);
        let (_, numbers) = round_trip(SampleKind::Signed, &[-5i32 as u32, 7, 0]);
        assert_eq!(numbers, [0, 12, 5]);
        let (mapping, numbers) = round_trip(SampleKind::Float, &[(-2.0f32).to_bits(), 5f32.to_bits()]);
        assert_eq!((mapping, numbers), (Mapping::IntegralFloat { offset: -2 }, vec![0, 7]));
    }

    #[test]
    fn floats_around_zero_keep_their_sign_at_the_bottom() {
        let samples: Vec<u32> = (0..100).map(|i| [0.75f32, -0.5, 0.625][i % 3].to_bits()).collect();
        let (mapping, numbers) = round_trip(SampleKind::Float, &samples);
        assert!(matches!(mapping, Mapping::RotatedFloat { .. }));
        assert!(numbers.iter().all(|&n| n < 1 << 24), "one step of the exponent");
        // A level that crosses zero once does not need it.
        let samples: Vec<u32> = (0..100).map(|i| (i as f32 - 49.5).to_bits()).collect();
        assert!(matches!(round_trip(SampleKind::Float, &samples).0, Mapping::OrderedFloat { .. }));
    }

    #[test]
    fn bytes_stay_as_they_are() {
        let (mapping, numbers) = round_trip(SampleKind::Unsigned, &[100u8, 101]);
        assert_eq!((mapping, numbers), (Mapping::Integer { offset: 0 }, vec![100, 101]));
        let (_, numbers) = round_trip(SampleKind::Signed, &[-128i8 as u8, 127]);
        assert_eq!(numbers, [0, 255]);
    }

    #[test]
    fn special_floats_keep_their_bits() {
        let floats = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1e-40, -1e-40, 1.5];
        let mut bits: Vec<u32> = floats.iter().map(|f| f.to_bits()).collect();
        bits.extend([0x7f80_0001, 0xffff_ffff, 0x7fc0_dead]);
        let (mapping, _) = round_trip(SampleKind::Float, &bits);
        assert!(matches!(mapping, Mapping::OrderedFloat { .. } | Mapping::RotatedFloat { .. }));
    }

    proptest! {
        #[test]
        fn any_samples_come_back(samples in proptest::collection::vec(any::<u64>(), 1..50)) {
            for kind in [SampleKind::Unsigned, SampleKind::Signed, SampleKind::Float, SampleKind::Bytes] {
                round_trip(kind, &samples);
                round_trip(kind, &samples.iter().map(|&s| s as u32).collect::<Vec<_>>());
                round_trip(kind, &samples.iter().map(|&s| s as u16).collect::<Vec<_>>());
                round_trip(kind, &samples.iter().map(|&s| s as u8).collect::<Vec<_>>());
            }
        }

        #[test]
        fn integral_floats_are_their_differences_to_the_smallest(integers in proptest::collection::vec(-1_000_000i64..1_000_000, 1..50)) {
            let min = *integers.iter().min().unwrap();
            let expected: Vec<u64> = integers.iter().map(|i| (i - min) as u64).collect();
            let samples: Vec<u64> = integers.iter().map(|&i| (i as f64).to_bits()).collect();
            prop_assert_eq!(round_trip(SampleKind::Float, &samples).1, expected);
        }

        #[test]
        fn ordered_floats_are_ordered(a: f32, b: f32) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a < b, order(a.to_bits()) < order(b.to_bits()) && a != b);
        }
    }
}
