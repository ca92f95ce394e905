use std::ffi::{CStr, CString, c_void};
use std::ptr;

/// A loaded executable or shared library.
pub struct Module {
    file_name: CString,
    base: *const c_void,
}

impl Module {
    /// Where it is loaded.
    pub fn base(&self) -> usize {
        self.base.addr()
    }

    /// The module that has this address in it. Looking it up goes through all of its symbols.
    pub fn containing(address: *const c_void) -> Option<Self> {
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

/// One more user of a module, which stays loaded meanwhile.
pub struct Handle(*mut c_void);

impl Handle {
    pub fn of(module: &Module) -> Option<Self> {
        // The main program is not found by its file name.
        Self::open(module.file_name.as_ptr(), 0).or_else(|| Self::open(ptr::null(), 0))
    }

    fn open(file_name: *const libc::c_char, flags: libc::c_int) -> Option<Self> {
        // SAFETY: NOLOAD runs no code of the module; it only counts one more user of it. The
        // name is NUL-terminated, or null, which stands for the main program.
        let handle = unsafe { libc::dlopen(file_name, libc::RTLD_LAZY | libc::RTLD_NOLOAD | flags) };
        (!handle.is_null()).then(|| Self(handle))
    }

    /// What the module, or what it was linked with, exports under this name.
    pub fn symbol(&self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: the handle is open as long as `self` lives; the name is NUL-terminated.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: closes what `open` opened, once; the module stays loaded, it is on the stack.
        unsafe { libc::dlclose(self.0) };
    }
}

/// The symbol that the main program and what was loaded with it mean by `name`.
pub fn first_loaded(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name is NUL-terminated.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}

/// Where the function of a frame on the call stack starts.
pub fn function_of(frame: &backtrace::Frame) -> *mut c_void {
    frame.symbol_address()
}

/// Keeps this library loaded until the process ends.
pub fn keep_loaded() {
    // On Linux, the linker has marked it so already (build.rs).
    if let Some(module) = Module::containing(keep_loaded as *const c_void) {
        drop(Handle::open(module.file_name.as_ptr(), libc::RTLD_NODELETE));
    }
}

/// Memory from the system, which nobody touches. Not from malloc: glibc's keeps to itself what it was given
/// back.
pub struct Mapping {
    start: *mut c_void,
    pub bytes: usize,
}

// SAFETY: memory belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    pub fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.max(1);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), bytes, protection, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0)
        };
        (start != libc::MAP_FAILED).then(|| Self { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `new`, nobody else knows it, and it is taken back once.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}
