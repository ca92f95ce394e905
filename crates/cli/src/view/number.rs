use half::f16;

use crate::h5::{BIG_ENDIAN, Kind, Type};

/// A number, as a file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Integer(i128),
    Half(f16),
    Single(f32),
    Double(f64),
}

impl Number {
    /// The number that an element of an integer, bitfield, enumeration or floating-point type is.
    pub fn of(datatype: &Type, bytes: &[u8]) -> Self {
        let order = match &datatype.kind {
            Kind::Integer { order, .. } | Kind::Bitfield { order, .. } | Kind::Float { order, .. } => *order,
            Kind::Enum { base, .. } => return Self::of(base, bytes),
            _ => 0,
        };
        let mut n: u128 = 0;
        let mut push = |byte: &u8| n = n << 8 | u128::from(*byte);
        if order == BIG_ENDIAN {
            bytes.iter().for_each(&mut push)
        } else {
            bytes.iter().rev().for_each(&mut push)
        }
        match &datatype.kind {
            Kind::Integer { is_signed, layout, .. } => Self::Integer(layout.number(n, *is_signed)),
            Kind::Bitfield { layout, .. } => Self::Integer(layout.number(n, false)),
            Kind::Float { layout, .. } => match bytes.len() {
                2 if layout.is_ieee(2) => Self::Half(f16::from_bits(n as u16)),
                4 if layout.is_ieee(4) => Self::Single(f32::from_bits(n as u32)),
                8 if layout.is_ieee(8) => Self::Double(f64::from_bits(n as u64)),
                _ => Self::Double(layout.number(n)),
            },
            _ => Self::Integer(n as i128),
        }
    }

    /// The real and the imaginary part.
    pub fn complex_parts(datatype: &Type, bytes: &[u8]) -> [Self; 2] {
        let base = match &datatype.kind {
            Kind::Complex(base) => base,
            Kind::Compound(members) => &members[0].datatype,
            _ => datatype,
        };
        let (real, imaginary) = bytes.split_at(bytes.len() / 2);
        [Self::of(base, real), Self::of(base, imaginary)]
    }

    pub fn is_below(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a < b,
            (a, b) => a.to_f64() < b.to_f64(),
        }
    }

    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(n) => n as f64,
            Self::Half(n) => n.to_f64(),
            Self::Single(n) => n.into(),
            Self::Double(n) => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::IntegerLayout;

    fn integer(order: i32, is_signed: bool, bytes: &[u8]) -> Number {
        let layout = IntegerLayout::full(bytes.len());
        let kind = Kind::Integer { order, is_signed, layout };
        Number::of(&Type { class: 0, size: bytes.len(), kind }, bytes)
    }

    #[test]
    fn integers_of_either_order_and_sign() {
        assert_eq!(integer(0, false, &[1, 2]), Number::Integer(0x201));
        assert_eq!(integer(BIG_ENDIAN, false, &[1, 2]), Number::Integer(0x102));
        assert_eq!(integer(0, true, &[0xfe, 0xff]), Number::Integer(-2));
        assert_eq!(integer(0, false, &[0xff; 8]), Number::Integer(u64::MAX.into()));
        assert_eq!(integer(BIG_ENDIAN, true, &[0x80, 0, 0, 0, 0, 0, 0, 0]), Number::Integer(i64::MIN.into()));
    }
}
