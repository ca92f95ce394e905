use std::ffi::CString;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use hdf5::plist::FileAccess;
use hdf5::{Dataset, Dataspace, Datatype, File};
use hdf5_sys::h5d::{H5Dread, H5Dwrite};
use hdf5_sys::h5f::{H5F_ACC_RDONLY, H5Fopen};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5S_seloper_t, H5Screate_simple, H5Sselect_hyperslab};
use hdf5_sys::h5t::H5Treclaim;

use super::datatype::has_pointers;
use super::references::Translator;
use super::{Explain, call, call_for_id};

/// The chunks of a row of tiles, so that reading frame by frame decodes each once; of a dataset that is open.
const CACHE_BYTES: usize = 128 << 20;
/// A prime well above the number of chunks, as HDF5 advises.
const CACHE_SLOTS: usize = 12_421;

/// Opens a file for reading.
pub fn open_file(path: &Path) -> Result<File> {
    open_file_with_cache(path, CACHE_BYTES)
}

/// Opens a file for reading, with so many bytes of room for chunks of each of its datasets.
pub fn open_file_with_cache(path: &Path, cache_bytes: usize) -> Result<File> {
    // HDF5's own messages have no words for it.
    let metadata = std::fs::File::open(path).and_then(|file| file.metadata());
    let metadata = metadata.with_context(|| path.display().to_string())?;
    ensure!(!metadata.is_dir(), "{}: a folder (expected an HDF5 file)", path.display());
    let access = FileAccess::build().chunk_cache(CACHE_SLOTS, cache_bytes, 0.75).finish().explained()?;
    // The crate `hdf5` takes names in UTF-8 only.
    let name = CString::new(path.as_os_str().as_encoded_bytes())?;
    let open = || -> Result<File> {
        // SAFETY: the name ends with a NUL; the property list is open.
        call_for_id!(unsafe { H5Fopen(name.as_ptr(), H5F_ACC_RDONLY, access.id()) })
    };
    let opened = open().map_err(|e| match e.to_string() {
        cause if cause.contains("signature not found") => anyhow!("not an HDF5 file"),
        _ => e,
    });
    opened.with_context(|| path.display().to_string())
}

/// Bytes of an element in the file.
pub fn item_bytes(dataset: &Dataset) -> Result<u64> {
    Ok(dataset.dtype().explained()?.size() as u64)
}

/// Reads a part of a dataset, in the file's own type, and drops it.
pub fn touch(dataset: &Dataset, offset: &[u64], extent: &[u64]) -> Result<()> {
    read_slab(dataset, offset, extent).map(drop)
}

/// Elements as they are in the file, in C order.
pub struct Elements {
    pub bytes: Vec<u8>,
    space: Dataspace,
    datatype: Datatype,
    has_pointers: bool,
}

/// Frees what variable-length elements point to.
impl Drop for Elements {
    fn drop(&mut self) {
        if self.has_pointers {
            // SAFETY: the bytes are elements of this type, as HDF5 has made them.
            let _ = call(|| unsafe {
                H5Treclaim(self.datatype.id(), self.space.id(), H5P_DEFAULT, self.bytes.as_mut_ptr().cast())
            });
        }
    }
}

impl Elements {
    /// As many zero elements as a dataspace has.
    pub(super) fn new(space: Dataspace, datatype: Datatype) -> Result<Self> {
        let len = space.size().checked_mul(datatype.size()).context("too many bytes")?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        bytes.resize(len, 0);
        let has_pointers = has_pointers(&datatype)?;
        Ok(Self { bytes, space, datatype, has_pointers })
    }

    /// The bytes of elements that point to nothing.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        ensure!(!self.has_pointers, "elements of variable length");
        Ok(self.into_own_bytes())
    }

    /// What they may point to is not freed.
    pub(super) fn disown(&mut self) {
        self.has_pointers = false;
    }

    /// The bytes alone.
    pub(super) fn into_own_bytes(mut self) -> Vec<u8> {
        self.disown();
        std::mem::take(&mut self.bytes)
    }

    /// Turns references into those to the same objects in another file.
    pub fn translate(&mut self, translator: &Translator<'_>) -> Result<()> {
        translator.translate(&self.datatype, &mut self.bytes)
    }
}

/// Reads a part of a dataset, without conversion.
pub fn read_slab(dataset: &Dataset, offset: &[u64], extent: &[u64]) -> Result<Elements> {
    let (file_space, space) = spaces(dataset, offset, extent)?;
    let mut elements = Elements::new(space, dataset.dtype().explained()?)?;
    // SAFETY: `bytes` has room for as many elements of this type as are selected.
    call(|| unsafe {
        H5Dread(
            dataset.id(),
            elements.datatype.id(),
            elements.space.id(),
            file_space.id(),
            H5P_DEFAULT,
            elements.bytes.as_mut_ptr().cast(),
        )
    })?;
    Ok(elements)
}

/// Writes elements to the part of a dataset that starts at `offset`.
pub fn write_slab(dataset: &Dataset, offset: &[u64], extent: &[u64], elements: &Elements) -> Result<()> {
    let (file_space, _) = spaces(dataset, offset, extent)?;
    ensure!(elements.space.size() as u64 == extent.iter().product::<u64>(), "elements of another number");
    // SAFETY: there are as many elements of this type in `bytes` as are selected.
    call(|| unsafe {
        H5Dwrite(
            dataset.id(),
            elements.datatype.id(),
            elements.space.id(),
            file_space.id(),
            H5P_DEFAULT,
            elements.bytes.as_ptr().cast(),
        )
    })
    .context("can't write the output")?;
    Ok(())
}

/// The selection in the file, and a dataspace of its extent.
pub(super) fn spaces(dataset: &Dataset, offset: &[u64], extent: &[u64]) -> Result<(Dataspace, Dataspace)> {
    let n_dimensions = dataset.ndim();
    ensure!(offset.len() == n_dimensions && extent.len() == n_dimensions, "a part of other dimensions");
    let file_space = dataset.space().explained()?;
    if n_dimensions == 0 {
        return Ok((file_space.clone(), file_space));
    }
    // SAFETY: both have a value per dimension; null stands for steps and blocks of 1.
    call(|| unsafe {
        H5Sselect_hyperslab(
            file_space.id(),
            H5S_seloper_t::H5S_SELECT_SET,
            offset.as_ptr(),
            std::ptr::null(),
            extent.as_ptr(),
            std::ptr::null(),
        )
    })?;
    // SAFETY: as above; null stands for the same extent.
    let create = || unsafe { H5Screate_simple(n_dimensions as i32, extent.as_ptr(), std::ptr::null()) };
    Ok((file_space, call_for_id!(create())?))
}
