//! cd_values: nothing to pass; what is stored says which chunks to expect.

use h5filter::{CdValues, NewDataset, SampleKind};

use crate::error::{Error, Result};

/// The first stored value: version 1 of these values.
const TAG: u32 = 0x6843_0001;

/// The values to store with a new view: tag, bytes per pixel, chunk shape.
pub fn resolve(dataset: &NewDataset<'_>) -> Result<CdValues> {
    let passed = dataset.cd_values()?;
    // Programs that create a dataset by the properties of a view (h5repack, for one) want to write the
    // view's frames to it, and would lose them when they close it.
    if passed.first() == Some(&TAG) {
        let message =
            "it has the properties of another view: copy that with H5Ocopy, as h5copy and h5py's copy do";
        return Err(bad_dataset(message.into()));
    }
    if !passed.is_empty() {
        return Err(bad_dataset(format!("it has filter parameters {passed:?} (expected none)")));
    }
    let element = dataset.element()?;
    let is_float = element.kind == SampleKind::Float && matches!(element.bytes(), 4 | 8);
    if !is_float || element.n_samples != 1 || element.big_endian {
        return Err(bad_dataset("its elements are not little-endian float32 or float64".into()));
    }
    let shape = dataset.chunk_shape()?;
    let dimensions: Option<Vec<u32>> = shape.iter().map(|&n| u32::try_from(n).ok()).collect();
    match dimensions {
        Some(dimensions) if dimensions.len() == 3 => {
            Ok([TAG, element.bytes() as u32].into_iter().chain(dimensions).collect())
        }
        _ => Err(bad_dataset(format!("its chunks have shape {shape:?} (expected frames, height, width)"))),
    }
}

/// Bytes per chunk, as stored; `None` for views of the original, which stores nothing.
pub fn chunk_bytes(cd_values: &[u32]) -> Option<u64> {
    match cd_values {
        [TAG, factors @ ..] if factors.len() == 4 => {
            factors.iter().try_fold(1u64, |product, &n| product.checked_mul(n.into()))
        }
        _ => None,
    }
}

fn bad_dataset(why: String) -> Error {
    Error::Writing(format!("the dataset can't be a view: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_counted_if_their_shape_is_stored() {
        assert_eq!(chunk_bytes(&[TAG, 4, 10, 32, 40]), Some(4 * 10 * 32 * 40));
        assert_eq!(chunk_bytes(&[]), None);
        assert_eq!(chunk_bytes(&[TAG, 4]), None);
        assert_eq!(chunk_bytes(&[TAG, u32::MAX, u32::MAX, u32::MAX, 2]), None);
    }
}
