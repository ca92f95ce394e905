//! Where the values of a virtual dataset are.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

use anyhow::{Context, Result};
use hdf5::dataset::Layout;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace};
use hdf5_sys::h5p::{
    H5Pget_virtual_count, H5Pget_virtual_dsetname, H5Pget_virtual_filename, H5Pget_virtual_srcspace,
    H5Pget_virtual_vspace,
};
use hdf5_sys::h5s::{
    H5Sget_regular_hyperslab, H5Sget_select_bounds, H5Sget_select_npoints, H5Sget_simple_extent_ndims,
};

use super::items::shape_of;
use super::{Explain, call, call_for_id};

/// Of a virtual dataset: which part of a source some of its elements are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// As the dataset has it; "." is the dataset's own file.
    pub file: SourceName,
    /// In that file.
    pub path: SourceName,
    pub selected: Selected,
    /// Where the sources are in the virtual dataset, if they have numbers.
    pub blocks: Blocks,
}

/// Along the dimension in which a virtual dataset grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blocks {
    start: u64,
    stride: u64,
    length: u64,
}

/// What of a source a virtual dataset has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// All elements. So many are expected, unless there is a source for each of any number of blocks.
    All(Option<u64>),
    /// Elements in this box.
    Within(Bounds),
    /// Without an end: the virtual dataset grows with the source.
    Growing,
}

/// The smallest box that has all selected elements in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    pub start: Vec<u64>,
    /// Behind the last element.
    pub end: Vec<u64>,
}

/// A name with a number at some places, `%b`: that of the block of the virtual dataset that the source is. A
/// percent sign is `%%`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceName {
    /// What is between the numbers.
    parts: Vec<String>,
}

impl Mapping {
    /// Whether there is a source for each of any number of blocks.
    pub fn is_numbered(&self) -> bool {
        self.file.is_numbered() || self.path.is_numbered()
    }
}

impl Blocks {
    /// Where a block begins.
    pub fn start_of(self, block: u64) -> u64 {
        self.start.saturating_add(self.stride.saturating_mul(block))
    }

    /// Where the last of so many blocks ends.
    pub fn end_of(self, n: u64) -> u64 {
        n.checked_sub(1).map_or(0, |last| self.start_of(last).saturating_add(self.length))
    }
}

impl Bounds {
    /// Whether a dataset of this shape has the whole box.
    pub fn are_in(&self, shape: &[u64]) -> bool {
        self.end.len() == shape.len() && self.end.iter().zip(shape).all(|(end, n)| end <= n)
    }

    /// Whether a part of the dataset has elements in common with the box.
    pub fn reach_into(&self, offset: &[u64], extent: &[u64]) -> bool {
        let along = self.start.iter().zip(&self.end).zip(offset.iter().zip(extent));
        { along }.all(|((start, end), (offset, extent))| offset < end && *start < offset + extent)
    }
}

impl SourceName {
    /// From what is stored.
    fn parse(text: &str) -> Self {
        let (mut parts, mut part) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            part.push_str(before);
            rest = if let Some(rest) = after.strip_prefix('b') {
                parts.push(std::mem::take(&mut part));
                rest
            } else {
                part.push('%');
                after.strip_prefix('%').unwrap_or(after)
            };
        }
        parts.push(part + rest);
        Self { parts }
    }

    /// Whether it is another one for each block.
    pub fn is_numbered(&self) -> bool {
        self.parts.len() > 1
    }

    /// The name of the source for a block.
    pub fn of_block(&self, block: u64) -> String {
        self.parts.join(&block.to_string())
    }
}

/// Whether the elements of a dataset are those of others.
pub fn is_virtual(dataset: &Dataset) -> Result<bool> {
    Ok(dataset.create_plist().explained()?.layout() == Layout::Virtual)
}

/// What a virtual dataset is made of. None of the sources is opened.
pub fn mappings(dataset: &Dataset) -> Result<Vec<Mapping>> {
    let plist = dataset.create_plist().explained()?;
    let mapping = |index| {
        let name = |text: CString| SourceName::parse(&text.to_string_lossy());
        let (file, path) = (name(file_name(&plist, index)?), name(path(&plist, index)?));
        let blocks =
            if file.is_numbered() || path.is_numbered() { blocks(&plist, index)? } else { Blocks::default() };
        Ok(Mapping { file, path, selected: selected(&plist, index)?, blocks })
    };
    (0..n_sources(&plist)?).map(mapping).collect()
}

/// The datasets that a virtual one is made of, each once: file, as the dataset has it, and path.
pub fn virtual_sources(dataset: &Dataset) -> Result<Vec<(String, String)>> {
    let plist = dataset.create_plist().explained()?;
    let mut sources = Vec::new();
    for index in 0..n_sources(&plist)? {
        let readable = |text: CString| text.to_string_lossy().into_owned();
        sources.push((readable(file_name(&plist, index)?), readable(path(&plist, index)?)));
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

fn path(plist: &DatasetCreate, index: usize) -> Result<CString> {
    // SAFETY: as above.
    text(|start, room| unsafe { H5Pget_virtual_dsetname(plist.id(), index, start, room) })
}

/// A selection that grows is a row of blocks without an end (`H5S_UNLIMITED`).
fn blocks(plist: &DatasetCreate, index: usize) -> Result<Blocks> {
    // SAFETY: as above.
    let space: Dataspace = call_for_id!(unsafe { H5Pget_virtual_vspace(plist.id(), index) })?;
    let [mut start, mut stride, mut count, mut length] = [(); 4].map(|()| vec![0; space.ndim()]);
    // SAFETY: the dataspace is open; there is room for a value per dimension.
    call(|| unsafe {
        let [start, stride] = [start.as_mut_ptr(), stride.as_mut_ptr()];
        H5Sget_regular_hyperslab(space.id(), start, stride, count.as_mut_ptr(), length.as_mut_ptr())
    })?;
    let axis = count
        .iter()
        .position(|n| *n == u64::MAX)
        .context("a source has a number, and its mapping does not grow")?;
    Ok(Blocks { start: start[axis], stride: stride[axis], length: length[axis] })
}

fn selected(plist: &DatasetCreate, index: usize) -> Result<Selected> {
    // SAFETY: as above.
    let space: Dataspace = call_for_id!(unsafe { H5Pget_virtual_srcspace(plist.id(), index) })?;
    // SAFETY: the dataspace is open, here and below.
    let n = call(|| unsafe { H5Sget_simple_extent_ndims(space.id()) })? as usize;
    if n == 0 {
        // HDF5 does not store the shape of a source that is selected as a whole.
        // SAFETY: as above.
        let part: Dataspace = call_for_id!(unsafe { H5Pget_virtual_vspace(plist.id(), index) })?;
        return Ok(Selected::All(n_selected(&part)));
    }
    if n_selected(&space).is_none() {
        return Ok(Selected::Growing);
    }
    let (mut start, mut end) = (vec![0; n], vec![0; n]);
    // SAFETY: there is room for a value per dimension.
    call(|| unsafe { H5Sget_select_bounds(space.id(), start.as_mut_ptr(), end.as_mut_ptr()) })?;
    end.iter_mut().for_each(|last| *last += 1);
    Ok(Selected::Within(Bounds { start, end }))
}

/// How many elements are selected; `None` if there is no end to them.
fn n_selected(space: &Dataspace) -> Option<u64> {
    // SAFETY: the dataspace is open.
    let n = hdf5::sync::sync(|| unsafe { H5Sget_select_npoints(space.id()) });
    u64::try_from(n).ok()
}

/// A text that `get` writes with a NUL, if it fits, and tells the length of.
fn text(get: impl Fn(*mut c_char, usize) -> isize) -> Result<CString> {
    let len = call(|| get(ptr::null_mut(), 0))? as usize;
    let mut bytes = vec![0_u8; len + 1];
    call(|| get(bytes.as_mut_ptr().cast(), bytes.len()))?;
    Ok(CStr::from_bytes_until_nul(&bytes)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_numbers_where_it_says_so() {
        let names = |text| [0, 12].map(|block| SourceName::parse(text).of_block(block));
        assert_eq!(names("raw.h5"), ["raw.h5", "raw.h5"]);
        assert_eq!(names("r%b/%b.h5"), ["r0/0.h5", "r12/12.h5"]);
        assert_eq!(names("100%%b%b"), ["100%b0", "100%b12"]);
        assert_eq!(names(""), ["", ""]);
    }

    #[test]
    fn blocks_follow_each_other() {
        let blocks = Blocks { start: 5, stride: 10, length: 4 };
        assert_eq!((blocks.start_of(0), blocks.start_of(2)), (5, 25));
        assert_eq!((blocks.end_of(0), blocks.end_of(1), blocks.end_of(3)), (0, 9, 29));
    }

    #[test]
    fn bounds_reach_into_what_has_elements_in_common_with_them() {
        let bounds = Bounds { start: vec![2, 0], end: vec![4, 8] };
        assert!(bounds.reach_into(&[0, 0], &[3, 1]) && bounds.reach_into(&[3, 7], &[1, 9]));
        assert!(!bounds.reach_into(&[0, 0], &[2, 8]) && !bounds.reach_into(&[4, 0], &[2, 8]));
    }
}
