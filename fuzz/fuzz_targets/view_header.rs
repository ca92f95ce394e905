//! Does reading any header of a view end in numbers that fit each other, or an error?

#![no_main]

use h5calib::header::Header;

/// Of the fixed fields of version 2 (docs/calibration.md).
const FIXED_BYTES: usize = 56;

libfuzzer_sys::fuzz_target!(|stored: &[u8]| {
    check(stored);
    if let Some(repaired) = with_length_and_checksum(stored) {
        check(&repaired);
    }
});

fn check(stored: &[u8]) {
    let Ok(header) = Header::read_from(stored) else { return };
    let n_bytes = header.n_frames * header.n_pixels() * header.sample_bytes;
    assert!(n_bytes > 0 && header.chunk_bytes() == Some(n_bytes));
    assert!((1..=header.n_frames).contains(&header.n_images));
    assert!(header.first_image.checked_add(header.n_images as u64).is_some());
    assert!(header.cell(0) < header.n_cells && header.cell(header.n_frames) < header.n_cells);
    let header_bytes = Header::bytes_of(stored).unwrap();
    assert_eq!(Header::read_from(header_bytes).unwrap(), header);
}

/// A header of version 2 whose other bytes are those of `stored`. `None` if there are less than three
/// paths in them.
fn with_length_and_checksum(stored: &[u8]) -> Option<Vec<u8>> {
    let mut ends = (FIXED_BYTES..stored.len()).filter(|&i| stored[i] == 0);
    let mut header = stored[..=ends.nth(2)?].to_vec();
    header[..8].copy_from_slice(&[0x89, b'H', b'5', b'C', 2, 0, 0, 0]);
    let n_bytes = header.len() as u32 + 4;
    header[8..12].copy_from_slice(&n_bytes.to_le_bytes());
    let checksum = crc32fast::hash(&header);
    header.extend_from_slice(&checksum.to_le_bytes());
    Some(header)
}
