use anyhow::{Result, bail};
use hdf5::{Dataset, Datatype};
use hdf5_sys::h5d::H5Dread;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5t::*;

use super::slab::{Elements, spaces};
use super::{Explain, NumberKind, call, call_for_id, describe_type, number_kind};

/// The type that numbers of a dataset have in memory, in the byte order of this machine: the smallest of those
/// that programs know which has all values. Integers may have fewer bits than their bytes, or 24; floats may
/// have other fields than IEEE 754's (bfloat16 becomes float32).
pub fn native_type(datatype: &Datatype) -> Result<(NumberKind, Datatype)> {
    let (kind, n_bytes, _) = number_kind(datatype)?;
    let native = match (kind, n_bytes) {
        (NumberKind::Unsigned, 1) => Datatype::from_type::<u8>(),
        (NumberKind::Unsigned, 2) => Datatype::from_type::<u16>(),
        (NumberKind::Unsigned, 3..=4) => Datatype::from_type::<u32>(),
        (NumberKind::Unsigned, 5..=8) => Datatype::from_type::<u64>(),
        (NumberKind::Signed, 1) => Datatype::from_type::<i8>(),
        (NumberKind::Signed, 2) => Datatype::from_type::<i16>(),
        (NumberKind::Signed, 3..=4) => Datatype::from_type::<i32>(),
        (NumberKind::Signed, 5..=8) => Datatype::from_type::<i64>(),
        (NumberKind::Float, _) => return Ok((kind, native_float(datatype)?)),
        _ => bail!("it is {} (expected integers of up to 64 bits)", describe_type(datatype)?),
    };
    Ok((kind, native.explained()?))
}

fn native_float(datatype: &Datatype) -> Result<Datatype> {
    let (mut exponent_bits, mut mantissa_bits, mut place) = (0, 0, [0; 3]);
    let [sign_at, exponent_at, mantissa_at] = &mut place;
    // SAFETY: the datatype is open; the numbers are written to during the call.
    call(|| unsafe {
        H5Tget_fields(
            datatype.id(),
            sign_at,
            exponent_at,
            &mut exponent_bits,
            mantissa_at,
            &mut mantissa_bits,
        )
    })?;
    match (exponent_bits, mantissa_bits) {
        (..=5, ..=10) => float16(),
        (..=8, ..=23) => Datatype::from_type::<f32>().explained(),
        (..=11, ..=52) => Datatype::from_type::<f64>().explained(),
        _ => bail!(
            "it is {}, with {exponent_bits} bits of exponent and {mantissa_bits} of mantissa (expected floats \
             that float64 has)",
            describe_type(datatype)?
        ),
    }
}

/// IEEE 754's binary16.
fn float16() -> Result<Datatype> {
    let float = Datatype::from_type::<f32>().explained()?;
    // SAFETY: the datatypes are open, here and below.
    let half: Datatype = call_for_id!(unsafe { H5Tcopy(float.id()) })?;
    let id = half.id();
    // SAFETY: as above.
    call(|| unsafe { H5Tset_fields(id, 15, 10, 5, 0, 10) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Tset_size(id, 2) })?;
    // SAFETY: as above.
    call(|| unsafe { H5Tset_ebias(id, 15) })?;
    Ok(half)
}

/// Reads a part of a dataset of numbers, converted to `datatype`.
pub fn read_as(dataset: &Dataset, datatype: &Datatype, offset: &[u64], extent: &[u64]) -> Result<Vec<u8>> {
    let (file_space, space) = spaces(dataset, offset, extent)?;
    let mut elements = Elements::new(space.clone(), datatype.clone())?;
    // SAFETY: `bytes` has room for as many elements of this type as are selected.
    call(|| unsafe {
        H5Dread(
            dataset.id(),
            datatype.id(),
            space.id(),
            file_space.id(),
            H5P_DEFAULT,
            elements.bytes.as_mut_ptr().cast(),
        )
    })?;
    elements.into_bytes()
}
