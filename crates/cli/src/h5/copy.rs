//! Objects and links of one file made in another.

use std::ffi::{CStr, CString, c_void};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::ptr;

use anyhow::{Context, Result};
use hdf5::file::LibraryVersion;
use hdf5::plist::{FileAccess, LinkCreate, ObjectCopy};
use hdf5::{Dataset, File, Group, Location};
use hdf5_sys::h5d::H5D_fill_value_t;
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_info2_t, H5Fcreate, H5Fget_info2};
use hdf5_sys::h5g::H5Gcreate2;
use hdf5_sys::h5l::{H5Lcreate_external, H5Lcreate_hard, H5Lcreate_soft};
use hdf5_sys::h5o::{H5O_COPY_MERGE_COMMITTED_DTYPE_FLAG, H5O_mcdt_search_ret_t, H5Ocopy};
use hdf5_sys::h5p::{
    H5P_DEFAULT, H5Padd_merge_committed_dtype_path, H5Pfill_value_defined, H5Pget_attr_creation_order,
    H5Pget_fill_value, H5Pget_link_creation_order, H5Pset_attr_creation_order, H5Pset_copy_object,
    H5Pset_link_creation_order, H5Pset_mcdt_search_cb,
};

use super::datatype::has_pointers;
use super::{Explain, call, call_for_id};

/// Creates a file with the creation properties of another: user block, sizes, orders of its root group.
pub fn create_file_like(like: &File, path: &Path) -> Result<File> {
    let plist = like.create_plist().explained()?;
    // The file's own properties do not have what the root group's have.
    let root = like.group("/").and_then(|root| root.create_plist()).explained()?;
    let (mut links, mut attributes) = (0, 0);
    let mut info = H5F_info2_t::default();
    // SAFETY: the property lists and the file are open, here and below; what is borrowed is written to
    // during the calls.
    call(|| unsafe { H5Pget_link_creation_order(root.id(), &mut links) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Pset_link_creation_order(plist.id(), links) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Pget_attr_creation_order(root.id(), &mut attributes) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Pset_attr_creation_order(plist.id(), attributes) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Fget_info2(like.id(), &mut info) })?;
    // What the old file could express, such as large attributes, the new one must be able to.
    let oldest = match info.super_.version {
        0 | 1 => LibraryVersion::Earliest,
        2 => LibraryVersion::V18,
        _ => LibraryVersion::V110,
    };
    let access = FileAccess::build().libver_bounds(oldest, LibraryVersion::latest()).finish().explained()?;
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: as above; the path ends with a NUL.
    let file = call_for_id!(unsafe { H5Fcreate(path.as_ptr(), H5F_ACC_TRUNC, plist.id(), access.id()) });
    file.context("can't create the output")
}

/// Copies what is before the HDF5 part of a file; `file` is open at `from`.
pub fn copy_user_block(file: &File, from: &Path, to: &Path) -> Result<()> {
    let n_bytes = file.userblock();
    if n_bytes == 0 {
        return Ok(());
    }
    let mut target = fs::File::options().write(true).open(to)?;
    io::copy(&mut fs::File::open(from)?.take(n_bytes), &mut target).context("can't write the output")?;
    Ok(())
}

/// Creates a group with the creation properties of another.
pub fn create_group_like(like: &Group, parent: &Group, name: &str, link: &LinkCreate) -> Result<Group> {
    let plist = like.create_plist().explained()?;
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL; all ids are open.
    call_for_id!(unsafe { H5Gcreate2(parent.id(), name.as_ptr(), link.id(), plist.id(), H5P_DEFAULT) })
}

/// Copies an object with all that it has, but for its references to others. A datatype that has a name is,
/// in the copy, the same one of those at the paths `datatypes`, if it is among them.
pub fn copy_object(
    object: &Location,
    parent: &Group,
    name: &str,
    link: &LinkCreate,
    datatypes: &[String],
) -> Result<()> {
    let how = ObjectCopy::try_new().explained()?;
    if !datatypes.is_empty() {
        // SAFETY: the property list is open.
        call(|| unsafe { H5Pset_copy_object(how.id(), H5O_COPY_MERGE_COMMITTED_DTYPE_FLAG) })?;
        // SAFETY: the callback uses no memory.
        call(|| unsafe { H5Pset_mcdt_search_cb(how.id(), Some(stop_searching), ptr::null_mut()) })?;
    }
    for path in datatypes {
        let path = CString::new(&**path)?;
        // SAFETY: the path ends with a NUL.
        call(|| unsafe { H5Padd_merge_committed_dtype_path(how.id(), path.as_ptr()) })?;
    }
    let name = CString::new(name)?;
    // SAFETY: names end with a NUL; all ids are open.
    call(|| unsafe { H5Ocopy(object.id(), c".".as_ptr(), parent.id(), name.as_ptr(), how.id(), link.id()) })?;
    Ok(())
}

/// HDF5 asks whether to look for a datatype in the whole file. All are known; and HDF5 2.0 crashes when it
/// comes to groups that keep the order of their links.
extern "C" fn stop_searching(_: *mut c_void) -> H5O_mcdt_search_ret_t {
    H5O_mcdt_search_ret_t::H5O_MCDT_SEARCH_STOP
}

/// Another name for the object at `path`.
pub fn link_hard(file: &File, path: &str, parent: &Group, name: &str, link: &LinkCreate) -> Result<()> {
    let (path, name) = (CString::new(path)?, CString::new(name)?);
    // SAFETY: names end with a NUL; all ids are open.
    call(|| unsafe {
        H5Lcreate_hard(file.id(), path.as_ptr(), parent.id(), name.as_ptr(), link.id(), H5P_DEFAULT)
    })?;
    Ok(())
}

/// A soft link.
pub fn link_soft(target: &CStr, parent: &Group, name: &str, link: &LinkCreate) -> Result<()> {
    let name = CString::new(name)?;
    // SAFETY: as in `link_hard`.
    call(|| unsafe { H5Lcreate_soft(target.as_ptr(), parent.id(), name.as_ptr(), link.id(), H5P_DEFAULT) })?;
    Ok(())
}

/// A link into another file.
pub fn link_external(
    file: &CStr,
    target: &CStr,
    parent: &Group,
    name: &str,
    link: &LinkCreate,
) -> Result<()> {
    let name = CString::new(name)?;
    // SAFETY: as in `link_hard`.
    call(|| unsafe {
        H5Lcreate_external(file.as_ptr(), target.as_ptr(), parent.id(), name.as_ptr(), link.id(), H5P_DEFAULT)
    })?;
    Ok(())
}

/// Whether the element that stands where nothing was written points to others, as a string does. HDF5's own
/// way to copy objects leaves out what it points to.
pub fn has_pointing_fill_value(dataset: &Dataset) -> Result<bool> {
    let plist = dataset.create_plist().explained()?;
    let mut status = H5D_fill_value_t::H5D_FILL_VALUE_ERROR;
    // SAFETY: the property list is open; `status` is written to during the call.
    call(|| unsafe { H5Pfill_value_defined(plist.id(), &mut status) })?;
    let is_defined = status == H5D_fill_value_t::H5D_FILL_VALUE_USER_DEFINED;
    Ok(is_defined && has_pointers(&dataset.dtype().explained()?)?)
}

/// Copies an object's comment.
#[expect(deprecated, reason = "old files have them")]
pub fn copy_comment(from: &Location, to: &Location) -> Result<()> {
    match from.comment() {
        Some(comment) => to.set_comment(&comment).explained(),
        None => Ok(()),
    }
}

/// The element that stands where nothing was written; zero if none is defined.
pub fn fill_value(dataset: &Dataset) -> Result<Vec<u8>> {
    let datatype = dataset.dtype().explained()?;
    let plist = dataset.create_plist().explained()?;
    let mut fill = vec![0; datatype.size()];
    // SAFETY: there is room for an element of this type. It fails if the value is undefined.
    let _ = call(|| unsafe { H5Pget_fill_value(plist.id(), datatype.id(), fill.as_mut_ptr().cast()) });
    Ok(fill)
}
