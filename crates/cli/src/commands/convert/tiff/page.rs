//! What the samples of a page are, and where they are stored.

use anyhow::{Context, Result, bail, ensure};

use super::ifd::{Directory, Tiff};
use crate::commands::convert::picture::{Format, SampleType, check_plausible};

/// Tags (TIFF 6.0, section 8; BigTIFF; TIFF Technical Notes 1 and 3).
pub mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const SUBFILE_TYPE: u16 = 255;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR_CONFIGURATION: u16 = 284;
    pub const T4_OPTIONS: u16 = 292;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const SUB_IFDS: u16 = 330;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const YCBCR_COEFFICIENTS: u16 = 529;
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    pub const REFERENCE_BLACK_WHITE: u16 = 532;
}

/// PhotometricInterpretation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// Or where 0 is white, or whatever the samples mean.
    Gray,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    /// With `a` and `b` from -128, or from 0.
    Lab {
        is_signed: bool,
    },
}

/// A part of a page that is stored on its own: a strip or a tile.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub offset: u64,
    pub n_bytes: u64,
    /// The plane, if components are in planes.
    pub plane: u64,
    pub row: u64,
    pub column: u64,
    /// As it is stored: tiles reach over the edges.
    pub height: u64,
    pub width: u64,
}

/// What a page says of its samples.
pub struct Page {
    pub width: u64,
    pub height: u64,
    /// Of a pixel, as they are stored.
    pub n_samples: u64,
    pub bits: u64,
    pub sample: SampleType,
    pub is_float: bool,
    pub photometric: Photometric,
    /// The last samples of a pixel, which are no colours and no channels.
    n_left_out: u64,
    pub is_planar: bool,
    pub compression: u64,
    pub predictor: u64,
    /// Whether the lowest bit of a byte is the first.
    pub is_reversed: bool,
    pub orientation: u8,
    pub palette: Vec<u16>,
    pub jpeg_tables: Vec<u8>,
    pub t4_options: u64,
    /// Chroma's, across and down.
    pub subsampling: (u64, u64),
    pub coefficients: Vec<f64>,
    pub reference_black_white: Vec<f64>,
    pub parts: Vec<Part>,
}

const JPEG: u64 = 7;

impl Page {
    pub fn of(tiff: &mut Tiff, directory: &Directory) -> Result<Self> {
        let mut number =
            |tag, default: u64| Ok::<_, anyhow::Error>(tiff.number(directory, tag)?.unwrap_or(default));
        let (width, height) = (number(tag::WIDTH, 0)?, number(tag::HEIGHT, 0)?);
        let most = u64::from(u32::MAX);
        ensure!((1..=most).contains(&width) && (1..=most).contains(&height), "a page of {width} × {height}");
        let n_samples = number(tag::SAMPLES_PER_PIXEL, 1)?;
        ensure!((1..=1 << 16).contains(&n_samples), "{n_samples} samples per pixel");
        let (compression, predictor) = (number(tag::COMPRESSION, 1)?, number(tag::PREDICTOR, 1)?);
        let photometric = photometric(number(tag::PHOTOMETRIC, 1)?)?;
        let is_planar = number(tag::PLANAR_CONFIGURATION, 1)? == 2 && n_samples > 1;
        let is_reversed = number(tag::FILL_ORDER, 1)? == 2;
        let orientation = number(tag::ORIENTATION, 1)?;
        let t4_options = number(tag::T4_OPTIONS, 0)?;
        let bits = same(&tiff.numbers(directory, tag::BITS_PER_SAMPLE)?, 1, "bits")?;
        let formats = tiff.numbers(directory, tag::SAMPLE_FORMAT)?;
        let sample_format = same(&formats, 1, "kinds")?;
        let sample = sample_type(sample_format, bits)?;
        let extra = tiff.numbers(directory, tag::EXTRA_SAMPLES)?;
        let palette = tiff.numbers(directory, tag::COLOR_MAP)?.into_iter().map(|n| n as u16).collect();
        let subsampling = match tiff.numbers(directory, tag::YCBCR_SUBSAMPLING)?[..] {
            [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => (across, down),
            [] => (2, 2),
            ref other => bail!("chroma of one in {other:?} pixels"),
        };
        let mut page = Self {
            width,
            height,
            n_samples,
            bits,
            sample,
            is_float: sample_format == 3 || sample_format == 6,
            photometric,
            n_left_out: n_left_out(photometric, &extra, n_samples),
            is_planar,
            compression,
            predictor,
            is_reversed,
            orientation: u8::try_from(orientation).unwrap_or(1),
            palette,
            jpeg_tables: tiff.bytes(directory, tag::JPEG_TABLES)?,
            t4_options,
            subsampling,
            coefficients: tiff.floats(directory, tag::YCBCR_COEFFICIENTS)?,
            reference_black_white: tiff.floats(directory, tag::REFERENCE_BLACK_WHITE)?,
            parts: vec![],
        };
        page.check()?;
        check_plausible(page.stored_format().frame_bytes(), tiff.n_bytes)?;
        page.parts = page.find_parts(tiff, directory)?;
        Ok(page)
    }

    /// The samples of a pixel that colours or channels have.
    pub fn n_colours(&self) -> u64 {
        self.n_samples - self.n_left_out
    }

    /// Of a plane, or of all components together.
    pub fn samples_per_pixel(&self) -> u64 {
        if self.is_planar { 1 } else { self.n_samples }
    }

    /// With all samples.
    fn stored_format(&self) -> Format {
        Format {
            height: self.height,
            width: self.width,
            n_components: self.n_samples,
            sample: self.sample,
            is_colour: false,
        }
    }

    /// Of the frame that is made of it, but for the orientation.
    pub fn format(&self) -> Format {
        let (n_components, sample, is_colour) = match self.photometric {
            Photometric::Palette => match self.gray_palette() {
                Some(_) => (1, self.palette_sample(), false),
                None => (3, self.palette_sample(), true),
            },
            Photometric::Gray => (self.n_colours(), self.sample, false),
            _ => (3, self.sample, true),
        };
        Format { height: self.height, width: self.width, n_components, sample, is_colour }
    }

    /// Whether all colours of the palette have 8 bits.
    fn palette_sample(&self) -> SampleType {
        let is_small = |n: &u16| *n == (*n >> 8) * 257 || n & 0xff == 0;
        match self.palette.iter().all(|n| *n < 256) || self.palette.iter().all(is_small) {
            true => SampleType::U8,
            false => SampleType::U16,
        }
    }

    /// The colours of the palette, with as many bits as they have.
    pub fn colours(&self) -> [Vec<u16>; 3] {
        let is_old = self.palette.iter().all(|n| *n < 256);
        let shift = if self.palette_sample() == SampleType::U8 && !is_old { 8 } else { 0 };
        let n = self.palette.len() / 3;
        [0, 1, 2].map(|i| self.palette[i * n..(i + 1) * n].iter().map(|level| level >> shift).collect())
    }

    /// The levels of a palette without colour.
    pub fn gray_palette(&self) -> Option<Vec<u16>> {
        let [red, green, blue] = self.colours();
        (red == green && green == blue).then_some(red)
    }

    fn check(&self) -> Result<()> {
        let n = self.n_colours();
        let n_expected = match self.photometric {
            Photometric::Gray => n,
            Photometric::Palette => 1,
            Photometric::Cmyk => 4,
            _ => 3,
        };
        ensure!(n == n_expected, "{n} components (expected {n_expected} for {:?})", self.photometric);
        let is_integer = !self.is_float;
        match self.photometric {
            Photometric::Palette => {
                ensure!(is_integer && self.bits <= 16, "a palette for samples of {} bits", self.bits);
                let expected = 3 << self.bits;
                ensure!(
                    self.palette.len() == expected,
                    "a palette of {} (expected {expected})",
                    self.palette.len()
                );
            }
            Photometric::Cmyk => {
                ensure!(
                    is_integer && [8, 16].contains(&self.bits),
                    "CMYK of {} bits (expected 8 or 16)",
                    self.bits
                );
            }
            Photometric::YCbCr | Photometric::Lab { .. } => {
                ensure!(
                    self.bits == 8 && is_integer,
                    "{:?} of {} bits (expected 8)",
                    self.photometric,
                    self.bits
                );
            }
            _ => (),
        }
        ensure!(!self.is_subsampled() || !self.is_planar, "chroma of its own size in a plane of its own");
        Ok(())
    }

    pub fn is_jpeg(&self) -> bool {
        self.compression == JPEG
    }

    /// Whether it has chroma of fewer pixels, that is not in a JPEG.
    pub fn is_subsampled(&self) -> bool {
        self.photometric == Photometric::YCbCr && !self.is_jpeg() && self.subsampling != (1, 1)
    }

    fn find_parts(&self, tiff: &mut Tiff, directory: &Directory) -> Result<Vec<Part>> {
        let tile = match tiff.number(directory, tag::TILE_WIDTH)? {
            Some(width) => {
                Some((width, tiff.number(directory, tag::TILE_LENGTH)?.context("tiles without length")?))
            }
            None => None,
        };
        let (offsets, counts, width, height) = match tile {
            Some((width, height)) => (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS, width, height),
            None => {
                let rows =
                    tiff.number(directory, tag::ROWS_PER_STRIP)?.unwrap_or(self.height).min(self.height);
                (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS, self.width, rows)
            }
        };
        let is_plausible = |n: u64| (1..=u64::from(u32::MAX)).contains(&n);
        ensure!(is_plausible(width) && is_plausible(height), "parts of {width} × {height}");
        // Some programs put the offsets of tiles into the tag of strips.
        let mut find = |tag, other| match tiff.numbers(directory, tag)? {
            none if none.is_empty() => tiff.numbers(directory, other),
            found => Ok(found),
        };
        let mut offsets = find(offsets, tag::STRIP_OFFSETS)?;
        let mut counts = find(counts, tag::STRIP_BYTE_COUNTS)?;
        let (n_across, n_down) = (self.width.div_ceil(width), self.height.div_ceil(height));
        let n_planes = if self.is_planar { self.n_samples } else { 1 };
        let n = n_across * n_down * n_planes;
        if counts.is_empty() && offsets.len() == 1 {
            counts = vec![tiff.n_bytes.saturating_sub(offsets[0])];
        }
        ensure!(
            offsets.len() as u64 >= n && counts.len() as u64 >= n,
            "{} places and {} sizes of parts (expected {n})",
            offsets.len(),
            counts.len()
        );
        offsets.truncate(n as usize);
        let place = |(i, (offset, n_bytes)): (usize, (u64, u64))| {
            let (plane, rest) = (i as u64 / (n_across * n_down), i as u64 % (n_across * n_down));
            let (row, column) = (rest / n_across * height, rest % n_across * width);
            // Strips end with the page.
            let height = if tile.is_some() { height } else { height.min(self.height - row) };
            Part { offset, n_bytes, plane, row, column, height, width }
        };
        Ok(offsets.into_iter().zip(counts).enumerate().map(place).collect())
    }
}

/// The one value that all samples have.
fn same(values: &[u64], default: u64, what: &str) -> Result<u64> {
    let first = values.first().copied().unwrap_or(default);
    ensure!(values.iter().all(|value| *value == first), "samples of different {what}: {values:?}");
    Ok(first)
}

fn photometric(number: u64) -> Result<Photometric> {
    Ok(match number {
        0 | 1 | 4 => Photometric::Gray,
        2 => Photometric::Rgb,
        3 => Photometric::Palette,
        5 => Photometric::Cmyk,
        6 => Photometric::YCbCr,
        8 => Photometric::Lab { is_signed: true },
        9 => Photometric::Lab { is_signed: false },
        32803 | 34892 => bail!(
            "a raw picture of a camera's sensor (expected one that was developed, by dcraw for example)"
        ),
        other => bail!("colours of kind {other} (expected gray, RGB, a palette, CMYK, YCbCr or CIELab)"),
    })
}

/// The type that samples become.
fn sample_type(format: u64, bits: u64) -> Result<SampleType> {
    Ok(match (format, bits) {
        // 4 is undefined.
        (1 | 4, 1..=8) => SampleType::U8,
        (1 | 4, 9..=16) => SampleType::U16,
        (1 | 4, 17..=32) => SampleType::U32,
        (1 | 4, 64) => SampleType::U64,
        (2, 8) => SampleType::I8,
        (2, 16) => SampleType::I16,
        (2, 32) => SampleType::I32,
        (2, 64) => SampleType::I64,
        (3, 16) => SampleType::F16,
        (3, 32) => SampleType::F32,
        (3, 64) => SampleType::F64,
        (6, 64) => SampleType::C64,
        (6, 128) => SampleType::C128,
        (format, bits) => {
            let kind = match format {
                1 | 4 => "unsigned integers",
                2 => "signed integers",
                3 => "floats",
                5 => "complex integers",
                _ => "complex numbers",
            };
            bail!("samples of {kind} of {bits} bits are not supported")
        }
    })
}

/// Samples behind those of the colours: how transparent a pixel is, and what only the program that wrote it knows.
/// Behind gray, the latter are channels.
fn n_left_out(photometric: Photometric, extra: &[u64], n_samples: u64) -> u64 {
    let is_alpha = |kind: &&u64| [1, 2].contains(*kind);
    match photometric {
        Photometric::Gray => (extra.iter().rev().take_while(is_alpha).count() as u64).min(n_samples - 1),
        Photometric::Palette => n_samples - 1,
        Photometric::Cmyk => n_samples.saturating_sub(4),
        _ => n_samples.saturating_sub(3),
    }
}
