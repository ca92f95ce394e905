//! Numbers as a browser's typed arrays have them: what h5grove calls `dtype=safe`.

use super::failure::{Failure, Result};
use super::json::MAX_BYTES;
use super::metadata::{dtype_text, is_complex};
use super::number::Number;
use crate::h5::{BIG_ENDIAN, IntegerLayout, Kind, Type};

/// What elements of a type become.
pub struct Safe<'a> {
    from: &'a Type,
    /// NumPy's word for it; little-endian.
    pub word: String,
    /// Bytes of an element.
    pub size: usize,
    how: How,
}

enum How {
    Same,
    /// In units of so many bytes.
    Swapped(usize),
    Floats,
    Integers,
}

impl<'a> Safe<'a> {
    /// An error if elements are not numbers.
    pub fn of(from: &'a Type) -> Result<Self> {
        let unit =
            unit_of(from).ok_or_else(|| Failure::unusable("Unsupported dtype safe for non-numeric data"))?;
        let word = dtype_text(from).replace('>', "<");
        Ok(match unit {
            Unit { is_plain: true, is_big_endian: true, .. } => {
                Self { from, word, size: from.size, how: How::Swapped(unit.size) }
            }
            Unit { is_plain: true, .. } => Self { from, word, size: from.size, how: How::Same },
            Unit { is_float: true, .. } => {
                let size = if unit.size > 4 { 8 } else { 4 };
                Self { from, word: format!("<f{size}"), size, how: How::Floats }
            }
            Unit { is_float: false, .. } => {
                let size = unit.size.next_power_of_two();
                Self {
                    from,
                    word: word.replace(&unit.size.to_string(), &size.to_string()),
                    size,
                    how: How::Integers,
                }
            }
        })
    }

    /// Bytes of what becomes of as many bytes. An error if an answer has no room for them.
    pub fn n_bytes(&self, n_bytes: usize) -> Result<usize> {
        let n_bytes = n_bytes / self.from.size.max(1) * self.size;
        if n_bytes > MAX_BYTES {
            return Err(Failure::too_large(format!(
                "the answer has {n_bytes} bytes (expected at most {MAX_BYTES}): select fewer elements"
            )));
        }
        Ok(n_bytes)
    }

    /// Elements, as they become.
    pub fn convert(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        match self.how {
            How::Same => return Ok(bytes),
            How::Swapped(unit) => {
                bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
                return Ok(bytes);
            }
            How::Floats | How::Integers => {}
        }
        let mut out = Vec::new();
        let n_bytes = self.n_bytes(bytes.len())?;
        out.try_reserve_exact(n_bytes).map_err(|_| Failure::too_large("no memory for the answer"))?;
        for item in bytes.chunks_exact(self.from.size) {
            match (Number::of(self.from, item), &self.how) {
                (Number::Integer(n), How::Integers) => out.extend(&n.to_le_bytes()[..self.size]),
                (n, _) if self.size == 4 => out.extend((n.to_f64() as f32).to_le_bytes()),
                (n, _) => out.extend(n.to_f64().to_le_bytes()),
            }
        }
        Ok(out)
    }
}

/// Integers that are in some of the bits of their bytes, in all of them; other elements as they are.
pub fn full(datatype: &Type, mut bytes: Vec<u8>) -> Vec<u8> {
    let Some(Unit { size, is_big_endian, is_float: false, is_plain: false }) = unit_of(datatype) else {
        return bytes;
    };
    for item in bytes.chunks_exact_mut(size) {
        if let Number::Integer(n) = Number::of(datatype, item) {
            item.copy_from_slice(&n.to_le_bytes()[..size]);
            if is_big_endian {
                item.reverse();
            }
        }
    }
    bytes
}

/// The numbers that elements are made of.
struct Unit {
    size: usize,
    is_big_endian: bool,
    is_float: bool,
    /// Whether a browser has such numbers.
    is_plain: bool,
}

fn unit_of(datatype: &Type) -> Option<Unit> {
    let size = datatype.size;
    let unit = |order: i32, is_float, is_plain| Unit {
        size,
        is_big_endian: order == BIG_ENDIAN,
        is_float,
        is_plain,
    };
    match &datatype.kind {
        Kind::Integer { order, layout, .. } | Kind::Bitfield { order, layout } => {
            let is_plain = matches!(size, 1 | 2 | 4 | 8) && *layout == IntegerLayout::full(size);
            (size <= 8).then(|| unit(*order, false, is_plain))
        }
        Kind::Float { order, layout } => Some(unit(*order, true, size > 2 && layout.is_ieee(size))),
        Kind::Enum { base, .. } => unit_of(base),
        Kind::Complex(base) => unit_of(base).filter(|unit| unit.is_plain),
        Kind::Compound(members) if is_complex(datatype) => {
            unit_of(&members[0].datatype).filter(|unit| unit.is_plain)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(size: usize, is_signed: bool, layout: IntegerLayout) -> Type {
        Type { class: 0, size, kind: Kind::Integer { order: BIG_ENDIAN, is_signed, layout } }
    }

    #[test]
    fn integers_become_those_that_browsers_have() {
        let datatype = integers(3, true, IntegerLayout { offset: 4, bits: 16 });
        let safe = Safe::of(&datatype).unwrap();
        assert_eq!((&safe.word[..], safe.size), ("<i4", 4));
        assert_eq!(safe.convert(vec![0x1f, 0xff, 0xe1]).unwrap(), (-2_i32).to_le_bytes());
        assert_eq!(full(&datatype, vec![0x1f, 0xff, 0xe1]), [0xff, 0xff, 0xfe]);
        let datatype = integers(2, false, IntegerLayout::full(2));
        assert_eq!(Safe::of(&datatype).unwrap().convert(vec![1, 2, 3, 4]).unwrap(), [2, 1, 4, 3]);
        assert_eq!(full(&datatype, vec![1, 2]), [1, 2]);
        assert!(Safe::of(&integers(16, false, IntegerLayout::full(16))).is_err());
    }
}
