use std::ptr;

use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5z::{H5Z_FLAG_MANDATORY, H5Z_filter_t};

use crate::datatype::{self, Element, MAX_RANK};
use crate::failure::{Failure, Minor};
use crate::library::Library;

/// The parameters stored with a dataset.
pub type CdValues = Vec<u32>;

/// A dataset that is about to be created, as HDF5 shows it to a filter's `set_local` callback.
pub struct NewDataset<'l> {
    library: &'l Library,
    creation_properties: hid_t,
    datatype: hid_t,
    filter: H5Z_filter_t,
}

impl<'l> NewDataset<'l> {
    pub(crate) fn new(
        library: &'l Library,
        creation_properties: hid_t,
        datatype: hid_t,
        filter: H5Z_filter_t,
    ) -> Self {
        Self { library, creation_properties, datatype, filter }
    }

    /// The values that the user passed for this filter.
    pub fn cd_values(&self) -> Result<Vec<u32>, Failure> {
        Ok(self.filter_options()?.1)
    }

    /// Stores `values` for this filter instead of those that the user passed.
    pub fn set_cd_values(&self, values: &CdValues) -> Result<(), Failure> {
        let (flags, _) = self.filter_options()?;
        self.modify_filter(flags, values)
    }

    /// The same, and makes the filter mandatory: then a chunk that it can't encode is an error, and
    /// not stored without it.
    pub fn set_mandatory_cd_values(&self, values: &CdValues) -> Result<(), Failure> {
        self.modify_filter(H5Z_FLAG_MANDATORY, values)
    }

    /// The filters that what this one makes goes through, in their order. None if HDF5 does not tell.
    pub fn filters_behind(&self) -> Vec<H5Z_filter_t> {
        let (Some(n_filters), Some(filter)) = (self.library.H5Pget_nfilters, self.library.H5Pget_filter2)
        else {
            return vec![];
        };
        // SAFETY: the property list is open.
        let n = unsafe { n_filters(self.creation_properties) };
        let id = |index| {
            let (mut flags, mut n_values) = (0, 0);
            // SAFETY: as above; no values and no name are asked for.
            unsafe {
                filter(
                    self.creation_properties,
                    index,
                    &mut flags,
                    &mut n_values,
                    ptr::null_mut(),
                    0,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        };
        (0..u32::try_from(n).unwrap_or(0)).map(id).skip_while(|id| *id != self.filter).skip(1).collect()
    }

    fn modify_filter(&self, flags: u32, values: &CdValues) -> Result<(), Failure> {
        // SAFETY: HDF5 copies `values.len()` values from the pointer.
        let status = unsafe {
            (self.library.H5Pmodify_filter)(
                self.creation_properties,
                self.filter,
                flags,
                values.len(),
                values.as_ptr(),
            )
        };
        expect(status >= 0, "the filter's parameters can't be stored")
    }

    fn filter_options(&self) -> Result<(u32, Vec<u32>), Failure> {
        // More than any filter stores.
        let mut values = vec![0; 64];
        let mut n_values = values.len();
        let mut flags = 0;
        // SAFETY: the pointers are valid for the call, `n_values` tells how many values fit, and
        // a null name of length 0 asks for no name.
        let status = unsafe {
            (self.library.H5Pget_filter_by_id2)(
                self.creation_properties,
                self.filter,
                &mut flags,
                &mut n_values,
                values.as_mut_ptr(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        expect(status >= 0, "the filter's parameters can't be read")?;
        // So that values too many are counted and not cut off.
        values.resize(n_values, 0);
        Ok((flags, values))
    }

    /// The chunk shape, slowest dimension first.
    pub fn chunk_shape(&self) -> Result<Vec<u64>, Failure> {
        let mut shape: Vec<hsize_t> = vec![0; MAX_RANK];
        // SAFETY: `shape` has room for MAX_RANK values, as the call is told.
        let rank = unsafe {
            (self.library.H5Pget_chunk)(self.creation_properties, MAX_RANK as i32, shape.as_mut_ptr())
        };
        expect(rank >= 0, "the dataset is not chunked")?;
        shape.truncate(rank as usize);
        Ok(shape)
    }

    /// What the elements of the dataset consist of.
    pub fn element(&self) -> Result<Element, Failure> {
        datatype::describe(self.library, self.datatype)
    }

    /// The shape of the arrays that the elements of the dataset are, slowest dimension first, and what is in
    /// them. The shape is empty if they are no arrays.
    pub fn array_element(&self) -> Result<(Vec<u64>, Element), Failure> {
        datatype::describe_array(self.library, self.datatype)
    }
}

fn expect(condition: bool, otherwise: &str) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(Failure::new(Minor::CantFilter, otherwise.into())) }
}
