//! How a picture has to be turned so that it is upright.

use anyhow::Result;

use super::picture::{Format, Picture, with_room};

/// Rows and columns change places first, then their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Orientation {
    swaps: bool,
    reverses_rows: bool,
    reverses_columns: bool,
}

impl Orientation {
    /// By the number in Exif and TIFF, 1 to 8; others do nothing.
    pub fn of_exif(number: u8) -> Self {
        Self {
            swaps: matches!(number, 5..=8),
            reverses_rows: matches!(number, 3 | 4 | 7 | 8),
            reverses_columns: matches!(number, 2 | 3 | 6 | 7),
        }
    }

    /// By the matrix of a video's track, of which the first two rows and columns count: where the axes of the picture
    /// go.
    pub fn of_matrix([[a, b], [c, d]]: [[i32; 2]; 2]) -> Self {
        match a == 0 && d == 0 && (b != 0 || c != 0) {
            true => Self { swaps: true, reverses_rows: b < 0, reverses_columns: c < 0 },
            false => Self { swaps: false, reverses_rows: d < 0, reverses_columns: a < 0 },
        }
    }

    /// Of the picture that is upright.
    pub fn format(self, format: Format) -> Format {
        match self.swaps {
            true => Format { height: format.width, width: format.height, ..format },
            false => format,
        }
    }

    /// Turns a picture.
    pub fn apply(self, picture: Picture) -> Result<Picture> {
        if self == Self::default() {
            return Ok(picture);
        }
        let Picture { format, bytes: from } = picture;
        let new = self.format(format);
        let (height, width) = (new.height as usize, new.width as usize);
        let pixel_bytes = format.pixel_bytes() as usize;
        let mut bytes = with_room(from.len() as u64)?;
        for plane in from.chunks_exact(height * width * pixel_bytes) {
            for row in 0..height {
                let row = if self.reverses_rows { height - 1 - row } else { row };
                for column in 0..width {
                    let column = if self.reverses_columns { width - 1 - column } else { column };
                    let index = if self.swaps { column * height + row } else { row * width + column };
                    bytes.extend(&plane[index * pixel_bytes..(index + 1) * pixel_bytes]);
                }
            }
        }
        Ok(Picture { format: new, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::SampleType;
    use super::*;

    fn turned(orientation: Orientation) -> (u64, Vec<u8>) {
        let format =
            Format { height: 2, width: 3, n_components: 1, sample: SampleType::U8, is_colour: false };
        let turned = orientation.apply(Picture { format, bytes: vec![1, 2, 3, 4, 5, 6] }).unwrap();
        (turned.format.width, turned.bytes)
    }

    #[test]
    fn pictures_are_turned_as_exif_says() {
        let of = |number| turned(Orientation::of_exif(number));
        assert_eq!(of(1), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(of(2), (3, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(of(3), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(of(4), (3, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(of(5), (2, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(of(6), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(of(7), (2, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(of(8), (2, vec![3, 6, 2, 5, 1, 4]));
    }

    #[test]
    fn pictures_are_turned_as_videos_say() {
        let of = |matrix| turned(Orientation::of_matrix(matrix));
        assert_eq!(of([[1, 0], [0, 1]]), turned(Orientation::of_exif(1)));
        // A quarter to the right, as telephones write it.
        assert_eq!(of([[0, 1], [-1, 0]]), turned(Orientation::of_exif(6)));
        assert_eq!(of([[-1, 0], [0, -1]]), turned(Orientation::of_exif(3)));
        assert_eq!(of([[0, -1], [1, 0]]), turned(Orientation::of_exif(8)));
        assert_eq!(of([[-1, 0], [0, 1]]), turned(Orientation::of_exif(2)));
    }
}
