//! Files to download.

use std::io::{Cursor, Write};

use anyhow::Context;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use tiff::encoder::{TiffEncoder, colortype};

use super::answer;
use super::failure::{Failure, Result};
use super::json::check_len;
use super::metadata::is_complex;
use super::number::Number;
use super::room::Room;
use crate::h5::Type;

/// An answer that the browser saves.
pub fn download(bytes: Vec<u8>, content_type: &'static str, name: &'static str, room: Room) -> Response {
    let mut response = answer(bytes, content_type, room);
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    response
}

/// NumPy's file format, version 1.0.
pub fn npy(word: &str, shape: &[u64], bytes: &[u8], room: Room) -> Result<Response> {
    if word[1..].starts_with(['i', 'u']) && !["1", "2", "4", "8"].contains(&&word[2..]) {
        return Err(Failure::unusable(format!("NumPy has no type {word}")));
    }
    let lengths: String = shape.iter().map(|n| format!("{n},")).collect();
    let mut header = format!("{{'descr': '{word}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Magic, version and length are 10 bytes; values start at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).context("a header of an NPY file")?.to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    Ok(download(file, "application/octet-stream", "attachment; filename=\"data.npy\"", room))
}

/// As `numpy.savetxt` writes it.
pub fn csv(datatype: &Type, shape: &[u64], bytes: &[u8]) -> Result<Vec<u8>> {
    if is_complex(datatype) {
        return Err(Failure::unusable("complex values are not written as CSV"));
    }
    let columns = match shape {
        [_] => 1,
        [_, columns] => (*columns).max(1),
        _ => return Err(Failure::unusable(format!("CSV has 1 or 2 dimensions, not {}", shape.len()))),
    };
    let mut file = Vec::new();
    for row in bytes.chunks_exact(columns as usize * datatype.size.max(1)) {
        for (index, item) in row.chunks_exact(datatype.size).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a vector does not fail.
            let _ = write!(file, "{comma}{:e}", Number::of(datatype, item).to_f64());
        }
        file.push(b'\n');
        check_len(&file)?;
    }
    Ok(file)
}

/// A picture; `bytes` are little-endian.
pub fn tiff(word: &str, shape: &[u64], bytes: &[u8], room: Room) -> Result<Response> {
    let &[height, width] = shape else {
        return Err(Failure::unusable(format!("a TIFF file has 2 dimensions, not {}", shape.len())));
    };
    let too_large = |_| Failure::too_large(format!("{height} × {width} pixels are too many for a TIFF file"));
    let (width, height) =
        (u32::try_from(width).map_err(too_large)?, u32::try_from(height).map_err(too_large)?);
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).map_err(anyhow::Error::new)?;
    macro_rules! picture {
        ($color:ty, $number:ty) => {{
            let items = bytes.chunks_exact(size_of::<$number>());
            let numbers: Vec<$number> = items
                .map(|item| {
                    let mut bytes = [0; size_of::<$number>()];
                    bytes.copy_from_slice(item);
                    <$number>::from_le_bytes(bytes)
                })
                .collect();
            encoder.write_image::<$color>(width, height, &numbers)
        }};
    }
    let written = match word.trim_start_matches(['<', '|']) {
        "u1" | "b1" => picture!(colortype::Gray8, u8),
        "u2" => picture!(colortype::Gray16, u16),
        "u4" => picture!(colortype::Gray32, u32),
        "u8" => picture!(colortype::Gray64, u64),
        "i1" => picture!(colortype::GrayI8, i8),
        "i2" => picture!(colortype::GrayI16, i16),
        "i4" => picture!(colortype::GrayI32, i32),
        "i8" => picture!(colortype::GrayI64, i64),
        "f4" => picture!(colortype::Gray32Float, f32),
        "f8" => picture!(colortype::Gray64Float, f64),
        _ => return Err(Failure::unusable(format!("a TIFF file has no pixels of type {word}"))),
    };
    written.map_err(anyhow::Error::new)?;
    Ok(download(file.into_inner(), "image/tiff", "attachment; filename=\"data.tiff\"", room))
}
