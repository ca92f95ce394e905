use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value that belongs to the process that made it.
///
/// After a `fork`, the locks of the parent may be held by threads that do not exist in the child. So
/// a child makes a value of its own, and leaves what it inherited alone.
pub struct PerProcess<T> {
    current: AtomicPtr<Owned<T>>,
}

struct Owned<T> {
    process: u32,
    value: T,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    /// No value yet.
    pub const fn new() -> Self {
        Self { current: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value of this process.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let process = std::process::id();
        let known = self.current.load(Ordering::Acquire);
        // SAFETY: the pointer is null or to a value that was leaked below.
        if let Some(owned) = unsafe { known.as_ref() }.filter(|owned| owned.process == process) {
            return &owned.value;
        }
        let fresh = Box::into_raw(Box::new(Owned { process, value: make() }));
        match self.current.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `fresh` is never freed: the parent's, too, stays as it is in a child.
            Ok(_) => unsafe { &(*fresh).value },
            Err(other) => {
                // SAFETY: nobody has seen `fresh`; `other` was leaked by the thread that was faster.
                unsafe {
                    drop(Box::from_raw(fresh));
                    &(*other).value
                }
            }
        }
    }
}

impl<T: Send + Sync + 'static> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_value() {
        static VALUE: PerProcess<u32> = PerProcess::new();
        assert_eq!(*VALUE.get_or_init(|| 1), 1);
        assert_eq!(*VALUE.get_or_init(|| 2), 1);
    }
}
