use super::bits::{pack, packed_bytes, unpack};
use super::{Coding, Plane, Sample, Transform};

/// Numbers that are packed at a time: a multiple of 8, so that pieces end on a byte.
const PIECE: usize = 4096;

impl Transform {
    /// Packs the raw planes of a frame, one after the other, into `packed`, which has just the
    /// [`raw_bytes`](Self::raw_bytes) for them.
    pub fn pack_raw<S: Sample>(&self, numbers: &[S], mut packed: &mut [u8]) {
        let mut bytes = [0; PIECE];
        for (shift, plane) in self.raw_planes() {
            let mask = 0xff >> (8 - plane.bits);
            for piece in numbers.chunks(PIECE) {
                let bytes = &mut bytes[..piece.len()];
                bytes.iter_mut().zip(piece).for_each(|(byte, number)| *byte = number.byte_at(shift) & mask);
                let (first, rest) = packed.split_at_mut(packed_bytes(piece.len(), plane.bits));
                pack(bytes, plane.bits, first);
                packed = rest;
            }
        }
    }

    /// Sets the numbers of a frame to what their constant and raw planes say.
    pub fn unpack_raw<S: Sample>(&self, mut packed: &[u8], numbers: &mut [S]) {
        numbers.fill(self.constant());
        let mut bytes = [0; PIECE];
        for (shift, plane) in self.raw_planes() {
            for piece in numbers.chunks_mut(PIECE) {
                let bytes = &mut bytes[..piece.len()];
                let (first, rest) = packed.split_at(packed_bytes(piece.len(), plane.bits));
                unpack(first, plane.bits, bytes);
                piece
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(number, byte)| *number = number.or(S::from_byte(*byte, shift)));
                packed = rest;
            }
        }
    }

    /// Bytes that the raw planes of `n` samples take.
    pub fn raw_bytes(&self, n: usize) -> usize {
        self.raw_planes().map(|(_, plane)| packed_bytes(n, plane.bits)).sum()
    }

    fn constant<S: Sample>(&self) -> S {
        self.placed_planes().fold(S::default(), |constant, (shift, plane)| match plane.coding {
            Coding::Constant(byte) => constant.or(S::from_byte(byte, shift)),
            _ => constant,
        })
    }

    fn raw_planes(&self) -> impl Iterator<Item = (u32, Plane)> {
        self.placed_planes().filter(|(_, plane)| plane.coding == Coding::Raw)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transform::Mapping;

    proptest! {
        #[test]
        fn raw_and_constant_planes_come_back(
            n in prop_oneof![0..40usize, PIECE - 3..PIECE + 20], widths in prop::collection::vec(1u32..=8, 1..8), seed: u64,
        ) {
            let planes: Vec<_> = widths.iter().enumerate().map(|(i, &bits)| {
                let coding = if i % 3 == 1 { Coding::Constant((0xa5 & (0xff >> (8 - bits))) as u8) } else { Coding::Raw };
                Plane { bits, coding }
            }).collect();
            let transform = Transform { mapping: Mapping::Integer { offset: 0 }, table: None, planes };
            let n_bits: u32 = widths.iter().sum();
            // The naive twin of the planes: each bit of a number is the plane's constant or free.
            let mut constant_bits = 0u64;
            for (shift, plane) in transform.placed_planes() {
                if matches!(plane.coding, Coding::Constant(_)) {
                    constant_bits |= (0xff >> (8 - plane.bits)) << shift;
                }
            }
            let constant: u64 = transform.constant();
            let numbers: Vec<u64> = (0..n as u64)
                .map(|i| (i + 1).wrapping_mul(seed | 1) & (u64::MAX >> (64 - n_bits)) & !constant_bits | constant)
                .collect();
            let mut packed = vec![0; transform.raw_bytes(n)];
            transform.pack_raw(&numbers, &mut packed);
            let mut back = vec![u64::MAX; n];
            transform.unpack_raw(&packed, &mut back);
            prop_assert_eq!(back, numbers);
        }
    }
}
