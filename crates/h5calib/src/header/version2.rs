use super::{Header, Reader};
use crate::algorithm::Algorithm;
use crate::error::{Error, Result, bad_header};

/// The bytes 89 "H5C": what the headers of version 2 and later start with.
pub const MAGIC: u32 = 0x4335_4889;

const VERSION: u32 = 2;

/// Reads what comes after the magic number.
pub fn read_from(reader: &mut Reader<'_>) -> Result<Header> {
    let version = reader.u32("version")?;
    let n_bytes = reader.u32("length")?;
    let file_magic = reader.u32("file magic")?;
    let algorithm = reader.u32("algorithm")?;
    let sample_bytes = reader.u32("sample size")? as usize;
    let [n_frames, n_images, height, width] =
        ["number of frames", "number of images", "height", "width"].map(|what| reader.u32(what));
    let first_image = reader.u64("image index")?;
    let first_cell = reader.u32("cell")?;
    let n_cells = reader.u32("number of cells")?;
    let raw = reader.string("raw dataset")?;
    let constants = reader.string("constants")?;
    let mask = reader.string("mask")?;
    let end = reader.position();
    let checksum = reader.u32("checksum")?;
    if checksum != crc32fast::hash(reader.before(end)) {
        // A later version may have other fields, and its checksum elsewhere.
        return Err(match version {
            VERSION => bad_header!("its bytes do not have its checksum"),
            found => Error::Newer { found },
        });
    }
    if version != VERSION {
        return Err(Error::Newer { found: version });
    }
    if n_bytes as usize != reader.position() {
        return Err(bad_header!("it says that it has {n_bytes} bytes, and has {}", reader.position()));
    }
    if !matches!(sample_bytes, 4 | 8) {
        return Err(bad_header!("pixels of {sample_bytes} bytes (expected 4 or 8)"));
    }
    Ok(Header {
        file_magic,
        algorithm: Algorithm::from_number(algorithm)
            .ok_or_else(|| bad_header!("algorithm {algorithm:#010x} is unknown"))?,
        sample_bytes,
        height: height? as usize,
        width: width? as usize,
        n_frames: n_frames? as usize,
        n_images: n_images? as usize,
        first_image,
        first_cell,
        n_cells,
        raw,
        constants,
        mask: (!mask.is_empty()).then_some(mask),
    })
}

/// The bytes of a header.
#[cfg(test)]
pub fn write(header: &Header) -> Vec<u8> {
    let mask = header.mask.as_deref().unwrap_or(c"");
    let paths = [&header.raw, &header.constants, mask].map(|path| path.to_bytes_with_nul()).concat();
    let n_bytes = 14 * 4 + paths.len() + 4;
    let mut bytes = Vec::new();
    for word in [
        MAGIC,
        VERSION,
        n_bytes as u32,
        header.file_magic,
        header.algorithm.number(),
        header.sample_bytes as u32,
        header.n_frames as u32,
        header.n_images as u32,
        header.height as u32,
        header.width as u32,
        header.first_image as u32,
        (header.first_image >> 32) as u32,
        header.first_cell,
        header.n_cells,
    ] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&paths);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}
