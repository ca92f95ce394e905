//! Calibrated frames, computed when they are read: filter 57836.
//!
//! A *view* is a dataset whose chunks hold a small header ([`header`]) instead of frames: which raw
//! dataset, which constants, which algorithm, which images. Reading a chunk is a straight line, in
//! [`view`]: which file is being read ([`open_objects`]), what the header names in it ([`source`]),
//! constants from the cache, arithmetic. docs/calibration.md is the specification.

pub mod algorithm;
mod arithmetic;
mod cache;
mod constants;
pub mod error;
pub mod header;
mod number;
mod open_objects;
mod options;
mod process;
mod source;
mod view;

use std::ffi::CStr;

use error::Error;
use h5filter::{Buffer, Failure, Filter, NewDataset};
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
        let header = Header::bytes_of(chunk).map_err(|e| {
            Error::Writing(format!(
                "pixels can't be written to a view, which is computed when it is read ({e})"
            ))
        })?;
        let mut stored = Buffer::zeroed(header.len())?;
        stored.copy_from_slice(header);
        Ok(stored)
    }

    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure> {
        Ok(view::read(cd_values, stored)?)
    }
}

h5filter::export_plugin!(Calibration);
