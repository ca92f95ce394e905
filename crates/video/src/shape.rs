use std::fmt;
use std::str::FromStr;

use ffmpeg_sys_next as ff;
use h5h264::picture::{MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE};

use crate::error::{Error, Result, unsupported};

/// What a pixel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFormat {
    /// One byte.
    Gray8,
    /// One 16-bit number in the machine's byte order, of which files may have used fewer bits.
    Gray16,
    /// R, G and B, a byte each.
    Rgb24,
    /// R, G and B, each a 16-bit number in the machine's byte order. Only read.
    Rgb48,
}

impl FrameFormat {
    const NAMES: [(Self, &str); 4] =
        [(Self::Gray8, "gray8"), (Self::Gray16, "gray16"), (Self::Rgb24, "rgb24"), (Self::Rgb48, "rgb48")];

    /// FFmpeg's name for it.
    pub(crate) fn pixel_format(self) -> ff::AVPixelFormat {
        match self {
            Self::Gray8 => ff::AVPixelFormat::AV_PIX_FMT_GRAY8,
            Self::Gray16 if cfg!(target_endian = "big") => ff::AVPixelFormat::AV_PIX_FMT_GRAY16BE,
            Self::Gray16 => ff::AVPixelFormat::AV_PIX_FMT_GRAY16LE,
            Self::Rgb24 => ff::AVPixelFormat::AV_PIX_FMT_RGB24,
            Self::Rgb48 if cfg!(target_endian = "big") => ff::AVPixelFormat::AV_PIX_FMT_RGB48BE,
            Self::Rgb48 => ff::AVPixelFormat::AV_PIX_FMT_RGB48LE,
        }
    }

    /// Bytes of a pixel.
    pub fn pixel_bytes(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Gray16 => 2,
            Self::Rgb24 => 3,
            Self::Rgb48 => 6,
        }
    }
}

impl fmt::Display for FrameFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = Self::NAMES.iter().find(|(format, _)| format == self).expect("all have names");
        f.write_str(name)
    }
}

impl FromStr for FrameFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found
            .map(|(format, _)| *format)
            .ok_or_else(|| unsupported!("frames of format {name:?} (expected gray8, gray16, rgb24 or rgb48)"))
    }
}

/// What a frame is: rows from the top, pixels from the left, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShape {
    /// Rows.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// What they are.
    pub format: FrameFormat,
}

impl FrameShape {
    /// An error unless an encoder takes such frames: 1 to 16384 rows and columns, 2^26 pixels at most,
    /// which bounds an encoder's memory.
    pub fn new(height: usize, width: usize, format: FrameFormat) -> Result<Self> {
        let sides = 1..=MAX_PICTURE_SIDE;
        if !sides.contains(&height) || !sides.contains(&width) || height * width > MAX_PICTURE_PIXELS {
            return Err(unsupported!(
                "frames of {height} × {width} pixels can't be video (expected 1 to {MAX_PICTURE_SIDE} rows and \
                 columns, and at most {MAX_PICTURE_PIXELS} pixels)"
            ));
        }
        Ok(Self { height, width, format })
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.width * self.format.pixel_bytes()
    }

    /// Bytes of a frame.
    pub fn frame_bytes(&self) -> usize {
        self.height * self.row_bytes()
    }
}

impl fmt::Display for FrameShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} pixels of {}", self.height, self.width, self.format)
    }
}

/// Frames per second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames
    pub num: i32,
    /// in so many seconds.
    pub den: i32,
}

/// Of two frame rates that differ by less than that, relatively, one is the other.
const NEAR: f64 = 1e-9;
/// NTSC's.
const LARGEST_DEN: i32 = 1001;

impl FrameRate {
    /// An error unless both are positive.
    pub fn new(num: i32, den: i32) -> Result<Self> {
        if num < 1 || den < 1 {
            return Err(unsupported!("{num}/{den} frames per second (expected more than 0)"));
        }
        Ok(Self { num, den })
    }

    /// The fraction that a number stands for: of those near enough, the one of the smallest denominator,
    /// so that 29.97002997 is 30000/1001.
    pub fn from_number(rate: f64) -> Result<Self> {
        let num = |den: i32| (rate * f64::from(den)).round();
        let is_near = |den: &i32| (num(*den) / f64::from(*den) / rate - 1.0).abs() < NEAR;
        let den = (1..=LARGEST_DEN).find(is_near).unwrap_or(LARGEST_DEN);
        match num(den) {
            num if (1.0..f64::from(i32::MAX)).contains(&num) => Self::new(num as i32, den),
            _ => Err(unsupported!("{rate} frames per second")),
        }
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for FrameRate {
    type Err = Error;

    /// Reads `30`, `29.97` and `30000/1001`.
    fn from_str(text: &str) -> Result<Self> {
        let malformed =
            || unsupported!("{text:?} is no frame rate (expected a number, or a fraction as 30000/1001)");
        if let Some((num, den)) = text.split_once('/') {
            return match (num.parse(), den.parse()) {
                (Ok(num), Ok(den)) => Self::new(num, den),
                _ => Err(malformed()),
            };
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let den =
            u32::try_from(decimals.len()).ok().and_then(|n| 10i32.checked_pow(n)).ok_or_else(malformed)?;
        let num = format!("{whole}{decimals}").parse().map_err(|_| malformed())?;
        Self::new(num, den)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_numbers_or_fractions() {
        let rate = |text: &str| text.parse::<FrameRate>().ok().map(|rate| (rate.num, rate.den));
        assert_eq!(rate("30"), Some((30, 1)));
        assert_eq!(rate("29.97"), Some((2997, 100)));
        assert_eq!(rate(".5"), Some((5, 10)));
        assert_eq!(rate("30000/1001"), Some((30000, 1001)));
        for text in ["", "0", "0.0", "-1", "x", "1/0", "1/-1", "1e3", "99999999999", "0.00000000001"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }

    #[test]
    fn frame_rates_are_found_in_numbers() {
        let rate = |number: f64| FrameRate::from_number(number).ok().map(|rate| (rate.num, rate.den));
        assert_eq!(rate(25.0), Some((25, 1)));
        assert_eq!(rate(30000.0 / 1001.0), Some((30000, 1001)));
        assert_eq!(rate(29.97), Some((2997, 100)));
        assert_eq!(rate(1.0 / 60.0), Some((1, 60)));
        assert_eq!(rate(std::f64::consts::PI), Some((3145, 1001)));
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert_eq!(rate(number), None, "{number}");
        }
    }

    #[test]
    fn frames_are_as_large_as_encoders_take_them() {
        for (height, width) in [(1, 1), (16384, 4096), (1, 16384)] {
            FrameShape::new(height, width, FrameFormat::Gray8).unwrap();
        }
        for (height, width) in [(0, 1), (1, 0), (16385, 1), (1, 16385), (16384, 4097)] {
            let error = FrameShape::new(height, width, FrameFormat::Gray8).unwrap_err();
            assert!(error.to_string().contains("16384"), "{error}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for (format, name) in FrameFormat::NAMES {
            assert_eq!(format.to_string(), name);
            assert_eq!(name.parse::<FrameFormat>().unwrap(), format);
        }
        assert!("yuv420p".parse::<FrameFormat>().is_err());
    }
}
