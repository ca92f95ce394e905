//! One error type; its kinds say who has to act.

use std::fmt;

use h5filter::{Failure, Minor, OutOfMemory};

/// Why a view can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The stored bytes are not a header of this filter.
    Header(String),
    /// A header needs a newer version of this filter.
    Newer {
        /// Version of the header.
        found: u32,
    },
    /// The file or the datasets that a header names do not fit.
    Source(String),
    /// Pixels are to be written, or a dataset created that can't be a view.
    Writing(String),
    /// There is no memory for this many bytes.
    OutOfMemory(OutOfMemory),
    /// HDF5 failed.
    Hdf5(Failure),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Shorthand for [`Error::Header`].
macro_rules! bad_header {
    ($($arg:tt)*) => { $crate::error::Error::Header(format!($($arg)*)) };
}

/// Shorthand for [`Error::Source`].
macro_rules! bad_source {
    ($($arg:tt)*) => { $crate::error::Error::Source(format!($($arg)*)) };
}

pub(crate) use {bad_header, bad_source};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(reason) => write!(f, "damaged header of a view: {reason}"),
            Self::Newer { found } => write!(
                f,
                "the view has header version {found}, which a newer h5calib wrote (this one reads versions 1 and \
                 2): please update"
            ),
            Self::Source(reason) | Self::Writing(reason) => f.write_str(reason),
            Self::OutOfMemory(e) => e.fmt(f),
            Self::Hdf5(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(e: OutOfMemory) -> Self {
        Self::OutOfMemory(e)
    }
}

impl From<Failure> for Error {
    fn from(e: Failure) -> Self {
        Self::Hdf5(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let minor = match &e {
            Error::Header(_) | Error::Newer { .. } | Error::Source(_) => Minor::CantFilter,
            Error::Writing(_) => Minor::BadValue,
            Error::OutOfMemory(_) => Minor::NoSpace,
            Error::Hdf5(failure) => failure.minor,
        };
        Self::new(minor, e.to_string())
    }
}

/// `len` default values, or an error instead of an abort.
pub(crate) fn filled<T: Copy + Default>(len: usize) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    if vec.try_reserve_exact(len).is_err() {
        return Err(OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) }.into());
    }
    vec.resize(len, T::default());
    Ok(vec)
}
