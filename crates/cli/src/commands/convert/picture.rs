use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use hdf5::types::{CompoundField, CompoundType, FloatSize, IntSize, TypeDescriptor};

use crate::text;

/// What all frames of a dataset have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub height: u64,
    pub width: u64,
    /// 1, 3 for red, green and blue, or channels.
    pub n_components: u64,
    pub sample: SampleType,
    /// Whether the components are red, green and blue.
    pub is_colour: bool,
}

impl Format {
    /// Of a frame, in a dataset.
    pub fn shape(self) -> Vec<u64> {
        match (self.is_colour, self.n_components) {
            (true, n) => vec![self.height, self.width, n],
            (false, 1) => vec![self.height, self.width],
            (false, n) => vec![n, self.height, self.width],
        }
    }

    /// From one pixel to the next: of all colours, or of a channel.
    pub fn pixel_bytes(self) -> u64 {
        self.sample.bytes() * if self.is_colour { self.n_components } else { 1 }
    }

    /// Saturating: numbers in a damaged file can be anything.
    pub fn frame_bytes(self) -> u64 {
        let n_pixels = self.height.saturating_mul(self.width);
        n_pixels.saturating_mul(self.n_components * self.sample.bytes())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sample, width, height) = (self.sample.name(), self.width, self.height);
        match (self.is_colour, self.n_components) {
            (true, _) => write!(f, "RGB {sample} of {width} × {height}"),
            (false, 1) => write!(f, "gray {sample} of {width} × {height}"),
            (false, n) => write!(f, "{n} channels of {sample} of {width} × {height}"),
        }
    }
}

/// Declares the types of samples.
macro_rules! samples {
    ($($variant:ident: $rust:ty, $descriptor:expr, $name:literal;)*) => {
        /// The type of a sample.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SampleType {
            $($variant,)*
            /// Two floats.
            C64,
            C128,
        }

        impl SampleType {
            /// The numbers that it is made of, and how many.
            pub fn numbers(self) -> (Self, u64) {
                match self {
                    Self::C64 => (Self::F32, 2),
                    Self::C128 => (Self::F64, 2),
                    number => (number, 1),
                }
            }

            pub fn bytes(self) -> u64 {
                match self {
                    $(Self::$variant => size_of::<$rust>() as u64,)*
                    Self::C64 => 8,
                    Self::C128 => 16,
                }
            }

            pub fn descriptor(self) -> TypeDescriptor {
                match self {
                    $(Self::$variant => $descriptor,)*
                    Self::C64 => complex(FloatSize::U4),
                    Self::C128 => complex(FloatSize::U8),
                }
            }

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::C64 => "complex64",
                    Self::C128 => "complex128",
                }
            }
        }

        /// Does the same for samples of any type, which is called `$T` there; for those of complex numbers, it is
        /// that of a half.
        macro_rules! for_sample_type {
            ($sample:expr, $T:ident => $result:expr) => {
                match $sample.numbers().0 {
                    $($crate::commands::convert::picture::SampleType::$variant => {
                        type $T = $rust;
                        $result
                    })*
                    other => anyhow::bail!("{} is no number", other.name()),
                }
            };
        }
    };
}

samples! {
    U8: u8, TypeDescriptor::Unsigned(IntSize::U1), "uint8";
    U16: u16, TypeDescriptor::Unsigned(IntSize::U2), "uint16";
    U32: u32, TypeDescriptor::Unsigned(IntSize::U4), "uint32";
    U64: u64, TypeDescriptor::Unsigned(IntSize::U8), "uint64";
    I8: i8, TypeDescriptor::Integer(IntSize::U1), "int8";
    I16: i16, TypeDescriptor::Integer(IntSize::U2), "int16";
    I32: i32, TypeDescriptor::Integer(IntSize::U4), "int32";
    I64: i64, TypeDescriptor::Integer(IntSize::U8), "int64";
    F16: half::f16, TypeDescriptor::Float(FloatSize::U2), "float16";
    F32: f32, TypeDescriptor::Float(FloatSize::U4), "float32";
    F64: f64, TypeDescriptor::Float(FloatSize::U8), "float64";
}

/// As h5py writes it.
fn complex(size: FloatSize) -> TypeDescriptor {
    let bytes = size as usize;
    let field = |index, name| CompoundField::new(name, TypeDescriptor::Float(size), index * bytes, index);
    TypeDescriptor::Compound(CompoundType { fields: vec![field(0, "r"), field(1, "i")], size: 2 * bytes })
}

// That is how a macro gets out of its module.
#[allow(clippy::single_component_path_imports)]
pub(super) use for_sample_type;

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub format: Format,
    /// The samples, row by row, in the byte order of this machine: colours together, channels one after the other.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// Of pixels with 1 to 4 components, of which 2 and 4 are with an alpha channel, which is left out.
    pub fn new(
        width: u32,
        height: u32,
        n_components: u64,
        sample: SampleType,
        mut bytes: Vec<u8>,
    ) -> Result<Self> {
        let (height, width) = (height.into(), width.into());
        let stored = Format { height, width, n_components, sample, is_colour: n_components > 2 };
        let (found, expected) = (bytes.len() as u64, stored.frame_bytes());
        ensure!(found == expected, "{found} bytes for an image of {width} × {height} (expected {expected})");
        let n_components = match n_components {
            1 | 3 => n_components,
            2 | 4 => {
                leave_out_last(&mut bytes, n_components as usize, sample.bytes() as usize);
                n_components - 1
            }
            _ => bail!("pixels of {n_components} components (expected 1 to 4)"),
        };
        Ok(Self { format: Format { n_components, ..stored }, bytes })
    }

    /// Of a format, whose components are all wanted.
    pub fn of(format: Format, bytes: Vec<u8>) -> Result<Self> {
        let (found, expected) = (bytes.len() as u64, format.frame_bytes());
        ensure!(found == expected, "{found} bytes for an image of {format} (expected {expected})");
        Ok(Self { format, bytes })
    }
}

fn leave_out_last(bytes: &mut Vec<u8>, n_components: usize, sample_bytes: usize) {
    let (pixel_bytes, rest_bytes) = (n_components * sample_bytes, (n_components - 1) * sample_bytes);
    let n_pixels = bytes.len() / pixel_bytes;
    for i in 0..n_pixels {
        bytes.copy_within(i * pixel_bytes..i * pixel_bytes + rest_bytes, i * rest_bytes);
    }
    bytes.truncate(n_pixels * rest_bytes);
}

/// An empty vector with room for so many elements; too many are an error instead of the program's end.
pub fn with_room<T>(n: u64) -> Result<Vec<T>> {
    let describe = || format!("no memory for {}", text::bytes(n.saturating_mul(size_of::<T>() as u64)));
    let mut vector = Vec::new();
    vector.try_reserve_exact(usize::try_from(n).with_context(describe)?).with_context(describe)?;
    Ok(vector)
}

/// So many bytes of 0.
pub fn zeros(n_bytes: u64) -> Result<Vec<u8>> {
    let mut bytes = with_room(n_bytes)?;
    bytes.resize(n_bytes as usize, 0);
    Ok(bytes)
}

/// A file of one byte does not hold an image of more bytes: no compression that images come with gives more.
const MOST_EXPANSION: u64 = 100_000;

/// An error if a file is too small for the image that it says it has: damaged, or made to take all memory.
pub fn check_plausible(image_bytes: u64, file_bytes: u64) -> Result<()> {
    ensure!(
        image_bytes / MOST_EXPANSION <= file_bytes,
        "it says that it has an image of {}, in a file of {}",
        text::bytes(image_bytes),
        text::bytes(file_bytes)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_left_out() {
        let picture = Picture::new(2, 1, 4, SampleType::U8, vec![1, 2, 3, 200, 4, 5, 6, 0]).unwrap();
        assert_eq!((picture.bytes, picture.format.n_components), (vec![1, 2, 3, 4, 5, 6], 3));
        let picture = Picture::new(1, 2, 2, SampleType::U16, vec![1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!((picture.bytes, picture.format.n_components), (vec![1, 2, 5, 6], 1));
    }

    #[test]
    fn there_are_as_many_samples_as_the_size_says() {
        assert!(Picture::new(2, 1, 3, SampleType::U8, vec![0; 2]).is_err());
        assert!(Picture::new(2, 1, 5, SampleType::U8, vec![0; 10]).is_err());
        assert!(Picture::new(u32::MAX, u32::MAX, 4, SampleType::F64, vec![]).is_err());
    }

    #[test]
    fn what_does_not_fit_into_memory_is_an_error() {
        assert!(zeros(u64::MAX).is_err() && with_room::<f64>(1 << 60).is_err());
        assert!(check_plausible(60_000 * 60_000 * 6, 100).is_err());
        check_plausible(60_000 * 60_000, 450_000).unwrap();
    }
}
