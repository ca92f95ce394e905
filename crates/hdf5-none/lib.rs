//! Nothing. See `build.rs`.
