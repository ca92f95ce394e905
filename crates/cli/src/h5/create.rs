use std::ffi::CString;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hdf5::plist::link_create::CharEncoding;
use hdf5::plist::{DatasetCreate, LinkCreate};
use hdf5::types::{FixedAscii, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Dataset, Dataspace, Datatype, Extent, File, Group};
use hdf5_sys::h5d::{H5Dcreate2, H5Dflush, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5Fcreate};
use hdf5_sys::h5i::H5Iinc_ref;
use hdf5_sys::h5p::{H5P_DEFAULT, H5Premove_filter, H5Pset_chunk, H5Pset_chunk_opts, H5Pset_filter};
use hdf5_sys::h5z::{H5Z_FILTER_ALL, H5Z_FLAG_MANDATORY};

use super::{Explain, call, call_for_id};

/// Creates a file in place of what is there.
pub fn create_file(path: &Path) -> Result<File> {
    // The crate `hdf5` takes names in UTF-8 only.
    let name = CString::new(path.as_os_str().as_encoded_bytes())?;
    let create = || -> Result<File> {
        // SAFETY: the name ends with a NUL.
        call_for_id!(unsafe { H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT) })
    };
    create().context("can't create the output")
}

/// Writes what HDF5 still has in memory, and closes the file, of which nothing else may be open.
pub fn close_file(file: File) -> Result<()> {
    file.flush().explained().context("can't write the output")?;
    file.close().explained().context("can't write the output")
}

/// Writes what HDF5 holds of a dataset. Closing it does that, too; but when that fails, HDF5 frees the dataset, keeps its
/// id, and crashes over it later. So here it stays open.
pub fn flush(dataset: &Dataset) -> Result<()> {
    // SAFETY: the dataset is open.
    let flushed = call(|| unsafe { H5Dflush(dataset.id()) });
    if flushed.is_err() {
        // SAFETY: as above.
        unsafe { H5Iinc_ref(dataset.id()) };
    }
    flushed.map(drop).context("can't write the output")
}

/// The group that a path is in, made if need be, and the name in it.
pub fn parent_of(file: &File, path: &str) -> Result<(Group, String)> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let [folders @ .., name] = &parts[..] else { anyhow::bail!("{path:?} can't be the name of a dataset") };
    let mut group = file.as_group().explained()?;
    for folder in folders {
        group = match group.link_exists(folder) {
            true => group.group(folder).explained()?,
            false => group.create_group(folder).explained()?,
        };
    }
    Ok((group, (*name).to_owned()))
}

/// A dataspace whose first dimension may grow.
pub fn growing(shape: &[u64]) -> Result<Dataspace> {
    let extents: Vec<_> = shape
        .iter()
        .enumerate()
        .map(|(i, n)| Extent::new(*n as usize, (i > 0).then_some(*n as usize)))
        .collect();
    Dataspace::try_new(extents).explained()
}

/// A dataspace that does not grow.
pub fn fixed(shape: &[u64]) -> Result<Dataspace> {
    let lengths: Vec<_> = shape.iter().map(|n| *n as usize).collect();
    Dataspace::try_new(lengths).explained()
}

/// Chunks of this shape, all of them through these filters, and all else as in `like`.
pub fn chunked(like: &DatasetCreate, chunk: &[u64], filters: &[(i32, Vec<u32>)]) -> Result<DatasetCreate> {
    let plist = like.copy();
    let id = plist.id();
    // SAFETY: the property list is open; `chunk` has as many values as are said, as have the filters'.
    call(|| unsafe { H5Premove_filter(id, H5Z_FILTER_ALL) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Pset_chunk(id, chunk.len() as i32, chunk.as_ptr()) })?;
    // SAFETY: as above. Chunks at the edges go through the filters like all others.
    call(|| unsafe { H5Pset_chunk_opts(id, 0) })?;
    for (filter, cd_values) in filters {
        // SAFETY: as above.
        call(|| unsafe {
            H5Pset_filter(id, *filter, H5Z_FLAG_MANDATORY, cd_values.len(), cd_values.as_ptr())
        })?;
    }
    Ok(plist)
}

/// A link whose name is UTF-8.
pub fn utf8_link() -> Result<LinkCreate> {
    LinkCreate::build().char_encoding(CharEncoding::Utf8).finish().explained()
}

/// Creates a dataset in a group.
pub fn create_dataset(
    group: &Group,
    name: &str,
    datatype: &Datatype,
    space: &Dataspace,
    plist: &DatasetCreate,
    link: &LinkCreate,
) -> Result<Dataset> {
    let c_name = CString::new(name)?;
    // SAFETY: the name ends with a NUL; all ids are open.
    call_for_id!(unsafe {
        H5Dcreate2(group.id(), c_name.as_ptr(), datatype.id(), space.id(), link.id(), plist.id(), H5P_DEFAULT)
    })
    .with_context(|| format!("can't create {name}"))
}

/// Changes how long a dataset that can grow is.
pub fn resize(dataset: &Dataset, shape: &[u64]) -> Result<()> {
    let shape: Vec<usize> = shape.iter().map(|n| *n as usize).collect();
    dataset.resize(shape).explained().context("can't write the output")
}

/// Stores a chunk as it is, as the chunk that starts at `offset`.
pub fn write_chunk(dataset: &Dataset, offset: &[u64], stored: &[u8], filter_mask: u32) -> Result<()> {
    ensure!(offset.len() == dataset.ndim(), "coordinates of {} dimensions", offset.len());
    // SAFETY: `offset` has a value per dimension.
    call(|| unsafe {
        H5Dwrite_chunk(
            dataset.id(),
            H5P_DEFAULT,
            filter_mask,
            offset.as_ptr(),
            stored.len(),
            stored.as_ptr().cast(),
        )
    })
    .context("can't write the output")?;
    Ok(())
}

/// Writes a dataset of strings.
pub fn write_strings<'a>(group: &Group, name: &str, strings: impl Iterator<Item = &'a str>) -> Result<()> {
    // A NUL ends a string in HDF5.
    let text = |string: &str| string.replace('\0', " ").parse::<VarLenUnicode>();
    let strings = strings.map(text).collect::<Result<Vec<_>, _>>()?;
    flush(&group.new_dataset_builder().with_data(&strings).create(name).explained()?)
}

/// Writes an attribute.
pub fn write_text_attribute(dataset: &Dataset, name: &str, text: &str) -> Result<()> {
    let text: VarLenUnicode = text.parse()?;
    let attribute = dataset.new_attr::<VarLenUnicode>().create(name);
    attribute.and_then(|attribute| attribute.write_scalar(&text)).explained()
}

/// Writes an attribute of at most 16 bytes, of fixed length, as some specifications want it.
pub fn write_ascii_attribute(dataset: &Dataset, name: &str, text: &str) -> Result<()> {
    let text = FixedAscii::<16>::from_ascii(text.as_bytes())?;
    let attribute = dataset.new_attr::<FixedAscii<16>>().create(name);
    attribute.and_then(|attribute| attribute.write_scalar(&text)).explained()
}

/// Names the dimensions of a dataset, as `H5DSset_label` does.
pub fn write_dimension_labels(dataset: &Dataset, labels: &[String]) -> Result<()> {
    let labels = labels.iter().map(|label| VarLenAscii::from_ascii(label.as_bytes()));
    let labels = labels.collect::<Result<Vec<_>, _>>()?;
    dataset.new_attr_builder().with_data(&labels).create("DIMENSION_LABELS").explained()?;
    Ok(())
}

/// A type of numbers.
pub fn number_type(descriptor: &TypeDescriptor) -> Result<Datatype> {
    Datatype::from_descriptor(descriptor).explained()
}
