//! Rows of elements as `f64`, for what is computed of many pixels.

use super::number::Number;
use crate::h5::{BIG_ENDIAN, IntegerLayout, Kind, Type};

/// How elements of a type become numbers.
pub struct Rows<'a> {
    datatype: &'a Type,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    F64,
    /// One by one: of the other byte order, in some bits of their bytes, or of a size that no machine has.
    Other,
}

impl<'a> Rows<'a> {
    pub fn of(datatype: &'a Type) -> Self {
        Self { datatype, how: How::of(datatype) }
    }

    /// Appends the numbers that elements are.
    pub fn append(&self, items: &[u8], out: &mut Vec<f64>) {
        macro_rules! each {
            ($number:ty) => {
                out.extend(items.as_chunks().0.iter().map(|item| f64::from(<$number>::from_le_bytes(*item))))
            };
        }
        match self.how {
            How::U8 => each!(u8),
            How::I8 => each!(i8),
            How::U16 => each!(u16),
            How::I16 => each!(i16),
            How::U32 => each!(u32),
            How::I32 => each!(i32),
            How::F32 => each!(f32),
            How::F64 => each!(f64),
            How::Other => out.extend(self.each(items).map(Number::to_f64)),
        }
    }

    /// The same without a loss.
    pub fn each(&self, items: &'a [u8]) -> impl Iterator<Item = Number> + use<'a> {
        let datatype = self.datatype;
        items.chunks_exact(datatype.size.max(1)).map(|item| Number::of(datatype, item))
    }

    pub fn are_integers(&self) -> bool {
        integer(self.datatype).is_some()
    }

    /// Whether an `f64` does not hold all of them.
    pub fn are_wide(&self) -> bool {
        self.are_integers() && self.datatype.size > 4
    }

    /// The largest number of an integer type.
    pub fn largest(&self) -> Option<f64> {
        let (layout, is_signed) = integer(self.datatype)?;
        let n_bits = layout.bits as i32 - i32::from(is_signed);
        Some(2_f64.powi(n_bits) - 1.0)
    }

    /// A number as an element would hold it: 0.1 is not the same in `float32`.
    pub fn nearest(&self, number: f64) -> f64 {
        if self.how == How::F32 { f64::from(number as f32) } else { number }
    }
}

fn integer(datatype: &Type) -> Option<(&IntegerLayout, bool)> {
    match &datatype.kind {
        Kind::Integer { layout, is_signed, .. } => Some((layout, *is_signed)),
        Kind::Bitfield { layout, .. } => Some((layout, false)),
        Kind::Enum { base, .. } => integer(base),
        _ => None,
    }
}

impl How {
    fn of(datatype: &Type) -> Self {
        let size = datatype.size;
        match &datatype.kind {
            Kind::Integer { order, .. } | Kind::Bitfield { order, .. } | Kind::Float { order, .. }
                if *order == BIG_ENDIAN && size > 1 =>
            {
                Self::Other
            }
            Kind::Integer { layout, .. } | Kind::Bitfield { layout, .. }
                if *layout != IntegerLayout::full(size) =>
            {
                Self::Other
            }
            Kind::Integer { is_signed, .. } => match (size, is_signed) {
                (1, false) => Self::U8,
                (1, true) => Self::I8,
                (2, false) => Self::U16,
                (2, true) => Self::I16,
                (4, false) => Self::U32,
                (4, true) => Self::I32,
                _ => Self::Other,
            },
            Kind::Bitfield { .. } => match size {
                1 => Self::U8,
                2 => Self::U16,
                4 => Self::U32,
                _ => Self::Other,
            },
            Kind::Float { layout, .. } if layout.is_ieee(size) => match size {
                4 => Self::F32,
                8 => Self::F64,
                _ => Self::Other,
            },
            Kind::Enum { base, .. } => Self::of(base),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_numbers_one_by_one() {
        let bytes: Vec<u8> = (0..48).map(|i: u8| i.wrapping_mul(77)).collect();
        for size in [1, 2, 3, 4, 8] {
            for is_signed in [false, true] {
                for order in [0, BIG_ENDIAN] {
                    let kind = Kind::Integer { order, is_signed, layout: IntegerLayout::full(size) };
                    let datatype = Type { class: 0, size, kind };
                    let rows = Rows::of(&datatype);
                    let mut found = Vec::new();
                    rows.append(&bytes, &mut found);
                    let expected: Vec<_> = rows.each(&bytes).map(Number::to_f64).collect();
                    assert_eq!(found, expected, "{size} {is_signed} {order}");
                }
            }
        }
    }

    #[test]
    fn the_largest_number_is_that_of_the_bits() {
        let largest = |size, is_signed, layout| {
            Rows::of(&Type { class: 0, size, kind: Kind::Integer { order: 0, is_signed, layout } }).largest()
        };
        assert_eq!(largest(2, false, IntegerLayout::full(2)), Some(65535.0));
        assert_eq!(largest(4, true, IntegerLayout::full(4)), Some(2147483647.0));
        assert_eq!(largest(2, false, IntegerLayout { offset: 0, bits: 12 }), Some(4095.0));
    }
}
