//! Where the values of a virtual dataset are.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

use anyhow::Result;
use hdf5::dataset::Layout;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace};
use hdf5_sys::h5p::{
    H5Pget_virtual_count, H5Pget_virtual_dsetname, H5Pget_virtual_filename, H5Pget_virtual_vspace,
};

use super::items::shape_of;
use super::{Explain, call, call_for_id};

/// The datasets that a virtual one is made of, each once: file, as the dataset has it, and path.
pub fn virtual_sources(dataset: &Dataset) -> Result<Vec<(String, String)>> {
    let plist = dataset.create_plist().explained()?;
    let mut sources = Vec::new();
    for index in 0..n_sources(&plist)? {
        let file = file_name(&plist, index)?;
        // SAFETY: the property list is open; a text is written where there is room for it.
        let path = text(|start, room| unsafe { H5Pget_virtual_dsetname(plist.id(), index, start, room) })?;
        let readable = |text: CString| text.to_string_lossy().into_owned();
        sources.push((readable(file), readable(path)));
    }
    sources.sort_unstable();
    sources.dedup();
    Ok(sources)
}

/// The files that a virtual dataset is made of; none if it is not virtual.
pub fn virtual_files(dataset: &Dataset) -> Result<BTreeSet<CString>> {
    let plist = dataset.create_plist().explained()?;
    if plist.layout() != Layout::Virtual {
        return Ok(BTreeSet::new());
    }
    let n = n_sources(&plist)?;
    (0..n).map(|index| file_name(&plist, index)).collect()
}

/// The shape that a virtual dataset was made with. HDF5 opens the sources of one that grows with them when
/// it is asked for its shape; here it does not.
pub fn virtual_shape(dataset: &Dataset) -> Result<Option<Vec<u64>>> {
    let plist = dataset.create_plist().explained()?;
    // SAFETY: the property list is open; without a first source, this is an error.
    let space: Dataspace = call_for_id!(unsafe { H5Pget_virtual_vspace(plist.id(), 0) })?;
    Ok(shape_of(&space))
}

fn n_sources(plist: &DatasetCreate) -> Result<usize> {
    let mut n = 0;
    // SAFETY: the property list is open; `n` is written to during the call.
    call(|| unsafe { H5Pget_virtual_count(plist.id(), &mut n) })?;
    Ok(n)
}

fn file_name(plist: &DatasetCreate, index: usize) -> Result<CString> {
    // SAFETY: the property list is open; a text is written where there is room for it.
    text(|start, room| unsafe { H5Pget_virtual_filename(plist.id(), index, start, room) })
}

/// A text that `get` writes with a NUL, if it fits, and tells the length of.
fn text(get: impl Fn(*mut c_char, usize) -> isize) -> Result<CString> {
    let len = call(|| get(ptr::null_mut(), 0))? as usize;
    let mut bytes = vec![0_u8; len + 1];
    call(|| get(bytes.as_mut_ptr().cast(), bytes.len()))?;
    Ok(CStr::from_bytes_until_nul(&bytes)?.to_owned())
}
