use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use hdf5_sys::h5::{herr_t, hsize_t, htri_t};
use hdf5_sys::h5i::hid_t;

use crate::filter::Minor;

/// A name as a C string.
macro_rules! c_name {
    ($name:ident) => {
        match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => c"",
        }
    };
}

/// Declares [`Library`]: one field per function, and how it is looked up.
macro_rules! functions {
    ($($name:ident: fn($($arg:ty),*) -> $ret:ty;)*) => {
        /// The functions of the libhdf5 that is calling this plugin.
        ///
        /// A process can hold several (two Python wheels bring one each), and an id made by one
        /// means nothing to another. So nothing is kept: each callback finds its caller anew,
        /// which happens once per created dataset and once per error.
        #[allow(non_snake_case)]
        pub struct Library {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) -> $ret,)*
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
    H5Ecreate_stack: fn() -> hid_t;
    H5Eset_current_stack: fn(hid_t) -> herr_t;
    H5get_libversion: fn(*mut c_uint, *mut c_uint, *mut c_uint) -> herr_t;
    H5Pget_chunk: fn(hid_t, c_int, *mut hsize_t) -> c_int;
    H5Pget_filter_by_id2: fn(hid_t, c_int, *mut c_uint, *mut usize, *mut c_uint, usize, *mut c_char, *mut c_uint) -> herr_t;
    H5Pmodify_filter: fn(hid_t, c_int, c_uint, usize, *const c_uint) -> herr_t;
    H5Tclose: fn(hid_t) -> herr_t;
    H5Tdetect_class: fn(hid_t, c_int) -> htri_t;
    H5Tget_class: fn(hid_t) -> c_int;
    H5Tget_ebias: fn(hid_t) -> usize;
    H5Tget_fields: fn(hid_t, *mut usize, *mut usize, *mut usize, *mut usize, *mut usize) -> herr_t;
    H5Tget_member_offset: fn(hid_t, c_uint) -> usize;
    H5Tget_member_type: fn(hid_t, c_uint) -> hid_t;
    H5Tget_nmembers: fn(hid_t) -> c_int;
    H5Tget_order: fn(hid_t) -> c_int;
    H5Tget_sign: fn(hid_t) -> c_int;
    H5Tget_size: fn(hid_t) -> usize;
    H5Tget_super: fn(hid_t) -> hid_t;
    H5Tis_variable_str: fn(hid_t) -> htri_t;
}

impl Library {
    /// The libhdf5 whose code called into this plugin, or `None` when its functions can't be
    /// found (a program that contains libhdf5 statically and exports nothing), or when it is
    /// older than HDF5 1.10, whose ids have another size.
    pub fn calling() -> Option<Self> {
        let caller = Module::calling()?;
        let library = Self::from_symbols(Symbols::of(&caller)?)?;
        // A program's symbols include those of every library it has loaded; take only its own.
        let own = Module::containing(library.H5get_libversion as *const c_void)?.base == caller.base;
        (own && library.version()? >= (1, 10, 0)).then_some(library)
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
        let id = |name| {
            let variable = self.symbols.find(name)?.cast::<hid_t>();
            // SAFETY: HDF5 exports these names as variables of type hid_t; the library is
            // initialised, since it is calling us.
            Some(unsafe { variable.read() })
        };
        Some((id(c"H5E_ERR_CLS_g")?, id(c"H5E_PLINE_g")?, id(minor)?))
    }
}

/// A loaded executable or shared library.
struct Module {
    file_name: CString,
    base: *const c_void,
}

impl Module {
    /// The module that called into this plugin: that of the first frame on the call stack that
    /// lies outside the plugin.
    fn calling() -> Option<Self> {
        let own = Self::containing(Self::calling as *const c_void)?;
        let mut caller = None;
        backtrace::trace(|frame| {
            caller = Self::containing(frame.ip().cast_const()).filter(|module| module.base != own.base);
            caller.is_none()
        });
        caller
    }

    fn containing(address: *const c_void) -> Option<Self> {
        let mut info = libc::Dl_info {
            dli_fname: ptr::null(),
            dli_fbase: ptr::null_mut(),
            dli_sname: ptr::null(),
            dli_saddr: ptr::null_mut(),
        };
        // SAFETY: dladdr only compares the address; `info` is valid for the call.
        if unsafe { libc::dladdr(address, &mut info) } == 0 || info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: dladdr gave a NUL-terminated name that lives as long as the module is loaded.
        let file_name = unsafe { CStr::from_ptr(info.dli_fname) }.to_owned();
        Some(Self { file_name, base: info.dli_fbase })
    }
}

/// The exported symbols of one loaded module.
struct Symbols(*mut c_void);

impl Symbols {
    fn of(module: &Module) -> Option<Self> {
        // SAFETY: NOLOAD runs no code of the module; it only counts one more user of it.
        let handle = unsafe { libc::dlopen(module.file_name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if !handle.is_null() {
            return Some(Self(handle));
        }
        // The main program is not found by its file name.
        // SAFETY: as above; null stands for the main program.
        let program = unsafe { libc::dlopen(ptr::null(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        (!program.is_null()).then_some(Self(program))
    }

    fn find(&self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: the handle is open as long as `self` lives; the name is NUL-terminated.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol)
    }
}

impl Drop for Symbols {
    fn drop(&mut self) {
        // SAFETY: closes what `of` opened, once; the calling module stays loaded, it is on the stack.
        unsafe { libc::dlclose(self.0) };
    }
}
