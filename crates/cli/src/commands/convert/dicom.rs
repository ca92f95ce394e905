//! DICOM files, of one frame or many. Samples stay what they are stored as: rescaling is left to who reads them.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use dicom_object::{DefaultDicomObject, OpenFileOptions, Tag};
use dicom_pixeldata::PixelDecoder;

use super::picture::{Format, Picture, SampleType, check_plausible, with_room};

/// Attributes of the image (PS3.6).
const SAMPLES_PER_PIXEL: Tag = Tag(0x0028, 0x0002);
const PHOTOMETRIC: Tag = Tag(0x0028, 0x0004);
const PLANAR_CONFIGURATION: Tag = Tag(0x0028, 0x0006);
const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const BITS_ALLOCATED: Tag = Tag(0x0028, 0x0100);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const PIXEL_DATA: Tag = Tag(0x7fe0, 0x0010);
const RLE: &str = "1.2.840.10008.1.2.5";

/// A file whose frames are decoded.
pub struct DicomFile {
    object: DefaultDicomObject,
    image: Image,
    /// The samples of all frames, unless they are compressed.
    samples: Option<Vec<u8>>,
}

/// What a file says of its frames.
#[derive(Debug, Clone)]
struct Image {
    n_frames: u32,
    format: Format,
    bits: u32,
    photometric: String,
    is_planar: bool,
}

/// How many frames a file has, and their format.
pub fn frames(path: &Path) -> Result<(u32, Format)> {
    let object = OpenFileOptions::new().read_until(PIXEL_DATA).open_file(path).context("DICOM")?;
    let image = Image::of(&object)?;
    check_plausible(image.format.frame_bytes(), path.metadata()?.len())?;
    Ok((image.n_frames, image.format))
}

impl Image {
    fn of(object: &DefaultDicomObject) -> Result<Self> {
        let number = |tag, default: Option<u32>| -> Result<u32> {
            let found = object.element_opt(tag)?.map(|element| element.to_int::<u32>()).transpose()?;
            found.or(default).with_context(|| format!("a DICOM file without image (expected {tag})"))
        };
        let n_samples = number(SAMPLES_PER_PIXEL, Some(1))?;
        let is_signed = number(PIXEL_REPRESENTATION, Some(0))? == 1;
        let bits = number(BITS_ALLOCATED, None)?;
        let sample = match (bits, is_signed) {
            (1, _) | (8, false) => SampleType::U8,
            (16, false) => SampleType::U16,
            (32, false) => SampleType::U32,
            (8, true) => SampleType::I8,
            (16, true) => SampleType::I16,
            (32, true) => SampleType::I32,
            _ => bail!("DICOM samples of {bits} bits (expected 1, 8, 16 or 32)"),
        };
        ensure!([1, 3].contains(&n_samples), "DICOM pixels of {n_samples} samples (expected 1 or 3)");
        let photometric = object.element_opt(PHOTOMETRIC)?.map(|element| element.to_str()).transpose()?;
        let format = Format {
            height: number(ROWS, None)?.into(),
            width: number(COLUMNS, None)?.into(),
            n_components: n_samples.into(),
            sample,
            is_colour: n_samples == 3,
        };
        ensure!(format.frame_bytes() > 0, "a DICOM image of {} × {}", format.width, format.height);
        Ok(Self {
            n_frames: number(NUMBER_OF_FRAMES, Some(1))?,
            format,
            bits,
            photometric: photometric.map_or(String::new(), |text| text.trim().to_owned()),
            is_planar: number(PLANAR_CONFIGURATION, Some(0))? == 1,
        })
    }
}

impl DicomFile {
    pub fn open(path: &Path) -> Result<Self> {
        let object = dicom_object::open_file(path).context("DICOM")?;
        let image = Image::of(&object)?;
        let stored = object.element(PIXEL_DATA).context("DICOM")?.value();
        let samples = stored.primitive().map(|samples| samples.to_bytes().into_owned());
        Ok(Self { object, image, samples })
    }

    /// Decodes a frame.
    pub fn read(&self, index: u32) -> Result<Picture> {
        let format = self.image.format;
        let mut bytes = match &self.samples {
            Some(samples) if self.image.bits == 1 => self.bits(samples, index)?,
            Some(samples) => {
                let start = u64::from(index) * format.frame_bytes();
                let end = usize::try_from(start + format.frame_bytes())?;
                let frame = samples.get(start as usize..end).context("it ends before this frame: cut off")?;
                if self.image.is_planar && format.is_colour {
                    interleaved(frame, format)?
                } else {
                    frame.to_vec()
                }
            }
            None => self.object.decode_pixel_data_frame(index).context("DICOM")?.into_data(),
        };
        // What decodes JPEG makes RGB of it.
        let is_jpeg = self.samples.is_none() && self.object.meta().transfer_syntax() != RLE;
        match &*self.image.photometric {
            "YBR_FULL" if !is_jpeg && format.sample == SampleType::U8 => {
                bytes.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = rgb(*pixel));
            }
            "YBR_FULL_422" | "YBR_PARTIAL_422" if !is_jpeg => {
                bail!("DICOM colours of kind {} are not supported", self.image.photometric)
            }
            _ => (),
        }
        Picture::of(format, bytes)
    }

    /// Samples of a bit, the lowest of a byte first, without gaps between frames.
    fn bits(&self, samples: &[u8], index: u32) -> Result<Vec<u8>> {
        let n = self.image.format.frame_bytes();
        let start = u64::from(index) * n;
        ensure!((start + n).div_ceil(8) <= samples.len() as u64, "it ends before this frame: cut off");
        Ok((start..start + n).map(|i| samples[(i / 8) as usize] >> (i % 8) & 1).collect())
    }
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

/// PS3.3, C.7.6.3.1.2.
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|level| level.round() as u8)
}
