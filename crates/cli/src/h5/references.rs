use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::CString;
use std::{ptr, slice};

use anyhow::{Context, Result, bail};
use hdf5::{Dataspace, Datatype, File, Location};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5r::{H5R_type_t, H5Rcreate, H5Rdereference2, H5Rget_region};
use hdf5_sys::h5t::*;

use super::classes::{base, class, has_references};
use super::tree::{Address, address_of, address_of_id};
use super::{call, call_for_id};

/// Bytes of a reference to a region of a dataset, as it is in memory.
const REGION_BYTES: usize = 12;

/// Turns references into one file into those to the same objects in another.
pub struct Translator<'f> {
    /// The file that references come from.
    pub from: &'f File,
    /// The file that they go to.
    pub to: &'f File,
    /// Where the objects of the one are in the other. What is not here becomes a null reference.
    objects: HashMap<Address, Place>,
    /// How many references have become null.
    n_lost: Cell<u64>,
}

/// An object of the new file.
#[derive(Debug, Clone)]
struct Place {
    address: Address,
    path: String,
}

impl<'f> Translator<'f> {
    /// Knows no object yet.
    pub fn new(from: &'f File, to: &'f File) -> Self {
        Self { from, to, objects: HashMap::new(), n_lost: Cell::new(0) }
    }

    /// Remembers where an object went.
    pub fn place(&mut self, path: &str, from: &Location, to: &Location) -> Result<()> {
        let place = Place { address: address_of(to)?, path: path.to_owned() };
        self.objects.insert(address_of(from)?, place);
        Ok(())
    }

    /// Where an object of the old file is in the new one.
    pub fn path_of(&self, object: &Location) -> Result<&str> {
        let place = self.objects.get(&address_of(object)?);
        Ok(&place.context("an object that was not copied")?.path)
    }

    /// How many references have become null, because what they lead to is not in the new file.
    pub fn n_lost(&self) -> u64 {
        self.n_lost.get()
    }

    /// Turns the references in elements of a type, as HDF5 has read them, where they are.
    pub(super) fn translate(&self, datatype: &Datatype, elements: &mut [u8]) -> Result<()> {
        elements
            .chunks_exact_mut(datatype.size().max(1))
            .try_for_each(|element| self.element(datatype, element))
    }

    fn element(&self, datatype: &Datatype, element: &mut [u8]) -> Result<()> {
        let id = datatype.id();
        match class(id) {
            H5T_class_t::H5T_REFERENCE => self.reference(id, element),
            H5T_class_t::H5T_ARRAY => self.translate(&base(id)?, element),
            H5T_class_t::H5T_VLEN => {
                // SAFETY: HDF5 has made this element, whose type says that it is a sequence.
                let sequence = unsafe { element.as_ptr().cast::<hvl_t>().read_unaligned() };
                let base = base(id)?;
                if sequence.len == 0 || !has_references(&base)? {
                    return Ok(());
                }
                // SAFETY: a sequence has as many elements of the base type as it says.
                let elements =
                    unsafe { slice::from_raw_parts_mut(sequence.p.cast::<u8>(), sequence.len * base.size()) };
                self.translate(&base, elements)
            }
            H5T_class_t::H5T_COMPOUND => self.compound(id, element),
            _ => Ok(()),
        }
    }

    fn compound(&self, id: hid_t, element: &mut [u8]) -> Result<()> {
        // SAFETY: the datatype is open, and has so many members.
        let n_members = call(|| unsafe { H5Tget_nmembers(id) })?;
        for member in 0..n_members as u32 {
            // SAFETY: as above.
            let datatype: Datatype = call_for_id!(unsafe { H5Tget_member_type(id, member) })?;
            // SAFETY: as above.
            let offset = hdf5::sync::sync(|| unsafe { H5Tget_member_offset(id, member) });
            self.element(&datatype, &mut element[offset..offset + datatype.size()])?;
        }
        Ok(())
    }

    fn reference(&self, id: hid_t, element: &mut [u8]) -> Result<()> {
        // SAFETY: both datatypes are open.
        let is = |other: hid_t| Ok::<_, anyhow::Error>(call(|| unsafe { H5Tequal(id, other) })? > 0);
        if is(*H5T_STD_REF_OBJ)? {
            return self.object(element);
        }
        if is(*H5T_STD_REF_DSETREG)? {
            return self.region(element);
        }
        bail!("references of HDF5 1.12's kind can't be copied to another file")
    }

    /// In memory, a reference to an object is its address.
    fn object(&self, element: &mut [u8]) -> Result<()> {
        let bytes = <&mut [u8; 8]>::try_from(element)?;
        if *bytes == [0; 8] {
            return Ok(());
        }
        let place = self.find(Address(u64::from_ne_bytes(*bytes)));
        *bytes = place.map_or(0u64, |place| place.address.0).to_ne_bytes();
        Ok(())
    }

    fn region(&self, element: &mut [u8]) -> Result<()> {
        let bytes = <&mut [u8; REGION_BYTES]>::try_from(element)?;
        let old = std::mem::replace(bytes, [0; REGION_BYTES]);
        if old == [0; REGION_BYTES] {
            return Ok(());
        }
        let region = H5R_type_t::H5R_DATASET_REGION1;
        let (from, old) = (self.from.id(), old.as_ptr().cast());
        // SAFETY: the file that the reference is from is open.
        let target: hdf5::Object = call_for_id!(unsafe { H5Rdereference2(from, H5P_DEFAULT, region, old) })?;
        let Some(place) = self.find(address_of_id(target.id())?) else { return Ok(()) };
        // SAFETY: as above.
        let space: Dataspace = call_for_id!(unsafe { H5Rget_region(from, region, old) })?;
        let path = CString::new(&*place.path)?;
        let new = ptr::from_mut(bytes).cast();
        // SAFETY: a reference to a region has as many bytes as are at `new`; the path ends with a NUL.
        call(|| unsafe { H5Rcreate(new, self.to.id(), path.as_ptr(), region, space.id()) })?;
        Ok(())
    }

    fn find(&self, address: Address) -> Option<&Place> {
        let place = self.objects.get(&address);
        if place.is_none() {
            self.n_lost.set(self.n_lost.get() + 1);
        }
        place
    }

    /// The type to use in the new file: one that has a name there, too, or the same.
    pub fn datatype(&self, datatype: Datatype) -> Result<Datatype> {
        if !datatype.is_committed() {
            return Ok(datatype);
        }
        match self.objects.get(&address_of_id(datatype.id())?) {
            Some(place) => {
                let path = CString::new(&*place.path)?;
                // SAFETY: the path ends with a NUL.
                call_for_id!(unsafe { H5Topen2(self.to.id(), path.as_ptr(), H5P_DEFAULT) })
            }
            None => copy_of(&datatype),
        }
    }
}

/// The same type without a name.
pub fn copy_of(datatype: &Datatype) -> Result<Datatype> {
    // SAFETY: the datatype is open.
    call_for_id!(unsafe { H5Tcopy(datatype.id()) })
}

/// Whether two types are the same.
pub fn same_type(a: &Datatype, b: &Datatype) -> Result<bool> {
    // SAFETY: both are open.
    Ok(call(|| unsafe { H5Tequal(a.id(), b.id()) })? > 0)
}
