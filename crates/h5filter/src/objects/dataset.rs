use std::ptr;

use hdf5_sys::h5i::hid_t;

use super::{DEFAULT, File, Hdf5, Id, Identity};
use crate::datatype::{self, Element, MAX_RANK};
use crate::failure::{Failure, Minor};

/// An open dataset.
pub struct Dataset<'h>(Id<'h>);

impl Hdf5 {
    /// The open dataset of this id. `None` if it is not open any more.
    pub fn dataset_of(&self, id: hid_t) -> Option<Dataset<'_>> {
        self.share(id).map(Dataset)
    }
}

impl<'h> Dataset<'h> {
    pub(super) fn new(id: Id<'h>) -> Self {
        Self(id)
    }

    /// Which object of which opened file this is.
    pub fn identity(&self) -> Result<Identity, Failure> {
        Identity::of(&self.0).ok_or_else(|| self.failure("a dataset can't be told from others"))
    }

    /// The file that it lies in, at the end of all links.
    pub fn file(&self) -> Result<File<'h>, Failure> {
        self.0.hdf5.file_of(self.0.id).ok_or_else(|| self.failure("a dataset's file can't be found"))
    }

    /// Slowest dimension first; empty for a scalar.
    pub fn shape(&self) -> Result<Vec<u64>, Failure> {
        self.space()?.shape().ok_or_else(|| self.failure("a dataset's shape can't be read"))
    }

    /// What its elements consist of.
    pub fn element(&self) -> Result<Element, Failure> {
        datatype::describe(&self.0.hdf5.library, self.datatype()?.id)
    }

    /// The shape of its chunks, if it goes through the filter of this id.
    pub fn chunk_shape_behind(&self, filter: i32) -> Option<Vec<u64>> {
        let hdf5 = self.0.hdf5;
        let mut flags = 0;
        let mut n_values = 0;
        let mut shape = vec![0; MAX_RANK];
        // SAFETY: the ids are open; the pointers are valid for the calls, which are told for how many
        // values there is room.
        let rank = unsafe {
            let properties = hdf5.own((hdf5.functions.H5Dget_create_plist)(self.0.id))?;
            let status = (hdf5.library.H5Pget_filter_by_id2)(
                properties.id,
                filter,
                &mut flags,
                &mut n_values,
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
            );
            if status < 0 {
                return None;
            }
            (hdf5.library.H5Pget_chunk)(properties.id, MAX_RANK as i32, shape.as_mut_ptr())
        };
        shape.truncate(usize::try_from(rank).ok()?);
        Some(shape)
    }

    /// Whether its elements are in its own file, and nowhere else: it is no virtual dataset, and its
    /// storage is not external.
    pub fn is_self_contained(&self) -> bool {
        let f = &self.0.hdf5.functions;
        // SAFETY: the id is open.
        let Some(properties) = self.0.hdf5.own(unsafe { (f.H5Dget_create_plist)(self.0.id) }) else {
            return false;
        };
        // SAFETY: the list is open.
        unsafe {
            let layout = (f.H5Pget_layout)(properties.id);
            (H5D_COMPACT..=H5D_CHUNKED).contains(&layout) && (f.H5Pget_external_count)(properties.id) == 0
        }
    }

    /// Reads the box at `start` as it is stored: no conversion, in the byte order of the file.
    /// `bytes` has to have its size exactly.
    pub fn read(&self, start: &[u64], count: &[u64], bytes: &mut [u8]) -> Result<(), Failure> {
        let hdf5 = self.0.hdf5;
        let shape = self.shape()?;
        let datatype = self.datatype()?;
        let element = datatype::describe(&hdf5.library, datatype.id)?;
        let inside = shape.len() == start.len()
            && shape.len() == count.len()
            && shape
                .iter()
                .zip(start)
                .zip(count)
                .all(|((&n, &start), &count)| start.checked_add(count).is_some_and(|end| end <= n));
        let n_elements = count.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        let n_bytes = n_elements.and_then(|n| n.checked_mul(element.bytes() as u64));
        if !inside || n_bytes != Some(bytes.len() as u64) {
            let message =
                format!("{count:?} at {start:?} is not {} bytes of a dataset {shape:?}", bytes.len());
            return Err(Failure::new(Minor::BadValue, message));
        }
        let rank = count.len() as i32;
        // SAFETY: the ids are open; the arrays have `rank` values; `bytes` has room for the box, whose
        // elements have no pointers in them (`describe` refuses such types).
        unsafe {
            let memory = hdf5.own((hdf5.functions.H5Screate_simple)(rank, count.as_ptr(), ptr::null()));
            let file = hdf5.own((hdf5.functions.H5Dget_space)(self.0.id));
            let (Some(memory), Some(file)) = (memory, file) else {
                return Err(self.failure("no dataspace can be made"));
            };
            let selected = (hdf5.functions.H5Sselect_hyperslab)(
                file.id,
                SELECT_SET,
                start.as_ptr(),
                ptr::null(),
                count.as_ptr(),
                ptr::null(),
            );
            if selected < 0 {
                return Err(self.failure("nothing can be selected"));
            }
            let start = bytes.as_mut_ptr().cast();
            let status = (hdf5.functions.H5Dread)(self.0.id, datatype.id, memory.id, file.id, DEFAULT, start);
            // Before the ids are given back, after which HDF5 has forgotten the reason.
            if status < 0 { Err(self.failure("a read failed")) } else { Ok(()) }
        }
    }

    fn datatype(&self) -> Result<Id<'h>, Failure> {
        let hdf5 = self.0.hdf5;
        // SAFETY: the id is open.
        let id = unsafe { (hdf5.functions.H5Dget_type)(self.0.id) };
        hdf5.own(id).ok_or_else(|| self.failure("a dataset's type can't be read"))
    }

    fn space(&self) -> Result<Space<'h>, Failure> {
        let hdf5 = self.0.hdf5;
        // SAFETY: the id is open.
        let id = unsafe { (hdf5.functions.H5Dget_space)(self.0.id) };
        hdf5.own(id).map(Space).ok_or_else(|| self.failure("a dataset's shape can't be read"))
    }

    fn failure(&self, message: &str) -> Failure {
        self.0.hdf5.failure_of(|| format!("{message} in {}", self.0.file_name()))
    }
}

const H5D_COMPACT: i32 = 0;
const H5D_CHUNKED: i32 = 2;

/// `H5S_SELECT_SET`
const SELECT_SET: i32 = 0;

/// A dataspace.
pub(super) struct Space<'h>(pub(super) Id<'h>);

impl Space<'_> {
    pub(super) fn shape(&self) -> Option<Vec<u64>> {
        let Id { hdf5, id } = self.0;
        // SAFETY: the id is open.
        let rank = unsafe { (hdf5.functions.H5Sget_simple_extent_ndims)(id) };
        let mut shape = vec![0; usize::try_from(rank).ok()?];
        // SAFETY: there is room for the space's own number of dimensions.
        let status =
            unsafe { (hdf5.functions.H5Sget_simple_extent_dims)(id, shape.as_mut_ptr(), ptr::null_mut()) };
        (status >= 0).then_some(shape)
    }
}
