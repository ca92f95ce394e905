use super::bits::{pack, packed_bytes, unpack};
use super::{Coding, Plane, Sample, Transform};

/// Numbers that are packed at a time: a multiple of 8, so that pieces end on a byte.
const PIECE: usize = 4096;

impl Transform {
    /// Inverts each video plane where the one above is odd. Where numbers go from 255 to 256, the
    /// lower plane then stays at its top instead of jumping to 0 (as in a Gray code).
    pub fn reflect<S: Sample>(&self, numbers: &mut [S]) {
        // From the bottom, since it takes the plane above as it was.
        self.reflections().into_iter().for_each(|reflection| reflection.apply(numbers));
    }

    /// The inverse of [`reflect`](Self::reflect).
    pub fn unreflect<S: Sample>(&self, numbers: &mut [S]) {
        self.reflections().into_iter().rev().for_each(|reflection| reflection.apply(numbers));
    }

    fn reflections(&self) -> Vec<Reflection> {
        let planes: Vec<_> = self.placed_planes().collect();
        let is_video = |(_, plane): &(u32, Plane)| self.is_reflected && plane.coding == Coding::Video;
        let pairs = planes.windows(2).filter(|pair| pair.iter().all(is_video));
        pairs.map(|pair| Reflection { shift: pair[0].0, bits: pair[0].1.bits }).collect()
    }

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
            Coding::Raw | Coding::Video => constant,
        })
    }

    fn raw_planes(&self) -> impl Iterator<Item = (u32, Plane)> {
        self.placed_planes().filter(|(_, plane)| plane.coding == Coding::Raw)
    }
}

/// A plane below a plane.
struct Reflection {
    shift: u32,
    bits: u32,
}

impl Reflection {
    /// Its own inverse.
    fn apply<S: Sample>(&self, numbers: &mut [S]) {
        let mask = S::from_byte(0xff >> (8 - self.bits), self.shift);
        let odd = S::from_byte(1, self.shift + self.bits);
        for number in numbers {
            let is_odd = number.and(odd) != S::default();
            *number = number.xor(if is_odd { mask } else { S::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transform::Mapping;

    fn reflected(numbers: &[u32], planes: &[(u32, Coding)]) -> Vec<u32> {
        let planes = planes.iter().map(|&(bits, coding)| Plane { bits, coding }).collect();
        let transform =
            Transform { mapping: Mapping::Integer { offset: 0 }, table: None, planes, is_reflected: true };
        let mut reflected = numbers.to_vec();
        transform.reflect(&mut reflected);
        let mut back = reflected.clone();
        transform.unreflect(&mut back);
        assert_eq!(back, numbers);
        reflected
    }

    #[test]
    fn neighbours_differ_in_one_plane_by_one() {
        let planes = [(3, Coding::Raw), (8, Coding::Video), (8, Coding::Video), (5, Coding::Video)];
        let numbers: Vec<u32> = (0..1 << 24).step_by(8).collect();
        for pair in reflected(&numbers, &planes).windows(2) {
            let bytes = |n: u32| [n & 7, n >> 3 & 0xff, n >> 11 & 0xff, n >> 19];
            let (a, b) = (bytes(pair[0]), bytes(pair[1]));
            assert_eq!((0..4).map(|i| a[i].abs_diff(b[i])).sum::<u32>(), 1, "{pair:x?}");
        }
    }

    #[test]
    fn only_video_below_video_is_reflected() {
        let numbers = [0x1_0100, 0xff_00ff, 0x12_3456];
        for planes in [
            [(8, Coding::Raw), (8, Coding::Video), (8, Coding::Constant(1))],
            [(8, Coding::Video), (8, Coding::Raw), (8, Coding::Video)],
        ] {
            assert_eq!(reflected(&numbers, &planes), numbers);
        }
    }

    proptest! {
        #[test]
        fn raw_and_constant_planes_come_back(
            n in prop_oneof![0..40usize, PIECE - 3..PIECE + 20], widths in prop::collection::vec(1u32..=8, 1..8), seed: u64,
        ) {
            let planes: Vec<_> = widths.iter().enumerate().map(|(i, &bits)| {
                let coding = if i % 3 == 1 { Coding::Constant((0xa5 & (0xff >> (8 - bits))) as u8) } else { Coding::Raw };
                Plane { bits, coding }
            }).collect();
            let transform = Transform { mapping: Mapping::Integer { offset: 0 }, table: None, planes, is_reflected: false };
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
