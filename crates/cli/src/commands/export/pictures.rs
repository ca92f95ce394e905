use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use tiff::encoder::{TiffEncoder, TiffValue, colortype};

use super::frames::Frames;
use crate::h5::NumberKind;
use crate::output::OutputSeries;
use crate::{parallel, progress};

/// A frame on its way to a file.
pub struct Picture<'p> {
    samples: &'p [u8],
    kind: NumberKind,
    sample_bytes: usize,
    height: u32,
    width: u32,
    n_components: u32,
}

/// Writes each frame to a file of its own, encoded on several threads.
pub fn write(
    frames: &Frames<'_>,
    target: &Path,
    input: &Path,
    n_threads: usize,
    encode: impl Fn(&Picture<'_>) -> Result<Vec<u8>> + Sync,
) -> Result<()> {
    let (height, width, n_components) = frames.picture()?;
    let n_frames = frames.n_frames();
    let targets = (0..n_frames).map(|index| numbered(target, index, n_frames)).collect();
    let output = OutputSeries::new(targets, &[input])?;
    let bar = progress::bar(n_frames * frames.frame_bytes(), "exporting");
    let work = |samples: Result<Vec<u8>>| -> Result<_> {
        let (kind, sample_bytes) = (frames.kind, frames.sample_bytes);
        encode(&Picture { samples: &samples?, kind, sample_bytes, height, width, n_components })
    };
    let mut n_done = 0;
    parallel::in_order(n_threads, frames.iter().map(Ok), work, |file| {
        output.write(n_done, &file?)?;
        n_done += 1;
        bar.inc(frames.frame_bytes());
        Ok(())
    })?;
    bar.finish_and_clear();
    output.finish()
}

/// frames.png: frames_07.png, with as many digits as the last has.
fn numbered(target: &Path, index: u64, n_frames: u64) -> PathBuf {
    let n_digits = (n_frames - 1).to_string().len();
    let stem = target.file_stem().unwrap_or_default().to_string_lossy();
    let extension = target.extension().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{stem}_{index:0n_digits$}.{extension}"))
}

/// The bytes of a PNG file.
pub fn png(picture: &Picture<'_>) -> Result<Vec<u8>> {
    let colour = match (picture.kind, picture.sample_bytes, picture.n_components) {
        (NumberKind::Unsigned, 1, 1) => ExtendedColorType::L8,
        (NumberKind::Unsigned, 1, 3) => ExtendedColorType::Rgb8,
        (NumberKind::Unsigned, 1, 4) => ExtendedColorType::Rgba8,
        (NumberKind::Unsigned, 2, 1) => ExtendedColorType::L16,
        (NumberKind::Unsigned, 2, 3) => ExtendedColorType::Rgb16,
        (NumberKind::Unsigned, 2, 4) => ExtendedColorType::Rgba16,
        _ => bail!("PNG has samples of uint8 and uint16 only (use .tif or .npy)"),
    };
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(picture.samples, picture.width, picture.height, colour)?;
    Ok(file)
}

/// Expands the macro `$write` for the kind, bytes and number of a pixel's samples: with their type, and TIFF's name of it.
macro_rules! by_type {
    ($pixel:expr, $write:ident) => {
        match $pixel {
            (NumberKind::Unsigned, 1, 1) => $write!(u8, Gray8),
            (NumberKind::Unsigned, 1, 3) => $write!(u8, RGB8),
            (NumberKind::Unsigned, 2, 1) => $write!(u16, Gray16),
            (NumberKind::Unsigned, 2, 3) => $write!(u16, RGB16),
            (NumberKind::Unsigned, 4, 1) => $write!(u32, Gray32),
            (NumberKind::Unsigned, 4, 3) => $write!(u32, RGB32),
            (NumberKind::Unsigned, 8, 1) => $write!(u64, Gray64),
            (NumberKind::Unsigned, 8, 3) => $write!(u64, RGB64),
            (NumberKind::Signed, 1, 1) => $write!(i8, GrayI8),
            (NumberKind::Signed, 2, 1) => $write!(i16, GrayI16),
            (NumberKind::Signed, 4, 1) => $write!(i32, GrayI32),
            (NumberKind::Signed, 8, 1) => $write!(i64, GrayI64),
            (NumberKind::Float, 4, 1) => $write!(f32, Gray32Float),
            (NumberKind::Float, 4, 3) => $write!(f32, RGB32Float),
            (NumberKind::Float, 8, 1) => $write!(f64, Gray64Float),
            (NumberKind::Float, 8, 3) => $write!(f64, RGB64Float),
            _ => bail!("TIFF files of such samples are not supported (use .npy)"),
        }
    };
}

pub(super) use by_type;

/// The bytes of a TIFF file.
pub fn tiff(picture: &Picture<'_>) -> Result<Vec<u8>> {
    let (width, height) = (picture.width, picture.height);
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(BufWriter::new(&mut file))?;
    macro_rules! write {
        ($sample:ident, $colour:ident) => {{
            let samples = samples(picture.samples, $sample::from_ne_bytes)?;
            encoder.write_image::<colortype::$colour>(width, height, &samples)?
        }};
    }
    by_type!((picture.kind, picture.sample_bytes, picture.n_components), write);
    drop(encoder);
    Ok(file.into_inner())
}

/// Samples in the byte order of this machine.
pub fn samples<T, const N: usize>(bytes: &[u8], from: fn([u8; N]) -> T) -> Result<Vec<T>>
where
    [T]: TiffValue,
{
    let (samples, rest) = bytes.as_chunks::<N>();
    ensure!(rest.is_empty(), "a part of a sample is missing");
    Ok(samples.iter().map(|sample| from(*sample)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_numbered_so_that_they_sort() {
        let name = |index, n| numbered(Path::new("a/frames.png"), index, n).to_string_lossy().into_owned();
        assert_eq!(name(7, 10), "a/frames_7.png");
        assert_eq!(name(7, 1001), "a/frames_0007.png");
    }
}
