use std::str::FromStr;

use anyhow::{Context, Result, bail};
use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma, Primitive, Rgb};

use super::picture::{Format, Picture, Samples, for_samples};

/// `640x480`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let sides = text.split_once(['x', '×']).map(|(width, height)| (width.parse(), height.parse()));
        match sides {
            Some((Ok(width), Ok(height))) if width > 0 && height > 0 => Ok(Self { width, height }),
            _ => bail!("expected width x height, like 640x480"),
        }
    }
}

/// What is done to every image.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub size: Option<Size>,
    /// Colour becomes gray.
    pub gray: bool,
    /// Gray becomes colour, among images that have colour.
    pub colour: bool,
}

impl Change {
    pub fn apply(self, picture: Picture) -> Result<Picture> {
        let Picture { format, samples } = picture;
        let is_colour = format.n_components == 3;
        let samples = match (is_colour, self.gray, self.colour) {
            (true, true, _) => for_samples!(samples, v => gray(&v)),
            (false, _, true) => for_samples!(samples, v => v.iter().flat_map(|s| [*s; 3]).collect()),
            _ => samples,
        };
        let n_components = if (is_colour && !self.gray) || self.colour { 3 } else { 1 };
        let picture = Picture { format: Format { n_components, ..format }, samples };
        match self.size {
            Some(size) => scaled(picture, size),
            None => Ok(picture),
        }
    }
}

/// Luma, by the weights of ITU-R BT.709.
fn gray<T: Primitive>(samples: &[T]) -> Vec<T> {
    let luma = |pixel: &[T]| {
        let weighted = pixel.iter().zip([0.2126, 0.7152, 0.0722]);
        let sum: f64 = weighted.map(|(s, weight)| s.to_f64().unwrap_or(0.0) * weight).sum();
        let is_integer = T::from(0.5).is_none_or(|half| half == T::zero());
        T::from(if is_integer { sum.round() } else { sum }).unwrap_or(T::zero())
    };
    samples.chunks_exact(3).map(luma).collect()
}

fn scaled(picture: Picture, size: Size) -> Result<Picture> {
    let Picture { format, samples } = picture;
    if (format.width, format.height) == (size.width.into(), size.height.into()) {
        return Ok(Picture { format, samples });
    }
    let from = Size { width: format.width as u32, height: format.height as u32 };
    macro_rules! resized {
        ($pixel:ident, $v:expr) => {{
            let image = ImageBuffer::<$pixel<_>, _>::from_raw(from.width, from.height, $v);
            let image = image.context("an image of another size than it says")?;
            resize(&image, size.width, size.height, FilterType::Lanczos3).into_raw()
        }};
    }
    let samples: Samples = match format.n_components {
        1 => for_samples!(samples, v => resized!(Luma, v)),
        _ => for_samples!(samples, v => resized!(Rgb, v)),
    };
    let format = Format { width: size.width.into(), height: size.height.into(), ..format };
    Ok(Picture { format, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: Change, width: u32, n_components: u64, samples: Samples) -> Picture {
        change.apply(Picture::new(width, 1, n_components, samples).unwrap()).unwrap()
    }

    const NOTHING: Change = Change { size: None, gray: false, colour: false };

    #[test]
    fn gray_and_colour_become_each_other() {
        let gray = Change { gray: true, ..NOTHING };
        assert_eq!(
            changed(gray, 2, 3, Samples::U8(vec![255, 255, 255, 0, 255, 0])).samples,
            Samples::U8(vec![255, 182])
        );
        assert_eq!(changed(gray, 1, 1, Samples::U16(vec![7])).samples, Samples::U16(vec![7]));
        let colour = Change { colour: true, ..NOTHING };
        assert_eq!(changed(colour, 1, 1, Samples::U16(vec![7])).samples, Samples::U16(vec![7, 7, 7]));
    }

    #[test]
    fn alpha_is_left_out() {
        let picture = changed(NOTHING, 1, 4, Samples::U8(vec![1, 2, 3, 200]));
        assert_eq!((picture.samples, picture.format.n_components), (Samples::U8(vec![1, 2, 3]), 3));
    }

    #[test]
    fn constant_images_stay_constant_when_scaled() {
        let half = Change { size: Some(Size { width: 2, height: 1 }), ..NOTHING };
        assert_eq!(changed(half, 4, 1, Samples::U16(vec![60_000; 4])).samples, Samples::U16(vec![60_000; 2]));
        assert_eq!(changed(half, 4, 3, Samples::F32(vec![0.25; 12])).samples, Samples::F32(vec![0.25; 6]));
    }

    #[test]
    fn a_size_is_two_numbers() {
        assert_eq!("640x480".parse::<Size>().unwrap(), Size { width: 640, height: 480 });
        for wrong in ["640", "0x4", "ax4", "4x", "-4x4"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
