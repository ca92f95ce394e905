use std::ops::Range;

use super::Padding;
use crate::error::{Result, damaged, reserve};
use crate::geometry::{Geometry, MAX_COMPONENTS, STRIP_HEIGHT_STEP};
use crate::noise::Noise;
use crate::picture::{PictureLayout, PixelFormat};
use crate::transform::{Coding, MAX_TABLE_LEN, Mapping, Plane, Table, Transform};
use crate::varint::{self, Reader};

/// What a decoder has to know of a coded chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The frames.
    pub geometry: Geometry,
    /// Rows of the strips that frames are cut into, but for the last: the height of a frame, or a
    /// multiple of [`STRIP_HEIGHT_STEP`] below it.
    pub strip_height: usize,
    /// Whether samples have their most significant byte first.
    pub big_endian: bool,
    /// What was done to the samples.
    pub transform: Transform,
    /// Bytes of each zstd plane.
    pub zstd_bytes: Vec<usize>,
    /// The noise; `None` if no plane is coded as noise.
    pub noise: Option<Noise>,
    /// The pictures; `None` if no plane is coded as video.
    pub video: Option<Video>,
    /// What follows the frames.
    pub padding: Option<Padding>,
}

/// The pictures and their access units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// What a picture consists of: `Gray` or `Rgb`.
    pub format: PixelFormat,
    /// Bytes of each access unit, in the order of the stream.
    pub access_unit_bytes: Vec<usize>,
}

/// Bits of the sample byte.
mod sample {
    pub(super) const LOG2_BYTES: u8 = 0b11;
    pub(super) const BIG_ENDIAN: u8 = 1 << 2;
    pub(super) const MAPPING_SHIFT: u32 = 3;
}

const CONSTANT: u8 = 0;
const RAW: u8 = 1;
const VIDEO: u8 = 2;
const NOISE: u8 = 3;
const ZSTD: u8 = 4;

impl Header {
    /// How large the chunk is.
    pub fn chunk_bytes(&self) -> usize {
        self.geometry.chunk_bytes() + self.padding.as_ref().map_or(0, |padding| padding.n_bytes)
    }

    /// Bytes of the raw planes, the zstd planes, the noise and the video; `None` if this machine can't
    /// address them.
    pub(super) fn part_bytes(&self) -> Option<[usize; 4]> {
        let noise = self.noise.iter().flat_map(|noise| noise.strip_bytes.iter().flatten().copied());
        let video = self.video.iter().flat_map(|video| video.access_unit_bytes.iter().copied());
        Some([self.raw_planes_bytes()?, sum(self.zstd_bytes.iter().copied())?, sum(noise)?, sum(video)?])
    }

    fn raw_planes_bytes(&self) -> Option<usize> {
        let strip_bytes = |rows: &Range<usize>| {
            let geometry = self.geometry.of_rows(rows);
            self.transform.raw_bytes(geometry.frame_samples()).checked_mul(geometry.n_frames)
        };
        sum_over_strips(&self.geometry, self.strip_height, strip_bytes)
    }

    /// Access units of a strip.
    pub fn n_access_units(&self, strip: &Geometry) -> Result<usize> {
        let Some(video) = &self.video else { return Ok(0) };
        let layout = picture_layout(strip, video.format)?;
        Ok(layout.n_parts * strip.n_frames)
    }

    /// Appends the header.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let Geometry { n_frames, height, width, n_components, sample_bytes } = self.geometry;
        let (mapping, offset) = match self.transform.mapping {
            Mapping::Integer { offset } => (0, offset),
            Mapping::OrderedFloat { offset } => (1, offset),
            Mapping::RotatedFloat { offset } => (3, offset),
            Mapping::IntegralFloat { offset } => (2, offset as u64),
        };
        let big_endian = if self.big_endian { sample::BIG_ENDIAN } else { 0 };
        out.push(sample_bytes.ilog2() as u8 | big_endian | mapping << sample::MAPPING_SHIFT);
        for n in [n_frames, height, width, n_components, self.strip_height] {
            varint::write(n as u64, out);
        }
        out.extend_from_slice(&offset.to_le_bytes()[..offset_bytes(&self.transform.mapping, sample_bytes)]);
        write_table(self.transform.table.as_ref(), out);
        out.push(self.transform.planes.len() as u8);
        for plane in &self.transform.planes {
            match plane.coding {
                Coding::Constant(byte) => out.extend([CONSTANT, plane.bits as u8, byte]),
                Coding::Raw => out.extend([RAW, plane.bits as u8]),
                Coding::Video => out.extend([VIDEO, plane.bits as u8]),
                Coding::Noise => out.extend([NOISE, plane.bits as u8]),
                Coding::Zstd => out.extend([ZSTD, plane.bits as u8]),
            }
        }
        self.zstd_bytes.iter().for_each(|&n| varint::write(n as u64, out));
        if let (Some(noise), Some(bits)) = (&self.noise, self.transform.noise_bits()) {
            noise.write_to(bits, out);
        }
        if let Some(video) = &self.video {
            out.push(u8::from(video.format == PixelFormat::Rgb));
            varint::write(video.access_unit_bytes.len() as u64, out);
            video.access_unit_bytes.iter().for_each(|&n| varint::write(n as u64, out));
        }
        if let Some(padding) = &self.padding {
            padding.write_to(out);
        }
    }

    /// The inverse of [`write_to`](Self::write_to), but for the padding. Whatever it returns has been checked: sizes
    /// can be multiplied, planes fit into the samples, and nothing was allocated beyond a few
    /// times the bytes that were read.
    pub(super) fn read_from(reader: &mut Reader<'_>) -> Result<Self> {
        let sample = reader.byte()?;
        let sample_bytes = 1 << (sample & sample::LOG2_BYTES);
        let [n_frames, height, width, n_components] =
            [reader.varint()?, reader.varint()?, reader.varint()?, reader.varint()?];
        let geometry = Geometry::new(n_frames, height, width, n_components, sample_bytes)
            .map_err(|e| damaged!("its header describes an impossible chunk ({e})"))?;
        if geometry.n_components > MAX_COMPONENTS {
            return Err(damaged!("{n_components} components (expected at most {MAX_COMPONENTS})"));
        }
        let strip_height = read_strip_height(reader, &geometry)?;
        let mapping = match sample >> sample::MAPPING_SHIFT {
            0 => Mapping::Integer { offset: 0 },
            1 => Mapping::OrderedFloat { offset: 0 },
            3 => Mapping::RotatedFloat { offset: 0 },
            2 if sample_bytes > 1 => Mapping::IntegralFloat { offset: 0 },
            2 => return Err(damaged!("floats of one byte")),
            other => return Err(damaged!("mapping {other} (expected 0 to 3)")),
        };
        let mut offset = [0; 8];
        let n_bytes = offset_bytes(&mapping, geometry.sample_bytes);
        offset[..n_bytes].copy_from_slice(reader.bytes(n_bytes)?);
        let offset = u64::from_le_bytes(offset);
        let mapping = match mapping {
            Mapping::Integer { .. } => Mapping::Integer { offset },
            Mapping::OrderedFloat { .. } => Mapping::OrderedFloat { offset },
            Mapping::RotatedFloat { .. } => Mapping::RotatedFloat { offset },
            Mapping::IntegralFloat { .. } => Mapping::IntegralFloat { offset: offset as i64 },
        };
        let table = read_table(reader)?;
        let planes = read_planes(reader, 8 * geometry.sample_bytes as u32)?;
        let transform = Transform { mapping, table, planes };
        let zstd_bytes = read_zstd_bytes(reader, &geometry, strip_height, &transform)?;
        let noise = match transform.noise_bits() {
            Some(bits) => {
                let n_strips = geometry.height.div_ceil(strip_height);
                Some(Noise::read_from(reader, &geometry, bits, n_strips)?)
            }
            None => None,
        };
        let video = read_video(reader, &geometry, strip_height, &transform)?;
        let big_endian = sample & sample::BIG_ENDIAN != 0;
        Ok(Self { geometry, strip_height, big_endian, transform, zstd_bytes, noise, video, padding: None })
    }
}

/// `None` if it is too large.
fn sum(mut sizes: impl Iterator<Item = usize>) -> Option<usize> {
    sizes.try_fold(0, usize::checked_add)
}

/// The sum of what is in every strip; `None` if it is too large. All strips but the last are the same.
fn sum_over_strips(
    geometry: &Geometry,
    strip_height: usize,
    of: impl Fn(&Range<usize>) -> Option<usize>,
) -> Option<usize> {
    let n_full = geometry.height / strip_height;
    let rest = n_full * strip_height..geometry.height;
    let full = if n_full > 0 { of(&(0..strip_height))?.checked_mul(n_full)? } else { 0 };
    let rest = if rest.is_empty() { 0 } else { of(&rest)? };
    full.checked_add(rest)
}

fn picture_layout(strip: &Geometry, format: PixelFormat) -> Result<PictureLayout> {
    PictureLayout::of(strip, format).ok_or_else(|| damaged!("video of frames that are too large for it"))
}

fn read_strip_height(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<usize> {
    let strip_height = reader.size()?;
    let is_less = (1..geometry.height).contains(&strip_height);
    if strip_height == geometry.height || is_less && strip_height.is_multiple_of(STRIP_HEIGHT_STEP) {
        return Ok(strip_height);
    }
    Err(damaged!(
        "strips of {strip_height} rows (expected {}, or a multiple of {STRIP_HEIGHT_STEP} below it)",
        geometry.height
    ))
}

/// Offsets of integers and reordered floats have the size of samples; those of integral floats have 64 bits.
fn offset_bytes(mapping: &Mapping, sample_bytes: usize) -> usize {
    match mapping {
        Mapping::Integer { .. } | Mapping::OrderedFloat { .. } | Mapping::RotatedFloat { .. } => sample_bytes,
        Mapping::IntegralFloat { .. } => 8,
    }
}

/// The number of values; then the first, and for each other one its distance to the one before,
/// less 1.
fn write_table(table: Option<&Table>, out: &mut Vec<u8>) {
    let values = table.map_or(&[][..], Table::values);
    varint::write(values.len() as u64, out);
    let mut next = 0;
    for &value in values {
        varint::write(value - next, out);
        next = value.wrapping_add(1);
    }
}

fn read_table(reader: &mut Reader<'_>) -> Result<Option<Table>> {
    let len = reader.size()?;
    if len > MAX_TABLE_LEN {
        return Err(damaged!("a table of {len} values (expected at most {MAX_TABLE_LEN})"));
    }
    let mut values = Vec::with_capacity(len);
    let mut next = Some(0u64);
    for _ in 0..len {
        let distance = reader.varint()?;
        let value = next.and_then(|next| next.checked_add(distance));
        let value = value.ok_or_else(|| damaged!("a table with a value of over 64 bits"))?;
        values.push(value);
        next = value.checked_add(1);
    }
    Ok((len > 0).then(|| Table::new(values)))
}

fn read_planes(reader: &mut Reader<'_>, sample_bits: u32) -> Result<Vec<Plane>> {
    let n_planes = reader.byte()?;
    let mut planes = Vec::with_capacity(n_planes.into());
    for _ in 0..n_planes {
        planes.push(read_plane(reader)?);
    }
    let n_bits: u32 = planes.iter().map(|plane| plane.bits).sum();
    if n_bits > sample_bits {
        return Err(damaged!("planes of {n_bits} bits for samples of {sample_bits}"));
    }
    let n_of = |coding| planes.iter().filter(|plane| plane.coding == coding).count();
    if n_of(Coding::Video) > 1 || n_of(Coding::Noise) > 1 {
        return Err(damaged!("several planes of video or of noise"));
    }
    if planes.iter().rev().skip(1).any(|plane| plane.coding == Coding::Video) {
        return Err(damaged!("a plane of video below others"));
    }
    let mut from_noise = planes.iter().skip_while(|plane| plane.coding != Coding::Noise).peekable();
    if from_noise.peek().is_some() {
        let n_bits: u32 = from_noise.map(|plane| plane.bits).sum();
        let most = Coding::Noise.max_bits();
        if n_bits > most {
            return Err(damaged!("noise with {n_bits} bits from its lowest up (expected at most {most})"));
        }
    }
    Ok(planes)
}

fn read_plane(reader: &mut Reader<'_>) -> Result<Plane> {
    let (coding, bits) = (reader.byte()?, reader.byte()?.into());
    let coding = match coding {
        CONSTANT => Coding::Constant(reader.byte()?),
        RAW => Coding::Raw,
        VIDEO => Coding::Video,
        NOISE => Coding::Noise,
        ZSTD => Coding::Zstd,
        other => return Err(damaged!("a plane of coding {other} (expected 0 to {ZSTD})")),
    };
    let most = coding.max_bits();
    if !(1..=most).contains(&bits) {
        return Err(damaged!("a plane of {bits} bits (expected 1 to {most})"));
    }
    if let Coding::Constant(constant) = coding
        && u32::from(constant) >> bits != 0
    {
        return Err(damaged!("a plane of {bits} bits with the constant {constant}"));
    }
    Ok(Plane { bits, coding })
}

fn read_zstd_bytes(
    reader: &mut Reader<'_>,
    geometry: &Geometry,
    strip_height: usize,
    transform: &Transform,
) -> Result<Vec<usize>> {
    let zstd_bytes = transform.zstd_planes().map(|_| reader.size()).collect::<Result<Vec<_>>>()?;
    if !zstd_bytes.is_empty() && strip_height < geometry.height {
        return Err(damaged!("zstd planes in strips of {strip_height} of {} rows", geometry.height));
    }
    Ok(zstd_bytes)
}

fn read_video(
    reader: &mut Reader<'_>,
    geometry: &Geometry,
    strip_height: usize,
    transform: &Transform,
) -> Result<Option<Video>> {
    if transform.video_shift().is_none() {
        return Ok(None);
    }
    let has_strips = strip_height < geometry.height;
    let is_one_byte = transform.planes.len() == 1 && transform.planes[0].bits == 8;
    let format = match reader.byte()? {
        0 => PixelFormat::Gray,
        1 if geometry.n_components == 3 && is_one_byte && !has_strips => PixelFormat::Rgb,
        1 => return Err(damaged!("RGB pictures of something else than three components of one plane")),
        other => return Err(damaged!("pictures of format {other} (expected 0, gray, or 1, RGB)")),
    };
    let layout = |rows: &Range<usize>| picture_layout(&geometry.of_rows(rows), format);
    let highest = layout(&(0..strip_height))?;
    if format == PixelFormat::Rgb && !highest.is_plane(geometry.height, geometry.width) {
        return Err(damaged!("RGB pictures of frames of {} × {}", geometry.height, geometry.width));
    }
    let n_access_units = reader.size()?;
    let n_expected = sum_over_strips(geometry, strip_height, |rows| {
        layout(rows).ok()?.n_parts.checked_mul(geometry.n_frames)
    });
    // Each takes a byte here at least.
    if n_expected != Some(n_access_units) || n_access_units > reader.0.len() {
        return Err(damaged!(
            "{n_access_units} access units for {} frames in strips of {strip_height} of {} rows, in {} bytes",
            geometry.n_frames,
            geometry.height,
            reader.0.len()
        ));
    }
    let mut access_unit_bytes = reserve(n_access_units)?;
    for _ in 0..n_access_units {
        access_unit_bytes.push(reader.size()?);
    }
    Ok(Some(Video { format, access_unit_bytes }))
}
