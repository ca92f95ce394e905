use anyhow::{Result, bail};
use hdf5::{Dataset, Datatype};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::*;

use super::classes::{base, class, has_references};
use super::types::Type;
use super::{Explain, call};

/// What people call a type: `uint16`, `float32, big-endian`, `compound of 3 members`.
pub fn describe_type(datatype: &Datatype) -> Result<String> {
    let id = datatype.id();
    let bits = 8 * datatype.size();
    Ok(match class(id) {
        H5T_class_t::H5T_INTEGER => format!("{}{}", integer(id, bits), order(id)),
        H5T_class_t::H5T_FLOAT => format!("float{bits}{}", order(id)),
        H5T_class_t::H5T_STRING => {
            // SAFETY: the datatype is open, here and below.
            let is_variable = call(|| unsafe { H5Tis_variable_str(id) })? > 0;
            if is_variable { "string".into() } else { format!("string of {} bytes", datatype.size()) }
        }
        H5T_class_t::H5T_BITFIELD => format!("bitfield of {bits} bits"),
        H5T_class_t::H5T_OPAQUE => format!("opaque of {} bytes", datatype.size()),
        H5T_class_t::H5T_COMPOUND => compound(id)?,
        H5T_class_t::H5T_REFERENCE => "reference".into(),
        H5T_class_t::H5T_ENUM => format!("enum of {}", describe_type(&base(id)?)?),
        H5T_class_t::H5T_VLEN => format!("sequences of {}", describe_type(&base(id)?)?),
        H5T_class_t::H5T_ARRAY => {
            let base = base(id)?;
            format!("array of {} × {}", datatype.size() / base.size().max(1), describe_type(&base)?)
        }
        _ => format!("type of {} bytes", datatype.size()),
    })
}

/// Whether elements in memory point to others: sequences and strings of variable length.
pub fn has_pointers(datatype: &Datatype) -> Result<bool> {
    // SAFETY: the datatype is open.
    let detect = |class: H5T_class_t| call(|| unsafe { H5Tdetect_class(datatype.id(), class) });
    if detect(H5T_class_t::H5T_VLEN)? > 0 {
        return Ok(true);
    }
    // HDF5 counts strings of variable length as strings only. Of types too deep to look at, they may be a part.
    Ok(detect(H5T_class_t::H5T_STRING)? > 0 && Type::of(datatype).map_or(true, |known| known.has_pointers()))
}

/// Whether elements are stored with the bytes that they have in memory, not as places in the file.
pub fn is_stored_as_in_memory(dataset: &Dataset) -> Result<bool> {
    let datatype = dataset.dtype().explained()?;
    Ok(!has_pointers(&datatype)? && !has_references(&datatype)?)
}

/// Whether HDF5 can make elements of one type from those of another.
pub fn is_convertible(from: &Datatype, to: &Datatype) -> bool {
    // SAFETY: both are open.
    call(|| unsafe { H5Tcompiler_conv(from.id(), to.id()) }).is_ok()
}

/// What numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    Unsigned,
    Signed,
    Float,
}

/// What the numbers of a dataset are, how many bytes one has, and whether the most significant is first.
/// Enumerations are the integers that stand for them.
pub fn number_kind(datatype: &Datatype) -> Result<(NumberKind, usize, bool)> {
    let id = datatype.id();
    let kind = match class(id) {
        H5T_class_t::H5T_ENUM => return number_kind(&base(id)?),
        H5T_class_t::H5T_FLOAT => NumberKind::Float,
        H5T_class_t::H5T_INTEGER if integer(id, 8).starts_with('u') => NumberKind::Unsigned,
        H5T_class_t::H5T_INTEGER => NumberKind::Signed,
        _ => bail!("it is {} (expected integers or floats)", describe_type(datatype)?),
    };
    Ok((kind, datatype.size(), !order(id).is_empty()))
}

/// Whether elements are integers, floats, enumerations or complex numbers.
pub fn is_numeric(datatype: &Datatype) -> Result<bool> {
    let id = datatype.id();
    Ok(match class(id) {
        H5T_class_t::H5T_INTEGER
        | H5T_class_t::H5T_FLOAT
        | H5T_class_t::H5T_ENUM
        | H5T_class_t::H5T_COMPLEX => true,
        // SAFETY: the datatype is open; a record of two has a first and a second member.
        H5T_class_t::H5T_COMPOUND => unsafe {
            call(|| H5Tget_nmembers(id))? == 2
                && [0, 1].iter().all(|member| H5Tget_member_class(id, *member) == H5T_class_t::H5T_FLOAT)
        },
        _ => false,
    })
}

fn integer(id: hid_t, bits: usize) -> String {
    // SAFETY: as in `class`.
    let sign = hdf5::sync::sync(|| unsafe { H5Tget_sign(id) });
    format!("{}{bits}", if sign == H5T_sign_t::H5T_SGN_NONE { "uint" } else { "int" })
}

fn order(id: hid_t) -> &'static str {
    // SAFETY: as in `class`.
    match hdf5::sync::sync(|| unsafe { H5Tget_order(id) }) {
        H5T_order_t::H5T_ORDER_BE => ", big-endian",
        _ => "",
    }
}

fn compound(id: hid_t) -> Result<String> {
    // SAFETY: as in `class`.
    let n = call(|| unsafe { H5Tget_nmembers(id) })?;
    Ok(format!("compound of {}", crate::text::count(n as u64, "member")))
}
