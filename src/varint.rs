//! Unsigned integers of variable length (LEB128): seven bits a byte, the least significant first;
//! the top bit says that another byte follows.

use crate::error::{Result, damaged};

/// Appends `value`.
pub(crate) fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value`, whose sign goes to its lowest bit: 0, -1, 1, -2, …
pub(crate) fn write_signed(value: i64, out: &mut Vec<u8>) {
    write((value << 1 ^ value >> 63) as u64, out);
}

/// Reads from the front of a buffer; running out of bytes is an error.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (bytes, rest) =
            self.0.split_at_checked(n).ok_or_else(|| damaged!("it ends within its header"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte == 0 && shift > 0 {
                return Err(damaged!("a number in its header that is longer than it needs to be"));
            }
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(damaged!("a number of over 64 bits in its header"))
    }

    pub(crate) fn signed_varint(&mut self) -> Result<i64> {
        let folded = self.varint()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    pub(crate) fn size(&mut self) -> Result<usize> {
        usize::try_from(self.varint()?).map_err(|_| damaged!("a size that this machine can't address"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overlong_numbers_are_errors() {
        assert!(Reader(&[0x80; 10]).varint().is_err());
        assert!(Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varint().is_err());
        assert!(Reader(&[0x80]).varint().is_err());
        assert!(Reader(&[0x81, 0x00]).varint().is_err());
        assert_eq!(Reader(&[0x00]).varint().unwrap(), 0);
    }

    proptest! {
        #[test]
        fn numbers_come_back(value: u64, shift in 0u32..64) {
            let mut out = Vec::new();
            write(value >> shift, &mut out);
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.varint().unwrap(), value >> shift);
            let signed = value as i64 >> shift;
            prop_assert!(reader.0.is_empty());
            let mut out = Vec::new();
            write_signed(signed, &mut out);
            prop_assert_eq!(Reader(&out).signed_varint().unwrap(), signed);
        }
    }
}
