use std::ffi::{CStr, c_void};
use std::ptr;

use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::System::Diagnostics::Debug::{
    IMAGE_RUNTIME_FUNCTION_ENTRY, RtlLookupFunctionEntry, UNW_FLAG_CHAININFO,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleHandleExW, GetProcAddress,
};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

/// A loaded executable or DLL.
pub struct Module(HMODULE);

impl Module {
    /// Where it is loaded.
    pub fn base(&self) -> usize {
        self.0.addr()
    }

    /// The module that has this address in it.
    pub fn containing(address: *const c_void) -> Option<Self> {
        find(address, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT).map(Self)
    }
}

fn find(address: *const c_void, flags: u32) -> Option<HMODULE> {
    let mut module = ptr::null_mut();
    // SAFETY: with this flag, the name is an address, which is only compared; `module` is valid for the call.
    let found = unsafe {
        GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | flags, address.cast(), &mut module)
    };
    (found != 0).then_some(module)
}

/// One more user of a module, which stays loaded meanwhile.
pub struct Handle(HMODULE);

impl Handle {
    pub fn of(module: &Module) -> Option<Self> {
        find(module.0, 0).map(Self)
    }

    /// What the module exports under this name.
    pub fn symbol(&self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: the module is loaded as long as `self` lives; the name is NUL-terminated.
        let symbol = unsafe { GetProcAddress(self.0, name.as_ptr().cast()) };
        symbol.map(|symbol| symbol as *mut c_void)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: gives back what `of` took, once; the module stays loaded, it is on the stack.
        unsafe { FreeLibrary(self.0) };
    }
}

/// Nothing: a program has no copies of a DLL's variables.
pub fn first_loaded(_name: &CStr) -> Option<*mut c_void> {
    None
}

/// Where the function of a frame on the call stack starts.
pub fn function_of(frame: &backtrace::Frame) -> *mut c_void {
    let mut base = 0;
    // SAFETY: the address is only looked up; `base` is valid for the call, and no history is kept.
    let entry = unsafe { RtlLookupFunctionEntry(frame.ip().addr() as _, &mut base, ptr::null_mut()) };
    // SAFETY: what is found lives as long as the module, which is on the stack, and is part of its image at `base`.
    match unsafe { entry.as_ref() } {
        Some(entry) => {
            (base as usize + first_part(base as usize, entry).BeginAddress as usize) as *mut c_void
        }
        None => frame.symbol_address(),
    }
}

/// A compiler may cut a function into parts, each of which names the one before it, behind its unwind codes
/// (UNWIND_INFO of the x64 exception data).
fn first_part(base: usize, entry: &IMAGE_RUNTIME_FUNCTION_ENTRY) -> IMAGE_RUNTIME_FUNCTION_ENTRY {
    let mut entry = *entry;
    loop {
        // SAFETY: an entry of a loaded image has unwind information in that image.
        unsafe {
            let info = (base + entry.Anonymous.UnwindInfoAddress as usize) as *const u8;
            let flags = u32::from(*info >> 3);
            if flags & UNW_FLAG_CHAININFO == 0 {
                return entry;
            }
            // Codes of two bytes, an even number of them, behind a header of four.
            let n_codes = usize::from(*info.add(2)).next_multiple_of(2);
            entry = info.add(4 + 2 * n_codes).cast::<IMAGE_RUNTIME_FUNCTION_ENTRY>().read_unaligned();
        }
    }
}

/// Keeps this library loaded until the process ends.
pub fn keep_loaded() {
    let _ = find(keep_loaded as *const c_void, GET_MODULE_HANDLE_EX_FLAG_PIN);
}

/// Memory from the system, which nobody touches.
pub struct Mapping {
    start: *mut c_void,
    pub bytes: usize,
}

// SAFETY: memory belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    pub fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.max(1);
        // SAFETY: new memory overlaps nothing.
        let start = unsafe { VirtualAlloc(ptr::null(), bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
        (!start.is_null()).then(|| Self { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was made by `new`, nobody else knows it, and it is given back once.
        unsafe { VirtualFree(self.start, 0, MEM_RELEASE) };
    }
}
