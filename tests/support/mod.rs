//! What the tests share.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod bodies;
pub mod examples;
mod lab;
mod run;

pub use lab::{Hdf5, Lab, built_plugin};
use proptest::test_runner::{Config, RngSeed};
pub use run::Run;

/// Proptest with the same `cases` each time.
pub fn repeatable(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(0), failure_persistence: None, ..Config::default() }
}
