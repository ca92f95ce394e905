use std::cell::Cell;

use crate::error::{Result, bad_source};

/// How many views may be read through each other.
pub const MAX_DEPTH: usize = 4;

/// A view that is being read by this thread.
pub struct Depth(());

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    /// One view more. An error when a view is read for a view for a view …
    pub fn enter() -> Result<Self> {
        let depth = DEPTH.get();
        if depth == MAX_DEPTH {
            return Err(bad_source!(
                "more than {MAX_DEPTH} views are read through each other: does a view lead back to itself?"
            ));
        }
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_can_be_nested_a_few_times() {
        let entered: Vec<_> = (0..MAX_DEPTH).map(|_| Depth::enter().unwrap()).collect();
        assert!(Depth::enter().is_err());
        drop(entered);
        assert!(Depth::enter().is_ok());
    }
}
