//! Reading other objects than the chunk at hand: what is open in the calling libhdf5, its
//! attributes and datasets.
//!
//! HDF5 may be called from a filter callback: its lock can be taken again by the thread that holds
//! it, and each call has a context of its own.

mod dataset;
mod disk;
mod errors;
mod file;
mod functions;
mod identity;
mod shared;

use std::ffi::c_uint;
use std::sync::atomic::{AtomicPtr, Ordering};

pub use dataset::Dataset;
pub use disk::FileState;
pub use file::File;
use functions::Functions;
use hdf5_sys::h5i::hid_t;
pub use identity::Identity;

use crate::failure::{Failure, Minor};
use crate::library::Library;
use crate::symbols::{self, Range, Symbols};
use crate::system::Module;

/// `H5F_OBJ_ALL`, which also stands for all files, and its parts.
const ALL_FILES: hid_t = 0x1f;
const OBJ_FILE: c_uint = 0x1;
const OBJ_DATASET: c_uint = 0x2;

/// `H5P_DEFAULT`, and `H5E_DEFAULT`.
const DEFAULT: hid_t = 0;

/// The libhdf5 that is calling, as something to read objects with.
pub struct Hdf5 {
    /// Its symbols keep the library loaded, so its address stays its own.
    base: usize,
    /// Its code, as far as it has called.
    code: Range,
    library: Library,
    functions: Functions,
    /// `H5P_DATASET_ACCESS`: HDF5 gives its own classes and drivers the same ids again after `H5close`.
    dataset_access: Option<hid_t>,
    /// `H5P_FILE_ACCESS`
    file_access: Option<hid_t>,
    /// `H5FD_SEC2`, if it is a variable.
    usual_driver: Option<hid_t>,
    next: *const Hdf5,
}

// SAFETY: all fields are constant after construction. HDF5's functions may be called from any
// thread by whoever may call HDF5 at all, which a filter callback may.
unsafe impl Send for Hdf5 {}
// SAFETY: as above.
unsafe impl Sync for Hdf5 {}

impl Hdf5 {
    /// The libhdf5 whose code called into this plugin. Looked up once for each; finding out which
    /// one it is means walking a few frames up the call stack.
    pub fn calling() -> Result<&'static Self, Failure> {
        // A list to which entries are only added: there is no lock that a fork could leave held.
        static KNOWN: AtomicPtr<Hdf5> = AtomicPtr::new(std::ptr::null_mut());
        let address = symbols::calling_address().ok_or_else(not_found)?;
        let first = KNOWN.load(Ordering::Acquire).cast_const();
        // SAFETY: null, or an entry, which are never freed.
        let entry = |pointer: *const Self| -> Option<&'static Self> { unsafe { pointer.as_ref() } };
        let known = || std::iter::successors(entry(first), |known| entry(known.next));
        if let Some(known) = known().find(|known| known.code.contains(address)) {
            return Ok(known);
        }
        let module = Module::containing(address).ok_or_else(not_found)?;
        if let Some(known) = known().find(|known| known.base == module.base()) {
            known.code.add(address);
            return Ok(known);
        }
        let fresh = Box::leak(Box::new(Self::of(module)?));
        let mut first = KNOWN.load(Ordering::Acquire);
        loop {
            fresh.next = first;
            match KNOWN.compare_exchange(first, fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(fresh),
                Err(other) => first = other,
            }
        }
    }

    fn of(module: Module) -> Result<Self, Failure> {
        let base = module.base();
        let symbols = Symbols::of(module).ok_or_else(not_found)?;
        let functions = Functions::find(&symbols).map_err(|name| {
            let message = format!("the calling program's HDF5 has no function {}", name.to_string_lossy());
            Failure::new(Minor::CantFilter, message)
        })?;
        let library = Library::with(symbols).ok_or_else(not_found)?;
        let dataset_access = library.variable(c"H5P_CLS_DATASET_ACCESS_ID_g");
        let file_access = library.variable(c"H5P_CLS_FILE_ACCESS_ID_g");
        let usual_driver = library.variable(c"H5FD_SEC2_id_g");
        let (code, next) = (Range::new(), std::ptr::null());
        Ok(Self { base, code, library, functions, dataset_access, file_access, usual_driver, next })
    }

    /// A number that tells the libhdf5s of a process apart.
    pub fn number(&self) -> usize {
        self.base
    }

    /// The files that are open by an id of their own.
    pub fn open_files(&self) -> Result<Vec<hid_t>, Failure> {
        self.open_ids(OBJ_FILE)
    }

    /// The open datasets of all files.
    pub fn open_datasets(&self) -> Result<Vec<hid_t>, Failure> {
        self.open_ids(OBJ_DATASET)
    }

    fn open_ids(&self, kinds: c_uint) -> Result<Vec<hid_t>, Failure> {
        // SAFETY: the call has no preconditions.
        let n = unsafe { (self.functions.H5Fget_obj_count)(ALL_FILES, kinds) };
        let mut ids = vec![0; usize::try_from(n).map_err(|_| self.failure("open objects can't be counted"))?];
        if ids.is_empty() {
            return Ok(ids);
        }
        // SAFETY: there is room for as many ids as the call is told.
        let n = unsafe { (self.functions.H5Fget_obj_ids)(ALL_FILES, kinds, ids.len(), ids.as_mut_ptr()) };
        ids.truncate(usize::try_from(n).map_err(|_| self.failure("open objects can't be listed"))?);
        Ok(ids)
    }

    /// One more user of an id that is open elsewhere; `None` if it is not.
    fn share(&self, id: hid_t) -> Option<Id<'_>> {
        // SAFETY: HDF5 checks the id.
        (unsafe { (self.functions.H5Iinc_ref)(id) } > 0).then(|| Id { hdf5: self, id })
    }

    /// Takes over the id that a function of HDF5 returned.
    fn own(&self, id: hid_t) -> Option<Id<'_>> {
        // Not `then_some`: giving back what is none would make HDF5 forget why there is none.
        (id >= 0).then(|| Id { hdf5: self, id })
    }
}

fn not_found() -> Failure {
    Failure::new(Minor::CantFilter, "the functions of the calling HDF5 can't be found".into())
}

/// An id that is given back.
struct Id<'h> {
    hdf5: &'h Hdf5,
    id: hid_t,
}

impl Drop for Id<'_> {
    fn drop(&mut self) {
        // SAFETY: the id was opened, or counted once more, for this value.
        unsafe { (self.hdf5.functions.H5Idec_ref)(self.id) };
    }
}
