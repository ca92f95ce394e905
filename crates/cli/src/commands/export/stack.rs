//! All frames in one TIFF file, with the names of axes and the sizes of pixels, for Fiji and napari.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tiff::encoder::colortype::{self, ColorType};
use tiff::encoder::{Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue};
use tiff::tags::Tag;

use super::axes::Axes;
use super::frames::Frames;
use super::pictures::{by_type, samples};
use crate::h5::NumberKind;
use crate::output::Output;
use crate::progress;

/// What the first page says of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Ome,
    ImageJ,
}

/// Files with more bytes of samples have offsets of 64 bits: room is left for the directories.
const MOST_CLASSIC_BYTES: u64 = (u32::MAX as u64) / 10 * 9;

/// Writes a file of one page per frame.
pub fn write(
    frames: &Frames<'_>,
    target: &Path,
    input: &Path,
    dialect: Dialect,
    fps: Option<f64>,
) -> Result<()> {
    let axes = Axes::of(frames, fps)?;
    let (height, width, n_components) = frames.picture()?;
    let type_name = pixel_type(frames)?;
    ensure!(n_components != 4, "TIFF files of four components are not written here (use .png or .npy)");
    if dialect == Dialect::ImageJ {
        let fits =
            ["uint8", "uint16", "float"].contains(&type_name) && (n_components == 1 || type_name == "uint8");
        ensure!(
            axes.are_in_imagejs_order(),
            "ImageJ has frames in the order t, z, c (expected a dataset with its dimensions in that order, or .ome.tif)"
        );
        ensure!(
            fits,
            "ImageJ has frames of uint8, uint16 and float32, and RGB of uint8 (expected .ome.tif for {type_name})"
        );
    }
    let description = match dialect {
        Dialect::Ome => axes.ome([height, width, n_components], type_name),
        Dialect::ImageJ => axes.imagej(),
    };
    let output = Output::new(target, &[input])?;
    let describe = || format!("can't write {}", target.display());
    let file = BufWriter::new(File::create(output.path()).with_context(describe)?);
    let page = Page { width, height, n_components, description, axes };
    let n_bytes = frames.n_frames() * frames.frame_bytes();
    let is_named_big =
        target.extension().is_some_and(|extension| ["btf", "tf8"].iter().any(|big| extension == *big));
    match is_named_big || n_bytes > MOST_CLASSIC_BYTES {
        true => pages(frames, TiffEncoder::<_, TiffKindBig>::new_generic(file)?, &page),
        false => pages(frames, TiffEncoder::<_, TiffKindStandard>::new_generic(file)?, &page),
    }
    .with_context(describe)?;
    output.finish()
}

struct Page {
    width: u32,
    height: u32,
    n_components: u32,
    /// Of the first page.
    description: String,
    axes: Axes,
}

fn pages<W: Write + Seek, K: TiffKind>(
    frames: &Frames<'_>,
    mut file: TiffEncoder<W, K>,
    page: &Page,
) -> Result<()> {
    let bar = progress::bar(frames.n_frames() * frames.frame_bytes(), "exporting");
    for (i, frame) in frames.iter().enumerate() {
        write_page(frames, &mut file, page, &frame?, i == 0)?;
        bar.inc(frames.frame_bytes());
    }
    bar.finish_and_clear();
    Ok(())
}

fn write_page<W: Write + Seek, K: TiffKind>(
    frames: &Frames<'_>,
    file: &mut TiffEncoder<W, K>,
    page: &Page,
    bytes: &[u8],
    is_first: bool,
) -> Result<()> {
    macro_rules! write {
        ($sample:ident, $colour:ident) => {{
            let samples = samples(bytes, $sample::from_ne_bytes)?;
            image::<W, K, colortype::$colour>(file, page, &samples, is_first)
        }};
    }
    by_type!((frames.kind, frames.sample_bytes, page.n_components), write)
}

fn image<W: Write + Seek, K: TiffKind, C: ColorType>(
    file: &mut TiffEncoder<W, K>,
    page: &Page,
    samples: &[C::Inner],
    is_first: bool,
) -> Result<()>
where
    [C::Inner]: TiffValue,
{
    let mut image = file.new_image::<C>(page.width, page.height)?;
    // One strip: readers of ImageJ's stacks expect samples behind each other.
    image.rows_per_strip(page.height)?;
    if is_first {
        // The type for text has 7 bits; programs that know what is in it read UTF-8.
        let text: Vec<u8> = page.description.bytes().chain([0]).collect();
        image.encoder().write_tag(Tag::ImageDescription, Text(&text))?;
    }
    if let [_, Some(y), Some(x)] = page.axes.pixel_um {
        image.encoder().write_tag(Tag::XResolution, per_micrometre(x))?;
        image.encoder().write_tag(Tag::YResolution, per_micrometre(y))?;
        // None: ImageJ has its unit in the description.
        image.encoder().write_tag(Tag::ResolutionUnit, 1_u16)?;
    }
    image.write_data(samples)?;
    Ok(())
}

/// Bytes of text, with a NUL at the end.
struct Text<'t>(&'t [u8]);

impl TiffValue for Text<'_> {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: tiff::tags::Type = tiff::tags::Type::ASCII;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        self.0.into()
    }
}

/// Pixels in a micrometre.
fn per_micrometre(um: f64) -> Rational {
    // As exact as there is room for.
    let d = (f64::from(u32::MAX) / 2.0 / (1.0 / um).max(1.0)).floor().clamp(1.0, 1e6);
    Rational { n: (d / um).round().clamp(0.0, u32::MAX.into()) as u32, d: d as u32 }
}

/// OME's name for samples.
fn pixel_type(frames: &Frames<'_>) -> Result<&'static str> {
    Ok(match (frames.kind, frames.sample_bytes) {
        (NumberKind::Unsigned, 1) => "uint8",
        (NumberKind::Unsigned, 2) => "uint16",
        (NumberKind::Unsigned, 4) => "uint32",
        (NumberKind::Signed, 1) => "int8",
        (NumberKind::Signed, 2) => "int16",
        (NumberKind::Signed, 4) => "int32",
        (NumberKind::Float, 4) => "float",
        (NumberKind::Float, 8) => "double",
        (_, n) => bail!(
            "TIFF stacks of samples of {n} bytes are not written here (expected integers of up to 32 bits, float32 or float64; use .npy)"
        ),
    })
}
