//! Settings from environment variables. Wrong values count as not set: a filter has nobody to tell.

/// A number.
pub fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}

/// Whether a variable is on or off (`0`); `default` when it is not set.
pub fn switch(name: &str, default: bool) -> bool {
    std::env::var_os(name).map_or(default, |value| value != "0")
}
