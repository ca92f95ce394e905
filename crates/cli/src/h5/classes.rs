//! What a datatype is, at its outermost level.

use anyhow::Result;
use hdf5::Datatype;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::{H5T_class_t, H5Tdetect_class, H5Tget_class, H5Tget_super};

use super::{call, call_for_id};

/// The class of a datatype.
pub(super) fn class(id: hid_t) -> H5T_class_t {
    // SAFETY: whatever the id is, HDF5 checks it.
    hdf5::sync::sync(|| unsafe { H5Tget_class(id) })
}

/// What an enumeration, an array or a sequence is made of.
pub(super) fn base(id: hid_t) -> Result<Datatype> {
    // SAFETY: as in `class`.
    call_for_id!(unsafe { H5Tget_super(id) })
}

/// Whether there are references in a type, on whatever level.
pub fn has_references(datatype: &Datatype) -> Result<bool> {
    // SAFETY: the datatype is open.
    Ok(call(|| unsafe { H5Tdetect_class(datatype.id(), H5T_class_t::H5T_REFERENCE) })? > 0)
}
