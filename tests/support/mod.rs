//! What the tests share.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod examples;
mod lab;
mod run;

pub use lab::{Hdf5, Lab, built_plugin};
pub use run::Run;
