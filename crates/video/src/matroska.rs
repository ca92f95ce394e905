//! Is a Matroska file whole? FFmpeg reads what is there of one, and says nothing.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use crate::error::{Error, Result};

/// EBML's header, which starts the file (RFC 8794, 11.2.1).
const EBML: u32 = 0x1A45_DFA3;
/// All that follows it (RFC 9559, 5.1).
const SEGMENT: u32 = 0x1853_8067;

/// An error if a file is Matroska and ends before it should. Other files, and those that do not know where
/// they end, since they were recorded live, are taken as they are.
pub(crate) fn check_whole(path: &Path) -> Result<()> {
    let describe = |e| Error::file(path, e);
    let metadata = fs::metadata(path).map_err(describe)?;
    if !metadata.is_file() {
        return Ok(());
    }
    let mut file = BufReader::new(File::open(path).map_err(describe)?);
    match end_of_segment(&mut file) {
        Some(end) if end > metadata.len() => {
            Err(Error::file(path, format!("it is cut off: {} of {end} bytes are there", metadata.len())))
        }
        _ => Ok(()),
    }
}

fn end_of_segment(file: &mut (impl Read + Seek)) -> Option<u64> {
    if read_id(file)? != EBML {
        return None;
    }
    let header_bytes = read_size(file)?;
    file.seek_relative(i64::try_from(header_bytes).ok()?).ok()?;
    if read_id(file)? != SEGMENT {
        return None;
    }
    let segment_bytes = read_size(file)?;
    file.stream_position().ok()?.checked_add(segment_bytes)
}

fn read_id(file: &mut impl Read) -> Option<u32> {
    let mut id = [0; 4];
    file.read_exact(&mut id).ok()?;
    Some(u32::from_be_bytes(id))
}

/// A number of 1 to 8 bytes, as many as zeros lead in the first, and one (RFC 8794, 4); `None` if it is unknown.
fn read_size(file: &mut impl Read) -> Option<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes[..1]).ok()?;
    let n_bytes = bytes[0].leading_zeros() as usize + 1;
    file.read_exact(bytes.get_mut(1..n_bytes)?).ok()?;
    let mask = (1 << (7 * n_bytes)) - 1;
    let size = (u64::from_be_bytes(bytes) >> (64 - 8 * n_bytes)) & mask;
    (size != mask).then_some(size)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn sizes_have_1_to_8_bytes() {
        let size = |bytes: &[u8]| read_size(&mut Cursor::new(bytes));
        assert_eq!(size(&[0x82]), Some(2));
        assert_eq!(size(&[0x40, 0x02]), Some(2));
        assert_eq!(size(&[0x01, 0, 0, 0, 0, 0, 1, 2]), Some(258));
        assert_eq!(size(&[0xFF]), None);
        assert_eq!(size(&[0x01, 255, 255, 255, 255, 255, 255, 255]), None);
        assert_eq!(size(&[0x00; 9]), None);
        assert_eq!(size(&[0x40]), None);
    }

    #[test]
    fn the_segment_tells_where_it_ends() {
        let head =
            |segment: &[u8]| [&[0x1A, 0x45, 0xDF, 0xA3, 0x81, 7, 0x18, 0x53, 0x80, 0x67], segment].concat();
        let end = |bytes: Vec<u8>| end_of_segment(&mut Cursor::new(bytes));
        assert_eq!(end(head(&[0x8A])), Some(11 + 10));
        assert_eq!(end(head(&[0xFF])), None);
        assert_eq!(end(b"RIFF....AVI ".to_vec()), None);
        assert_eq!(end(vec![]), None);
    }
}
