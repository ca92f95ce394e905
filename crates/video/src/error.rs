use std::fmt;
use std::path::Path;

/// Why a video can't be written or read.
#[derive(Debug)]
pub enum Error {
    /// What was asked for does not exist: another shape, container or frame rate is needed.
    Unsupported(String),
    /// The file can't be read or written, or what it holds is damaged.
    File(String),
    /// FFmpeg failed where it should not, or there is no memory.
    Codec(h5h264::error::Error),
    /// The program at the other end of a pipe did not keep to the protocol, or is gone.
    Pipe(String),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Shorthand for [`Error::Unsupported`].
macro_rules! unsupported {
    ($($arg:tt)*) => { $crate::error::Error::Unsupported(format!($($arg)*)) };
}
pub(crate) use unsupported;

impl Error {
    /// What is wrong with a file.
    pub(crate) fn file(path: &Path, reason: impl fmt::Display) -> Self {
        Self::File(format!("{}: {reason}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(reason) | Self::File(reason) | Self::Pipe(reason) => f.write_str(reason),
            Self::Codec(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<h5h264::error::Error> for Error {
    fn from(e: h5h264::error::Error) -> Self {
        Self::Codec(e)
    }
}
