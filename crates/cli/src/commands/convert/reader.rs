use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageFormat, ImageReader};
use tiff::ColorType;
use tiff::decoder::{Decoder, Limits};

use super::inputs::{ImageFile, Inputs};
use super::picture::Picture;

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
        let picture = next_page(&mut pages, &file.path, page).with_context(|| name.clone())?;
        Ok(Frame::Decoded { name, picture })
    }))
}

type Pages = Decoder<BufReader<File>>;

/// Decodes the next page of a TIFF, which is opened for the first one.
fn next_page(pages: &mut Option<Pages>, path: &Path, page: usize) -> Result<Picture> {
    if let Some(decoder) = pages
        && page > 0
    {
        decoder.next_image()?;
    }
    let decoder = match pages {
        Some(decoder) => decoder,
        None => {
            let file = BufReader::new(File::open(path)?);
            // What does not fit into memory is an error of its own.
            pages.insert(Decoder::new(file)?.with_limits(Limits::unlimited()))
        }
    };
    let (width, height) = decoder.dimensions()?;
    let n_components = n_components(decoder.colortype()?)?;
    let samples = decoder.read_image()?;
    Picture::of_tiff(width, height, n_components, samples).context("samples of an unknown type")
}

fn decode_image(path: &Path) -> Result<Picture> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.no_limits();
    let mut image = reader.decode()?;
    if is_gray_bmp(path)? {
        image = DynamicImage::ImageLuma8(image.into_luma8());
    }
    Picture::of_image(image).context("pixels of an unknown type")
}

/// Whether it is a BMP of grays, which has a palette of them: there is no other way to write one.
pub(super) fn is_gray_bmp(path: &Path) -> Result<bool> {
    let reader = ImageReader::open(path)?.with_guessed_format()?;
    if reader.format() != Some(ImageFormat::Bmp) {
        return Ok(false);
    }
    let decoder = BmpDecoder::new(reader.into_inner())?;
    let is_gray = |[r, g, b]: &[u8; 3]| r == g && g == b;
    Ok(decoder.get_palette().is_some_and(|palette| palette.iter().all(is_gray)))
}

/// How many samples a pixel of a TIFF has.
pub(super) fn n_components(colour: ColorType) -> Result<u64> {
    Ok(match colour {
        ColorType::Gray(8 | 16 | 32 | 64) => 1,
        ColorType::GrayA(8 | 16 | 32 | 64) => 2,
        ColorType::RGB(8 | 16 | 32 | 64) => 3,
        ColorType::RGBA(8 | 16 | 32 | 64) => 4,
        other => {
            bail!("TIFF pages of {other:?} are not supported (expected gray or RGB of 8, 16, 32 or 64 bits)")
        }
    })
}
