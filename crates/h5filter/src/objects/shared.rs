//! Files that several processes have opened together, through MPI.
//!
//! A filter runs in one process, when that reads a chunk. What all processes have to do together (HDF5 calls
//! it collective) would wait there for ever.

use hdf5_sys::h5f::H5F_ACC_RDONLY;

use super::{File, Hdf5, Id};
use crate::failure::Failure;

/// How HDF5 begins to say that a file's driver does not use MPI.
const NO_MPI: &str = "incorrect VFL driver";

impl<'h> File<'h> {
    /// Whether other processes have opened it together with this one, by a driver that uses MPI.
    pub fn is_shared(&self) -> bool {
        let Id { hdf5, id } = self.0;
        let Some(atomicity) = hdf5.functions.H5Fget_mpi_atomicity else { return false };
        let mut is_atomic = 0;
        // SAFETY: the id is open; the pointer is valid for the call.
        if unsafe { atomicity(id, &mut is_atomic) } >= 0 {
            return true;
        }
        // Subfiling is based on MPI and has no atomicity: that is another failure.
        hdf5.reason().is_none_or(|reason| !reason.starts_with(NO_MPI))
    }

    /// A shared file that nobody writes to, opened once more for this process alone. `None` if it can't be.
    pub fn opened_alone(&self) -> Option<File<'h>> {
        let Id { hdf5, .. } = self.0;
        if !self.is_constant() {
            return None;
        }
        let properties = hdf5.alone()?;
        let open = hdf5.functions.H5Fopen?;
        let name = self.0.file_name_bytes()?;
        // SAFETY: the name is NUL-terminated, the list is open.
        let file = File(hdf5.own(unsafe { open(name.as_ptr(), H5F_ACC_RDONLY, properties.id) })?);
        // The name may be that of another file by now.
        (file.n_bytes()? == self.n_bytes()?).then_some(file)
    }

    /// An external link is to open its file for this process alone, and for reading.
    pub(super) fn open_links_alone(&self, dataset_access: Option<&Id<'_>>) -> Result<(), Failure> {
        let Id { hdf5, .. } = self.0;
        let f = &hdf5.functions;
        let set = || {
            let (list, files) = (dataset_access?, hdf5.alone()?);
            // SAFETY: the lists are open; HDF5 copies `files`.
            let is_set = unsafe {
                f.H5Pset_elink_fapl?(list.id, files.id) >= 0
                    && f.H5Pset_elink_acc_flags?(list.id, H5F_ACC_RDONLY) >= 0
            };
            is_set.then_some(())
        };
        set().ok_or_else(|| self.0.hdf5.failure("links to other files can't be followed"))
    }

    /// As the driver knows it.
    fn n_bytes(&self) -> Option<u64> {
        let Id { hdf5, id } = self.0;
        let mut n_bytes = 0;
        // SAFETY: the id is open; the pointer is valid for the call.
        let status = unsafe { hdf5.functions.H5Fget_filesize?(id, &mut n_bytes) };
        (status >= 0).then_some(n_bytes)
    }
}

impl Hdf5 {
    /// Properties of a file that is opened by the usual driver. Without a lock, which not every file system
    /// of a cluster has.
    fn alone(&self) -> Option<Id<'_>> {
        let f = &self.functions;
        // SAFETY: HDF5 checks the class; the list is open.
        unsafe {
            let list = self.own(f.H5Pcreate?(self.file_access?))?;
            if f.H5Pset_fapl_sec2?(list.id) < 0 {
                return None;
            }
            if let Some(set_locking) = f.H5Pset_file_locking {
                set_locking(list.id, 0, 1);
            }
            Some(list)
        }
    }
}
