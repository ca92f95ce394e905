use std::ops::{Add, Mul, Shr, Sub};

/// What the numbers of a noise plane are held in: `u16`, or `u32` where they have more bits.
///
/// The sums of a prediction never overflow: a predictor's weights have at most 16 together, its
/// constant is below half of what is left.
pub trait Word: Copy + Default + Ord + Send + Sync + 'static {
    /// What predictions are summed up in.
    type Sum: Sum;
    /// Bits of the word.
    const BITS: u32;
    /// Bits of a weight after the point.
    const FRACTION_BITS: u32;

    /// The word as a sum.
    fn widen(self) -> Self::Sum;
    /// The low bits of a sum.
    fn truncate(sum: Self::Sum) -> Self;
    /// The word with zero bits above.
    fn as_u64(self) -> u64;
    /// The token of a residual that was folded to unsigned (docs/format.md, "Tokens").
    fn token(folded: u32) -> u8;
    /// A quarter of the way from `self` to `next`.
    fn follow(self, next: Self) -> Self;
}

/// `i32` or `i64`.
pub trait Sum:
    Copy
    + Default
    + Ord
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Shr<u32, Output = Self>
    + 'static
{
    /// The low bits of `value`.
    fn truncate(value: i64) -> Self;
    /// The low 32 bits.
    fn low(self) -> i32;
    /// The low bits of the sum of both.
    fn wrapping_add(self, other: Self) -> Self;
    /// The low bits of the product of both.
    fn wrapping_mul(self, other: Self) -> Self;
    /// Bits in both.
    fn and(self, other: Self) -> Self;
    /// At least 0 and less than 2^20.
    fn clamp_level(self) -> u32;
}

impl Word for u16 {
    type Sum = i32;
    const BITS: u32 = 16;
    const FRACTION_BITS: u32 = 10;

    #[inline(always)]
    fn widen(self) -> i32 {
        self.into()
    }

    #[inline(always)]
    fn truncate(sum: i32) -> Self {
        sum as Self
    }

    #[inline(always)]
    fn as_u64(self) -> u64 {
        self.into()
    }

    // Without a branch, so that compilers make vector code of it: the exponent of a float and the
    // highest bit of its mantissa are what the token says. Below 2^24 the conversion is exact.
    #[inline(always)]
    fn token(folded: u32) -> u8 {
        let exponential = (folded as i32 as f32).to_bits() >> 22;
        (if folded < 16 { folded } else { exponential.wrapping_sub(2 * 127 - 8) }) as u8
    }

    #[inline(always)]
    fn follow(self, next: Self) -> Self {
        ((3 * u32::from(self) + u32::from(next) + 2) >> 2) as Self
    }
}

impl Word for u32 {
    type Sum = i64;
    const BITS: u32 = 32;
    const FRACTION_BITS: u32 = 20;

    #[inline(always)]
    fn widen(self) -> i64 {
        self.into()
    }

    #[inline(always)]
    fn truncate(sum: i64) -> Self {
        sum as Self
    }

    #[inline(always)]
    fn as_u64(self) -> u64 {
        self.into()
    }

    #[inline(always)]
    fn token(folded: u32) -> u8 {
        if folded < 16 {
            return folded as u8;
        }
        let exponent = 31 - folded.leading_zeros();
        (8 + 2 * exponent + (folded >> (exponent - 1) & 1)) as u8
    }

    #[inline(always)]
    fn follow(self, next: Self) -> Self {
        ((3 * u64::from(self) + u64::from(next) + 2) >> 2) as Self
    }
}

impl Sum for i32 {
    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn low(self) -> i32 {
        self
    }

    #[inline(always)]
    fn wrapping_add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn wrapping_mul(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self & other
    }

    #[inline(always)]
    fn clamp_level(self) -> u32 {
        self.clamp(0, (1 << 20) - 1) as u32
    }
}

impl Sum for i64 {
    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value
    }

    #[inline(always)]
    fn low(self) -> i32 {
        self as i32
    }

    #[inline(always)]
    fn wrapping_add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn wrapping_mul(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self & other
    }

    #[inline(always)]
    fn clamp_level(self) -> u32 {
        self.clamp(0, (1 << 20) - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_words_give_the_same_tokens() {
        for folded in (0..1 << 16).chain([(1 << 17) - 1]) {
            assert_eq!(<u16 as Word>::token(folded), <u32 as Word>::token(folded), "{folded}");
        }
        assert_eq!(<u32 as Word>::token(u32::MAX), 71);
    }
}
