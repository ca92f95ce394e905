//! Datatypes, as far as their elements are understood here.

use std::ffi::{CStr, c_char};

use anyhow::{Result, ensure};
use hdf5::Datatype;
use hdf5_sys::h5::H5free_memory;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::*;

use super::classes::{base, class};
use super::layout::{FloatLayout, IntegerLayout};
use super::{call, call_for_id};

/// Types within types beyond this are not looked at: a file can make up any number.
const MAX_DEPTH: usize = 12;

/// A datatype in a file.
#[derive(Debug, Clone)]
pub struct Type {
    /// HDF5's number of the class.
    pub class: i32,
    /// Bytes of an element.
    pub size: usize,
    pub kind: Kind,
}

/// What elements are.
#[derive(Debug, Clone)]
pub enum Kind {
    Integer {
        order: i32,
        is_signed: bool,
        layout: IntegerLayout,
    },
    Float {
        order: i32,
        layout: FloatLayout,
    },
    String {
        cset: i32,
        strpad: i32,
        is_variable: bool,
    },
    Bitfield {
        order: i32,
        layout: IntegerLayout,
    },
    Opaque {
        tag: String,
    },
    Compound(Vec<Member>),
    Reference {
        /// Whether it is a place in the file.
        is_old: bool,
    },
    Enum {
        members: Vec<(String, i64)>,
        base: Box<Type>,
    },
    Sequence(Box<Type>),
    Array {
        dims: Vec<u64>,
        base: Box<Type>,
    },
    Complex(Box<Type>),
    /// Times, numbers of more than 16 bytes or in VAX's order, and what later versions of HDF5 may add.
    Other,
}

/// A member of a compound.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub offset: usize,
    pub datatype: Type,
}

/// HDF5's number for the order of bytes.
pub const BIG_ENDIAN: i32 = H5T_order_t::H5T_ORDER_BE as i32;

const VAX: i32 = H5T_order_t::H5T_ORDER_VAX as i32;

impl Type {
    pub fn of(datatype: &Datatype) -> Result<Self> {
        Self::at_depth(datatype, 0)
    }

    fn at_depth(datatype: &Datatype, depth: usize) -> Result<Self> {
        ensure!(depth < MAX_DEPTH, "a datatype of more than {MAX_DEPTH} levels");
        let id = datatype.id();
        let class = class(id);
        let inner = || -> Result<Box<Self>> { Ok(Box::new(Self::at_depth(&base(id)?, depth + 1)?)) };
        // SAFETY: the datatype is open, here and below.
        let order = || call(|| unsafe { H5Tget_order(id) } as i32);
        let kind = match class {
            H5T_class_t::H5T_INTEGER => {
                // SAFETY: as above.
                let sign = call(|| unsafe { H5Tget_sign(id) } as i32)?;
                let order = order()?;
                let integer = |layout| Kind::Integer { order, is_signed: sign != 0, layout };
                IntegerLayout::of(id).map_or(Kind::Other, integer)
            }
            H5T_class_t::H5T_BITFIELD => {
                let order = order()?;
                IntegerLayout::of(id).map_or(Kind::Other, |layout| Kind::Bitfield { order, layout })
            }
            H5T_class_t::H5T_FLOAT => {
                let order = order()?;
                FloatLayout::of(id).map_or(Kind::Other, |layout| Kind::Float { order, layout })
            }
            H5T_class_t::H5T_STRING => Kind::String {
                // SAFETY: as above.
                cset: call(|| unsafe { H5Tget_cset(id) } as i32)?,
                // SAFETY: as above.
                strpad: call(|| unsafe { H5Tget_strpad(id) } as i32)?,
                // SAFETY: as above.
                is_variable: call(|| unsafe { H5Tis_variable_str(id) })? > 0,
            },
            // SAFETY: as above.
            H5T_class_t::H5T_OPAQUE => Kind::Opaque { tag: text(|| unsafe { H5Tget_tag(id) })? },
            H5T_class_t::H5T_COMPOUND => Kind::Compound(members(id, depth)?),
            H5T_class_t::H5T_REFERENCE => Kind::Reference { is_old: is_old_reference(id)? },
            H5T_class_t::H5T_ENUM => Kind::Enum { members: enum_members(id)?, base: inner()? },
            H5T_class_t::H5T_VLEN => Kind::Sequence(inner()?),
            H5T_class_t::H5T_ARRAY => Kind::Array { dims: array_dims(id)?, base: inner()? },
            H5T_class_t::H5T_COMPLEX => Kind::Complex(inner()?),
            _ => Kind::Other,
        };
        let kind = match kind {
            Kind::Integer { order: VAX, .. }
            | Kind::Bitfield { order: VAX, .. }
            | Kind::Float { order: VAX, .. } => Kind::Other,
            kind => kind,
        };
        Ok(Self { class: class as i32, size: datatype.size(), kind })
    }

    /// Whether elements have references of HDF5 1.12, which keep a file open until they are given back.
    pub fn has_open_references(&self) -> bool {
        match &self.kind {
            Kind::Reference { is_old } => !is_old,
            Kind::Compound(members) => members.iter().any(|member| member.datatype.has_open_references()),
            Kind::Sequence(base) | Kind::Array { base, .. } => base.has_open_references(),
            _ => false,
        }
    }

    /// Members of compounds and enumerations, all of them.
    pub fn n_members(&self) -> usize {
        match &self.kind {
            Kind::Compound(members) => members.iter().map(|member| 1 + member.datatype.n_members()).sum(),
            Kind::Enum { members, .. } => members.len(),
            Kind::Sequence(base) | Kind::Array { base, .. } => base.n_members(),
            _ => 0,
        }
    }

    /// Whether elements point to others.
    pub fn has_pointers(&self) -> bool {
        match &self.kind {
            Kind::String { is_variable, .. } => *is_variable,
            Kind::Sequence(_) => true,
            Kind::Compound(members) => members.iter().any(|member| member.datatype.has_pointers()),
            Kind::Array { base, .. } => base.has_pointers(),
            _ => false,
        }
    }
}

fn is_old_reference(id: hid_t) -> Result<bool> {
    // SAFETY: the datatypes are open.
    let is = |known: hid_t| call(|| unsafe { H5Tequal(id, known) }).map(|same| same > 0);
    Ok(is(*H5T_STD_REF_OBJ)? || is(*H5T_STD_REF_DSETREG)?)
}

fn members(id: hid_t, depth: usize) -> Result<Vec<Member>> {
    // SAFETY: the datatype is open, here and below, and has `n` members.
    let n = call(|| unsafe { H5Tget_nmembers(id) })? as u32;
    let member = |index| {
        // SAFETY: as above.
        let datatype: Datatype = call_for_id!(unsafe { H5Tget_member_type(id, index) })?;
        Ok(Member {
            // SAFETY: as above.
            name: text(|| unsafe { H5Tget_member_name(id, index) })?,
            // SAFETY: as above.
            offset: hdf5::sync::sync(|| unsafe { H5Tget_member_offset(id, index) }),
            datatype: Type::at_depth(&datatype, depth + 1)?,
        })
    };
    (0..n).map(member).collect()
}

fn enum_members(id: hid_t) -> Result<Vec<(String, i64)>> {
    // The values are asked for in a type that can be read here.
    // SAFETY: HDF5 copies the datatype; the copy is open until the end.
    let copy: Datatype = call_for_id!(unsafe { H5Tcopy(id) })?;
    let base = base(id)?;
    // SAFETY: as above.
    let n = call(|| unsafe { H5Tget_nmembers(copy.id()) })? as u32;
    let member = |index| {
        // Room for the largest integers, which are converted in place.
        let mut value = [0u8; 64];
        ensure!(base.size() <= value.len(), "an enumeration of {} bytes", base.size());
        // SAFETY: there is room for a value of the base type, and for one of 8 bytes.
        call(|| unsafe { H5Tget_member_value(copy.id(), index, value.as_mut_ptr().cast()) })?;
        call(|| unsafe {
            // SAFETY: as above.
            H5Tconvert(
                base.id(),
                *H5T_NATIVE_INT64,
                1,
                value.as_mut_ptr().cast(),
                std::ptr::null_mut(),
                hdf5_sys::h5p::H5P_DEFAULT,
            )
        })?;
        let mut number = [0; 8];
        number.copy_from_slice(&value[..8]);
        // SAFETY: as above.
        Ok((text(|| unsafe { H5Tget_member_name(copy.id(), index) })?, i64::from_ne_bytes(number)))
    };
    (0..n).map(member).collect()
}

fn array_dims(id: hid_t) -> Result<Vec<u64>> {
    // SAFETY: the datatype is an array of so many dimensions.
    let n = call(|| unsafe { H5Tget_array_ndims(id) })?;
    let mut dims = vec![0; n as usize];
    // SAFETY: as above.
    call(|| unsafe { H5Tget_array_dims2(id, dims.as_mut_ptr()) })?;
    Ok(dims)
}

/// A text that HDF5 has made, which is freed.
fn text(get: impl FnOnce() -> *mut c_char) -> Result<String> {
    hdf5::sync::sync(|| {
        let start = get();
        ensure!(!start.is_null(), "a datatype without a name");
        // SAFETY: HDF5 has just made it, with a NUL at its end; it is copied before it is freed.
        unsafe {
            let text = CStr::from_ptr(start).to_string_lossy().into_owned();
            H5free_memory(start.cast());
            Ok(text)
        }
    })
}
