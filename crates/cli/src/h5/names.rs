//! Names in a file, of which some may be no text: those are left out. The crate `hdf5` gives none then.

use std::ffi::{CStr, c_char, c_void};

use anyhow::Result;
use hdf5::{Group, Location};
use hdf5_sys::h5::{H5_index_t, H5_iter_order_t, herr_t};
use hdf5_sys::h5a::{H5A_info_t, H5Aiterate2};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5L_info2_t, H5Literate2};

use super::call;

/// Of links, in the order in which they were made if the file knows it, else by name.
pub fn link_names(group: &Group) -> Result<Vec<String>> {
    let by = |index| {
        let mut names: Vec<String> = Vec::new();
        let (place, order) = ((&raw mut names).cast(), H5_iter_order_t::H5_ITER_INC);
        let mut from = 0;
        // SAFETY: the group is open; `names` is what `add_link` is called with.
        call(|| unsafe { H5Literate2(group.id(), index, order, &mut from, Some(add_link), place) })?;
        Ok(names)
    };
    by(H5_index_t::H5_INDEX_CRT_ORDER).or_else(|_: anyhow::Error| by(H5_index_t::H5_INDEX_NAME))
}

/// Of attributes, sorted.
pub fn attribute_names(object: &Location) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let (index, order) = (H5_index_t::H5_INDEX_NAME, H5_iter_order_t::H5_ITER_INC);
    let mut from = 0;
    let place = (&raw mut names).cast();
    // SAFETY: the object is open; `names` is what `add_attribute` is called with.
    call(|| unsafe { H5Aiterate2(object.id(), index, order, &mut from, Some(add_attribute), place) })?;
    names.sort();
    Ok(names)
}

extern "C" fn add_link(_: hid_t, name: *const c_char, _: *const H5L_info2_t, names: *mut c_void) -> herr_t {
    add(name, names)
}

extern "C" fn add_attribute(
    _: hid_t,
    name: *const c_char,
    _: *const H5A_info_t,
    names: *mut c_void,
) -> herr_t {
    add(name, names)
}

/// Tells HDF5 to go on.
fn add(name: *const c_char, names: *mut c_void) -> herr_t {
    // SAFETY: HDF5 gives a name with a NUL at its end, and the vector that it was called with, which nobody
    // else uses meanwhile.
    let (name, names) = unsafe { (CStr::from_ptr(name), &mut *names.cast::<Vec<String>>()) };
    if let Ok(name) = name.to_str() {
        names.push(name.to_owned());
    }
    0
}
