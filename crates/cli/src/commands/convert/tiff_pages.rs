use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tiff::ColorType;
use tiff::decoder::{ChunkType, Decoder, Limits};
use tiff::tags::{ByteOrder, Tag};

use super::picture::{Format, Picture, SampleType, check_plausible, with_room, zeros};

/// Values of PhotometricInterpretation, Compression and PlanarConfiguration (TIFF 6.0, sections 3 and 8).
const WHITE_IS_ZERO: u16 = 0;
const UNCOMPRESSED: u16 = 1;
const PLANAR: u16 = 2;

/// The frames of a TIFF file, one after the other.
pub struct TiffPages {
    decoder: Decoder<BufReader<File>>,
    file_bytes: u64,
    is_first_page: bool,
    /// Frames of this page, and how many of them were read.
    n_frames: u64,
    n_read: u64,
}

impl TiffPages {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let mut limits = Limits::unlimited();
        // No value is longer than the file that it is in.
        limits.ifd_value_size = usize::try_from(file_bytes)?;
        let decoder = Decoder::new(BufReader::new(file))?.with_limits(limits);
        let mut pages = Self { decoder, file_bytes, is_first_page: true, n_frames: 0, n_read: 0 };
        pages.n_frames = pages.count_frames()?;
        Ok(pages)
    }

    /// The formats of all frames, before anything is decoded.
    pub fn formats(mut self) -> Result<Vec<Format>> {
        let mut formats = Vec::new();
        let n_expected = self.n_images_of_imagej()?;
        loop {
            let format = self.format()?;
            formats.extend((0..self.n_frames).map(|_| format));
            if !self.next_page()? {
                break;
            }
        }
        let n_found = formats.len() as u64;
        if let Some(n) = n_expected {
            ensure!(n <= n_found, "its description says {n} images, and it has {n_found} pages");
        }
        Ok(formats)
    }

    /// Decodes the next frame.
    pub fn next_frame(&mut self) -> Result<Picture> {
        if self.n_read == self.n_frames {
            ensure!(self.next_page()?, "there are no more pages");
        }
        let format = self.format()?;
        let bytes = match self.n_frames {
            1 => self.decode(format)?,
            _ => self.read_stored(format)?,
        };
        self.n_read += 1;
        let bytes = match self.tag(Tag::PlanarConfiguration)? {
            Some(PLANAR) => interleaved(&bytes, format)?,
            _ => bytes,
        };
        Picture::new(format.width as u32, format.height as u32, format.n_components, format.sample, bytes)
    }

    /// False after the last page.
    fn next_page(&mut self) -> Result<bool> {
        if !self.decoder.more_images() {
            return Ok(false);
        }
        self.decoder.next_image()?;
        self.is_first_page = false;
        self.n_frames = self.count_frames()?;
        self.n_read = 0;
        Ok(true)
    }

    /// Of this page, as it is stored: with an alpha channel.
    fn format(&mut self) -> Result<Format> {
        let (width, height) = self.decoder.dimensions()?;
        let colour = self.decoder.colortype()?;
        let n_components = match colour {
            ColorType::Gray(_) => 1,
            ColorType::GrayA(_) => 2,
            ColorType::RGB(_) => 3,
            ColorType::RGBA(_) => 4,
            other => bail!("TIFF pages of {other:?} are not supported (expected gray or RGB)"),
        };
        let sample_format = self.decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?;
        let sample_format = sample_format.and_then(|all| all.first().copied()).unwrap_or(1);
        let sample = match (sample_format, colour.bit_depth()) {
            (1, 8) => SampleType::U8,
            (1, 16) => SampleType::U16,
            (1, 32) => SampleType::U32,
            (1, 64) => SampleType::U64,
            (2, 8) => SampleType::I8,
            (2, 16) => SampleType::I16,
            (2, 32) => SampleType::I32,
            (2, 64) => SampleType::I64,
            (3, 32) => SampleType::F32,
            (3, 64) => SampleType::F64,
            (format, bits) => {
                let kind = if format == 3 { "floats" } else { "integers" };
                bail!(
                    "TIFF pages of {kind} of {bits} bits are not supported (expected integers of 8, 16, 32 \
                     or 64, or floats of 32 or 64 bits)"
                )
            }
        };
        let format = Format { width: width.into(), height: height.into(), n_components, sample };
        check_plausible(format.frame_bytes(), self.file_bytes)?;
        Ok(format)
    }

    fn tag(&mut self, tag: Tag) -> Result<Option<u16>> {
        Ok(self.decoder.find_tag_unsigned(tag)?)
    }

    /// All planes, one behind the other if they are stored so.
    fn decode(&mut self, format: Format) -> Result<Vec<u8>> {
        let is_inverted = self.tag(Tag::PhotometricInterpretation)? == Some(WHITE_IS_ZERO);
        let is_unsigned =
            matches!(format.sample, SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64);
        ensure!(
            is_unsigned || !is_inverted,
            "TIFF pages of {} in which 0 is white are not supported (expected unsigned integers)",
            format.sample.name()
        );
        let is_planar = self.tag(Tag::PlanarConfiguration)? == Some(PLANAR) && format.n_components > 1;
        ensure!(
            !is_planar || self.decoder.get_chunk_type() == ChunkType::Strip,
            "TIFF pages of planes in tiles are not supported (expected strips, or components together)"
        );
        let (n_bytes, expected) = (self.decoder.image_buffer_layout()?.complete_len, format.frame_bytes());
        ensure!(n_bytes as u64 == expected, "a page of {n_bytes} bytes (expected {expected})");
        let mut bytes = zeros(expected)?;
        self.decoder.read_image_bytes(&mut bytes)?;
        if is_inverted {
            // The decoder makes black 0; samples stay what they are.
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
        }
        Ok(bytes)
    }

    /// A frame of a stack, of which only the first has a page.
    fn read_stored(&mut self, format: Format) -> Result<Vec<u8>> {
        let mut bytes = zeros(format.frame_bytes())?;
        let start = self.start()? + self.n_read * format.frame_bytes();
        let file = self.decoder.inner();
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        let is_big_endian = self.decoder.byte_order() == ByteOrder::BigEndian;
        if is_big_endian != cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(format.sample.bytes() as usize).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    /// Where the page's samples begin.
    fn start(&mut self) -> Result<u64> {
        let offsets = self.decoder.get_tag_u64_vec(Tag::StripOffsets)?;
        offsets.first().copied().context("no strips")
    }

    /// How many frames this page stands for: ImageJ, in files of more than 4 GB, and tifffile, if asked to
    /// truncate, write only the first page of a stack, and the samples of all frames behind each other.
    fn count_frames(&mut self) -> Result<u64> {
        let description = self.description()?;
        let n_of_imagej = self.n_images_of_imagej()?.filter(|_| !self.decoder.more_images());
        let (width, height) = self.decoder.dimensions()?;
        let n_samples = u64::from(self.tag(Tag::SamplesPerPixel)?.unwrap_or(1));
        let n_of_tifffile = n_of_truncated(&description, [width.into(), height.into(), n_samples]);
        let n = n_of_imagej.or(n_of_tifffile).unwrap_or(1);
        if n < 2 {
            return Ok(1);
        }
        self.check_stack(n, n_samples).with_context(|| format!("it has one page for {n} images"))?;
        Ok(n)
    }

    fn check_stack(&mut self, n: u64, n_samples: u64) -> Result<()> {
        let is_compressed = self.tag(Tag::Compression)?.is_some_and(|value| value != UNCOMPRESSED);
        ensure!(!is_compressed, "which is compressed");
        ensure!(self.decoder.get_chunk_type() == ChunkType::Strip, "which is made of tiles");
        let format = self.format()?;
        ensure!(n_samples == format.n_components, "which has samples of no known meaning");
        let offsets = self.decoder.get_tag_u64_vec(Tag::StripOffsets)?;
        let lengths = self.decoder.get_tag_u64_vec(Tag::StripByteCounts)?;
        let ends = offsets.iter().zip(&lengths).map(|(offset, length)| offset.saturating_add(*length));
        ensure!(ends.zip(&offsets[1..]).all(|(end, next)| end == *next), "whose strips are not in a row");
        let end = n.checked_mul(format.frame_bytes()).and_then(|n_bytes| n_bytes.checked_add(offsets[0]));
        ensure!(end.is_some_and(|end| end <= self.file_bytes), "and the file ends before the last of them");
        Ok(())
    }

    /// What ImageJ, or a program that writes as it does, says in the first page.
    fn n_images_of_imagej(&mut self) -> Result<Option<u64>> {
        if !self.is_first_page {
            return Ok(None);
        }
        let description = self.description()?;
        if !description.starts_with("ImageJ=") {
            return Ok(None);
        }
        Ok(description.lines().find_map(|line| line.strip_prefix("images=")?.trim().parse().ok()))
    }

    /// Empty if there is none.
    fn description(&mut self) -> Result<String> {
        let description = self.decoder.find_tag(Tag::ImageDescription)?;
        Ok(description.and_then(|value| value.into_string().ok()).unwrap_or_default())
    }
}

/// What tifffile writes as the description of a page.
#[derive(Debug, Deserialize)]
struct Shaped {
    shape: Vec<u64>,
    #[serde(default)]
    truncated: bool,
}

fn n_of_truncated(description: &str, page: [u64; 3]) -> Option<u64> {
    let shaped: Shaped = serde_json::from_str(description).ok()?;
    let n_samples = shaped.shape.iter().try_fold(1u64, |product, n| product.checked_mul(*n))?;
    let n_of_page = page.iter().try_fold(1u64, |product, n| product.checked_mul(*n))?;
    shaped.truncated.then_some(n_samples / n_of_page.max(1))
}

/// Components together, instead of one plane behind the other.
fn interleaved(planes: &[u8], format: Format) -> Result<Vec<u8>> {
    let sample_bytes = format.sample.bytes() as usize;
    let plane_bytes = planes.len() / format.n_components as usize;
    let mut bytes = with_room(planes.len() as u64)?;
    for start in (0..plane_bytes).step_by(sample_bytes) {
        for plane in planes.chunks_exact(plane_bytes) {
            bytes.extend(&plane[start..start + sample_bytes]);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_interleaved() {
        let format = Format { width: 2, height: 1, n_components: 3, sample: SampleType::U16 };
        let planes = [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24];
        let expected = [1, 2, 11, 12, 21, 22, 3, 4, 13, 14, 23, 24];
        assert_eq!(interleaved(&planes, format).unwrap(), expected);
    }

    #[test]
    fn truncated_stacks_are_recognised() {
        let n = |text| n_of_truncated(text, [80, 64, 1]);
        assert_eq!(n(r#"{"shape": [30, 64, 80], "truncated": true}"#), Some(30));
        assert_eq!(n(r#"{"shape": [30, 64, 80]}"#), None);
        assert_eq!(n(r#"{"shape": [18446744073709551615, 64, 80], "truncated": true}"#), None);
        assert_eq!(n("a flower"), None);
    }
}
