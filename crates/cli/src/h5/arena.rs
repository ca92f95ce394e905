//! Memory for what elements of variable length point to: HDF5 asks for as much as a file says.

use std::alloc::Layout;
use std::ffi::c_void;
use std::ptr;

use anyhow::{Result, ensure};
use bumpalo::Bump;
use hdf5::plist::PropertyList;
use hdf5_sys::h5p::{H5P_CLS_DATASET_XFER, H5Pcreate, H5Pset_vlen_mem_manager};

use super::{call, call_for_id};

/// All that elements point to has at most so many bytes: many of them can point to the same in the file.
pub const MAX_BYTES: usize = 256 << 20;
/// Any element's.
const ALIGNMENT: usize = 16;

/// What HDF5 has asked for; freed when this is dropped.
pub struct Arena {
    memory: Bump,
    is_full: bool,
}

impl Arena {
    pub fn new() -> Self {
        let memory = Bump::new();
        memory.set_allocation_limit(Some(MAX_BYTES));
        Self { memory, is_full: false }
    }

    /// Calls `read` with the property list of a transfer that takes memory from here only.
    pub fn with<T>(&mut self, read: impl FnOnce(&PropertyList) -> Result<T>) -> Result<T> {
        // SAFETY: the class is one of HDF5's own.
        let plist: PropertyList = call_for_id!(unsafe { H5Pcreate(*H5P_CLS_DATASET_XFER) })?;
        let place: *mut c_void = ptr::from_mut(self).cast();
        // SAFETY: the list is used by `read` alone, while the arena is lent to this function.
        call(|| unsafe { H5Pset_vlen_mem_manager(plist.id(), Some(allocate), place, Some(free), place) })?;
        let done = read(&plist);
        ensure!(!self.is_full, "the selected elements have too many bytes (expected at most {MAX_BYTES})");
        done
    }
}

extern "C" fn allocate(n_bytes: usize, arena: *mut c_void) -> *mut c_void {
    // SAFETY: `Arena::with` has lent the arena to HDF5, which calls this on its thread, during the read.
    let arena = unsafe { &mut *arena.cast::<Arena>() };
    let layout = Layout::from_size_align(n_bytes, ALIGNMENT);
    match layout.ok().and_then(|layout| arena.memory.try_alloc_layout(layout).ok()) {
        Some(start) => start.as_ptr().cast(),
        None => {
            arena.is_full = true;
            ptr::null_mut()
        }
    }
}

/// The arena has it as long as it lives.
extern "C" fn free(_block: *mut c_void, _arena: *mut c_void) {}
