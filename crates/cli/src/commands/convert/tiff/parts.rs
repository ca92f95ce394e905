//! What the parts of a page are compressed with.

use std::convert::Infallible;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, anyhow, bail, ensure};
use fax::decoder::{decode_g3, decode_g4, pels};
use fax::{BitReader, ByteReader, Color, maps};
use flate2::read::ZlibDecoder;
use lzma_rust2::XzReader;
use weezl::{BitOrder, LzwStatus};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::page::{Page, Part, Photometric};
use crate::commands::convert::picture::zeros;

/// Values of Compression.
const JPEG: u64 = 7;
const WEBP: u64 = 50001;
/// Six rows without pixels end a fax.
const ROWS_AT_THE_END: usize = 7;

/// The bytes of a part, as they were before they were compressed: `expected` of them.
pub fn decode(page: &Page, part: Part, mut stored: Vec<u8>, expected: u64) -> Result<Vec<u8>> {
    if page.is_reversed && page.compression != JPEG {
        stored.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    let mut bytes = match page.compression {
        1 => stored,
        2 => fax_rows(page, part, |line| rle(&stored, part, line))?,
        3 if page.t4_options & 1 == 1 => bail!("fax of group 3 in two dimensions is not supported"),
        3 => {
            // Programs leave out the code that ends the last row: zeros, and a one.
            let ends = [0, 1].into_iter().cycle().take(ROWS_AT_THE_END * 2);
            fax_rows(page, part, |line| decode_g3(stored.iter().copied().chain(ends), line))?
        }
        4 => {
            let (width, height) = (u16::try_from(part.width)?, u16::try_from(part.height)?);
            fax_rows(page, part, |line| decode_g4(stored.iter().copied(), width, Some(height), line))?
        }
        5 => lzw(&stored, expected)?,
        JPEG => jpeg(page, part, &stored)?,
        8 | 32946 => read(ZlibDecoder::new(&stored[..]), expected).context("deflate")?,
        32773 => pack_bits(&stored, expected)?,
        34925 => read(XzReader::new(&stored[..], false), expected).context("LZMA")?,
        34926 | 50000 => read(zstd::Decoder::new(&stored[..])?, expected).context("zstd")?,
        WEBP => webp(page, part, &stored)?,
        other => bail!("{}", advice(other)),
    };
    // Some programs write whole strips at the end, or stop early.
    let found = bytes.len() as u64;
    ensure!(found >= expected, "a part has {found} bytes (expected {expected}): damaged or cut off");
    bytes.truncate(expected as usize);
    Ok(bytes)
}

/// An error unless it can be decoded here.
pub fn check(compression: u64) -> Result<()> {
    match compression {
        1..=5 | JPEG | 8 | 32946 | 32773 | 34925 | 34926 | 50000 | WEBP => Ok(()),
        other => bail!("{}", advice(other)),
    }
}

/// What to do with a page that is not decoded here.
fn advice(compression: u64) -> String {
    let name = match compression {
        6 => "JPEG of the old style",
        32766 => "NeXT's compression",
        32809 => "ThunderScan",
        33003..=33005 | 33007 | 34712 => "JPEG 2000",
        34661 => "JBIG",
        34676 | 34677 => "LogLuv",
        34887 => "LERC",
        22610 | 34934 => "JPEG XR",
        50002 | 52546 => "JPEG XL",
        _ => return format!("compression {compression} is not known here"),
    };
    format!(
        "{name} is not supported (pip install tifffile imagecodecs, and write it anew: \
         tifffile.imwrite('new.tif', tifffile.imread('old.tif'), compression='zlib'))"
    )
}

/// What a decoder gives, but no more than is expected.
fn read(decoder: impl Read, expected: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(expected).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lzw(stored: &[u8], expected: u64) -> Result<Vec<u8>> {
    // The first versions of libtiff wrote codes with their lowest bit first, which begin with a clear code there.
    let is_old = matches!(stored, [0, second, ..] if second & 1 == 1);
    let mut decoder = match is_old {
        true => weezl::decode::Decoder::new(BitOrder::Lsb, 8),
        false => weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut bytes = zeros(expected)?;
    let (mut rest, mut n_bytes) = (stored, 0);
    while n_bytes < bytes.len() {
        let done = decoder.decode_bytes(rest, &mut bytes[n_bytes..]);
        let status = done.status.map_err(|e| anyhow!("LZW: {e}"))?;
        rest = &rest[done.consumed_in..];
        n_bytes += done.consumed_out;
        if !matches!(status, LzwStatus::Ok) {
            break;
        }
    }
    bytes.truncate(n_bytes);
    Ok(bytes)
}

/// TIFF 6.0, section 9.
fn pack_bits(stored: &[u8], expected: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = stored;
    while let Some((&control, after)) = rest.split_first() {
        if bytes.len() as u64 >= expected {
            break;
        }
        rest = match control as i8 {
            n @ 0.. => {
                let (literals, after) =
                    after.split_at_checked(n as usize + 1).context("PackBits: cut off")?;
                bytes.extend(literals);
                after
            }
            // Nothing.
            -128 => after,
            n => {
                let (byte, after) = after.split_first().context("PackBits: cut off")?;
                bytes.extend(std::iter::repeat_n(*byte, 1 - isize::from(n) as usize));
                after
            }
        };
    }
    Ok(bytes)
}

/// Rows of bits, each from the pixels at which the colour changes. White is 0.
fn fax_rows(
    page: &Page,
    part: Part,
    decode: impl FnOnce(&mut dyn FnMut(&[u16])) -> Option<()>,
) -> Result<Vec<u8>> {
    ensure!(page.bits == 1 && page.samples_per_pixel() == 1, "fax of {} bits (expected 1)", page.bits);
    let width = u16::try_from(part.width).context("fax of more than 65535 pixels in a row")?;
    let row_bytes = part.width.div_ceil(8) as usize;
    let mut bytes = zeros(row_bytes as u64 * part.height)?;
    let mut rows = bytes.chunks_exact_mut(row_bytes);
    let mut n_rows = 0;
    decode(&mut |line| {
        let Some(row) = rows.next() else { return };
        n_rows += 1;
        for (i, _) in pels(line, width).enumerate().filter(|(_, colour)| *colour == Color::Black) {
            row[i / 8] |= 0x80 >> (i % 8);
        }
    });
    ensure!(n_rows == part.height, "fax: {n_rows} rows (expected {})", part.height);
    Ok(bytes)
}

/// Rows of codes for white and black, each from a new byte on (TIFF 6.0, section 10).
fn rle(stored: &[u8], part: Part, line: &mut dyn FnMut(&[u16])) -> Option<()> {
    // The tables look ahead.
    let padded = stored.iter().copied().chain([0; 4]).map(Ok::<u8, Infallible>);
    let mut reader = ByteReader::new(padded).ok()?;
    for _ in 0..part.height {
        let (mut changes, mut at, mut is_white) = (Vec::new(), 0_u64, true);
        while at < part.width {
            let run =
                if is_white { maps::white::decode(&mut reader) } else { maps::black::decode(&mut reader) }?;
            at += u64::from(run);
            // Longer runs go on in another code of the same colour.
            if run < 64 {
                changes.push(u16::try_from(at).ok()?);
                is_white = !is_white;
            }
        }
        line(&changes);
        reader.consume(reader.bits_to_byte_boundary()).ok()?;
    }
    Some(())
}

/// The samples of a JPEG, whose tables may be common to all parts. YCbCr becomes RGB.
fn jpeg(page: &Page, part: Part, stored: &[u8]) -> Result<Vec<u8>> {
    // Both start with a marker, and end with one.
    let whole = match &page.jpeg_tables[..] {
        [tables @ .., _, _] if tables.len() > 2 && stored.len() > 2 => [tables, &stored[2..]].concat(),
        _ => stored.to_vec(),
    };
    let mut decoder = JpegDecoder::new(ZCursor::new(&whole[..]));
    decoder.decode_headers().map_err(jpeg_error)?;
    let found = decoder.input_colorspace().context("a JPEG without colours")?;
    // What the page says counts, not what the JPEG says of itself.
    let wanted = match (page.photometric, page.samples_per_pixel()) {
        (Photometric::YCbCr, 3) => ColorSpace::RGB,
        _ => found,
    };
    decoder.set_options(DecoderOptions::default().jpeg_set_out_colorspace(wanted));
    let (width, height) = decoder.dimensions().context("a JPEG without size")?;
    ensure!(
        width as u64 == part.width && height as u64 >= part.height,
        "a JPEG of {width} × {height} (expected {} × {})",
        part.width,
        part.height
    );
    decoder.decode().map_err(jpeg_error)
}

fn jpeg_error(e: zune_jpeg::errors::DecodeErrors) -> anyhow::Error {
    anyhow!("JPEG: {e:?} (lossless JPEG, and JPEG of 12 bits, are not supported)")
}

fn webp(page: &Page, part: Part, stored: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(stored)).context("WebP")?;
    let (width, height) = decoder.dimensions();
    ensure!(
        u64::from(width) == part.width && u64::from(height) >= part.height,
        "a WebP of {width} × {height} (expected {} × {})",
        part.width,
        part.height
    );
    let n_found = if decoder.has_alpha() { 4 } else { 3 };
    let mut bytes = zeros(u64::from(width) * u64::from(height) * n_found)?;
    decoder.read_image(&mut bytes).context("WebP")?;
    match (n_found, page.samples_per_pixel()) {
        (found, wanted) if found == wanted => Ok(bytes),
        (3, 4) => Ok(bytes.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect()),
        (_, wanted) => bail!("a WebP of {n_found} components (expected {wanted})"),
    }
}
