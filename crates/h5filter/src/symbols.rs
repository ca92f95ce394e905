use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::linked;
use crate::system::{self, Handle, Module};

/// The module that called into this plugin: that of the first frame on the call stack that lies outside the
/// plugin.
pub fn calling_module() -> Option<Module> {
    Module::containing(calling_address()?)
}

/// Addresses of one module that stays loaded: those that were added, and so all between them.
pub struct Range {
    first: AtomicUsize,
    last: AtomicUsize,
}

impl Range {
    /// Nothing is known yet.
    pub const fn new() -> Self {
        Self { first: AtomicUsize::new(usize::MAX), last: AtomicUsize::new(0) }
    }

    /// Whether the address is known to be of the module.
    pub fn contains(&self, address: *const c_void) -> bool {
        (self.first.load(Ordering::Relaxed)..=self.last.load(Ordering::Relaxed)).contains(&address.addr())
    }

    /// Takes in an address of the module.
    pub fn add(&self, address: *const c_void) {
        self.first.fetch_min(address.addr(), Ordering::Relaxed);
        self.last.fetch_max(address.addr(), Ordering::Relaxed);
    }
}

/// The first return address on the call stack that lies outside the plugin; an address in the program that
/// HDF5 is linked into, too.
pub fn calling_address() -> Option<*const c_void> {
    static OWN: Range = Range::new();
    let own = calling_address as *const c_void;
    if linked::IS_LINKED {
        return Some(own);
    }
    let mut own_base = None;
    let mut is_own = |address| {
        if OWN.contains(address) {
            return Some(true);
        }
        let base = match own_base {
            Some(base) => base,
            None => *own_base.insert(Module::containing(own)?.base()),
        };
        let is_own = Module::containing(address)?.base() == base;
        if is_own {
            OWN.add(address);
        }
        Some(is_own)
    };
    let mut caller = None;
    // The lock of `backtrace::trace` may be held for ever in the child of a fork.
    // SAFETY: what the lock guards is the naming of frames, which nobody here asks for; the
    // unwinder that walks the stack may run in several threads.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            let address = frame.ip().cast_const();
            caller = (is_own(address) == Some(false)).then_some(address);
            caller.is_none()
        });
    }
    caller
}

/// Whether one of these functions is on the call stack.
pub fn is_called_by(functions: &[*mut c_void]) -> bool {
    let mut found = false;
    // SAFETY: as in `calling_address`.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            found = functions.contains(&system::function_of(frame));
            !found
        });
    }
    found
}

/// The functions and variables of one loaded module: those that it exports and, for the main
/// program, those in its file's symbol table too, unless that was stripped.
pub struct Symbols {
    module: Module,
    handle: Handle,
    /// Read when something is not exported.
    table: OnceCell<Table>,
}

/// Addresses by name.
type Table = HashMap<Vec<u8>, *mut c_void>;

impl Symbols {
    pub fn of(module: Module) -> Option<Self> {
        let handle = Handle::of(&module)?;
        Some(Self { module, handle, table: OnceCell::new() })
    }

    pub fn find(&self, name: &CStr) -> Option<*mut c_void> {
        if linked::IS_LINKED {
            return linked::find(name);
        }
        self.exported(name).or_else(|| {
            let table = self.table.get_or_init(|| self.read_table().unwrap_or_default());
            table.get(name.to_bytes()).copied()
        })
    }

    fn exported(&self, name: &CStr) -> Option<*mut c_void> {
        let symbol = self.handle.symbol(name)?;
        // A program's symbols include those of every library it has loaded; take only its own.
        (Module::containing(symbol)?.base() == self.module.base()).then_some(symbol)
    }

    #[cfg(target_os = "linux")]
    fn read_table(&self) -> Option<Table> {
        use object::{Object, ObjectSymbol};

        // SAFETY: getauxval only reads what the kernel gave this process when it started.
        let entry = unsafe { libc::getauxval(libc::AT_ENTRY) } as *mut c_void;
        if Module::containing(entry)?.base() != self.module.base() {
            return None;
        }
        // The file that runs, even if its name now belongs to another.
        let file = std::fs::read("/proc/self/exe").ok()?;
        let file = object::File::parse(&*file).ok()?;
        // The program's entry is known in memory and in the file, wherever it was loaded (PIE or
        // not); everything else is as far from it here as there.
        let address = |in_file: u64| entry.wrapping_byte_add(in_file.wrapping_sub(file.entry()) as usize);
        let symbols = file.symbols().filter(|symbol| symbol.is_definition());
        Some(symbols.filter_map(|s| Some((s.name_bytes().ok()?.to_vec(), address(s.address())))).collect())
    }

    #[cfg(not(target_os = "linux"))]
    fn read_table(&self) -> Option<Table> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::ptr;

    use super::*;

    #[unsafe(no_mangle)]
    extern "C" fn h5filter_own_function() {}

    #[unsafe(no_mangle)]
    static H5FILTER_OWN_VARIABLE: u8 = 0;

    /// The symbols of the test program, which exports none.
    fn own() -> Symbols {
        let module = Module::containing(h5filter_own_function as *const c_void).unwrap();
        Symbols::of(module).unwrap()
    }

    #[test]
    fn what_a_program_does_not_export_is_found() {
        let symbols = own();
        let function = h5filter_own_function as *mut c_void;
        let variable = ptr::from_ref(&H5FILTER_OWN_VARIABLE).cast_mut().cast();
        assert_eq!(symbols.exported(c"h5filter_own_function"), None);
        assert_eq!(symbols.find(c"h5filter_own_function"), Some(function));
        assert_eq!(symbols.find(c"H5FILTER_OWN_VARIABLE"), Some(variable));
    }

    #[test]
    fn what_it_takes_from_a_library_is_not() {
        assert_eq!(own().find(c"malloc"), None);
    }
}
