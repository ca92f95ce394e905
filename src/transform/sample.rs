use std::fmt::Debug;

/// Integral floats beyond this magnitude stay floats: sums of two still fit into an `i64`.
const MAX_INTEGER: u64 = 1 << 62;
/// The largest finite binary16 float.
const MAX_HALF: u32 = 65504;

/// The bits of one sample: `u8`, `u16`, `u32` or `u64`.
pub trait Sample: Copy + Ord + Debug + Default + Send + Sync + 'static {
    /// Bits per sample.
    const BITS: u32;
    /// Bytes per sample.
    const BYTES: usize;
    /// Only the most significant bit.
    const TOP_BIT: Self;
    /// All bits.
    const MAX: Self;

    /// From `BYTES` bytes, least significant first.
    fn from_le_slice(bytes: &[u8]) -> Self;
    /// Into `BYTES` bytes, least significant first.
    fn write_le(self, bytes: &mut [u8]);
    /// The low bits of `value`.
    fn truncate(value: u64) -> Self;
    /// The value with zero bits above.
    fn widen(self) -> u64;
    /// The eight bits from `shift` up.
    fn byte_at(self, shift: u32) -> u8;
    /// A byte, moved up by `shift` bits.
    fn from_byte(byte: u8, shift: u32) -> Self;
    /// Bytes in the other order.
    fn swap_bytes(self) -> Self;
    /// Bits moved up, those from the top to the bottom.
    fn rotate_left(self, n: u32) -> Self;
    /// Bits moved down, those from the bottom to the top.
    fn rotate_right(self, n: u32) -> Self;
    /// Sum modulo 2^BITS.
    fn wrapping_add(self, other: Self) -> Self;
    /// Difference modulo 2^BITS.
    fn wrapping_sub(self, other: Self) -> Self;
    /// Bits in both.
    fn and(self, other: Self) -> Self;
    /// Bits in either.
    fn or(self, other: Self) -> Self;
    /// Bits in one of the two.
    fn xor(self, other: Self) -> Self;
    /// How many bits it takes to write the value; 0 for 0.
    fn bit_length(self) -> u32;

    /// Whether the integer part of the IEEE float with these bits says everything about it: not for
    /// fractions, infinities, NaNs, -0.0, magnitudes above 2^62, nor for `u8`.
    fn is_integral_float(self) -> bool;
    /// The integer part of the IEEE float with these bits.
    fn integer_of_float(self) -> i64;
    /// The bits of the IEEE float that is `offset` + `number`. Whatever is nearest when none is.
    fn float_of_sum(offset: i64, number: Self) -> Self;
}

macro_rules! sample {
    ($type:ty, $integer:ty, $max:expr, $integer_of_float:expr, $float_of_integer:expr, $sum:expr) => {
        impl Sample for $type {
            const BITS: u32 = <$type>::BITS;
            const BYTES: usize = size_of::<$type>();
            const TOP_BIT: Self = 1 << (<$type>::BITS - 1);
            const MAX: Self = <$type>::MAX;

            fn from_le_slice(bytes: &[u8]) -> Self {
                let mut le = [0; Self::BYTES];
                le.copy_from_slice(bytes);
                Self::from_le_bytes(le)
            }
            fn write_le(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
            fn truncate(value: u64) -> Self {
                value as Self
            }
            fn widen(self) -> u64 {
                self.into()
            }
            fn byte_at(self, shift: u32) -> u8 {
                (self >> shift) as u8
            }
            fn from_byte(byte: u8, shift: u32) -> Self {
                Self::from(byte) << shift
            }
            fn swap_bytes(self) -> Self {
                self.swap_bytes()
            }
            fn rotate_left(self, n: u32) -> Self {
                self.rotate_left(n)
            }
            fn rotate_right(self, n: u32) -> Self {
                self.rotate_right(n)
            }
            fn wrapping_add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn wrapping_sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn and(self, other: Self) -> Self {
                self & other
            }
            fn or(self, other: Self) -> Self {
                self | other
            }
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            fn bit_length(self) -> u32 {
                Self::BITS - self.leading_zeros()
            }
            fn is_integral_float(self) -> bool {
                let integer: $integer = $integer_of_float(self);
                // Compares bits, so that -0.0 and NaN are told apart from 0.
                ($float_of_integer(integer) == self) & (integer.unsigned_abs() <= $max)
            }
            fn integer_of_float(self) -> i64 {
                $integer_of_float(self).into()
            }
            fn float_of_sum(offset: i64, number: Self) -> Self {
                let sum: fn(i64, $type) -> $integer = $sum;
                $float_of_integer(sum(offset, number))
            }
        }
    };
}

// There are no floats of 8 bits: nothing is the same after both.
sample!(u8, i32, 0, after_byte, low_byte, |offset, number| (offset as i32).wrapping_add(number.into()));
sample!(u16, i32, MAX_HALF, integer_of_half, half_of_integer, |offset, number| {
    // What is too large by itself stays too large.
    offset.clamp(-(1 << 20), 1 << 20) as i32 + i32::from(number)
});
sample!(u32, i64, MAX_INTEGER, integer_of_single, single_of_integer, |offset, number| {
    offset.wrapping_add(number.into())
});
sample!(u64, i64, MAX_INTEGER, integer_of_double, double_of_integer, i64::wrapping_add_unsigned);

fn after_byte(bits: u8) -> i32 {
    i32::from(bits) + 1
}

fn low_byte(integer: i32) -> u8 {
    integer as u8
}

fn integer_of_single(bits: u32) -> i64 {
    f32::from_bits(bits) as i64
}

fn single_of_integer(integer: i64) -> u32 {
    (integer as f32).to_bits()
}

fn integer_of_double(bits: u64) -> i64 {
    f64::from_bits(bits) as i64
}

fn double_of_integer(integer: i64) -> u64 {
    (integer as f64).to_bits()
}

/// From the bias of a binary16 exponent to that of binary32.
const HALF_BIAS: u32 = 127 - 15;

/// In steps that processors do to several samples at a time. Infinity and NaN are taken for
/// numbers from 65536 up.
fn integer_of_half(bits: u16) -> i32 {
    // Zero and numbers near it become 2^-15 to 2^-14, which is 0 as well.
    let magnitude = f32::from_bits((u32::from(bits & 0x7fff) << 13) + (HALF_BIAS << 23)) as i32;
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

fn half_of_integer(integer: i32) -> u16 {
    let bits = (integer.abs().min(1 << 16) as f32).to_bits();
    // Rounds to the nearest of 10 bits, halves to the even one.
    let rounded = (bits + 0xfff + (bits >> 13 & 1)) >> 13;
    let magnitude = rounded.saturating_sub(HALF_BIAS << 10) as u16;
    if integer < 0 { magnitude | 0x8000 } else { magnitude }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn only_integers_become_integers() {
        for v in [0.0f32, 1.0, -1.0, 65536.0, -16777216.0, 1e18] {
            assert!(v.to_bits().is_integral_float());
            assert_eq!(v.to_bits().integer_of_float(), v as i64);
        }
        for v in [-0.0f32, 0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, 1e-40] {
            assert!(!v.to_bits().is_integral_float(), "{v}");
        }
        assert!((0..=255u8).all(|bits| !bits.is_integral_float()));
    }

    #[test]
    fn halves_are_those_of_the_half_crate() {
        let mut n_integers = 0;
        for bits in 0..=u16::MAX {
            let value = f16::from_bits(bits).to_f64();
            let is_integer = value.fract() == 0.0 && bits != 0x8000;
            assert_eq!(bits.is_integral_float(), is_integer, "{value}");
            if is_integer {
                assert_eq!(bits.integer_of_float(), value as i64);
                n_integers += 1;
            }
        }
        // ±1…2048 exactly, then 1024 values per binade up to 65504, and +0.
        assert_eq!(n_integers, 2 * (2048 + 5 * 1024 - 1) + 1);
        let offsets = [0, 1, 2049, 65_504, 65_519, 65_520, 1 << 17, 1 << 40, i64::MAX - 65_535];
        for offset in offsets.into_iter().flat_map(|offset| [offset, -offset]) {
            for number in 0..=u16::MAX {
                let expected = f16::from_f64((offset + i64::from(number)) as f64).to_bits();
                assert_eq!(u16::float_of_sum(offset, number), expected, "{offset} + {number}");
            }
        }
    }
}
