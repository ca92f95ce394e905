//! What people read: errors, shapes, sizes.

use std::io::{self, Write};

/// The error and its causes in one line, without those that the one before has in its own words.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let cause = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // The filter says whose error it is, among those of HDF5.
        let cause = cause.strip_prefix("h5h264: ").unwrap_or(&cause).to_owned();
        if !parts.last().is_some_and(|before| before.contains(&cause)) {
            parts.push(cause);
        }
    }
    parts.join(": ")
}

/// Prints a line. That nobody reads any more is no error: for programs whose exit code says what they have found.
pub fn print_line(line: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let error = anyhow!("no such file").context("can't open it: no such file").context("a.tif");
        assert_eq!(one_line(&error), "a.tif: can't open it: no such file");
        assert_eq!(one_line(&anyhow!("two\n lines").context("in")), "in: two lines");
    }
}
