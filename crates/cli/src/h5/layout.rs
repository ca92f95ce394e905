//! Where the bits of numbers are in their bytes.

use anyhow::{Result, ensure};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::*;

use super::call;

/// Of an integer, from the lowest bit on; the others mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegerLayout {
    pub offset: usize,
    pub bits: usize,
}

impl IntegerLayout {
    /// All bits of so many bytes.
    pub const fn full(size: usize) -> Self {
        Self { offset: 0, bits: 8 * size }
    }

    pub(super) fn of(id: hid_t) -> Result<Self> {
        // SAFETY: the datatype is open, here and below.
        let offset = call(|| unsafe { H5Tget_offset(id) })? as usize;
        // SAFETY: as above.
        let bits = hdf5::sync::sync(|| unsafe { H5Tget_precision(id) });
        ensure!(bits > 0 && offset + bits <= 128, "an integer of {bits} bits from bit {offset} on");
        Ok(Self { offset, bits })
    }

    /// The integer that is in these bits.
    pub fn number(self, bits: u128, is_signed: bool) -> i128 {
        // The highest bit becomes the highest of all, and then goes back.
        let above = 128 - self.bits as u32;
        let high = bits >> self.offset << above;
        if is_signed { high as i128 >> above } else { (high >> above) as i128 }
    }
}

/// Where the bits of a float are, from the lowest one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloatLayout {
    sign: usize,
    exponent: usize,
    exponent_bits: usize,
    mantissa: usize,
    mantissa_bits: usize,
    bias: i32,
    /// Whether the highest bit of the mantissa is not stored.
    has_implied_bit: bool,
}

impl FloatLayout {
    pub(super) fn of(id: hid_t) -> Result<Self> {
        let (mut sign, mut exponent, mut exponent_bits, mut mantissa, mut mantissa_bits) = (0, 0, 0, 0, 0);
        // SAFETY: the datatype is open; the numbers are written to during the call.
        call(|| unsafe {
            H5Tget_fields(id, &mut sign, &mut exponent, &mut exponent_bits, &mut mantissa, &mut mantissa_bits)
        })?;
        ensure!(
            [sign, exponent, mantissa].iter().all(|bit| *bit < 128)
                && exponent + exponent_bits <= 128
                && mantissa + mantissa_bits <= 128
                && exponent_bits <= 20
                && (1..128).contains(&mantissa_bits),
            "a float of {exponent_bits} bits of exponent and {mantissa_bits} of mantissa"
        );
        // SAFETY: as above.
        let bias = hdf5::sync::sync(|| unsafe { H5Tget_ebias(id) });
        // SAFETY: as above.
        let norm = hdf5::sync::sync(|| unsafe { H5Tget_norm(id) });
        Ok(Self {
            sign,
            exponent,
            exponent_bits,
            mantissa,
            mantissa_bits,
            bias: i32::try_from(bias)?,
            has_implied_bit: norm == H5T_norm_t::H5T_NORM_IMPLIED,
        })
    }

    /// Whether floats of so many bytes are those of IEEE 754 with 2, 4 or 8.
    pub fn is_ieee(&self, size: usize) -> bool {
        let fields = (
            size,
            self.sign,
            self.exponent,
            self.exponent_bits,
            self.mantissa,
            self.mantissa_bits,
            self.bias,
        );
        self.has_implied_bit
            && matches!(
                fields,
                (2, 15, 10, 5, 0, 10, 15) | (4, 31, 23, 8, 0, 23, 127) | (8, 63, 52, 11, 0, 52, 1023)
            )
    }

    /// The float that has these bits, as near as a `f64` comes.
    pub fn number(&self, bits: u128) -> f64 {
        let field = |start: usize, len: usize| bits >> start & ((1_u128 << len) - 1);
        let sign = if field(self.sign, 1) == 0 { 1.0 } else { -1.0 };
        let exponent = field(self.exponent, self.exponent_bits) as i32;
        let mantissa = field(self.mantissa, self.mantissa_bits);
        let n_fraction = self.mantissa_bits - usize::from(!self.has_implied_bit);
        if exponent == (1 << self.exponent_bits) - 1 {
            let is_infinite = mantissa & ((1 << n_fraction) - 1) == 0;
            return if is_infinite { sign * f64::INFINITY } else { f64::NAN };
        }
        let implied = if self.has_implied_bit && exponent > 0 { 1 << self.mantissa_bits } else { 0 };
        let scale = exponent.max(1) - self.bias - n_fraction as i32;
        // In two steps: the scale alone may be below every `f64`.
        sign * (mantissa | implied) as f64 * 2_f64.powi(scale / 2) * 2_f64.powi(scale - scale / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_in_some_of_its_bits() {
        let layout = IntegerLayout { offset: 3, bits: 12 };
        assert_eq!(layout.number(0xfff << 3 | 7, false), 0xfff);
        assert_eq!(layout.number(0xfff << 3 | 7, true), -1);
        assert_eq!(layout.number(1 << 15 | 5 << 3, true), 5);
        assert_eq!(IntegerLayout::full(16).number(u128::MAX, true), -1);
        assert_eq!(IntegerLayout::full(8).number(u64::MAX.into(), false), u64::MAX.into());
    }

    #[test]
    fn floats_of_any_layout_are_numbers() {
        let single = FloatLayout {
            sign: 31,
            exponent: 23,
            exponent_bits: 8,
            mantissa: 0,
            mantissa_bits: 23,
            bias: 127,
            has_implied_bit: true,
        };
        assert!(single.is_ieee(4) && !single.is_ieee(2));
        assert!(!FloatLayout { bias: 100, ..single }.is_ieee(4));
        for x in [0.0, -0.0, 1.5, -3.25, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::INFINITY, f32::NEG_INFINITY]
        {
            assert_eq!(single.number(x.to_bits().into()).to_bits(), f64::from(x).to_bits());
        }
        assert!(single.number(f32::NAN.to_bits().into()).is_nan());
        // x87: 0.25 and infinity, with the highest bit stored.
        let extended = FloatLayout {
            sign: 79,
            exponent: 64,
            exponent_bits: 15,
            mantissa_bits: 64,
            bias: 16383,
            has_implied_bit: false,
            ..single
        };
        assert_eq!(extended.number(16381 << 64 | 1 << 63), 0.25);
        assert_eq!(extended.number(32767 << 64 | 1 << 63), f64::INFINITY);
    }
}
