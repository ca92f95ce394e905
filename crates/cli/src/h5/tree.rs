use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

use anyhow::{Context, Error, Result};
use hdf5::{Dataset, File, Group, IndexType, IterationOrder, LinkInfo, LinkType, Location};
use hdf5_sys::h5i::{H5I_type_t, hid_t};
use hdf5_sys::h5l::{H5Lget_val, H5Lunpack_elink_val};
use hdf5_sys::h5o::{H5O_INFO_BASIC, H5O_info2_t, H5Oexists_by_name, H5Oget_info3, H5Oopen};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::{Explain, call, call_for_id};

/// What a hard link leads to.
pub enum Object {
    Group(Group),
    Dataset(Dataset),
    /// One that has a name.
    Datatype(Location),
}

impl Object {
    /// What all of them can do.
    pub fn location(&self) -> &Location {
        match self {
            Self::Group(group) => group,
            Self::Dataset(dataset) => dataset,
            Self::Datatype(datatype) => datatype,
        }
    }
}

/// What a link is.
pub enum Entry {
    /// A hard link to an object that was not seen before.
    Object(Object),
    /// Another hard link to an object, with the path at which that was seen.
    Again(String),
    /// A soft link, with its path.
    Soft(CString),
    /// An external link: file and path in it.
    External(CString, CString),
    /// A link of a kind that a program has made up.
    UserDefined,
    /// A hard link to what can't be opened, or to a group whose links can't be read.
    Unreadable(Error),
}

/// An object in a file, by its address there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub u64);

/// Where the object is in its file.
pub fn address_of(location: &Location) -> Result<Address> {
    address_of_id(location.id())
}

pub(super) fn address_of_id(id: hid_t) -> Result<Address> {
    // SAFETY: integers, which may be 0.
    let mut info: H5O_info2_t = unsafe { std::mem::zeroed() };
    // SAFETY: the object is open; `info` is written to during the call.
    call(|| unsafe { H5Oget_info3(id, &mut info, H5O_INFO_BASIC) })?;
    // SAFETY: a token has 16 bytes; its first 8 are the address, little-endian, in HDF5's own files.
    let bytes = unsafe { ptr::from_ref(&info.token).cast::<[u8; 8]>().read() };
    Ok(Address(u64::from_le_bytes(bytes)))
}

/// Opens what `name` leads to.
pub fn open(group: &Group, name: &str) -> Result<Object> {
    let object = open_object(group, name).with_context(|| format!("can't open {name}"))?;
    match object.id_type() {
        H5I_type_t::H5I_GROUP => object.as_group().explained().map(Object::Group),
        H5I_type_t::H5I_DATASET => object.as_dataset().explained().map(Object::Dataset),
        _ => object.as_location().explained().map(Object::Datatype),
    }
}

/// Whether a path leads to an object.
pub fn has_object(group: &Group, path: &str) -> Result<bool> {
    // HDF5 has an error if it is not the last name that leads nowhere.
    let ends = path.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0).chain([path.len()]);
    for end in ends {
        let name = CString::new(&path[..end])?;
        // SAFETY: the group is open, the name ends with a NUL.
        if call(|| unsafe { H5Oexists_by_name(group.id(), name.as_ptr(), H5P_DEFAULT) })? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open_object(group: &Group, name: &str) -> Result<hdf5::Object> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL.
    call_for_id!(unsafe { H5Oopen(group.id(), name.as_ptr(), H5P_DEFAULT) })
}

/// Visits every link below a group, depth first, in the order in which they were made if the file knows
/// it, else by name. Paths are absolute, if `path` is, which is the group's own.
pub fn walk(
    group: &Group,
    path: &str,
    mut visit: impl FnMut(&Group, &str, &LinkInfo, Entry) -> Result<()>,
) -> Result<()> {
    let mut seen = HashMap::from([(address_of(group)?, path.to_owned())]);
    walk_links(group, links_of(group)?, path.trim_end_matches('/'), &mut seen, &mut visit)
}

/// What all datasets of a file take in it.
pub fn stored_bytes(file: &File) -> Result<u64> {
    let mut sum = 0;
    walk(file, "/", |_, _, _, entry| {
        if let Entry::Object(Object::Dataset(dataset)) = entry {
            sum += dataset.storage_size();
        }
        Ok(())
    })?;
    Ok(sum)
}

fn walk_links(
    group: &Group,
    links: Links,
    path: &str,
    seen: &mut HashMap<Address, String>,
    visit: &mut impl FnMut(&Group, &str, &LinkInfo, Entry) -> Result<()>,
) -> Result<()> {
    for (name, link) in links {
        let path = format!("{path}/{name}");
        let entry = match link.link_type {
            LinkType::Hard => hard_target(group, &name, &path, seen).unwrap_or_else(Entry::Unreadable),
            LinkType::Soft => Entry::Soft(soft_target(group, &name)?),
            LinkType::External => external_target(group, &name)?.unwrap_or(Entry::UserDefined),
        };
        let inner = match &entry {
            Entry::Object(Object::Group(inner)) => Some(inner.clone()),
            _ => None,
        };
        let inner = inner.map(|inner| Ok::<_, Error>((links_of(&inner)?, inner))).transpose();
        match inner {
            Err(e) => visit(group, &path, &link, Entry::Unreadable(e))?,
            Ok(inner) => {
                visit(group, &path, &link, entry)?;
                if let Some((links, inner)) = inner {
                    walk_links(&inner, links, &path, seen, visit)?;
                }
            }
        }
    }
    Ok(())
}

/// The object that a hard link leads to, or the path at which it was `seen`.
fn hard_target(group: &Group, name: &str, path: &str, seen: &mut HashMap<Address, String>) -> Result<Entry> {
    let object = open(group, name)?;
    let address = address_of(object.location())?;
    Ok(match seen.get(&address) {
        Some(known) => Entry::Again(known.clone()),
        None => {
            seen.insert(address, path.to_owned());
            Entry::Object(object)
        }
    })
}

type Links = Vec<(String, LinkInfo)>;

pub(super) fn links_of(group: &Group) -> Result<Links> {
    let by_creation = group.links(IndexType::CreationOrder, IterationOrder::Increasing);
    by_creation.or_else(|_| group.links(IndexType::Name, IterationOrder::Increasing)).explained()
}

pub(super) fn soft_target(group: &Group, name: &str) -> Result<CString> {
    let value = link_value(group, name)?;
    Ok(CStr::from_bytes_until_nul(&value)?.to_owned())
}

/// `None` if it is not an external link.
pub(super) fn external_target(group: &Group, name: &str) -> Result<Option<Entry>> {
    let value = link_value(group, name)?;
    let (mut flags, mut file, mut object) = (0, ptr::null(), ptr::null());
    // SAFETY: HDF5 checks that the strings, which are in `value`, end there.
    let status = call(|| unsafe {
        H5Lunpack_elink_val(value.as_ptr().cast(), value.len(), &mut flags, &mut file, &mut object)
    });
    if status.is_err() {
        return Ok(None);
    }
    // SAFETY: as above.
    let text = |start: *const c_char| unsafe { CStr::from_ptr(start) }.to_owned();
    Ok(Some(Entry::External(text(file), text(object))))
}

/// The value of a soft or external link, with zeros behind it.
fn link_value(group: &Group, name: &str) -> Result<Vec<u8>> {
    let name = CString::new(name)?;
    // More than a link can have: its message in the file has at most 64 KiB.
    let mut value = vec![0u8; 1 << 17];
    // SAFETY: the name ends with a NUL; the length of `value` says how much fits.
    call(|| unsafe {
        H5Lget_val(group.id(), name.as_ptr(), value.as_mut_ptr().cast(), value.len() - 1, H5P_DEFAULT)
    })?;
    Ok(value)
}
