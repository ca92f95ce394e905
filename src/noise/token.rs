//! Residuals as tokens and further bits (docs/format.md, "Tokens"): small ones have a token each, of
//! larger ones the token says where the two highest bits are.

use super::word::Word;

/// Different tokens of residuals of up to 32 bits.
pub const N_TOKENS: usize = 72;
/// Folded residuals below this are tokens.
pub const N_EXACT: u8 = 16;

/// The sign to the lowest bit: 0, -1, 1, -2, …
#[inline(always)]
pub fn fold(residual: i32) -> u32 {
    ((residual << 1) ^ (residual >> 31)) as u32
}

/// The inverse of [`fold`].
#[inline(always)]
pub fn unfold(folded: u32) -> i32 {
    (folded >> 1) as i32 ^ -((folded & 1) as i32)
}

/// How many bits follow a token.
#[inline(always)]
pub const fn n_extra_bits(token: u8) -> u32 {
    if token < N_EXACT { 0 } else { token as u32 / 2 - 5 }
}

/// The residual, folded, of a token that no bits follow, or all of whose bits are 0.
#[inline(always)]
pub const fn base(token: u8) -> u32 {
    if token < N_EXACT { token as u32 } else { (2 + token as u32 % 2) << n_extra_bits(token) }
}

/// How many tokens there are for residuals of `bits` bits.
pub fn n_tokens(bits: u32) -> usize {
    usize::from(<u32 as Word>::token(u32::MAX >> (32 - bits))) + 1
}

/// Bits, from the least significant of each byte on.
#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    n_pending: u32,
}

impl BitWriter {
    /// Appends the low `n_bits`, at most 32. All others have to be 0.
    #[inline(always)]
    pub fn write(&mut self, bits: u32, n_bits: u32) {
        self.pending |= u64::from(bits) << self.n_pending;
        self.n_pending += n_bits;
        if self.n_pending >= 32 {
            self.bytes.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.n_pending -= 32;
        }
    }

    /// Makes room for `n_bits`.
    pub fn reserve(&mut self, n_bits: usize) -> crate::error::Result<()> {
        let n_bytes = n_bits.div_ceil(8) + 8;
        self.bytes.try_reserve(n_bytes).map_err(|_| h5filter::OutOfMemory { bytes: n_bytes }.into())
    }

    /// All bytes; the last is filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        let n_bytes = self.n_pending.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..n_bytes]);
        self.bytes
    }
}

/// The inverse of [`BitWriter`]. Beyond the end all bits are 0.
pub struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    /// From the first bit.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next `n_bits`, at most 32.
    #[inline(always)]
    pub fn read(&mut self, n_bits: u32) -> u32 {
        let start = self.position / 8;
        let word = match self.bytes.get(start..start + 8) {
            Some(bytes) => u64::from_le_bytes([
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
            ]),
            None => self.last_word(start),
        };
        let bits = word >> (self.position % 8) & ((1 << n_bits) - 1);
        self.position += n_bits as usize;
        bits as u32
    }

    #[cold]
    fn last_word(&self, start: usize) -> u64 {
        let mut word = [0; 8];
        for (byte, &stored) in word.iter_mut().zip(self.bytes.get(start..).unwrap_or(&[])) {
            *byte = stored;
        }
        u64::from_le_bytes(word)
    }

    /// Whether all bytes were read, and no more.
    pub fn is_at_end(&self) -> bool {
        self.position.div_ceil(8) == self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_and_its_bits_are_the_residual() {
        for folded in (0..70_000).chain([1 << 24, (1 << 24) + 1, u32::MAX / 3, u32::MAX - 1, u32::MAX]) {
            let token = <u32 as Word>::token(folded);
            let extra = folded & ((1u64 << n_extra_bits(token)) - 1) as u32;
            assert_eq!(base(token) + extra, folded);
            assert_eq!(fold(unfold(folded)), folded);
        }
        assert_eq!([1, 4, 5, 16, 32].map(n_tokens), [2, 16, 18, 40, N_TOKENS]);
    }

    proptest! {
        #[test]
        fn bits_come_back(values in prop::collection::vec((any::<u32>(), 0u32..=32), 0..100)) {
            let low = |(value, n): (u32, u32)| (u64::from(value) & ((1u64 << n) - 1)) as u32;
            let mut writer = BitWriter::default();
            values.iter().for_each(|&value| writer.write(low(value), value.1));
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for value in values {
                prop_assert_eq!(reader.read(value.1), low(value));
            }
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(reader.read(32), 0);
        }
    }
}
