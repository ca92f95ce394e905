use std::ffi::{CStr, CString};

use crate::error::{Result, bad_header};

/// Takes little-endian numbers and strings off the front of stored bytes.
pub struct Reader<'b> {
    bytes: &'b [u8],
    position: usize,
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes were taken.
    pub fn position(&self) -> usize {
        self.position
    }

    /// All bytes before this position.
    pub fn before(&self, position: usize) -> &'b [u8] {
        &self.bytes[..position]
    }

    pub fn u32(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let Some((array, _)) = self.bytes[self.position..].split_first_chunk() else {
            return Err(bad_header!("it ends before its {what}, after {} bytes", self.bytes.len()));
        };
        self.position += N;
        Ok(*array)
    }

    /// A string that ends with a NUL.
    pub fn string(&mut self, what: &str) -> Result<CString> {
        let Ok(string) = CStr::from_bytes_until_nul(&self.bytes[self.position..]) else {
            return Err(bad_header!("the path of the {what} does not end"));
        };
        self.position += string.count_bytes() + 1;
        Ok(string.to_owned())
    }
}
