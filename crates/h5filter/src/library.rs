use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use hdf5_sys::h5::{herr_t, hsize_t};
use hdf5_sys::h5i::hid_t;

use crate::failure::Minor;
use crate::names::c_name;
use crate::symbols::{self, Symbols};
use crate::system;

/// Declares [`Library`]: one field per function, and how it is looked up.
macro_rules! functions {
    (
        always { $($name:ident: fn($($arg:ty),*) -> $ret:ty;)* }
        sometimes { $($rare:ident: fn($($rare_arg:ty),*) -> $rare_ret:ty;)* }
    ) => {
        /// The functions of the libhdf5 that is calling this plugin.
        ///
        /// A process can hold several (two Python wheels bring one each), and an id made by one
        /// means nothing to another. So nothing is kept: each callback finds its caller anew,
        /// which happens once per created dataset and once per error.
        #[allow(non_snake_case)]
        pub struct Library {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) -> $ret,)*
            $(pub(crate) $rare: Option<unsafe extern "C" fn($($rare_arg),*) -> $rare_ret>,)*
            push: unsafe extern "C" fn(
                hid_t, *const c_char, *const c_char, c_uint, hid_t, hid_t, hid_t, *const c_char, ...
            ) -> herr_t,
            symbols: Symbols,
        }

        impl Library {
            fn from_symbols(symbols: Symbols) -> Option<Self> {
                // SAFETY: each symbol is the HDF5 API function of that name, whose signature has
                // been the one declared here since HDF5 1.10 (H5Epush2 since 1.8).
                unsafe {
                    Some(Self {
                        $($name: std::mem::transmute::<
                            *mut c_void,
                            unsafe extern "C" fn($($arg),*) -> $ret,
                        >(symbols.find(c_name!($name))?),)*
                        $($rare: symbols.find(c_name!($rare)).map(|symbol| std::mem::transmute::<
                            *mut c_void,
                            unsafe extern "C" fn($($rare_arg),*) -> $rare_ret,
                        >(symbol)),)*
                        push: std::mem::transmute::<
                            *mut c_void,
                            unsafe extern "C" fn(
                                hid_t, *const c_char, *const c_char, c_uint,
                                hid_t, hid_t, hid_t, *const c_char, ...
                            ) -> herr_t,
                        >(symbols.find(c"H5Epush2")?),
                        symbols,
                    })
                }
            }
        }
    };
}

functions! {
    always {
        H5Ecreate_stack: fn() -> hid_t;
        H5Eset_current_stack: fn(hid_t) -> herr_t;
        H5get_libversion: fn(*mut c_uint, *mut c_uint, *mut c_uint) -> herr_t;
        H5Pget_chunk: fn(hid_t, c_int, *mut hsize_t) -> c_int;
        H5Pget_filter_by_id2: fn(hid_t, c_int, *mut c_uint, *mut usize, *mut c_uint, usize, *mut c_char, *mut c_uint) -> herr_t;
        H5Pmodify_filter: fn(hid_t, c_int, c_uint, usize, *const c_uint) -> herr_t;
        H5Tclose: fn(hid_t) -> herr_t;
        H5Tget_class: fn(hid_t) -> c_int;
        H5Tget_member_offset: fn(hid_t, c_uint) -> usize;
        H5Tget_member_type: fn(hid_t, c_uint) -> hid_t;
        H5Tget_nmembers: fn(hid_t) -> c_int;
        H5Tget_order: fn(hid_t) -> c_int;
        H5Tget_sign: fn(hid_t) -> c_int;
        H5Tget_size: fn(hid_t) -> usize;
        H5Tget_super: fn(hid_t) -> hid_t;
    }
    // A linker takes from libhdf5.a only what a program needs.
    sometimes {
        H5Pget_filter2: fn(hid_t, c_uint, *mut c_uint, *mut usize, *mut c_uint, usize, *mut c_char, *mut c_uint) -> c_int;
        H5Pget_nfilters: fn(hid_t) -> c_int;
        H5Tget_array_dims2: fn(hid_t, *mut hsize_t) -> c_int;
        H5Tget_array_ndims: fn(hid_t) -> c_int;
        H5Tget_ebias: fn(hid_t) -> usize;
        H5Tget_fields: fn(hid_t, *mut usize, *mut usize, *mut usize, *mut usize, *mut usize) -> herr_t;
    }
}

impl Library {
    /// The libhdf5 whose code called into this plugin, or `None` when its functions can't be
    /// found (a program that contains libhdf5 statically, exports nothing and is stripped), or
    /// when it is older than HDF5 1.10, whose ids have another size.
    ///
    /// With the feature `linked-hdf5`, the one that is linked into the same program.
    pub fn calling() -> Option<Self> {
        Self::with(Symbols::of(symbols::calling_module()?)?)
    }

    /// The libhdf5 with these symbols.
    pub(crate) fn with(symbols: Symbols) -> Option<Self> {
        let library = Self::from_symbols(symbols)?;
        (library.version()? >= (1, 10, 0)).then_some(library)
    }

    /// Whether one of these functions of HDF5 is on the call stack.
    pub fn is_called_by(&self, functions: &[&CStr]) -> bool {
        let addresses: Vec<_> = functions.iter().filter_map(|name| self.symbols.find(name)).collect();
        symbols::is_called_by(&addresses)
    }

    /// (major, minor, release)
    pub fn version(&self) -> Option<(u32, u32, u32)> {
        let (mut major, mut minor, mut release) = (0, 0, 0);
        // SAFETY: the three pointers are valid for the call.
        let status = unsafe { (self.H5get_libversion)(&mut major, &mut minor, &mut release) };
        (status >= 0).then_some((major, minor, release))
    }

    /// Puts an error on the error stack of this library, where h5py and `H5Eprint` find it.
    pub(crate) fn push_error(&self, minor: Minor, message: &str) {
        let Some((class, major, minor)) = self.error_ids(minor) else { return };
        // A message with a NUL inside is cut there.
        let bytes: Vec<u8> = message.bytes().take_while(|&b| b != 0).collect();
        let Ok(message) = CString::new(bytes) else { return };
        // HDF5 2.0 pauses the default stack while a filter runs, and drops what is pushed on it.
        // A stack of our own is not paused, and can take the place of the default one.
        // SAFETY: strings are NUL-terminated and outlive the call; "%s" takes one string; the
        // stack is released by the call that makes it the current one.
        unsafe {
            let stack = (self.H5Ecreate_stack)();
            (self.push)(
                stack,
                c"h5filter".as_ptr(),
                c"filter".as_ptr(),
                0,
                class,
                major,
                minor,
                c"%s".as_ptr(),
                message.as_ptr(),
            );
            (self.H5Eset_current_stack)(stack);
        }
    }

    fn error_ids(&self, minor: Minor) -> Option<(hid_t, hid_t, hid_t)> {
        let minor = match minor {
            Minor::BadValue => c"H5E_BADVALUE_g",
            Minor::BadType => c"H5E_BADTYPE_g",
            Minor::CantFilter => c"H5E_CANTFILTER_g",
            Minor::NoSpace => c"H5E_NOSPACE_g",
        };
        let id = |name| self.variable(name);
        Some((id(c"H5E_ERR_CLS_g")?, id(c"H5E_PLINE_g")?, id(minor)?))
    }

    /// The value of one of HDF5's variables that hold an id.
    pub(crate) fn variable(&self, name: &CStr) -> Option<hid_t> {
        // A variable that the main program mentions lives there, and the library's own is not
        // used and invalid (a copy relocation).
        [self.symbols.find(name), system::first_loaded(name)].into_iter().flatten().find_map(|variable| {
            // SAFETY: these names are HDF5's variables of type hid_t, wherever they live.
            let id = unsafe { variable.cast::<hid_t>().read() };
            (id > 0).then_some(id)
        })
    }
}
