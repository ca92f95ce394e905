use std::ffi::{CStr, CString, c_void};

use hdf5_sys::h5f::{H5F_ACC_RDWR, H5F_ACC_SWMR_READ};
use hdf5_sys::h5i::hid_t;

use super::dataset::Space;
use super::{DEFAULT, Dataset, Hdf5, Id, Identity};
use crate::datatype::{self, SampleKind};
use crate::failure::Failure;

/// An open file.
pub struct File<'h>(pub(super) Id<'h>);

impl Hdf5 {
    /// The file of this id, or that an open object lies in. `None` if the id is not open any more.
    pub fn file_of(&self, id: hid_t) -> Option<File<'_>> {
        // SAFETY: HDF5 checks the id.
        self.own(unsafe { (self.functions.H5Iget_file_id)(id) }).map(File)
    }
}

impl Hdf5 {
    /// Properties of a dataset without a chunk cache: one that is open for one read does not need it,
    /// and without it, chunks without filters are read to where they are wanted.
    fn uncached(&self) -> Option<Id<'_>> {
        let class = self.dataset_access?;
        let (create, set_cache) = (self.functions.H5Pcreate?, self.functions.H5Pset_chunk_cache?);
        // SAFETY: HDF5 checks the class; the list is open.
        unsafe {
            let list = self.own(create(class))?;
            (set_cache(list.id, 1, 0, 1.0) >= 0).then_some(list)
        }
    }
}

impl File<'_> {
    /// Which opened file this is.
    pub fn identity(&self) -> Result<Identity, Failure> {
        Identity::of(&self.0).ok_or_else(|| self.0.hdf5.failure("a file can't be told from others"))
    }

    /// The name by which it was opened.
    pub fn name(&self) -> String {
        self.0.file_name()
    }

    /// Whether nobody writes to it, as far as HDF5 knows.
    pub fn is_constant(&self) -> bool {
        let mut intent = 0;
        // SAFETY: the id is open; the pointer is valid for the call.
        let status = unsafe { (self.0.hdf5.functions.H5Fget_intent)(self.0.id, &mut intent) };
        status >= 0 && intent & (H5F_ACC_RDWR | H5F_ACC_SWMR_READ) == 0
    }

    /// An attribute of the root group that is one integer of 32 bits; `None` if there is no such one.
    pub fn number_attribute(&self, name: &CStr) -> Option<u32> {
        let Id { hdf5, id } = self.0;
        // SAFETY: the ids are open, the names NUL-terminated, and `bytes` has room for the element that is
        // read.
        unsafe {
            if (hdf5.functions.H5Aexists)(id, name.as_ptr()) <= 0 {
                return None;
            }
            let attribute = hdf5.own((hdf5.functions.H5Aopen)(id, name.as_ptr(), DEFAULT))?;
            let datatype = hdf5.own((hdf5.functions.H5Aget_type)(attribute.id))?;
            let space = Space(hdf5.own((hdf5.functions.H5Aget_space)(attribute.id))?);
            let element = datatype::describe(&hdf5.library, datatype.id).ok()?;
            let integer = matches!(element.kind, SampleKind::Unsigned | SampleKind::Signed);
            let mut bytes = [0u8; 8];
            let fits = element.bytes() <= bytes.len();
            if !integer || !fits || element.n_samples != 1 || space.shape()?.iter().product::<u64>() != 1 {
                return None;
            }
            if (hdf5.functions.H5Aread)(attribute.id, datatype.id, bytes.as_mut_ptr().cast::<c_void>()) < 0 {
                return None;
            }
            if element.big_endian {
                bytes[..element.sample_bytes].reverse();
            }
            u32::try_from(u64::from_le_bytes(bytes)).ok()
        }
    }

    /// The dataset at a path, which may lead into other files.
    pub fn dataset(&self, path: &CStr) -> Result<Dataset<'_>, Failure> {
        let Id { hdf5, id } = self.0;
        let properties = hdf5.uncached();
        if self.is_shared() {
            self.open_links_alone(properties.as_ref())?;
        }
        let access = properties.as_ref().map_or(DEFAULT, |access| access.id);
        // SAFETY: the ids are open, the path NUL-terminated.
        let dataset = hdf5.own(unsafe { (hdf5.functions.H5Dopen2)(id, path.as_ptr(), access) });
        match dataset {
            Some(id) => Ok(Dataset::new(id)),
            None => {
                Err(hdf5
                    .failure_of(|| format!("{} can't be opened in {}", path.to_string_lossy(), self.name())))
            }
        }
    }
}

impl Id<'_> {
    /// The name of the file that an object lies in.
    pub(super) fn file_name(&self) -> String {
        let known = self.file_name_bytes();
        known.map_or_else(|| "a file without a name".into(), |name| name.to_string_lossy().into_owned())
    }

    pub(super) fn file_name_bytes(&self) -> Option<CString> {
        let name_of = self.hdf5.functions.H5Fget_name;
        // SAFETY: the id is open; a null name of length 0 asks for the length.
        let len = unsafe { name_of(self.id, std::ptr::null_mut(), 0) };
        let mut name = vec![0u8; usize::try_from(len).unwrap_or(0) + 1];
        // SAFETY: there is room for as many bytes as the call is told.
        let status = unsafe { name_of(self.id, name.as_mut_ptr().cast(), name.len()) };
        if status <= 0 {
            return None;
        }
        CStr::from_bytes_until_nul(&name).ok().map(CStr::to_owned)
    }
}
