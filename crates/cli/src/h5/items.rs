//! Elements of any type, and what they point to.

use std::ffi::{CStr, c_char, c_void};

use anyhow::{Result, ensure};
use hdf5::{Attribute, Dataset, Dataspace};
use hdf5_sys::h5a::H5Aread;
use hdf5_sys::h5d::H5Dread;
use hdf5_sys::h5s::{
    H5S_class_t, H5S_seloper_t, H5Screate_simple, H5Sget_simple_extent_type, H5Sselect_hyperslab,
};

use super::arena::{Arena, MAX_BYTES};
use super::slab::Elements;
use super::types::{Kind, Type};
use super::{Explain, call, call_for_id};

/// Elements `start`, `start + step`, …, `count` of them, along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Along {
    pub start: u64,
    pub step: u64,
    pub count: u64,
}

/// Elements, in the file's own type and in C order.
pub struct Items {
    pub datatype: Type,
    elements: Elements,
    /// What they point to, if they are a dataset's.
    arena: Arena,
}

/// One of them, or a part of one.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub datatype: &'a Type,
    pub bytes: &'a [u8],
}

impl Items {
    /// Some elements of a dataset.
    pub fn of_dataset(dataset: &Dataset, selection: &[Along]) -> Result<Self> {
        ensure!(selection.len() == dataset.ndim(), "a selection of {} dimensions", selection.len());
        let file_space = dataset.space().explained()?;
        let counts: Vec<_> = selection.iter().map(|along| along.count).collect();
        let space =
            if counts.is_empty() { file_space.clone() } else { select(&file_space, selection, &counts)? };
        let datatype = dataset.dtype().explained()?;
        let id = datatype.id();
        let mut items = Self::new(space.clone(), datatype)?;
        // The arena has it.
        items.elements.disown();
        let room: *mut c_void = items.elements.bytes.as_mut_ptr().cast();
        items.arena.with(|plist| {
            // SAFETY: there is room for as many elements of this type as are selected.
            call(|| unsafe { H5Dread(dataset.id(), id, space.id(), file_space.id(), plist.id(), room) })
        })?;
        Ok(items)
    }

    /// The value of an attribute.
    pub fn of_attribute(attribute: &Attribute) -> Result<Self> {
        let datatype = attribute.dtype().explained()?;
        let id = datatype.id();
        let space = attribute.space().explained()?;
        let n_bytes = (space.size() as u64).saturating_mul(datatype.size() as u64);
        ensure!(
            n_bytes <= MAX_BYTES as u64,
            "an attribute of {n_bytes} bytes (expected at most {MAX_BYTES})"
        );
        let mut items = Self::new(space, datatype)?;
        let room: *mut c_void = items.elements.bytes.as_mut_ptr().cast();
        // SAFETY: there is room for all elements.
        call(|| unsafe { H5Aread(attribute.id(), id, room) })?;
        Ok(items)
    }

    fn new(space: Dataspace, datatype: hdf5::Datatype) -> Result<Self> {
        let known = Type::of(&datatype)?;
        ensure!(!known.has_open_references(), "references of the type H5T_STD_REF are not read here");
        Ok(Self { datatype: known, elements: Elements::new(space, datatype)?, arena: Arena::new() })
    }

    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let chunks = self.elements.bytes.chunks_exact(self.datatype.size.max(1));
        chunks.map(|bytes| Item { datatype: &self.datatype, bytes })
    }

    /// The bytes of elements that point to nothing.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        ensure!(!self.datatype.has_pointers(), "elements of variable length");
        Ok(self.elements.into_own_bytes())
    }
}

/// Elements that point to nothing.
pub fn items_in<'a>(datatype: &'a Type, bytes: &'a [u8]) -> Result<impl Iterator<Item = Item<'a>>> {
    ensure!(!datatype.has_pointers(), "elements of variable length");
    Ok(bytes.chunks_exact(datatype.size.max(1)).map(move |bytes| Item { datatype, bytes }))
}

fn select(file_space: &Dataspace, selection: &[Along], counts: &[u64]) -> Result<Dataspace> {
    let starts: Vec<_> = selection.iter().map(|along| along.start).collect();
    let steps: Vec<_> = selection.iter().map(|along| along.step.max(1)).collect();
    // SAFETY: all have a value per dimension; null stands for blocks of 1.
    call(|| unsafe {
        H5Sselect_hyperslab(
            file_space.id(),
            H5S_seloper_t::H5S_SELECT_SET,
            starts.as_ptr(),
            steps.as_ptr(),
            counts.as_ptr(),
            std::ptr::null(),
        )
    })?;
    // SAFETY: as above.
    call_for_id!(unsafe { H5Screate_simple(counts.len() as i32, counts.as_ptr(), std::ptr::null()) })
}

/// The shape of a dataspace; `None` if it holds nothing at all.
pub fn shape_of(space: &Dataspace) -> Option<Vec<u64>> {
    // SAFETY: the dataspace is open.
    let class = hdf5::sync::sync(|| unsafe { H5Sget_simple_extent_type(space.id()) });
    (class != H5S_class_t::H5S_NULL).then(|| space.shape().into_iter().map(|n| n as u64).collect())
}

impl<'a> Item<'a> {
    /// The bytes of a string, without what fills it up.
    pub fn string(&self) -> &'a [u8] {
        let Kind::String { is_variable, strpad, .. } = self.datatype.kind else { return &[] };
        if is_variable {
            return match self.pointer(0) {
                start if start.is_null() => &[],
                // SAFETY: an `Item` is a part of `Items`, which lives for `'a`: HDF5 has put the
                // address of a string there, which it has ended with a NUL.
                start => unsafe { CStr::from_ptr(start.cast::<c_char>()) }.to_bytes(),
            };
        }
        let space_padded = strpad == 2;
        let end = self.bytes.iter().rposition(|b| *b != 0 && !(space_padded && *b == b' '));
        &self.bytes[..end.map_or(0, |last| last + 1)]
    }

    /// The elements of a sequence or an array.
    pub fn elements(&self) -> Vec<Item<'a>> {
        let (base, bytes) = match &self.datatype.kind {
            Kind::Array { base, .. } => (base, self.bytes),
            Kind::Sequence(base) => (base, self.sequence(base.size)),
            _ => return Vec::new(),
        };
        bytes.chunks_exact(base.size.max(1)).map(|bytes| Item { datatype: base, bytes }).collect()
    }

    /// The members of a compound.
    pub fn members(&self) -> impl Iterator<Item = Item<'a>> {
        let members = match &self.datatype.kind {
            Kind::Compound(members) => &members[..],
            _ => &[],
        };
        let bytes = self.bytes;
        members.iter().map(move |member| Item {
            datatype: &member.datatype,
            bytes: &bytes[member.offset..member.offset + member.datatype.size],
        })
    }

    fn sequence(&self, item_bytes: usize) -> &'a [u8] {
        let word = size_of::<usize>();
        let mut len = [0; size_of::<usize>()];
        len.copy_from_slice(&self.bytes[..word]);
        let len = usize::from_ne_bytes(len);
        match self.pointer(word) {
            start if start.is_null() || len == 0 => &[],
            // SAFETY: as in `string`: HDF5 has put the number of elements and their address there.
            start => unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len * item_bytes) },
        }
    }

    fn pointer(&self, offset: usize) -> *const c_void {
        let mut address = [0; size_of::<usize>()];
        address.copy_from_slice(&self.bytes[offset..offset + size_of::<usize>()]);
        std::ptr::with_exposed_provenance(usize::from_ne_bytes(address))
    }
}
