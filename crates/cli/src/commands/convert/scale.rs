use std::marker::PhantomData;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use resize::{PixelFormat, Type};

use super::picture::{Format, Picture, for_sample_type, with_room};

/// `640x480`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let sides = text.split_once(['x', '×']).map(|(width, height)| (width.parse(), height.parse()));
        match sides {
            Some((Ok(width), Ok(height))) if width > 0 && height > 0 => Ok(Self { width, height }),
            _ => bail!("expected width x height, like 640x480"),
        }
    }
}

/// What is done to every image.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub size: Option<Size>,
    /// Colour becomes gray.
    pub gray: bool,
    /// Gray becomes colour, among images that have colour.
    pub colour: bool,
    /// One of the components alone.
    pub channel: Option<u64>,
}

impl Change {
    /// What becomes of frames.
    pub fn format(self, format: Format) -> Format {
        let (n_components, is_colour) = match (format.is_colour, format.n_components) {
            _ if self.channel.is_some() => (1, false),
            (true, _) if self.gray => (1, false),
            (false, 1) if self.colour => (3, true),
            (is_colour, n) => (n, is_colour),
        };
        let (width, height) = match self.size {
            Some(size) => (size.width.into(), size.height.into()),
            None => (format.width, format.height),
        };
        Format { width, height, n_components, is_colour, ..format }
    }

    pub fn apply(self, picture: Picture) -> Result<Picture> {
        let Picture { format, mut bytes } = picture;
        let new = self.format(format);
        match self.channel {
            Some(channel) => bytes = component(&bytes, format, channel)?,
            None if format.is_colour && !new.is_colour => {
                bytes = for_sample_type!(format.sample, T => gray::<T>(&bytes))?;
            }
            None if new.is_colour && !format.is_colour => {
                bytes = colour(&bytes, format.sample.bytes() as usize)?
            }
            None => (),
        }
        if (format.width, format.height) != (new.width, new.height) {
            let from = Format { width: format.width, height: format.height, ..new };
            bytes = scaled(from, new, &bytes)?;
        }
        Ok(Picture { format: new, bytes })
    }
}

/// One of the components of all pixels.
fn component(bytes: &[u8], format: Format, channel: u64) -> Result<Vec<u8>> {
    let n = format.n_components;
    ensure!(channel < n, "there is no channel {channel} (expected one of 0 to {})", n - 1);
    let (sample_bytes, channel) = (format.sample.bytes() as usize, channel as usize);
    if !format.is_colour {
        let plane_bytes = bytes.len() / n as usize;
        return Ok(bytes[channel * plane_bytes..(channel + 1) * plane_bytes].to_vec());
    }
    let mut plane = with_room(bytes.len() as u64 / n)?;
    let pixels = bytes.chunks_exact(n as usize * sample_bytes);
    pixels.for_each(|pixel| plane.extend(&pixel[channel * sample_bytes..(channel + 1) * sample_bytes]));
    Ok(plane)
}

/// Numbers that belong to a pixel are scaled together, channels one by one.
fn scaled(from: Format, to: Format, bytes: &[u8]) -> Result<Vec<u8>> {
    let (sample, n_halves) = to.sample.numbers();
    let mut all = with_room(to.frame_bytes())?;
    let n_planes = if to.is_colour { 1 } else { to.n_components };
    for plane in bytes.chunks_exact(bytes.len() / n_planes as usize) {
        all.extend(match (to.is_colour, n_halves) {
            (true, 1) => for_sample_type!(sample, T => resized::<T, 3>(from, to, plane))?,
            (true, _) => for_sample_type!(sample, T => resized::<T, 6>(from, to, plane))?,
            (false, 1) => for_sample_type!(sample, T => resized::<T, 1>(from, to, plane))?,
            (false, _) => for_sample_type!(sample, T => resized::<T, 2>(from, to, plane))?,
        });
    }
    Ok(all)
}

/// Luma, by the weights of ITU-R BT.709.
fn gray<T: Sample>(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut luma = with_room(bytes.len() as u64 / 3)?;
    for pixel in bytes.chunks_exact(3 * size_of::<T>()) {
        let weighted = pixel.chunks_exact(size_of::<T>()).zip([0.2126, 0.7152, 0.0722]);
        T::from_f64(weighted.map(|(sample, weight)| T::of(sample).to_f64() * weight).sum())
            .push_to(&mut luma);
    }
    Ok(luma)
}

fn colour(bytes: &[u8], sample_bytes: usize) -> Result<Vec<u8>> {
    let mut colour = with_room(3 * bytes.len() as u64)?;
    for sample in bytes.chunks_exact(sample_bytes) {
        (0..3).for_each(|_| colour.extend(sample));
    }
    Ok(colour)
}

fn resized<T: Sample, const N: usize>(from: Format, to: Format, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut pixels = with_room::<[T; N]>(from.width * from.height)?;
    for pixel in bytes.chunks_exact(N * size_of::<T>()) {
        pixels.push(std::array::from_fn(|i| T::of(&pixel[i * size_of::<T>()..])));
    }
    let mut scaled = with_room::<Pixel<T, N>>(to.width * to.height)?;
    scaled.resize((to.width * to.height) as usize, Pixel::default());
    let (from, to_size) =
        ((from.width as usize, from.height as usize), (to.width as usize, to.height as usize));
    resize::new(from.0, from.1, to_size.0, to_size.1, Weighing::<T, N>(PhantomData), Type::Lanczos3)
        .and_then(|mut resizer| resizer.resize(&pixels, &mut scaled))
        .with_context(|| format!("can't scale to {} × {}", to.width, to.height))?;
    let mut bytes = with_room(to.width * to.height * size_of::<[T; N]>() as u64)?;
    scaled.iter().flat_map(|pixel| pixel.0).for_each(|sample| sample.push_to(&mut bytes));
    Ok(bytes)
}

/// A number of an image, which weighted sums are made of.
trait Sample: Copy + Default + Send + Sync {
    /// The first of some bytes.
    fn of(bytes: &[u8]) -> Self;
    fn push_to(self, bytes: &mut Vec<u8>);
    fn to_f64(self) -> f64;
    /// The nearest that there is.
    fn from_f64(value: f64) -> Self;
}

macro_rules! samples {
    ($round:ident: $($T:ident)*) => {
        $(impl Sample for $T {
            fn of(bytes: &[u8]) -> Self {
                let (sample, _) = bytes.split_first_chunk().unwrap_or((&[0; size_of::<$T>()], &[]));
                Self::from_ne_bytes(*sample)
            }

            fn push_to(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_ne_bytes());
            }

            fn to_f64(self) -> f64 {
                self as f64
            }

            fn from_f64(value: f64) -> Self {
                // This saturates.
                $round(value) as Self
            }
        })*
    };
}

samples!(nearest_integer: u8 u16 u32 u64 i8 i16 i32 i64);
samples!(same: f32 f64);

impl Sample for half::f16 {
    fn of(bytes: &[u8]) -> Self {
        Self::from_bits(u16::of(bytes))
    }

    fn push_to(self, bytes: &mut Vec<u8>) {
        self.to_bits().push_to(bytes);
    }

    fn to_f64(self) -> f64 {
        self.into()
    }

    fn from_f64(value: f64) -> Self {
        Self::from_f64(value)
    }
}

fn nearest_integer(value: f64) -> f64 {
    value.round()
}

fn same(value: f64) -> f64 {
    value
}

/// Arrays of any length have no default.
#[derive(Clone, Copy)]
struct Pixel<T, const N: usize>([T; N]);

impl<T: Sample, const N: usize> Default for Pixel<T, N> {
    fn default() -> Self {
        Self([T::default(); N])
    }
}

/// Weighted sums in float64, divided by the sum of weights, so that constant images stay as they are: the
/// library's weights have the precision of float32, and those of a sum make not exactly 1.
struct Weighing<T, const N: usize>(PhantomData<T>);

impl<T: Sample, const N: usize> PixelFormat for Weighing<T, N> {
    type InputPixel = [T; N];
    type OutputPixel = Pixel<T, N>;
    /// The sums, and that of the weights.
    type Accumulator = ([f64; N], f64);

    fn new() -> Self::Accumulator {
        ([0.0; N], 0.0)
    }

    fn add(&self, sums: &mut Self::Accumulator, pixel: [T; N], weight: f32) {
        Self::add_acc(sums, (pixel.map(T::to_f64), 1.0), weight);
    }

    fn add_acc(sums: &mut Self::Accumulator, more: Self::Accumulator, weight: f32) {
        let weight = f64::from(weight);
        sums.0.iter_mut().zip(more.0).for_each(|(sum, value)| *sum += value * weight);
        sums.1 += more.1 * weight;
    }

    fn into_pixel(&self, (sums, weight): Self::Accumulator) -> Pixel<T, N> {
        Pixel(sums.map(|sum| T::from_f64(sum / weight)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::SampleType;
    use super::*;

    fn bytes<T: Sample>(samples: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        samples.iter().for_each(|sample| sample.push_to(&mut bytes));
        bytes
    }

    fn changed<T: Sample>(
        change: Change,
        width: u32,
        n_components: u64,
        sample: SampleType,
        samples: &[T],
    ) -> Vec<T> {
        let picture = Picture::new(width, 1, n_components, sample, bytes(samples)).unwrap();
        let changed = change.apply(picture).unwrap();
        assert_eq!(changed.format.frame_bytes(), changed.bytes.len() as u64);
        changed.bytes.chunks_exact(size_of::<T>()).map(T::of).collect()
    }

    const NOTHING: Change = Change { size: None, gray: false, colour: false, channel: None };

    fn to_width(width: u32) -> Change {
        Change { size: Some(Size { width, height: 1 }), ..NOTHING }
    }

    #[test]
    fn gray_and_colour_become_each_other() {
        let gray = Change { gray: true, ..NOTHING };
        assert_eq!(changed(gray, 2, 3, SampleType::U8, &[255u8, 255, 255, 0, 255, 0]), [255, 182]);
        assert_eq!(changed(gray, 1, 1, SampleType::U16, &[7u16]), [7]);
        let colour = Change { colour: true, ..NOTHING };
        assert_eq!(changed(colour, 1, 1, SampleType::U16, &[7u16]), [7, 7, 7]);
        let green = Change { channel: Some(1), ..NOTHING };
        assert_eq!(changed(green, 2, 3, SampleType::U8, &[1u8, 2, 3, 4, 5, 6]), [2, 5]);
    }

    #[test]
    fn constant_images_stay_constant_when_scaled() {
        fn check<T: Sample + PartialEq + std::fmt::Debug>(sample: SampleType, value: T) {
            for width in [2, 3, 7, 11] {
                assert_eq!(changed(to_width(width), 7, 1, sample, &[value; 7]), vec![value; width as usize]);
                let n = 3 * width as usize;
                assert_eq!(changed(to_width(width), 7, 3, sample, &[value; 21]), vec![value; n]);
            }
        }
        check(SampleType::U8, 255u8);
        check(SampleType::U16, 60_000u16);
        check(SampleType::U32, 4_000_000_001u32);
        check(SampleType::I8, -128i8);
        check(SampleType::I16, -32_768i16);
        check(SampleType::I32, i32::MIN);
        check(SampleType::I64, -(1i64 << 50));
        check(SampleType::F32, -1234.5f32);
    }

    #[test]
    fn samples_are_scaled_in_the_range_of_their_type() {
        let ramp = [-1e6f32, -2e5, 3e5, 1e6, 4e6, 9e6];
        let scaled = changed(to_width(3), 6, 1, SampleType::F32, &ramp);
        assert!(scaled[0] < -5e5 && scaled[2] > 6e6 && scaled.is_sorted(), "{scaled:?}");
        // Lanczos overshoots beside edges, and integers end.
        let edge = [i16::MIN, i16::MIN, i16::MIN, i16::MAX, i16::MAX, i16::MAX];
        let scaled = changed(to_width(12), 6, 1, SampleType::I16, &edge);
        assert_eq!((scaled[3], scaled[8]), (i16::MIN, i16::MAX));
        let scaled = changed(to_width(2), 4, 1, SampleType::U64, &[u64::MAX; 4]);
        assert_eq!(scaled, [u64::MAX; 2]);
        let scaled = changed(to_width(3), 6, 1, SampleType::F32, &[f32::NAN; 6]);
        assert!(scaled.iter().all(|sample| sample.is_nan()));
    }

    #[test]
    fn scaling_is_that_of_lanczos() {
        // sinc(x) sinc(x / 3), stretched to twice its width for half the samples.
        let kernel = |x: f64| {
            let sinc = |x: f64| if x == 0.0 { 1.0 } else { x.sin() / x };
            let x = x * std::f64::consts::PI;
            sinc(x) * sinc(x / 3.0)
        };
        let samples: Vec<u16> = (0..40).map(|i| (i * i * 977 % 5000) as u16).collect();
        let scaled = changed(to_width(20), 40, 1, SampleType::U16, &samples);
        let weight = |i: usize| kernel((i as f64 - 20.5) / 2.0);
        let near = 15..27;
        let sum: f64 = near.clone().map(|i| weight(i) * f64::from(samples[i])).sum();
        let expected = sum / near.map(weight).sum::<f64>();
        assert!((f64::from(scaled[10]) - expected).abs() <= 0.6, "{} {expected}", scaled[10]);
    }

    #[test]
    fn a_size_is_two_numbers() {
        assert_eq!("640x480".parse::<Size>().unwrap(), Size { width: 640, height: 480 });
        for wrong in ["640", "0x4", "ax4", "4x", "-4x4"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
