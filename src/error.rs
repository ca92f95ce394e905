//! One error type; its kinds say who has to act.

use std::fmt;

use h5filter::{Failure, Minor, OutOfMemory};

/// Why a chunk can't be encoded or decoded, or a dataset can't be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The options don't fit the dataset: whoever creates it has to pass others.
    Options(String),
    /// The chunk was written by something else that uses the same filter id.
    Foreign(String),
    /// The chunk needs a newer version of this filter.
    Newer {
        /// Format version of the chunk.
        found: u8,
        /// Newest format version that is understood here.
        supported: u8,
    },
    /// The stored bytes are not those that were written.
    Damaged(String),
    /// There is no memory for this many bytes.
    OutOfMemory(OutOfMemory),
    /// libavcodec failed where it should not.
    Codec(String),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Shorthand for [`Error::Damaged`].
macro_rules! damaged {
    ($($arg:tt)*) => { $crate::error::Error::Damaged(format!($($arg)*)) };
}

/// Shorthand for [`Error::Options`].
macro_rules! bad_options {
    ($($arg:tt)*) => { $crate::error::Error::Options(format!($($arg)*)) };
}

pub(crate) use {bad_options, damaged};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(reason) | Self::Foreign(reason) => f.write_str(reason),
            Self::Newer { found, supported } => write!(
                f,
                "the chunk has format version {found}, which a newer h5h264 wrote (this one reads up to version \
                 {supported}): please update"
            ),
            Self::Damaged(reason) => write!(f, "damaged chunk: {reason}"),
            Self::OutOfMemory(e) => e.fmt(f),
            Self::Codec(reason) => write!(f, "libavcodec: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(e: OutOfMemory) -> Self {
        Self::OutOfMemory(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let minor = match &e {
            Error::Options(_) => Minor::BadValue,
            Error::OutOfMemory(_) => Minor::NoSpace,
            Error::Foreign(_) | Error::Newer { .. } | Error::Damaged(_) | Error::Codec(_) => {
                Minor::CantFilter
            }
        };
        Self::new(minor, e.to_string())
    }
}

/// A vector with room for `len` values, or an error instead of the abort of `Vec::with_capacity`.
pub(crate) fn reserve<T>(len: usize) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    match vec.try_reserve_exact(len) {
        Ok(()) => Ok(vec),
        Err(_) => Err(OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) }.into()),
    }
}

/// `len` default values, with the same care as [`reserve`].
pub(crate) fn filled<T: Copy + Default>(len: usize) -> Result<Vec<T>> {
    let mut vec = reserve(len)?;
    vec.resize(len, T::default());
    Ok(vec)
}
