use std::ffi::CString;
use std::ptr;

use anyhow::Result;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace};
use hdf5_sys::h5p::{H5Pset_fill_value, H5Pset_virtual};
use hdf5_sys::h5s::{H5S_seloper_t, H5Sselect_hyperslab};

use super::copy::{fill_value, has_pointing_fill_value};
use super::create::fixed;
use super::{Explain, call};

/// The creation properties of a virtual dataset of some shape, which is made of parts one after the other: the
/// datasets at `path` of files, each with its name and length. Where a file is missing, it has the fill value that `like` has.
pub fn virtual_parts<'n>(
    like: &Dataset,
    path: &str,
    shape: &[u64],
    parts: impl Iterator<Item = (&'n Vec<u8>, u64)>,
) -> Result<DatasetCreate> {
    let plist = DatasetCreate::try_new().explained()?;
    if !has_pointing_fill_value(like)? {
        let (datatype, fill) = (like.dtype().explained()?, fill_value(like)?);
        // SAFETY: `fill` is an element of this type; both are open, here and below.
        call(|| unsafe { H5Pset_fill_value(plist.id(), datatype.id(), fill.as_ptr().cast()) })?;
    }
    let path = without_numbers(path.as_bytes())?;
    let whole = fixed(shape)?;
    let mut start = vec![0; shape.len()];
    let mut extent = shape.to_vec();
    for (name, n_frames) in parts {
        extent[0] = n_frames;
        let file = without_numbers(name)?;
        if n_frames > 0 {
            select(&whole, &start, &extent)?;
            let source = fixed(&extent)?;
            // SAFETY: names end with a NUL.
            call(|| unsafe {
                H5Pset_virtual(plist.id(), whole.id(), file.as_ptr(), path.as_ptr(), source.id())
            })?;
        }
        start[0] += n_frames;
    }
    Ok(plist)
}

fn select(space: &Dataspace, start: &[u64], extent: &[u64]) -> Result<()> {
    let how = H5S_seloper_t::H5S_SELECT_SET;
    // SAFETY: both have a value per dimension; null stands for steps and blocks of 1.
    call(|| unsafe {
        H5Sselect_hyperslab(space.id(), how, start.as_ptr(), ptr::null(), extent.as_ptr(), ptr::null())
    })?;
    Ok(())
}

/// A name in which HDF5 finds no place for a number: `%b` stands for one, and `%%` for a percent sign.
fn without_numbers(name: &[u8]) -> Result<CString> {
    let mut escaped = Vec::with_capacity(name.len());
    for &byte in name {
        escaped.push(byte);
        escaped.extend((byte == b'%').then_some(byte));
    }
    Ok(CString::new(escaped)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_is_no_number() {
        assert_eq!(without_numbers(b"100%b.h5").unwrap().as_bytes(), b"100%%b.h5");
    }
}
