//! What each operating system calls differently: loaded modules and their symbols, and memory.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Handle, Mapping, Module, first_loaded, function_of, keep_loaded};
#[cfg(windows)]
pub use windows::{Handle, Mapping, Module, first_loaded, function_of, keep_loaded};
