//! From stored numbers of any type to those of the calculation.

use std::mem::MaybeUninit;

use h5filter::{Element, SampleKind};
use half::f16;

/// The type that frames are calculated in.
pub trait Number: Copy + Default + PartialEq + PartialOrd + Send + Sync + 'static {
    /// Not a number.
    const NAN: Self;
    /// `self` − `other`
    fn minus(self, other: Self) -> Self;
    /// `self` / `other`
    fn over(self, other: Self) -> Self;
    /// As many bits as the number has, all of them 0 or all of them 1.
    type Mask: Copy + Default;
    /// All bits are this one, 0 or 1.
    fn mask(bit: u16) -> Self::Mask;
    /// `yes` where the mask is 1, `no` where it is 0.
    fn choose(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// A whole number of at most 16 bits, which is exact.
    fn from_u16(value: u16) -> Self;
    /// Writes the number's bytes, if there is room for them. Returns how many were written.
    fn put(self, bytes: &mut [MaybeUninit<u8>]) -> usize;
    /// Converts stored numbers, rounding to the nearest.
    fn convert(element: &Element, bytes: &[u8], numbers: &mut [Self]);
}

/// A type that numbers are stored in.
trait Stored<const N: usize, T> {
    fn read(bytes: [u8; N]) -> T;
}

#[inline(always)]
fn each<const N: usize, const SWAP: bool, S: Stored<N, T>, T>(bytes: &[u8], numbers: &mut [T]) {
    for (stored, number) in bytes.as_chunks::<N>().0.iter().zip(numbers) {
        let mut stored = *stored;
        if SWAP {
            stored.reverse();
        }
        *number = S::read(stored);
    }
}

/// Whether numbers of this type can be converted.
pub fn is_number(element: &Element) -> bool {
    let known = match element.kind {
        SampleKind::Unsigned | SampleKind::Signed => matches!(element.sample_bytes, 1 | 2 | 4 | 8),
        SampleKind::Float => matches!(element.sample_bytes, 2 | 4 | 8),
        SampleKind::Bytes => false,
    };
    known && element.n_samples == 1
}

/// Calls `$function::<N, SWAP, S, T>` for the type that an element describes.
macro_rules! with_type {
    ($element:expr, $function:ident($($argument:expr),*)) => {{
        let element: &Element = $element;
        macro_rules! order {
            ($n:literal, $stored:ty) => {
                match element.big_endian {
                    false => $function::<$n, false, $stored, Self>($($argument),*),
                    true => $function::<$n, true, $stored, Self>($($argument),*),
                }
            };
        }
        match (element.kind, element.sample_bytes) {
            (SampleKind::Unsigned, 1) => order!(1, u8),
            (SampleKind::Unsigned, 2) => order!(2, u16),
            (SampleKind::Unsigned, 4) => order!(4, u32),
            (SampleKind::Unsigned, 8) => order!(8, u64),
            (SampleKind::Signed, 1) => order!(1, i8),
            (SampleKind::Signed, 2) => order!(2, i16),
            (SampleKind::Signed, 4) => order!(4, i32),
            (SampleKind::Signed, 8) => order!(8, i64),
            (SampleKind::Float, 2) => order!(2, f16),
            (SampleKind::Float, 4) => order!(4, f32),
            (SampleKind::Float, 8) => order!(8, f64),
            _ => unreachable!("checked by is_number"),
        }
    }};
}

macro_rules! number {
    ($t:ty, $bits:ty, $from_half:ident; $($stored:ty: $n:literal),*) => {
        $(impl Stored<$n, $t> for $stored {
            #[inline(always)]
            fn read(bytes: [u8; $n]) -> $t {
                <$stored>::from_le_bytes(bytes) as $t
            }
        })*

        impl Stored<2, $t> for f16 {
            #[inline(always)]
            fn read(bytes: [u8; 2]) -> $t {
                Self::from_le_bytes(bytes).$from_half()
            }
        }

        impl Number for $t {
            const NAN: Self = <$t>::NAN;

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }

            #[inline(always)]
            fn over(self, other: Self) -> Self {
                self / other
            }

            type Mask = $bits;

            #[inline(always)]
            fn mask(bit: u16) -> $bits {
                <$bits>::from(bit).wrapping_neg()
            }

            #[inline(always)]
            fn choose(mask: $bits, yes: Self, no: Self) -> Self {
                Self::from_bits(yes.to_bits() & mask | no.to_bits() & !mask)
            }

            #[inline(always)]
            fn from_u16(value: u16) -> Self {
                value.into()
            }

            #[inline(always)]
            fn put(self, bytes: &mut [MaybeUninit<u8>]) -> usize {
                let Some((bytes, _)) = bytes.split_first_chunk_mut() else { return 0 };
                *bytes = self.to_le_bytes().map(MaybeUninit::new);
                bytes.len()
            }

            #[inline(always)]
            fn convert(element: &Element, bytes: &[u8], numbers: &mut [Self]) {
                with_type!(element, each(bytes, numbers));
            }
        }
    };
}

number!(f32, u32, to_f32; u8: 1, u16: 2, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8);
number!(f64, u64, to_f64; u8: 1, u16: 2, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8);

#[cfg(test)]
mod tests {
    use super::*;

    fn element(kind: SampleKind, sample_bytes: usize, big_endian: bool) -> Element {
        Element { kind, sample_bytes, n_samples: 1, big_endian }
    }

    fn converted<T: Number>(element: Element, bytes: &[u8]) -> Vec<T> {
        let mut numbers = vec![T::default(); bytes.len() / element.sample_bytes];
        T::convert(&element, bytes, &mut numbers);
        numbers
    }

    #[test]
    fn every_type_and_byte_order_is_converted() {
        macro_rules! check {
            ($kind:ident: $($stored:ty),*) => {$(
                for value in [<$stored>::MIN, <$stored>::MAX, 1 as $stored, 100 as $stored] {
                    let n = size_of::<$stored>();
                    let little = element(SampleKind::$kind, n, false);
                    let big = element(SampleKind::$kind, n, true);
                    let bytes = value.to_le_bytes().repeat(2);
                    assert_eq!(converted::<f32>(little, &bytes), [value as f32; 2]);
                    assert_eq!(converted::<f64>(little, &bytes), [value as f64; 2]);
                    assert_eq!(converted::<f32>(big, &value.to_be_bytes()), [value as f32]);
                    assert_eq!(converted::<f64>(big, &value.to_be_bytes()), [value as f64]);
                }
            )*};
        }
        check!(Unsigned: u8, u16, u32, u64);
        check!(Signed: i8, i16, i32, i64);
        check!(Float: f32, f64);
        let half = f16::from_f32(1.5).to_le_bytes();
        assert_eq!(converted::<f32>(element(SampleKind::Float, 2, false), &half), [1.5]);
    }

    #[test]
    fn bytes_and_arrays_are_not_numbers() {
        assert!(is_number(&element(SampleKind::Signed, 4, true)));
        assert!(!is_number(&element(SampleKind::Bytes, 1, false)));
        assert!(!is_number(&Element { n_samples: 2, ..element(SampleKind::Float, 4, false) }));
    }
}
