//! What making an answer may cost, whatever the file is like: links that lead to links, objects with more
//! objects, and time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use super::failure::{Failure, Result};

/// Links, objects and attributes that are looked at for an answer.
const MAX_STEPS: usize = 200_000;
/// What takes longer is given up.
pub const MAX_TIME: Duration = Duration::from_secs(300);

thread_local! {
    /// Of the answer that this thread makes: steps that are left, and when it has to be made.
    static LEFT: Cell<Option<(usize, Instant)>> = const { Cell::new(None) };
}

/// Does work for one answer.
pub fn with<T>(work: impl FnOnce() -> T) -> T {
    LEFT.set(Some((MAX_STEPS, Instant::now() + MAX_TIME)));
    let done = work();
    LEFT.set(None);
    done
}

/// Takes a step. An error if none is left, or no time.
pub fn step() -> Result<()> {
    steps(1)
}

/// Takes several.
pub fn steps(wanted: usize) -> Result<()> {
    let Some((n, end)) = LEFT.get() else { return Ok(()) };
    if n < wanted {
        let reason = format!(
            "more than {MAX_STEPS} links, objects, attributes and members of types would have to be looked at"
        );
        return Err(Failure::too_large(reason));
    }
    if Instant::now() > end {
        let reason = format!("there was no answer within {} s", MAX_TIME.as_secs());
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, reason));
    }
    LEFT.set(Some((n - wanted, end)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_to_an_end() {
        assert!((0..MAX_STEPS + 10).all(|_| step().is_ok()));
        for _ in 0..2 {
            assert_eq!(with(|| (0..MAX_STEPS + 10).filter(|_| step().is_ok()).count()), MAX_STEPS);
        }
    }
}
