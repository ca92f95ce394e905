use std::fmt::Debug;

use half::f16;

/// Integral floats beyond this magnitude stay floats: sums of two still fit into an `i64`.
const MAX_INTEGER: u64 = 1 << 62;

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

    /// The IEEE float with these bits as an integer, if that says everything about it: not for
    /// fractions, infinities, NaNs, -0.0, magnitudes above 2^62, nor for `u8`.
    fn float_to_integer(self) -> Option<i64>;
    /// The same where it is known that this is an integer.
    fn integer_of_float(self) -> i64;
    /// The bits of the IEEE float nearest to `integer`.
    fn integer_to_float(integer: i64) -> Self;
}

macro_rules! sample {
    ($type:ty, $integer_of_float:expr, $float_of_integer:expr) => {
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
            fn float_to_integer(self) -> Option<i64> {
                let integer = self.integer_of_float();
                // Compares bits, so that -0.0 and NaN are told apart from 0.
                let is_integer = Self::integer_to_float(integer) == self;
                (is_integer && integer.unsigned_abs() <= MAX_INTEGER).then_some(integer)
            }
            fn integer_of_float(self) -> i64 {
                let integer_of_float: fn($type) -> i64 = $integer_of_float;
                integer_of_float(self)
            }
            fn integer_to_float(integer: i64) -> Self {
                let float_of_integer: fn(i64) -> $type = $float_of_integer;
                float_of_integer(integer)
            }
        }
    };
}

// There are no floats of 8 bits: nothing is the same after both.
sample!(u8, |bits| i64::from(bits) + 1, |integer| integer as u8);
sample!(u16, |bits| f16::from_bits(bits).to_f64() as i64, |integer| f16::from_f64(integer as f64).to_bits());
sample!(u32, |bits| f32::from_bits(bits) as i64, |integer| (integer as f32).to_bits());
sample!(u64, |bits| f64::from_bits(bits) as i64, |integer| (integer as f64).to_bits());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_integers_become_integers() {
        for v in [0.0f32, 1.0, -1.0, 65536.0, -16777216.0, 1e18] {
            assert_eq!(v.to_bits().float_to_integer(), Some(v as i64));
        }
        for v in [-0.0f32, 0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, 1e-40] {
            assert_eq!(v.to_bits().float_to_integer(), None, "{v}");
        }
        assert_eq!(0u8.float_to_integer(), None);
    }

    #[test]
    fn every_integral_f16_comes_back() {
        let mut n_integers = 0;
        for bits in 0..=u16::MAX {
            if let Some(integer) = bits.float_to_integer() {
                assert_eq!(u16::integer_to_float(integer), bits);
                n_integers += 1;
            }
        }
        // ±1…2048 exactly, then 1024 values per binade up to 65504, and +0.
        assert_eq!(n_integers, 2 * (2048 + 5 * 1024 - 1) + 1);
    }
}
