//! What HDF5 filter plugins share when they live inside somebody else's process.
//!
//! A plugin built on this crate does not link libhdf5. It takes types and constants from
//! `hdf5-sys` and looks its functions up, at run time, in *the* libhdf5 that called it
//! ([`Library`]), so that it works in the h5py wheel, in a distribution's tools, and with both
//! in one process.
//!
//! A filter is a type that implements [`Filter`]; [`export_plugin!`] makes a dynamic plugin of it.
//! Everything the filter returns is turned into HDF5's conventions here: errors go to the HDF5
//! error stack, panics are contained, buffers come from `malloc`.

mod allocator;
mod buffer;
mod datatype;
pub mod environment;
mod failure;
mod filter;
pub mod job;
mod library;
mod linked;
pub mod memory;
mod names;
mod new_dataset;
// Elsewhere, it is not known which file is open.
#[cfg_attr(not(unix), allow(dead_code))]
mod objects;
pub mod parallel;
mod per_process;
mod symbols;
mod system;

pub use allocator::Allocator;
pub use buffer::{Buffer, OutOfMemory, UninitBuffer};
pub use datatype::{Element, SampleKind};
pub use failure::{Failure, Minor};
pub use filter::{FLUSHERS, Filter, PluginClass, WRITERS, guard, silence_panics};
pub use hdf5_sys;
pub use library::Library;
pub use new_dataset::{CdValues, NewDataset};
pub use objects::{Dataset, File, FileState, Hdf5, Identity};
pub use per_process::PerProcess;
pub use system::keep_loaded;
