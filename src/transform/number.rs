use h5filter::SampleKind;

use super::Sample;

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

impl Mapping {
    /// Replaces the samples by numbers.
    pub fn apply<S: Sample>(kind: SampleKind, samples: &mut [S]) -> Self {
        match kind {
            SampleKind::Float => integral(samples).unwrap_or_else(|| reordered(samples)),
            SampleKind::Signed => shift_to_zero(samples, S::TOP_BIT),
            SampleKind::Unsigned | SampleKind::Bytes => shift_to_zero(samples, S::default()),
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
                numbers
                    .iter_mut()
                    .for_each(|n| *n = S::integer_to_float(offset.wrapping_add_unsigned(n.widen())));
            }
        }
    }
}

impl Mapping {
    /// Makes all numbers larger by `step`. False, with everything as it was, if one would not fit.
    pub(super) fn raise<S: Sample>(&mut self, step: u64, numbers: &mut [S]) -> bool {
        let max = numbers.iter().max().map_or(0, |max| max.widen());
        if max.checked_add(step).is_none_or(|max| max > all_ones::<S>().widen()) {
            return false;
        }
        let raised = match *self {
            Self::Integer { offset } => {
                Self::Integer { offset: S::truncate(offset.wrapping_sub(step)).widen() }
            }
            Self::OrderedFloat { offset } => {
                Self::OrderedFloat { offset: S::truncate(offset.wrapping_sub(step)).widen() }
            }
            Self::RotatedFloat { offset } => {
                Self::RotatedFloat { offset: S::truncate(offset.wrapping_sub(step)).widen() }
            }
            Self::IntegralFloat { offset } => {
                Self::IntegralFloat { offset: offset.wrapping_sub_unsigned(step) }
            }
        };
        *self = raised;
        numbers.iter_mut().for_each(|n| *n = n.wrapping_add(S::truncate(step)));
        true
    }
}

/// Subtracts the smallest sample; `flip` holds the bits to invert so that samples compare as
/// their values do. Bytes keep their values (but for the sign) because a range of at most 8 bits
/// is one plane wherever it starts, and because frames of bytes then make a movie as they are.
fn shift_to_zero<S: Sample>(samples: &mut [S], flip: S) -> Mapping {
    let smallest = match S::BITS {
        8 => S::default(),
        _ => samples.iter().map(|s| s.xor(flip)).min().unwrap_or_default(),
    };
    let offset = smallest.xor(flip);
    if offset != S::default() {
        samples.iter_mut().for_each(|s| *s = s.wrapping_sub(offset));
    }
    Mapping::Integer { offset: offset.widen() }
}

/// The order of the values is best while the sign seldom changes, since it then costs nothing. A
/// change of sign is a jump over all small magnitudes: some fifty bits, against the one that the
/// sign costs every sample at the bottom.
fn reordered<S: Sample>(samples: &mut [S]) -> Mapping {
    let changes_sign = |pair: &&[S]| pair[0].xor(pair[1]).and(S::TOP_BIT) != S::default();
    let n_changes = samples.windows(2).filter(changes_sign).count();
    let is_rotated = n_changes > samples.len() / 50;
    let reorder = if is_rotated { |bits: S| bits.rotate_left(1) } else { order };
    samples.iter_mut().for_each(|s| *s = reorder(*s));
    match shift_to_zero(samples, S::default()) {
        Mapping::Integer { offset } if is_rotated => Mapping::RotatedFloat { offset },
        Mapping::Integer { offset } => Mapping::OrderedFloat { offset },
        mapping => mapping,
    }
}

fn order<S: Sample>(bits: S) -> S {
    if bits.and(S::TOP_BIT) == S::default() { bits.xor(S::TOP_BIT) } else { bits.xor(all_ones()) }
}

fn unorder<S: Sample>(bits: S) -> S {
    if bits.and(S::TOP_BIT) == S::default() { bits.xor(all_ones()) } else { bits.xor(S::TOP_BIT) }
}

fn all_ones<S: Sample>() -> S {
    S::truncate(u64::MAX)
}

/// `None`, with the samples unchanged, unless all are integers within a range that fits.
fn integral<S: Sample>(samples: &mut [S]) -> Option<Mapping> {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    for sample in samples.iter() {
        let integer = sample.float_to_integer()?;
        min = min.min(integer);
        max = max.max(integer);
    }
    let range = max.checked_sub(min)?;
    if range as u64 > all_ones::<S>().widen() {
        return None;
    }
    for sample in samples.iter_mut() {
        // Integers all, as the loop above has found.
        let integer = sample.float_to_integer().unwrap_or(min);
        *sample = S::truncate((integer - min) as u64);
    }
    Some(Mapping::IntegralFloat { offset: min })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip<S: Sample>(kind: SampleKind, samples: &[S]) -> (Mapping, Vec<S>) {
        let mut numbers = samples.to_vec();
        let mapping = Mapping::apply(kind, &mut numbers);
        let mut back = numbers.clone();
        mapping.undo(&mut back);
        assert_eq!(back, samples, "{mapping:?}");
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
    fn raised_numbers_come_back() {
        for (kind, samples) in [
            (SampleKind::Unsigned, [1000u32, 1003]),
            (SampleKind::Signed, [-5i32 as u32, 7]),
            (SampleKind::Float, [0.5f32.to_bits(), (-3f32).to_bits()]),
            (SampleKind::Float, [5f32.to_bits(), (-3f32).to_bits()]),
            (SampleKind::Float, [0.5f32.to_bits(), 0.75f32.to_bits()]),
        ] {
            let mut numbers = samples;
            let mut mapping = Mapping::apply(kind, &mut numbers);
            let before = numbers;
            assert!(mapping.raise(4096, &mut numbers));
            assert_eq!(numbers, before.map(|n| n + 4096));
            mapping.undo(&mut numbers);
            assert_eq!(numbers, samples);
            assert!(!mapping.raise(u64::from(u32::MAX) + 1, &mut numbers));
            assert_eq!(numbers, samples);
        }
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
