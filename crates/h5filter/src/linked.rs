//! The HDF5 that is linked into the same program, if the feature `linked-hdf5` says that one is.

use std::ffi::{CStr, c_void};

/// Whether there is one. Then it is the one that calls.
pub const IS_LINKED: bool = cfg!(feature = "linked-hdf5");

/// The function or variable of this name.
#[cfg(not(feature = "linked-hdf5"))]
pub fn find(_name: &CStr) -> Option<*mut c_void> {
    None
}

/// The function or variable of this name: what [`Library`](crate::Library) and [`Hdf5`](crate::Hdf5) look
/// for, but for functions that newer ones have taken the place of.
#[cfg(feature = "linked-hdf5")]
pub fn find(name: &CStr) -> Option<*mut c_void> {
    use hdf5_sys::{h5::*, h5a::*, h5d::*, h5e::*, h5f::*, h5i::*, h5o::*, h5p::*, h5s::*, h5t::*};

    use crate::names::c_name;

    macro_rules! functions {
        ($($function:ident)*) => { [$((c_name!($function), $function as *mut c_void),)*] };
    }
    let functions = functions![
        H5Aexists H5Aget_space H5Aget_type H5Aopen H5Aread H5Dflush H5Dget_create_plist H5Dget_space
        H5Dget_type H5Dopen2 H5Dread H5Dwrite H5Ecreate_stack H5Eget_auto2 H5Epause_stack H5Epush2
        H5Eresume_stack H5Eset_auto2 H5Eset_current_stack H5Ewalk2 H5Fflush H5Fget_access_plist
        H5Fget_intent H5Fget_name H5Fget_obj_count H5Fget_obj_ids H5Fget_vfd_handle H5get_libversion
        H5Idec_ref H5Iget_file_id H5Iinc_ref H5Oget_info3 H5Pcreate H5Pget_chunk H5Pget_driver
        H5Pget_external_count H5Pget_filter2 H5Pget_filter_by_id2 H5Pget_layout H5Pget_nfilters H5Pmodify_filter H5Pset_chunk_cache
        H5Screate_simple H5Sget_simple_extent_dims H5Sget_simple_extent_ndims H5Sselect_hyperslab H5Tclose
        H5Tget_array_dims2 H5Tget_array_ndims H5Tget_class H5Tget_ebias H5Tget_fields H5Tget_member_offset H5Tget_member_type
        H5Tget_nmembers H5Tget_order H5Tget_sign H5Tget_size H5Tget_super
    ];
    let variables = [
        (c"H5E_BADTYPE_g", H5E_BADTYPE),
        (c"H5E_BADVALUE_g", H5E_BADVALUE),
        (c"H5E_CANTFILTER_g", H5E_CANTFILTER),
        (c"H5E_ERR_CLS_g", H5E_ERR_CLS),
        (c"H5E_NOSPACE_g", H5E_NOSPACE),
        (c"H5E_PLINE_g", H5E_PLINE),
        (c"H5P_CLS_DATASET_ACCESS_ID_g", H5P_CLS_DATASET_ACCESS),
    ];
    let variables = variables.map(|(name, variable)| (name, std::ptr::from_ref(variable).cast_mut().cast()));
    functions.into_iter().chain(variables).find_map(|(known, symbol)| (known == name).then_some(symbol))
}
