//! Files with one image, and animations.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::pnm::PnmDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation as ExifOrientation;
use image::{AnimationDecoder, ColorType, ImageDecoder, ImageFormat, ImageReader};

use super::orientation::Orientation;
use super::picture::{Format, Picture, SampleType, check_plausible, zeros};

/// The format of a file with one image, before it is decoded.
pub fn format(path: &Path, is_turned: bool) -> Result<Format> {
    let reader = open(path)?;
    let kind = reader.format();
    let mut decoder = reader.into_decoder()?;
    let orientation = orientation(&mut decoder, is_turned);
    let (stored, n_components) = stored_format(&decoder)?;
    check_plausible(stored.frame_bytes(), path.metadata()?.len())?;
    let n_components = if kind == Some(ImageFormat::Bmp) && is_gray_bmp(path)? { 1 } else { n_components };
    Ok(orientation.format(Format { n_components, is_colour: n_components == 3, ..stored }))
}

/// Decodes a file with one image.
pub fn read(path: &Path, is_turned: bool) -> Result<Picture> {
    let reader = open(path)?;
    let kind = reader.format();
    let mut decoder = reader.into_decoder()?;
    let orientation = orientation(&mut decoder, is_turned);
    let (mut format, _) = stored_format(&decoder)?;
    let mut bytes = zeros(format.frame_bytes())?;
    decoder.read_image(&mut bytes)?;
    match kind {
        Some(ImageFormat::Bmp) if is_gray_bmp(path)? => {
            bytes = bytes.into_iter().step_by(format.n_components as usize).collect();
            format.n_components = 1;
        }
        Some(ImageFormat::Pnm) => restore_levels(path, format.sample, &mut bytes)?,
        _ => (),
    }
    let (width, height) = (format.width as u32, format.height as u32);
    orientation.apply(Picture::new(width, height, format.n_components, format.sample, bytes)?)
}

/// Without limits: what does not fit into memory is an error of its own.
fn open(path: &Path) -> Result<ImageReader<BufReader<File>>> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.no_limits();
    Ok(reader)
}

fn orientation(decoder: &mut impl ImageDecoder, is_turned: bool) -> Orientation {
    let found = if is_turned { decoder.orientation().ok() } else { None };
    Orientation::of_exif(found.map_or(1, ExifOrientation::to_exif))
}

/// With an alpha channel, and how many components there are without it.
fn stored_format(decoder: &impl ImageDecoder) -> Result<(Format, u64)> {
    let (n_components, sample) = match decoder.color_type() {
        ColorType::L8 => (1, SampleType::U8),
        ColorType::La8 => (2, SampleType::U8),
        ColorType::Rgb8 => (3, SampleType::U8),
        ColorType::Rgba8 => (4, SampleType::U8),
        ColorType::L16 => (1, SampleType::U16),
        ColorType::La16 => (2, SampleType::U16),
        ColorType::Rgb16 => (3, SampleType::U16),
        ColorType::Rgba16 => (4, SampleType::U16),
        other => bail!("pixels of {other:?} are not supported (expected 8 or 16 bits)"),
    };
    let (width, height) = decoder.dimensions();
    let (width, height) = (width.into(), height.into());
    let is_colour = n_components > 2;
    Ok((Format { height, width, n_components, sample, is_colour }, if is_colour { 3 } else { 1 }))
}

/// Whether it is a BMP of grays, which has a palette of them: there is no other way to write one.
fn is_gray_bmp(path: &Path) -> Result<bool> {
    let decoder = BmpDecoder::new(open(path)?.into_inner())?;
    let is_gray = |[r, g, b]: &[u8; 3]| r == g && g == b;
    Ok(decoder.get_palette().is_some_and(|palette| palette.iter().all(is_gray)))
}

/// A PNM says which level is white, and its decoder stretches levels to the range of the samples.
fn restore_levels(path: &Path, sample: SampleType, bytes: &mut [u8]) -> Result<()> {
    let white = PnmDecoder::new(open(path)?.into_inner())?.into_inner().1.maximal_sample();
    let most: u32 = if sample == SampleType::U8 { 255 } else { 65535 };
    // A bitmap is black and white.
    if white == most || white == 1 {
        return Ok(());
    }
    let level = |stretched: u32| (f64::from(stretched) * f64::from(white) / f64::from(most)).round();
    match sample {
        SampleType::U8 => bytes.iter_mut().for_each(|byte| *byte = level((*byte).into()) as u8),
        _ => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|bytes| {
            *bytes = (level(u16::from_ne_bytes(*bytes).into()) as u16).to_ne_bytes();
        }),
    }
    Ok(())
}

/// What an animation says of itself.
pub struct Animation {
    /// How long each frame is shown.
    pub delays: Vec<Duration>,
    pub format: Format,
}

/// `None` if a file has one image.
pub fn animation(path: &Path, kind: ImageFormat) -> Result<Option<Animation>> {
    let (delays, is_colour, (width, height)) = match kind {
        ImageFormat::Gif => gif(buffered(path)?)?,
        ImageFormat::Png => {
            let decoder = PngDecoder::new(buffered(path)?)?;
            if !decoder.is_apng()? {
                return Ok(None);
            }
            let (is_colour, size) = (decoder.color_type().has_color(), decoder.dimensions());
            (delays(decoder.apng()?.into_frames())?, is_colour, size)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(buffered(path)?)?;
            if !decoder.has_animation() {
                return Ok(None);
            }
            let size = decoder.dimensions();
            (delays(decoder.into_frames())?, true, size)
        }
        _ => return Ok(None),
    };
    ensure!(!delays.is_empty(), "an animation without frames");
    let (height, width) = (height.into(), width.into());
    let n_components = if is_colour { 3 } else { 1 };
    let format = Format { height, width, n_components, sample: SampleType::U8, is_colour };
    check_plausible(format.frame_bytes(), path.metadata()?.len())?;
    Ok(Some(Animation { delays, format }))
}

fn delays(frames: image::Frames<'_>) -> Result<Vec<Duration>> {
    Ok(frames.map(|frame| frame.map(|frame| frame.delay().into())).collect::<Result<_, _>>()?)
}

fn buffered(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path)?))
}

/// How long frames are shown, whether any has colour, and their size.
fn gif(file: BufReader<File>) -> Result<(Vec<Duration>, bool, (u32, u32))> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(file)?;
    let has_colour = |palette: &[u8]| palette.as_chunks::<3>().0.iter().any(|[r, g, b]| r != g || g != b);
    let is_colour = decoder.global_palette().is_some_and(has_colour);
    let size = (decoder.width().into(), decoder.height().into());
    let (mut delays, mut is_local) = (Vec::new(), false);
    while let Some(frame) = decoder.read_next_frame()? {
        delays.push(Duration::from_millis(10 * u64::from(frame.delay)));
        is_local |= frame.palette.as_deref().is_some_and(has_colour);
    }
    Ok((delays, is_colour || is_local, size))
}

/// The frames of an animation.
pub fn frames(path: &Path, format: Format) -> Result<impl Iterator<Item = Result<Picture>> + use<>> {
    let kind = open(path)?.format();
    let frames = match kind {
        Some(ImageFormat::Gif) => GifDecoder::new(buffered(path)?)?.into_frames(),
        Some(ImageFormat::Png) => PngDecoder::new(buffered(path)?)?.apng()?.into_frames(),
        Some(ImageFormat::WebP) => WebPDecoder::new(buffered(path)?)?.into_frames(),
        _ => bail!("no animation"),
    };
    Ok(frames.map(move |frame| {
        let buffer = frame?.into_buffer();
        let (width, height) = buffer.dimensions();
        let mut bytes = buffer.into_raw();
        let mut n_components = 4;
        if !format.is_colour {
            bytes = bytes.into_iter().step_by(4).collect();
            n_components = 1;
        }
        Picture::new(width, height, n_components, SampleType::U8, bytes)
    }))
}
