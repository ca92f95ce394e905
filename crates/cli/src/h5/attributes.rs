use std::collections::BTreeSet;
use std::ffi::CString;

use anyhow::{Context, Result};
use hdf5::{Attribute, Dataset, Datatype, H5Type, IndexType, IterationOrder, Location};
use hdf5_sys::h5a::{H5Acreate2, H5Adelete, H5Aget_create_plist, H5Aread, H5Awrite};
use hdf5_sys::h5p::H5P_DEFAULT;

use super::classes::has_references;
use super::references::Translator;
use super::slab::Elements;
use super::{Explain, call, call_for_id};

/// Copies the attributes of one object to another, in their order. Those that are there already, because
/// HDF5 has copied the object, get their references, which HDF5 has left out. Gives the names of those of
/// whose references some have become null.
pub fn copy_attributes(from: &Location, to: &Location, translator: &Translator<'_>) -> Result<Vec<String>> {
    let by_creation = from.attr_names_by(IndexType::CreationOrder, IterationOrder::Increasing);
    let names = by_creation.or_else(|_| from.attr_names()).explained()?;
    let present = to.attr_names().explained()?;
    let mut incomplete = Vec::new();
    for name in names {
        let attribute = from.attr(&name).explained()?;
        let datatype = attribute.dtype().explained()?;
        let is_present = present.contains(&name);
        if is_present && !has_references(&datatype)? {
            continue;
        }
        let copy = if is_present {
            to.attr(&name).explained()
        } else {
            create_like(&attribute, &name, to, &translator.datatype(datatype.clone())?)
        };
        let n_lost = translator.n_lost();
        copy.and_then(|copy| copy_value(&attribute, &datatype, &copy, translator))
            .with_context(|| format!("attribute {name} of {}", from.name()))?;
        if translator.n_lost() > n_lost {
            incomplete.push(name);
        }
    }
    Ok(incomplete)
}

/// Takes an attribute away.
pub fn delete_attribute(object: &Location, name: &str) -> Result<()> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL; the object is open.
    call(|| unsafe { H5Adelete(object.id(), name.as_ptr()) })?;
    Ok(())
}

/// The dimensions of other datasets that a dataset is the scale of (HDF5's Dimension Scale Specification).
pub fn scaled_dimensions(dataset: &Dataset) -> Result<BTreeSet<u32>> {
    /// An element of the attribute has the dataset, too.
    #[derive(H5Type, Clone, Copy)]
    #[repr(C)]
    struct Scaled {
        dimension: u32,
    }
    if !dataset.attr_names().explained()?.iter().any(|name| name == "REFERENCE_LIST") {
        return Ok(BTreeSet::new());
    }
    let scaled = dataset.attr("REFERENCE_LIST").and_then(|list| list.read_raw::<Scaled>()).explained()?;
    Ok(scaled.into_iter().map(|scaled| scaled.dimension).collect())
}

fn create_like(attribute: &Attribute, name: &str, to: &Location, datatype: &Datatype) -> Result<Attribute> {
    let space = attribute.space().explained()?;
    // SAFETY: the attribute is open.
    let plist: hdf5::PropertyList = call_for_id!(unsafe { H5Aget_create_plist(attribute.id()) })?;
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL; all ids are open.
    call_for_id!(unsafe {
        H5Acreate2(to.id(), name.as_ptr(), datatype.id(), space.id(), plist.id(), H5P_DEFAULT)
    })
}

fn copy_value(
    from: &Attribute,
    datatype: &Datatype,
    to: &Attribute,
    translator: &Translator<'_>,
) -> Result<()> {
    let space = from.space().explained()?;
    if space.size() == 0 {
        return Ok(());
    }
    let mut elements = Elements::new(space, datatype.clone())?;
    // SAFETY: `elements` has room for all elements of this type.
    call(|| unsafe { H5Aread(from.id(), datatype.id(), elements.bytes.as_mut_ptr().cast()) })?;
    if has_references(datatype)? {
        translator.translate(datatype, &mut elements.bytes)?;
    }
    // SAFETY: as above.
    call(|| unsafe { H5Awrite(to.id(), datatype.id(), elements.bytes.as_ptr().cast()) })?;
    Ok(())
}
