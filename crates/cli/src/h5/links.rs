//! Single links, which are not followed.

use std::ffi::CString;

use anyhow::Result;
use hdf5::{Datatype, Group, LinkType, Location, LocationType};
use hdf5_sys::h5l::{H5L_info2_t, H5L_type_t, H5Lexists, H5Lget_info2};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5t::H5Tcopy;

use super::items::Items;
use super::names::link_names;
use super::tree::{Entry, external_target, soft_target};
use super::{Explain, call, call_for_id};

/// What a name in a group is.
#[derive(Clone)]
pub enum Link {
    /// An object.
    Hard,
    /// A soft link, with its path.
    Soft(String),
    /// An external link: file and path in it.
    External(String, String),
    /// A link of a kind that a program has made up.
    UserDefined,
}

/// `None` if the group has no such name.
pub fn link(group: &Group, name: &str) -> Result<Option<Link>> {
    let Ok(c_name) = CString::new(name) else { return Ok(None) };
    // SAFETY: the group is open, the name ends with a NUL.
    if call(|| unsafe { H5Lexists(group.id(), c_name.as_ptr(), H5P_DEFAULT) })? == 0 {
        return Ok(None);
    }
    // SAFETY: integers, which may be 0.
    let mut info: H5L_info2_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above; `info` is written to during the call.
    call(|| unsafe { H5Lget_info2(group.id(), c_name.as_ptr(), &mut info, H5P_DEFAULT) })?;
    let link_type = match info.type_ {
        H5L_type_t::H5L_TYPE_HARD => LinkType::Hard,
        H5L_type_t::H5L_TYPE_SOFT => LinkType::Soft,
        _ => LinkType::External,
    };
    of_type(group, name, link_type).map(Some)
}

/// The names in a group, in the order in which they were made if the file knows it, else by name.
pub fn links(group: &Group) -> Result<Vec<(String, Link)>> {
    let names = link_names(group)?.into_iter();
    let named = |name: String| link(group, &name).map(|link| link.map(|link| (name, link))).transpose();
    names.filter_map(named).collect()
}

fn of_type(group: &Group, name: &str, link_type: LinkType) -> Result<Link> {
    Ok(match link_type {
        LinkType::Hard => Link::Hard,
        LinkType::Soft => Link::Soft(soft_target(group, name)?.to_string_lossy().into_owned()),
        LinkType::External => match external_target(group, name)? {
            Some(Entry::External(file, path)) => {
                Link::External(file.to_string_lossy().into_owned(), path.to_string_lossy().into_owned())
            }
            _ => Link::UserDefined,
        },
    })
}

/// Whether a name in a group leads to a group.
pub fn is_group(group: &Group, name: &str) -> Result<bool> {
    Ok(group.loc_type_by_name(name).explained()? == LocationType::Group)
}

/// A datatype that has a name.
pub fn committed_type(location: &Location) -> Result<Datatype> {
    // SAFETY: the datatype is open; HDF5 copies it.
    call_for_id!(unsafe { H5Tcopy(location.id()) })
}

/// An attribute that is one text.
pub fn text_attribute(location: &Location, name: &str) -> Option<String> {
    let attribute = location.attr(name).ok().filter(|attribute| attribute.size() == 1)?;
    let items = Items::of_attribute(&attribute).ok()?;
    let text = String::from_utf8_lossy(items.iter().next()?.string()).into_owned();
    (!text.is_empty()).then_some(text)
}
