use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::frames::Frames;
use crate::h5::NumberKind;
use crate::output::Output;
use crate::progress;

/// The header is padded to a multiple of so many bytes.
const ALIGNMENT: usize = 64;

/// Writes the dataset as an array of NumPy's format 1.0.
pub fn write(frames: &Frames<'_>, target: &Path, input: &Path) -> Result<()> {
    let output = Output::new(target, &[input])?;
    let describe = || format!("can't write {}", target.display());
    let mut file = BufWriter::new(File::create(output.path()).with_context(describe)?);
    file.write_all(&header(frames.kind, frames.sample_bytes, &frames.shape)).with_context(describe)?;
    let bar = progress::bar(frames.n_frames() * frames.frame_bytes(), "exporting");
    for part in frames.parts(0) {
        let part = part?;
        file.write_all(&part).with_context(describe)?;
        bar.inc(part.len() as u64);
    }
    file.flush().with_context(describe)?;
    bar.finish_and_clear();
    output.finish()
}

fn header(kind: NumberKind, sample_bytes: usize, shape: &[u64]) -> Vec<u8> {
    let order = if cfg!(target_endian = "big") { '>' } else { '<' };
    let kind = match kind {
        NumberKind::Unsigned => 'u',
        NumberKind::Signed => 'i',
        NumberKind::Float => 'f',
    };
    // A tuple of one has a comma.
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text =
        format!("{{'descr': '{order}{kind}{sample_bytes}', 'fortran_order': False, 'shape': ({shape}), }}");
    let start = b"\x93NUMPY\x01\x00";
    let len = (start.len() + 2 + text.len() + 1).next_multiple_of(ALIGNMENT) - start.len() - 2;
    text.push_str(&" ".repeat(len - text.len() - 1));
    text.push('\n');
    // 32 dimensions of 20 digits are far from 64 KiB.
    [&start[..], &(len as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_numpy() {
        let header = header(NumberKind::Unsigned, 2, &[10]);
        assert_eq!(header.len() % ALIGNMENT, 0);
        assert_eq!(header[8..10], (header.len() as u16 - 10).to_le_bytes());
        let text = std::str::from_utf8(&header[10..]).unwrap();
        assert!(text.starts_with("{'descr': '<u2', 'fortran_order': False, 'shape': (10, ), }"), "{text}");
        assert!(text.ends_with('\n'));
    }
}
