use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader};

use super::inputs::{ImageFile, Inputs};
use super::picture::{Format, Picture, SampleType, check_plausible, zeros};
use super::tiff_pages::TiffPages;

/// A frame on its way into the dataset.
pub enum Frame {
    /// To be decoded on any thread.
    File(PathBuf),
    /// One of many of a file, decoded in their order.
    Decoded { name: String, picture: Picture },
}

impl Frame {
    /// The picture, and what errors call it.
    pub fn read(self) -> Result<(String, Picture)> {
        match self {
            Self::File(path) => {
                let name = path.display().to_string();
                let picture = decode_image(&path).with_context(|| name.clone())?;
                Ok((name, picture))
            }
            Self::Decoded { name, picture } => Ok((name, picture)),
        }
    }
}

/// All frames, in order.
pub fn frames(inputs: &Inputs) -> impl Iterator<Item = Result<Frame>> {
    inputs.files.iter().flat_map(frames_of)
}

/// The first frame.
pub fn first(inputs: &Inputs) -> Result<Picture> {
    let first = frames(inputs).next().context("no images")??;
    Ok(first.read()?.1)
}

fn frames_of(file: &ImageFile) -> Box<dyn Iterator<Item = Result<Frame>> + '_> {
    if !file.is_tiff {
        return Box::new(std::iter::once(Ok(Frame::File(file.path.clone()))));
    }
    let mut pages = None;
    Box::new((0..file.pages.len()).map(move |page| {
        let name = format!("{}, page {}", file.path.display(), page + 1);
        let picture = next_frame(&mut pages, &file.path).with_context(|| name.clone())?;
        Ok(Frame::Decoded { name, picture })
    }))
}

/// The next frame of a TIFF, which is opened for the first one.
fn next_frame(pages: &mut Option<TiffPages>, path: &Path) -> Result<Picture> {
    match pages {
        Some(pages) => pages.next_frame(),
        None => pages.insert(TiffPages::open(path)?).next_frame(),
    }
}

/// The format of a file with one image, before it is decoded; with an alpha channel.
pub fn image_format(path: &Path) -> Result<Format> {
    let decoder = open(path)?.into_decoder()?;
    let format = stored_format(&decoder)?;
    check_plausible(format.frame_bytes(), path.metadata()?.len())?;
    Ok(if is_gray_bmp(path)? { Format { n_components: 1, ..format } } else { format })
}

fn decode_image(path: &Path) -> Result<Picture> {
    let decoder = open(path)?.into_decoder()?;
    let mut format = stored_format(&decoder)?;
    let mut bytes = zeros(format.frame_bytes())?;
    decoder.read_image(&mut bytes)?;
    if is_gray_bmp(path)? {
        let pixel_bytes = format.n_components as usize;
        bytes = bytes.into_iter().step_by(pixel_bytes).collect();
        format.n_components = 1;
    }
    Picture::new(format.width as u32, format.height as u32, format.n_components, format.sample, bytes)
}

/// Without limits: what does not fit into memory is an error of its own.
fn open(path: &Path) -> Result<ImageReader<BufReader<File>>> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.no_limits();
    Ok(reader)
}

fn stored_format(decoder: &impl ImageDecoder) -> Result<Format> {
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
    Ok(Format { width: width.into(), height: height.into(), n_components, sample })
}

/// Whether it is a BMP of grays, which has a palette of them: there is no other way to write one.
fn is_gray_bmp(path: &Path) -> Result<bool> {
    let reader = open(path)?;
    if reader.format() != Some(ImageFormat::Bmp) {
        return Ok(false);
    }
    let decoder = BmpDecoder::new(reader.into_inner())?;
    let is_gray = |[r, g, b]: &[u8; 3]| r == g && g == b;
    Ok(decoder.get_palette().is_some_and(|palette| palette.iter().all(is_gray)))
}
