//! The plain movie that the stored chunks of ordinary 8-bit frames end with (docs/format.md,
//! "Pictures"): it can be put into another container without decoding it.

use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::payload::{Content, Header, Layout, Payload, layout_of};
use crate::picture::{PictureLayout, PixelFormat};
use crate::transform::{MOVIE, Mapping};

/// A chunk's frames as H.264, High 4:4:4 Predictive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie<'a> {
    /// Frames × height × width × components (1: gray, 3: RGB) of one byte. Frames of padding are not among them.
    pub geometry: Geometry,
    /// One for each frame, in Annex B format, in the order of the frames. The first is an IDR
    /// picture with parameter sets; the others refer to frames before them only.
    pub access_units: Vec<&'a [u8]>,
}

/// The movie of a stored chunk; `None` if the chunk is stored in another way. The stored bytes are
/// checked against their checksum.
pub fn of_stored_chunk(stored: &[u8]) -> Result<Option<Movie<'_>>> {
    match layout_of(stored)? {
        Layout::H5h264 | Layout::Movie => {}
        Layout::Original => return Ok(None),
    }
    let Content::Coded { header, parts } = Payload::read(stored)?.content else { return Ok(None) };
    let mut stream = parts.stream;
    let Some(sizes) = access_unit_bytes(&header) else { return Ok(None) };
    let mut access_units = Vec::with_capacity(sizes.len());
    for &n_bytes in sizes {
        let unit;
        // The header was checked to have as many bytes as there are.
        (unit, stream) = stream
            .split_at_checked(n_bytes)
            .ok_or_else(|| Error::Damaged("it ends within its video".into()))?;
        access_units.push(unit);
    }
    Ok(Some(Movie { geometry: header.geometry, access_units }))
}

/// The sizes of the access units, if each is a frame as it was.
fn access_unit_bytes(header: &Header) -> Option<&[usize]> {
    let Header { geometry, transform, .. } = header;
    let video = header.video.as_ref()?;
    let is_plain = geometry.sample_bytes == 1
        && transform.mapping == Mapping::Integer { offset: 0 }
        && transform.table.is_none()
        && transform.planes == [MOVIE];
    let is_whole = match (video.format, geometry.n_components) {
        (PixelFormat::Gray, 1) => {
            PictureLayout::of(geometry, video.format)?.is_plane(geometry.height, geometry.width)
        }
        (PixelFormat::Rgb, 3) => true,
        _ => false,
    };
    let has_strips = header.strip_height < geometry.height;
    let sizes = &video.access_unit_bytes;
    (is_plain && is_whole && !has_strips && sizes.len() == geometry.n_frames).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter;

    /// cd_values as a user passes them.
    fn encode(height: u32, width: u32, layout: u32, chunk: &[u8]) -> Vec<u8> {
        filter::encode(&[height, width, 1, 0, layout], chunk).unwrap().to_vec()
    }

    #[test]
    fn ordinary_frames_are_a_movie() {
        let (n_frames, height, width) = (3, 40, 50);
        // All levels, with some noise.
        let level = |i: usize| (5 * i).wrapping_add(i.wrapping_mul(2_654_435_761) >> 30 & 7) as u8;
        let chunk: Vec<u8> = (0..n_frames * height * width).map(level).collect();
        let stored = encode(height as u32, width as u32, Layout::Movie as u32, &chunk);
        let movie = of_stored_chunk(&stored).unwrap().expect("a movie");
        assert_eq!(movie.geometry, Geometry::new(3, 40, 50, 1, 1).unwrap());
        assert_eq!(movie.access_units.len(), n_frames);
        assert!(stored.ends_with(&movie.access_units.concat()));
        assert!(movie.access_units[0].starts_with(&[0, 0, 0, 1, 0x67]));
        let mut damaged = stored.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(matches!(of_stored_chunk(&damaged), Err(Error::Damaged(_))));
    }

    #[test]
    fn the_frames_before_the_padding_are_a_movie() {
        // Waves that move: a picture without noise is coded as a movie.
        let level = |i: usize| {
            let (t, y, x) = (i / 3360, i / 70 % 48, i % 70);
            let waves = ((x + 2 * t) as f64 / 9.0).sin() + ((y + t) as f64 / 7.0).cos();
            (100.0 + 50.0 * waves) as u8
        };
        let frames: Vec<u8> = (0..3 * 3360).map(level).collect();
        let chunk = [&frames[..], &[0; 7 * 3360]].concat();
        let stored = encode(48, 70, Layout::H5h264 as u32, &chunk);
        let movie = of_stored_chunk(&stored).unwrap().expect("a movie");
        assert_eq!(movie.geometry, Geometry::new(3, 48, 70, 1, 1).unwrap());
        assert_eq!(movie.access_units.len(), 3);
    }

    #[test]
    fn other_chunks_are_not() {
        assert_eq!(of_stored_chunk(&encode(40, 50, 0, &[7; 2000])).unwrap(), None, "constant");
        let noise: Vec<u8> = (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(of_stored_chunk(&encode(40, 50, 0, &noise)).unwrap(), None, "stored as it is");
        let few: Vec<u8> = (0..2000).map(|i| if i / 50 % 7 < i % 5 { 200 } else { 3 }).collect();
        assert_eq!(of_stored_chunk(&encode(40, 50, 0, &few)).unwrap(), None, "a table of two values");
        for chunk in [&[7; 2000][..], &noise, &few] {
            let stored = encode(40, 50, Layout::Movie as u32, chunk);
            assert!(of_stored_chunk(&stored).unwrap().is_some(), "if somebody wants a movie, it is one");
        }
    }
}
