//! Calibrated frames, computed when they are read: filter 57836.
//!
//! A *view* is a dataset whose chunks hold a small header ([`header`]) instead of frames: which raw
//! dataset, which constants, which algorithm, which images. Reading a chunk is a straight line, in
//! [`view`]: which file is being read ([`open_objects`]), what the header names in it ([`source`]),
//! constants from the cache, arithmetic. docs/calibration.md is the specification.

pub mod algorithm;
mod arithmetic;
mod buffers;
mod cache;
mod constants;
mod depth;
pub mod error;
mod frames;
pub mod header;
mod number;
mod open_objects;
mod options;
mod process;
mod shared_files;
mod source;
mod view;

use std::ffi::CStr;

use error::{Error, bad_header};
use h5filter::{Buffer, FLUSHERS, Failure, Filter, Library, NewDataset, PluginClass, WRITERS};
use header::Header;

/// The filter id.
pub const FILTER_ID: i32 = 57836;

struct Calibration;

impl Filter for Calibration {
    const ID: i32 = FILTER_ID;
    const NAME: &'static CStr = c"h5calib";
    const READ_ONLY: bool = true;

    fn set_local(dataset: &NewDataset<'_>) -> Result<(), Failure> {
        let cd_values = options::resolve(dataset)?;
        dataset.set_mandatory_cd_values(&cd_values)
    }

    /// Takes a header in the place of pixels, as the original's Python function writes it.
    fn encode(_cd_values: &[u32], chunk: &[u8]) -> Result<Buffer, Failure> {
        match Header::bytes_of(chunk) {
            Ok(header) => Ok(Buffer::concat(&[header])?),
            Err(e) if can_fail() => {
                let message = "pixels can't be written to a view, which is computed when it is read";
                Err(Error::Writing(format!("{message} ({e})")).into())
            }
            // HDF5 with MPI fills a new dataset with zeros, and gives each chunk the room that they take.
            Err(_) if chunk.iter().all(|&byte| byte == 0) && chunk.len() > size_of::<u64>() => {
                Ok(Buffer::concat(&[&header::PIXELS, &number_of_zeros(chunk.len())])?)
            }
            Err(_) => Ok(Buffer::concat(&[&header::PIXELS, chunk])?),
        }
    }

    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure> {
        let chunk_bytes = options::chunk_bytes(cd_values).and_then(|n| usize::try_from(n).ok());
        match stored.strip_prefix(&header::PIXELS) {
            Some(pixels) if chunk_bytes == Some(pixels.len()) => Ok(Buffer::concat(&[pixels])?),
            Some(n_zeros) if chunk_bytes.map(number_of_zeros).as_ref().is_some_and(|n| n == n_zeros) => {
                Ok(Buffer::zeroed(chunk_bytes.unwrap_or(0))?)
            }
            Some(pixels) => Err(bad_header!("{} bytes of pixels do not fill a chunk", pixels.len()).into()),
            None => Ok(view::read(cd_values, stored)?),
        }
    }
}

/// What stands for the pixels of a chunk of zeros.
fn number_of_zeros(chunk_bytes: usize) -> [u8; 8] {
    (chunk_bytes as u64).to_le_bytes()
}

/// Whether HDF5 survives an error now. When a chunk can't be encoded while its dataset is closed,
/// HDF5 frees the dataset and keeps its id, and the program crashes at its end.
fn can_fail() -> bool {
    Library::calling().is_some_and(|library| library.is_called_by(&[WRITERS, FLUSHERS].concat()))
}

/// What a program that contains this crate and HDF5 hands to `H5Zregister`, once.
pub static PLUGIN_CLASS: PluginClass = PluginClass::of::<Calibration>();

#[cfg(feature = "plugin")]
h5filter::export_plugin!(Calibration);
