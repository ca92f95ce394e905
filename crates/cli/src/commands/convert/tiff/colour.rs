//! Colours of other kinds become red, green and blue.

use anyhow::Result;

use super::page::{Page, Photometric};
use crate::commands::convert::picture::{SampleType, with_room};

/// Levels of 8 bits, for chroma of fewer pixels: the colours of all pixels of a part. A unit has the luma of all its
/// pixels, and then chroma, once.
pub fn whole_chroma(page: &Page, units: &[u8], width: u64, height: u64) -> Result<Vec<u8>> {
    let (across, down) = page.subsampling;
    let unit_bytes = (across * down + 2) as usize;
    let n_across = width.div_ceil(across);
    let mut pixels = with_room(3 * width * height)?;
    for row in 0..height {
        for column in 0..width {
            let unit = (row / down * n_across + column / across) as usize * unit_bytes;
            let luma = (row % down * across + column % across) as usize;
            let chroma = &units[unit + unit_bytes - 2..unit + unit_bytes];
            pixels.extend([units[unit + luma], chroma[0], chroma[1]]);
        }
    }
    Ok(pixels)
}

/// How many bytes a part of such pixels has.
pub fn subsampled_bytes(page: &Page, width: u64, height: u64) -> u64 {
    let (across, down) = page.subsampling;
    width.div_ceil(across).saturating_mul(height.div_ceil(down)).saturating_mul(across * down + 2)
}

/// The samples of pixels that are colours of the page's kind, as RGB or, from palettes of grays, gray.
pub fn rgb(page: &Page, samples: Vec<u8>) -> Result<Vec<u8>> {
    match page.photometric {
        Photometric::Gray | Photometric::Rgb => Ok(samples),
        Photometric::Palette => from_palette(page, &samples),
        Photometric::Cmyk if page.sample == SampleType::U8 => {
            from_cmyk(&samples, 255, |byte| byte.into(), |n| n as u8)
        }
        Photometric::Cmyk => {
            let (levels, _) = samples.as_chunks::<2>();
            let levels: Vec<u16> = levels.iter().map(|bytes| u16::from_ne_bytes(*bytes)).collect();
            let rgb = from_cmyk(&levels, 65535, |level| level.into(), |n| n as u16)?;
            Ok(rgb.into_iter().flat_map(u16::to_ne_bytes).collect())
        }
        // What decodes JPEG has made RGB of it.
        Photometric::YCbCr if page.is_jpeg() && !page.is_planar => Ok(samples),
        Photometric::YCbCr => Ok(each_pixel(samples, ycbcr(page))),
        Photometric::Lab { is_signed } => Ok(each_pixel(samples, |pixel| lab(pixel, is_signed))),
    }
}

fn from_palette(page: &Page, samples: &[u8]) -> Result<Vec<u8>> {
    let format = page.format();
    let colours = page.colours();
    let mut levels = with_room(format.frame_bytes())?;
    let sample_bytes = page.sample.bytes() as usize;
    for sample in samples.chunks_exact(sample_bytes) {
        let index = match *sample {
            [byte] => byte.into(),
            [a, b] => u16::from_ne_bytes([a, b]).into(),
            _ => 0_usize,
        };
        for colour in &colours[..format.n_components as usize] {
            match format.sample {
                SampleType::U8 => levels.push(colour[index] as u8),
                _ => levels.extend(colour[index].to_ne_bytes()),
            }
        }
    }
    Ok(levels)
}

/// Without a profile of the printer: what ink and black leave of the light.
fn from_cmyk<T: Copy>(
    samples: &[T],
    most: u64,
    number: impl Fn(T) -> u64,
    level: impl Fn(u64) -> T,
) -> Result<Vec<T>> {
    let mut rgb = with_room(samples.len() as u64 / 4 * 3)?;
    for pixel in samples.chunks_exact(4) {
        let left = most - number(pixel[3]);
        rgb.extend(pixel[..3].iter().map(|ink| level((left * (most - number(*ink)) + most / 2) / most)));
    }
    Ok(rgb)
}

fn each_pixel(mut samples: Vec<u8>, convert: impl Fn([u8; 3]) -> [f64; 3]) -> Vec<u8> {
    for pixel in samples.as_chunks_mut::<3>().0 {
        // This saturates.
        *pixel = convert(*pixel).map(|level| level.round() as u8);
    }
    samples
}

/// TIFF 6.0, section 21.
fn ycbcr(page: &Page) -> impl Fn([u8; 3]) -> [f64; 3] {
    let [red, green, blue] = page.coefficients[..].try_into().unwrap_or([0.299, 0.587, 0.114]);
    let range = page.reference_black_white[..].try_into().unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
    move |pixel| {
        let [y, cb, cr] = [0, 1, 2].map(|i| {
            let (black, white) = (range[2 * i], range[2 * i + 1]);
            let most = if i == 0 { 255.0 } else { 127.0 };
            if white == black { 0.0 } else { (f64::from(pixel[i]) - black) * most / (white - black) }
        });
        let r = cr * (2.0 - 2.0 * red) + y;
        let b = cb * (2.0 - 2.0 * blue) + y;
        [r, (y - blue * b - red * r) / green, b]
    }
}

/// CIELab of the white D50 as sRGB.
fn lab([l, a, b]: [u8; 3], is_signed: bool) -> [f64; 3] {
    // White of D50, as in ICC profiles, and the matrix from there to linear sRGB (Bradford's adaptation).
    const WHITE: [f64; 3] = [0.9642, 1.0, 0.8249];
    const TO_RGB: [[f64; 3]; 3] = [
        [3.133_856_1, -1.616_866_7, -0.490_614_6],
        [-0.978_768_4, 1.916_141_5, 0.033_454_0],
        [0.071_945_3, -0.228_991_4, 1.405_242_7],
    ];
    let centred = |byte: u8| if is_signed { f64::from(byte as i8) } else { f64::from(byte) - 128.0 };
    let y = (f64::from(l) * 100.0 / 255.0 + 16.0) / 116.0;
    let cube_roots = [y + centred(a) / 500.0, y, y - centred(b) / 200.0];
    let linear_below = 6.0 / 29.0;
    let xyz = [0, 1, 2].map(|i| {
        let root: f64 = cube_roots[i];
        let of_white = match root > linear_below {
            true => root.powi(3),
            false => 3.0 * linear_below * linear_below * (root - 4.0 / 29.0),
        };
        of_white * WHITE[i]
    });
    TO_RGB.map(|row| {
        let linear: f64 = row.iter().zip(xyz).map(|(weight, value)| weight * value).sum();
        let level =
            if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        255.0 * level.clamp(0.0, 1.0)
    })
}
