use super::{Header, Reader};
use crate::algorithm::Algorithm;
use crate::error::{Result, bad_header};

/// The first word of the original's headers.
pub const MAGIC: u32 = 0x6290_D662;

/// Reads what comes after the magic number: one image of float32, no checksum.
pub fn read_from(reader: &mut Reader<'_>) -> Result<Header> {
    let file_magic = reader.u32("file magic")?;
    let number = reader.u32("algorithm")?;
    let algorithm = match Algorithm::from_number(number) {
        Some(known @ (Algorithm::PedestalV1 | Algorithm::AgipdV1 | Algorithm::AgipdV2)) => known,
        _ => return Err(bad_header!("algorithm {number:#010x} is unknown")),
    };
    let has_cells = algorithm != Algorithm::PedestalV1;
    let first_cell = if has_cells { reader.u32("cell")? } else { 0 };
    let first_image = reader.u32("image index")?.into();
    let n_cells = if has_cells { reader.u32("number of cells")? } else { 1 };
    Ok(Header {
        file_magic,
        algorithm,
        sample_bytes: 4,
        height: reader.u32("height")? as usize,
        width: reader.u32("width")? as usize,
        n_frames: 1,
        n_images: 1,
        first_image,
        first_cell,
        n_cells,
        raw: reader.string("raw dataset")?,
        constants: reader.string("constants")?,
        mask: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second chunk of proc_agipd_v1 in tests/data/h5calib/original.h5.
    const STORED: [u8; 45] =
        *b"\x62\xd6\x90\x62\xfc\x45\x5a\x5d\x01\x00\x02\x00\x01\x00\x00\x00\x01\x00\x00\x00\
        \x04\x00\x00\x00\x20\x00\x00\x00\x28\x00\x00\x00/raw2\0/calib\0";

    #[test]
    fn a_stored_header_is_read() {
        let header = Header::read_from(&STORED).unwrap();
        assert_eq!(header.file_magic, 0x5d5a_45fc);
        assert_eq!(header.algorithm, Algorithm::AgipdV1);
        assert_eq!((header.first_cell, header.first_image, header.n_cells), (1, 1, 4));
        assert_eq!((header.height, header.width), (32, 40));
        assert_eq!((header.raw.as_c_str(), header.constants.as_c_str()), (c"/raw2", c"/calib"));
        assert_eq!(header.chunk_bytes(), Some(32 * 40 * 4));
    }

    #[test]
    fn truncations_are_found() {
        for n_bytes in 0..STORED.len() {
            assert!(Header::read_from(&STORED[..n_bytes]).is_err(), "{n_bytes} bytes");
        }
    }

    #[test]
    fn the_new_algorithm_is_none_of_the_originals() {
        let mut stored = STORED;
        stored[8..12].copy_from_slice(&Algorithm::JungfrauV1.number().to_le_bytes());
        assert!(Header::read_from(&stored).unwrap_err().to_string().contains("0x00030001"));
    }
}
