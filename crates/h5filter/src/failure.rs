use std::any::Any;
use std::fmt;

use crate::buffer::OutOfMemory;

/// What goes on the HDF5 error stack when a filter fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HDF5's minor error code.
    pub minor: Minor,
    /// One sentence for the user: what was expected, what came.
    pub message: String,
}

/// The minor error codes of HDF5 that filters use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minor {
    /// `H5E_BADVALUE`: the user passed something out of range.
    BadValue,
    /// `H5E_BADTYPE`: the datatype is not supported.
    BadType,
    /// `H5E_CANTFILTER`: the data can't be encoded or decoded.
    CantFilter,
    /// `H5E_NOSPACE`: out of memory.
    NoSpace,
}

impl Failure {
    /// A failure with HDF5's minor code for it.
    pub fn new(minor: Minor, message: String) -> Self {
        Self { minor, message }
    }

    /// What is reported of a panic.
    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let reason = payload
            .downcast_ref::<&str>()
            .map(|s| s.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no reason given".into());
        Self::new(Minor::CantFilter, format!("internal error in the filter, please report it: {reason}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<OutOfMemory> for Failure {
    fn from(e: OutOfMemory) -> Self {
        Self::new(Minor::NoSpace, e.to_string())
    }
}
