use std::ffi::{CStr, c_uint, c_void};
use std::ptr;

use hdf5_sys::h5::herr_t;
use hdf5_sys::h5e::{H5E_auto2_t, H5E_error2_t};

use super::{DEFAULT, Hdf5};
use crate::failure::{Failure, Minor};

/// `H5E_WALK_UPWARD`: from where it went wrong to the function that was called.
const WALK_UPWARD: i32 = 0;

impl Hdf5 {
    /// Does work in which calls of HDF5 may fail: nothing is printed, and [`failure`](Self::failure)
    /// can say why.
    pub fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        let _quiet = Quiet::new(self);
        work()
    }

    /// A failure of the last call of HDF5, with HDF5's reason.
    pub(super) fn failure(&self, message: &str) -> Failure {
        self.failure_of(|| message.into())
    }

    /// The same; what `message` calls may let HDF5 forget the reason.
    pub(super) fn failure_of(&self, message: impl FnOnce() -> String) -> Failure {
        let reason = self.reason();
        let message = message();
        let message = reason.map_or(message.clone(), |reason| format!("{message}: {reason}"));
        Failure::new(Minor::CantFilter, message)
    }

    /// What is at the bottom of the error stack.
    pub(super) fn reason(&self) -> Option<String> {
        unsafe extern "C" fn first(n: c_uint, error: *const H5E_error2_t, reason: *mut c_void) -> herr_t {
            // SAFETY: HDF5 passes an error that is valid for the call, and what `reason` was called with.
            let (error, reason) = unsafe { (&*error, &mut *reason.cast::<Option<String>>()) };
            if n == 0 && !error.desc.is_null() {
                // SAFETY: descriptions are NUL-terminated.
                *reason = Some(unsafe { CStr::from_ptr(error.desc) }.to_string_lossy().into_owned());
            }
            0
        }
        let mut reason: Option<String> = None;
        let walk = self.functions.H5Ewalk2?;
        // SAFETY: `first` takes what it gets here.
        unsafe { walk(DEFAULT, WALK_UPWARD, Some(first), ptr::from_mut(&mut reason).cast()) };
        reason.filter(|reason| !reason.is_empty())
    }
}

/// While this lives, HDF5 prints no errors, and keeps them.
struct Quiet<'h> {
    hdf5: &'h Hdf5,
    printer: Option<(H5E_auto2_t, *mut c_void)>,
}

impl<'h> Quiet<'h> {
    fn new(hdf5: &'h Hdf5) -> Self {
        let f = &hdf5.functions;
        // While a filter runs, HDF5 2.0 pauses the error stack: a call that fails would leave no reason.
        if let (Some(resume), Some(_)) = (f.H5Eresume_stack, f.H5Epause_stack) {
            // SAFETY: the default stack always exists.
            unsafe { resume(DEFAULT) };
        }
        let mut printer = None;
        if let (Some(get), Some(set)) = (f.H5Eget_auto2, f.H5Eset_auto2) {
            let (mut function, mut argument): (H5E_auto2_t, _) = (None, ptr::null_mut());
            // SAFETY: the pointers are valid for the call; no function is a valid function to set.
            unsafe {
                if get(DEFAULT, &mut function, &mut argument) >= 0 && set(DEFAULT, None, ptr::null_mut()) >= 0
                {
                    printer = Some((function, argument));
                }
            }
        }
        Self { hdf5, printer }
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let f = &self.hdf5.functions;
        if let (Some((function, argument)), Some(set)) = (self.printer, f.H5Eset_auto2) {
            // SAFETY: these are what the function had been before.
            unsafe { set(DEFAULT, function, argument) };
        }
        if let (Some(_), Some(pause)) = (f.H5Eresume_stack, f.H5Epause_stack) {
            // SAFETY: the default stack always exists.
            unsafe { pause(DEFAULT) };
        }
    }
}
