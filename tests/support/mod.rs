//! What the tests share.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

mod lab;
mod run;

pub use lab::{Hdf5, Lab, built_plugin};
pub use run::Run;
