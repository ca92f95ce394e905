use std::fmt;

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use image::DynamicImage;
use tiff::decoder::DecodingResult;

/// What all frames of a dataset have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub height: u64,
    pub width: u64,
    /// 1, or 3 for red, green and blue.
    pub n_components: u64,
    pub sample: SampleType,
}

impl Format {
    /// The shape of a dataset of such frames.
    pub fn shape(self, n_frames: u64) -> Vec<u64> {
        let mut shape = vec![n_frames, self.height, self.width];
        if self.n_components > 1 {
            shape.push(self.n_components);
        }
        shape
    }

    pub fn frame_bytes(self) -> u64 {
        self.height * self.width * self.n_components * self.sample.bytes()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colour = if self.n_components == 1 { "gray" } else { "RGB" };
        write!(f, "{colour} {} of {} × {}", self.sample.name(), self.width, self.height)
    }
}

/// Declares the types of samples.
macro_rules! samples {
    ($($variant:ident: $rust:ident, $descriptor:expr, $name:literal;)*) => {
        /// The type of a sample.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SampleType { $($variant,)* }

        impl SampleType {
            pub fn bytes(self) -> u64 {
                match self { $(Self::$variant => size_of::<$rust>() as u64,)* }
            }

            pub fn descriptor(self) -> TypeDescriptor {
                match self { $(Self::$variant => $descriptor,)* }
            }

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        /// Samples, row by row, components together.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Samples { $($variant(Vec<$rust>),)* }

        impl Samples {
            pub fn sample_type(&self) -> SampleType {
                match self { $(Self::$variant(_) => SampleType::$variant,)* }
            }

            /// In the byte order of this machine.
            fn bytes(&self) -> Vec<u8> {
                match self { $(Self::$variant(v) => v.iter().flat_map(|s| s.to_ne_bytes()).collect(),)* }
            }
        }

        /// Does the same with samples of any type.
        macro_rules! for_samples {
            ($samples:expr, $v:ident => $result:expr) => {
                match $samples { $($crate::commands::convert::picture::Samples::$variant($v) => {
                    $crate::commands::convert::picture::Samples::$variant($result)
                })* }
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
    F32: f32, TypeDescriptor::Float(FloatSize::U4), "float32";
    F64: f64, TypeDescriptor::Float(FloatSize::U8), "float64";
}

// That is how a macro gets out of its module.
#[allow(clippy::single_component_path_imports)]
pub(super) use for_samples;

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub format: Format,
    pub samples: Samples,
}

impl Picture {
    /// `None` if it has neither 1 nor 3 components, after an alpha channel is left out.
    pub fn new(width: u32, height: u32, n_components: u64, samples: Samples) -> Option<Self> {
        let samples = match n_components {
            2 | 4 => for_samples!(samples, v => without_last(&v, n_components as usize)),
            _ => samples,
        };
        let n_components = match n_components {
            1 | 2 => 1,
            3 | 4 => 3,
            _ => return None,
        };
        let format = Format {
            height: height.into(),
            width: width.into(),
            n_components,
            sample: samples.sample_type(),
        };
        Some(Self { format, samples })
    }

    /// Of what the crate `image` decoded.
    pub fn of_image(image: DynamicImage) -> Option<Self> {
        let (width, height) = (image.width(), image.height());
        let n_components = u64::from(image.color().channel_count());
        let samples = match image {
            DynamicImage::ImageLuma8(b) => Samples::U8(b.into_raw()),
            DynamicImage::ImageLumaA8(b) => Samples::U8(b.into_raw()),
            DynamicImage::ImageRgb8(b) => Samples::U8(b.into_raw()),
            DynamicImage::ImageRgba8(b) => Samples::U8(b.into_raw()),
            DynamicImage::ImageLuma16(b) => Samples::U16(b.into_raw()),
            DynamicImage::ImageLumaA16(b) => Samples::U16(b.into_raw()),
            DynamicImage::ImageRgb16(b) => Samples::U16(b.into_raw()),
            DynamicImage::ImageRgba16(b) => Samples::U16(b.into_raw()),
            DynamicImage::ImageRgb32F(b) => Samples::F32(b.into_raw()),
            DynamicImage::ImageRgba32F(b) => Samples::F32(b.into_raw()),
            _ => return None,
        };
        Self::new(width, height, n_components, samples)
    }

    /// Of a page that the crate `tiff` decoded.
    pub fn of_tiff(width: u32, height: u32, n_components: u64, page: DecodingResult) -> Option<Self> {
        let samples = match page {
            DecodingResult::U8(v) => Samples::U8(v),
            DecodingResult::U16(v) => Samples::U16(v),
            DecodingResult::U32(v) => Samples::U32(v),
            DecodingResult::U64(v) => Samples::U64(v),
            DecodingResult::I8(v) => Samples::I8(v),
            DecodingResult::I16(v) => Samples::I16(v),
            DecodingResult::I32(v) => Samples::I32(v),
            DecodingResult::I64(v) => Samples::I64(v),
            DecodingResult::F32(v) => Samples::F32(v),
            DecodingResult::F64(v) => Samples::F64(v),
            _ => return None,
        };
        Self::new(width, height, n_components, samples)
    }

    /// As they go into the dataset.
    pub fn bytes(&self) -> Vec<u8> {
        self.samples.bytes()
    }
}

fn without_last<T: Copy>(samples: &[T], n_components: usize) -> Vec<T> {
    samples.chunks_exact(n_components).flat_map(|pixel| &pixel[..n_components - 1]).copied().collect()
}
