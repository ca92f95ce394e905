//! Elements as JSON, as h5grove writes them.

use std::io::Write;

use half::f16;
use serde_json::Value;

use super::failure::{Failure, Result};
use super::metadata::{is_bool, is_complex};
use super::number::Number;
use crate::h5::{Item, Items, Kind};

/// An answer is not longer.
pub const MAX_BYTES: usize = 256 << 20;
/// Of datasets without elements.
const MAX_EMPTY_LISTS: u64 = 1 << 16;

/// Elements as nested lists of the given shape, or as one list with those of arrays among them; written
/// as they come.
pub struct Lists {
    shape: Vec<u64>,
    /// Elements in a list of each level, the outermost first.
    n_in_list: Vec<u64>,
    is_flat: bool,
    n_elements: u64,
    out: Vec<u8>,
}

impl Lists {
    /// A single element has no lists around it, unless they are flat.
    pub fn new(shape: &[u64], is_flat: bool) -> Self {
        let inner = |axis: usize| shape[axis..].iter().fold(1_u64, |n, len| n.saturating_mul(*len));
        let out = if is_flat { vec![b'['] } else { Vec::new() };
        Self {
            n_in_list: (0..shape.len()).map(inner).collect(),
            shape: shape.to_vec(),
            is_flat,
            n_elements: 0,
            out,
        }
    }

    pub fn extend<'a>(&mut self, items: impl Iterator<Item = Item<'a>>) -> Result<()> {
        if self.is_flat {
            return items.flat_map(leaves).try_for_each(|item| {
                self.separate();
                self.write(item)
            });
        }
        for item in items {
            self.separate();
            let n = self.n_elements;
            let n_opened = self.n_in_list.iter().filter(|len| (n - 1).is_multiple_of(**len)).count();
            self.out.extend(std::iter::repeat_n(b'[', n_opened));
            self.write(item)?;
            let n_closed = self.n_in_list.iter().filter(|len| n.is_multiple_of(**len)).count();
            self.out.extend(std::iter::repeat_n(b']', n_closed));
        }
        Ok(())
    }

    fn separate(&mut self) {
        if self.n_elements > 0 {
            self.out.push(b',');
        }
        self.n_elements += 1;
    }

    fn write(&mut self, item: Item<'_>) -> Result<()> {
        element(item, &mut self.out)?;
        check_len(&self.out)
    }

    pub fn finish(mut self) -> Result<Vec<u8>> {
        if self.is_flat {
            self.out.push(b']');
        } else if self.n_elements == 0 {
            let n_lists =
                self.shape.iter().take_while(|n| **n > 0).fold(1_u64, |all, n| all.saturating_mul(*n));
            if n_lists > MAX_EMPTY_LISTS {
                return Err(Failure::too_large(format!(
                    "{n_lists} empty lists (expected at most {MAX_EMPTY_LISTS})"
                )));
            }
            empty(&self.shape, &mut self.out)?;
        }
        Ok(self.out)
    }
}

/// All elements as nested lists.
pub fn write(items: &Items, shape: &[u64]) -> Result<Vec<u8>> {
    let mut lists = Lists::new(shape, false);
    lists.extend(items.iter())?;
    lists.finish()
}

/// Lists without elements.
fn empty(shape: &[u64], out: &mut Vec<u8>) -> Result<()> {
    let Some((n, inner)) = shape.split_first() else { return Ok(()) };
    list(0..*n, out, |_, out| empty(inner, out))
}

/// The elements of an array as nested lists.
fn nested<'a>(items: &mut impl Iterator<Item = Item<'a>>, shape: &[u64], out: &mut Vec<u8>) -> Result<()> {
    let Some((n, inner)) = shape.split_first() else {
        return match items.next() {
            Some(item) => element(item, out),
            None => Err(Failure::unusable("fewer elements than expected")),
        };
    };
    list(0..*n, out, |_, out| nested(items, inner, out))
}

/// An error if an answer gets too long.
pub fn check_len(out: &[u8]) -> Result<()> {
    if out.len() > MAX_BYTES {
        return Err(Failure::too_large(format!(
            "the answer has more than {MAX_BYTES} bytes: select fewer elements"
        )));
    }
    Ok(())
}

fn leaves(item: Item<'_>) -> Vec<Item<'_>> {
    match item.datatype.kind {
        Kind::Array { .. } => item.elements().into_iter().flat_map(leaves).collect(),
        _ => vec![item],
    }
}

fn list<T>(
    values: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(value, out)?;
        check_len(out)?;
    }
    out.push(b']');
    Ok(())
}

fn element(item: Item<'_>, out: &mut Vec<u8>) -> Result<()> {
    let datatype = item.datatype;
    if is_complex(datatype) {
        let parts = Number::complex_parts(datatype, item.bytes);
        return list(parts, out, |part, out| {
            number(part, out);
            Ok(())
        });
    }
    match &datatype.kind {
        Kind::Enum { .. } if is_bool(datatype) => text(&Value::from(item.bytes[0] != 0), out),
        Kind::Integer { .. } | Kind::Float { .. } | Kind::Bitfield { .. } | Kind::Enum { .. } => {
            number(Number::of(datatype, item.bytes), out);
        }
        Kind::String { .. } => text(&String::from_utf8_lossy(item.string()).into(), out),
        Kind::Compound(_) => list(item.members(), out, element)?,
        Kind::Array { dims, .. } => nested(&mut item.elements().into_iter(), dims, out)?,
        Kind::Sequence(_) => list(item.elements(), out, element)?,
        Kind::Reference { .. } => text(&"<HDF5 object reference>".into(), out),
        Kind::Opaque { .. } | Kind::Complex(_) | Kind::Other => {
            text(&String::from_utf8_lossy(item.bytes).into(), out);
        }
    }
    Ok(())
}

fn number(number: Number, out: &mut Vec<u8>) {
    // Writing to a vector does not fail; JSON has no numbers that are not finite.
    let _ = match number {
        Number::Integer(n) => write!(out, "{n}"),
        Number::Half(n) => return text(&f16::to_f32(n).into(), out),
        Number::Single(n) => return text(&shortest(n), out),
        Number::Double(n) => return text(&n.into(), out),
    };
}

/// A single-precision number in as many digits as it needs.
fn shortest(n: f32) -> Value {
    n.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

fn text(value: &Value, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::{IntegerLayout, Type, items_in};

    fn bytes_as(shape: &[u64], bytes: &[u8], is_flat: bool) -> String {
        let layout = IntegerLayout::full(1);
        let datatype = Type { class: 0, size: 1, kind: Kind::Integer { order: 0, is_signed: false, layout } };
        let mut lists = Lists::new(shape, is_flat);
        for part in bytes.chunks(4) {
            lists.extend(items_in(&datatype, part).unwrap()).unwrap();
        }
        String::from_utf8(lists.finish().unwrap()).unwrap()
    }

    #[test]
    fn lists_are_nested_as_the_shape_says() {
        assert_eq!(bytes_as(&[], &[7], false), "7");
        assert_eq!(bytes_as(&[], &[7], true), "[7]");
        assert_eq!(bytes_as(&[3], &[1, 2, 3], false), "[1,2,3]");
        assert_eq!(bytes_as(&[2, 1, 3], &[1, 2, 3, 4, 5, 6], false), "[[[1,2,3]],[[4,5,6]]]");
        assert_eq!(bytes_as(&[2, 3], &[1, 2, 3, 4, 5, 6], true), "[1,2,3,4,5,6]");
        assert_eq!(bytes_as(&[2, 0, 3], &[], false), "[[],[]]");
        assert_eq!(bytes_as(&[2, 0], &[], true), "[]");
    }
}
