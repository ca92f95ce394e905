use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use hdf5_sys::h5::{herr_t, hsize_t, htri_t};
use hdf5_sys::h5e::{H5E_auto2_t, H5E_walk2_t};
use hdf5_sys::h5i::hid_t;

use crate::symbols::Symbols;

/// Declares [`Functions`]: one field per function, and how it is looked up.
macro_rules! functions {
    (
        always { $($name:ident: fn($($arg:ty),*) -> $ret:ty;)* }
        sometimes { $($rare:ident: fn($($rare_arg:ty),*) -> $rare_ret:ty;)* }
    ) => {
        /// The functions by which a filter reads other objects of the file that is being read.
        #[allow(non_snake_case)]
        pub struct Functions {
            $(pub(super) $name: unsafe extern "C" fn($($arg),*) -> $ret,)*
            $(pub(super) $rare: Option<unsafe extern "C" fn($($rare_arg),*) -> $rare_ret>,)*
        }

        impl Functions {
            /// The functions of a libhdf5, or the name of one that is missing.
            pub(super) fn find(symbols: &Symbols) -> Result<Self, &'static CStr> {
                // SAFETY: each symbol is the HDF5 API function of that name, whose signature has been
                // the one declared here since HDF5 1.10, or since it exists.
                unsafe {
                    Ok(Self {
                        $($name: {
                            let name = crate::names::c_name!($name);
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($arg),*) -> $ret>(
                                symbols.find(name).ok_or(name)?,
                            )
                        },)*
                        $($rare: symbols.find(crate::names::c_name!($rare)).map(|symbol| {
                            std::mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($rare_arg),*) -> $rare_ret,
                            >(symbol)
                        }),)*
                    })
                }
            }
        }
    };
}

functions! {
    always {
        H5Aexists: fn(hid_t, *const c_char) -> htri_t;
        H5Aget_space: fn(hid_t) -> hid_t;
        H5Aget_type: fn(hid_t) -> hid_t;
        H5Aopen: fn(hid_t, *const c_char, hid_t) -> hid_t;
        H5Aread: fn(hid_t, hid_t, *mut c_void) -> herr_t;
        H5Dget_create_plist: fn(hid_t) -> hid_t;
        H5Dget_space: fn(hid_t) -> hid_t;
        H5Dget_type: fn(hid_t) -> hid_t;
        H5Dopen2: fn(hid_t, *const c_char, hid_t) -> hid_t;
        H5Dread: fn(hid_t, hid_t, hid_t, hid_t, hid_t, *mut c_void) -> herr_t;
        H5Fget_access_plist: fn(hid_t) -> hid_t;
        H5Fget_intent: fn(hid_t, *mut c_uint) -> herr_t;
        H5Fget_name: fn(hid_t, *mut c_char, usize) -> isize;
        H5Fget_obj_count: fn(hid_t, c_uint) -> isize;
        H5Fget_obj_ids: fn(hid_t, c_uint, usize, *mut hid_t) -> isize;
        H5Fget_vfd_handle: fn(hid_t, hid_t, *mut *mut c_void) -> herr_t;
        H5Idec_ref: fn(hid_t) -> c_int;
        H5Iget_file_id: fn(hid_t) -> hid_t;
        H5Iinc_ref: fn(hid_t) -> c_int;
        H5Pget_driver: fn(hid_t) -> hid_t;
        H5Pget_external_count: fn(hid_t) -> c_int;
        H5Pget_layout: fn(hid_t) -> c_int;
        H5Screate_simple: fn(c_int, *const hsize_t, *const hsize_t) -> hid_t;
        H5Sget_simple_extent_dims: fn(hid_t, *mut hsize_t, *mut hsize_t) -> c_int;
        H5Sget_simple_extent_ndims: fn(hid_t) -> c_int;
        H5Sselect_hyperslab: fn(hid_t, c_int, *const hsize_t, *const hsize_t, *const hsize_t, *const hsize_t) -> herr_t;
    }
    sometimes {
        H5Eget_auto2: fn(hid_t, *mut H5E_auto2_t, *mut *mut c_void) -> herr_t;
        H5Eset_auto2: fn(hid_t, H5E_auto2_t, *mut c_void) -> herr_t;
        H5Ewalk2: fn(hid_t, c_int, H5E_walk2_t, *mut c_void) -> herr_t;
        // Until HDF5 1.14; then a variable has the driver's id.
        H5FD_sec2_init: fn() -> hid_t;
        H5Fget_filesize: fn(hid_t, *mut hsize_t) -> herr_t;
        // Of HDF5 with MPI.
        H5Fget_mpi_atomicity: fn(hid_t, *mut c_uint) -> herr_t;
        H5Fopen: fn(*const c_char, c_uint, hid_t) -> hid_t;
        H5Pcreate: fn(hid_t) -> hid_t;
        H5Pset_chunk_cache: fn(hid_t, usize, usize, f64) -> herr_t;
        H5Pset_elink_acc_flags: fn(hid_t, c_uint) -> herr_t;
        H5Pset_elink_fapl: fn(hid_t, hid_t) -> herr_t;
        H5Pset_fapl_sec2: fn(hid_t) -> herr_t;
        // Since HDF5 1.10.7.
        H5Pset_file_locking: fn(hid_t, c_uint, c_uint) -> herr_t;
        // Since HDF5 2.0.
        H5Epause_stack: fn(hid_t) -> herr_t;
        H5Eresume_stack: fn(hid_t) -> herr_t;
        // The one of HDF5 1.10, that of 1.10.3, and that of 1.12.
        H5Oget_info: fn(hid_t, *mut c_void) -> herr_t;
        H5Oget_info2: fn(hid_t, *mut c_void, c_uint) -> herr_t;
        H5Oget_info3: fn(hid_t, *mut c_void, c_uint) -> herr_t;
    }
}
