//! What people read: errors, shapes, sizes.

use std::io;

/// The error and its causes in one line.
pub fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the program at the other end of a pipe has gone.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io_error = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io_error.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// `10 × 256 × 256`
pub fn shape(lengths: &[u64]) -> String {
    match lengths {
        [] => "scalar".into(),
        _ => lengths.iter().map(u64::to_string).collect::<Vec<_>>().join(" × "),
    }
}

/// `(10, 0, 0)`
pub fn coordinates(offset: &[u64]) -> String {
    format!("({})", offset.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
}

/// `12.3 MB`
pub fn bytes(n: u64) -> String {
    indicatif::DecimalBytes(n).to_string()
}

/// `1 chunk`, `2 chunks`
pub fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
