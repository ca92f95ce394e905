//! Bytes of which only the low bits count, packed without gaps: value i has the bits from
//! i × `bits` up, in a stream whose bytes are filled from their least significant bit.

/// Bytes that `n` values of `bits` bits take.
pub fn packed_bytes(n: usize, bits: u32) -> usize {
    // (n × bits) / 8 rounded up, without overflow for any n.
    n / 8 * bits as usize + (n % 8 * bits as usize).div_ceil(8)
}

/// Packs `values`, each below 2^`bits` (1 to 8), into `packed`, which has just the
/// [`packed_bytes`] for them.
pub fn pack(values: &[u8], bits: u32, packed: &mut [u8]) {
    debug_assert_eq!(packed.len(), packed_bytes(values.len(), bits));
    match bits {
        1 => pack_groups::<1>(values, packed),
        2 => pack_groups::<2>(values, packed),
        3 => pack_groups::<3>(values, packed),
        4 => pack_groups::<4>(values, packed),
        5 => pack_groups::<5>(values, packed),
        6 => pack_groups::<6>(values, packed),
        7 => pack_groups::<7>(values, packed),
        _ => packed.copy_from_slice(values),
    }
}

/// The inverse of [`pack`].
pub fn unpack(packed: &[u8], bits: u32, values: &mut [u8]) {
    debug_assert_eq!(packed.len(), packed_bytes(values.len(), bits));
    match bits {
        1 => unpack_groups::<1>(packed, values),
        2 => unpack_groups::<2>(packed, values),
        3 => unpack_groups::<3>(packed, values),
        4 => unpack_groups::<4>(packed, values),
        5 => unpack_groups::<5>(packed, values),
        6 => unpack_groups::<6>(packed, values),
        7 => unpack_groups::<7>(packed, values),
        _ => values.copy_from_slice(packed),
    }
}

/// Eight values make `BITS` whole bytes, so groups of eight are independent.
fn pack_groups<const BITS: usize>(values: &[u8], packed: &mut [u8]) {
    let (groups, rest) = values.as_chunks::<8>();
    let (whole, last) = packed.split_at_mut(groups.len() * BITS);
    for (group, out) in groups.iter().zip(whole.chunks_exact_mut(BITS)) {
        out.copy_from_slice(&squeeze::<BITS>(*group)[..BITS]);
    }
    if !rest.is_empty() {
        let mut group = [0; 8];
        group[..rest.len()].copy_from_slice(rest);
        last.copy_from_slice(&squeeze::<BITS>(group)[..last.len()]);
    }
}

fn unpack_groups<const BITS: usize>(packed: &[u8], values: &mut [u8]) {
    let (groups, rest) = values.as_chunks_mut::<8>();
    let (whole, last) = packed.split_at(groups.len() * BITS);
    for (group, bytes) in groups.iter_mut().zip(whole.chunks_exact(BITS)) {
        *group = spread::<BITS>(bytes);
    }
    rest.copy_from_slice(&spread::<BITS>(last)[..rest.len()]);
}

/// Moves the low `BITS` bits of eight bytes together, by halving the gaps three times.
fn squeeze<const BITS: usize>(group: [u8; 8]) -> [u8; 8] {
    let mut x = u64::from_le_bytes(group);
    x = x & 0x00ff_00ff_00ff_00ff | (x & 0xff00_ff00_ff00_ff00) >> (8 - BITS);
    x = x & 0x0000_ffff_0000_ffff | (x & 0xffff_0000_ffff_0000) >> (16 - 2 * BITS);
    x = x & 0x0000_0000_ffff_ffff | (x & 0xffff_ffff_0000_0000) >> (32 - 4 * BITS);
    x.to_le_bytes()
}

/// The inverse of [`squeeze`]; missing bytes count as 0.
fn spread<const BITS: usize>(bytes: &[u8]) -> [u8; 8] {
    let mut group = [0; 8];
    group[..bytes.len()].copy_from_slice(bytes);
    let mask = |bits: usize| (1u64 << bits) - 1;
    let mut x = u64::from_le_bytes(group);
    x = x & mask(4 * BITS) | (x & mask(4 * BITS) << (4 * BITS)) << (32 - 4 * BITS);
    let halves = mask(2 * BITS) | mask(2 * BITS) << 32;
    x = x & halves | (x & halves << (2 * BITS)) << (16 - 2 * BITS);
    let quarters = mask(BITS) | mask(BITS) << 16 | mask(BITS) << 32 | mask(BITS) << 48;
    x = x & quarters | (x & quarters << BITS) << (8 - BITS);
    x.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One bit at a time.
    fn naive_pack(values: &[u8], bits: u32) -> Vec<u8> {
        let mut packed = vec![0; (values.len() * bits as usize).div_ceil(8)];
        for (i, value) in values.iter().enumerate() {
            for bit in 0..bits as usize {
                let position = i * bits as usize + bit;
                packed[position / 8] |= (value >> bit & 1) << (position % 8);
            }
        }
        packed
    }

    proptest! {
        #[test]
        fn packing_is_that_of_the_naive_twin_and_comes_back(
            values in proptest::collection::vec(any::<u8>(), 0..100), bits in 1u32..=8,
        ) {
            let values: Vec<u8> = values.into_iter().map(|v| (u16::from(v) & ((1 << bits) - 1)) as u8).collect();
            let mut packed = vec![0; packed_bytes(values.len(), bits)];
            pack(&values, bits, &mut packed);
            prop_assert_eq!(&packed, &naive_pack(&values, bits));
            let mut back = vec![0xff; values.len()];
            unpack(&packed, bits, &mut back);
            prop_assert_eq!(back, values);
        }
    }
}
