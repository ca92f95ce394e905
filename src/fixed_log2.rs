//! Binary logarithms in integers: what is stored depends on them, so they are the same on every machine,
//! which those of its floating-point library need not be.

/// Bits of a logarithm after the point.
pub const FRACTION_BITS: u32 = 16;

/// Logarithms of the mantissas 1, 1 + 2^-10, …
const MANTISSA_BITS: u32 = 10;
static MANTISSAS: [u16; 1 << MANTISSA_BITS] = mantissas();

/// log2(n) in units of 2^-16, 0.0015 too small at most; 0 for 0.
#[inline(always)]
pub fn log2(n: u32) -> u64 {
    if n == 0 {
        return 0;
    }
    let exponent = n.ilog2();
    // The highest bit falls out at the top.
    let mantissa = (n << (31 - exponent) << 1) >> (32 - MANTISSA_BITS);
    u64::from(exponent) << FRACTION_BITS | u64::from(MANTISSAS[mantissa as usize])
}

/// log2(n) of a wider number.
pub fn log2_wide(n: u64) -> u64 {
    let dropped = (u64::BITS - n.leading_zeros()).saturating_sub(u32::BITS);
    (u64::from(dropped) << FRACTION_BITS) + log2((n >> dropped) as u32)
}

/// In bits.
pub fn to_bits(fixed: u64) -> f64 {
    fixed as f64 / f64::from(1 << FRACTION_BITS)
}

/// Bits, in units of 2^-16, of an ideal code for all of what was counted.
#[inline(always)]
pub fn entropy(counts: &[u32]) -> u64 {
    let (mut n, mut bits) = (0u32, 0u64);
    // Most were never counted.
    for counts in counts.chunks(8).filter(|counts| counts.iter().any(|&count| count > 0)) {
        for &count in counts {
            n += count;
            bits += u64::from(count) * log2(count);
        }
    }
    (u64::from(n) * log2(n)).saturating_sub(bits)
}

/// Squares the mantissa, bit after bit: whenever the square is 2 or more, the next bit of the
/// logarithm is 1.
const fn mantissas() -> [u16; 1 << MANTISSA_BITS] {
    let mut logarithms = [0; 1 << MANTISSA_BITS];
    let mut i = 0;
    while i < logarithms.len() {
        let mut x = (1u64 << 31) + ((i as u64) << (31 - MANTISSA_BITS));
        let mut bit = 0;
        while bit < FRACTION_BITS {
            x = (x * x) >> 31;
            logarithms[i] <<= 1;
            if x >> 32 == 1 {
                x >>= 1;
                logarithms[i] |= 1;
            }
            bit += 1;
        }
        i += 1;
    }
    logarithms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_floating_point_library() {
        for n in (1..5000).chain([1 << 20, 123_456_789, u32::MAX]) {
            let error = f64::from(n).log2() - log2(n) as f64 / 65536.0;
            assert!((-1e-4..0.0016).contains(&error), "{n}: {error}");
        }
    }

    #[test]
    fn wide_logarithms_continue_the_others() {
        for n in [1, 77, 1 << 32, 0x1234_5678_9abc_def0, u64::MAX] {
            assert!(((n as f64).log2() - to_bits(log2_wide(n))).abs() < 0.0016, "{n}");
        }
    }

    #[test]
    fn entropy_is_that_of_the_shares() {
        assert_eq!(entropy(&[0, 7, 0]), 0);
        assert_eq!(entropy(&[8, 8, 8, 8]), (32 * 2) << FRACTION_BITS);
        let bits = entropy(&[1000, 3000]) as f64 / 65536.0;
        assert!((bits / 3245.1 - 1.0).abs() < 2e-3, "{bits}");
    }
}
