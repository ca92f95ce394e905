//! How the video plane of a chunk lies in the pictures that are coded (docs/format.md, "Pictures").

use crate::geometry::Geometry;

/// What a picture consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// One 8-bit plane.
    Gray,
    /// Three 8-bit planes, coded as G, B, R without chroma subsampling.
    Rgb,
    /// A luma plane that holds everything, and unused chroma of half the size: the original's.
    Yuv420,
}

/// Neither side of a picture may be longer: x264's limit.
pub const MAX_PICTURE_SIDE: usize = 16384;
/// Larger pictures are cut into parts, to bound the memory of encoder and decoder.
pub const MAX_PICTURE_PIXELS: usize = 1 << 26;

/// A decoder needs a session for each part.
const MAX_PARTS: usize = 256;

/// The arrangement of the lines of a frame in one or more pictures: component by component, in it
/// segment by segment, since a line longer than [`MAX_PICTURE_SIDE`] is cut into segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureLayout {
    /// Columns of each picture.
    pub width: usize,
    /// Lines of each picture.
    pub height: usize,
    /// Pictures per frame. All have the same size; the last may have unused lines at its end.
    pub n_parts: usize,
    blocks: Vec<Block>,
}

/// Lines of one picture that hold neighbouring rows of one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Index of the component.
    pub component: usize,
    /// First row in the frame.
    pub row: usize,
    /// First column in the frame.
    pub column: usize,
    /// Columns of the frame; a picture's columns beyond them are unused.
    pub n_columns: usize,
    /// Rows.
    pub n_rows: usize,
    /// First line in the picture.
    pub line: usize,
}

impl PictureLayout {
    /// The layout for the frames of a chunk. RGB pictures have the components of a pixel in one place.
    pub fn of(geometry: &Geometry, format: PixelFormat) -> Option<Self> {
        let n_components = if format == PixelFormat::Gray { geometry.n_components } else { 1 };
        Self::new(geometry.height, geometry.width, n_components)
    }

    /// The layout of `n_components` of `height` × `width`, all at least 1. `None` if that takes more than
    /// [`MAX_PARTS`] pictures.
    pub fn new(height: usize, width: usize, n_components: usize) -> Option<Self> {
        let n_segments = width.div_ceil(MAX_PICTURE_SIDE);
        let picture_width = width.div_ceil(n_segments);
        let factors = [height, n_components, n_segments];
        let n_lines = factors.into_iter().try_fold(1usize, usize::checked_mul)?;
        let max_height = MAX_PICTURE_SIDE.min(MAX_PICTURE_PIXELS / picture_width);
        let n_parts = n_lines.div_ceil(max_height);
        if n_parts > MAX_PARTS {
            return None;
        }
        let mut blocks = Vec::new();
        for component in 0..n_components {
            for segment in 0..n_segments {
                let column = segment * picture_width;
                let n_columns = picture_width.min(width.saturating_sub(column));
                let line = blocks.len() * height;
                blocks.push(Block { component, row: 0, column, n_columns, n_rows: height, line });
            }
        }
        Some(Self { width: picture_width, height: n_lines.div_ceil(n_parts), n_parts, blocks })
    }

    /// Whether a picture is a plane of a frame as it is.
    pub fn is_plane(&self, height: usize, width: usize) -> bool {
        (self.n_parts, self.height, self.width) == (1, height, width)
    }

    /// The blocks of picture number `part` of a frame, from the top.
    pub fn blocks(&self, part: usize) -> impl Iterator<Item = Block> {
        let (start, end) = (part * self.height, (part + 1) * self.height);
        self.blocks.iter().filter_map(move |block| {
            let first = block.line.max(start);
            let last = (block.line + block.n_rows).min(end);
            (first < last).then(|| Block {
                row: block.row + (first - block.line),
                n_rows: last - first,
                line: first - start,
                ..*block
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every sample lies at exactly one place, inside the pictures.
    fn check(height: usize, width: usize, n_components: usize) -> PictureLayout {
        let layout = PictureLayout::new(height, width, n_components).unwrap();
        assert!(layout.width <= MAX_PICTURE_SIDE && layout.height <= MAX_PICTURE_SIDE);
        assert!(layout.width * layout.height <= MAX_PICTURE_PIXELS);
        let mut lines = HashSet::new();
        let mut n_samples = 0;
        for part in 0..layout.n_parts {
            let mut next_line = 0;
            for block in layout.blocks(part) {
                assert_eq!(block.line, next_line);
                next_line += block.n_rows;
                assert!(next_line <= layout.height && block.n_columns <= layout.width);
                for row in block.row..block.row + block.n_rows {
                    assert!(row < height);
                    assert!(lines.insert((block.component, row, block.column)));
                    n_samples += block.n_columns;
                }
            }
        }
        assert_eq!(n_samples, height * width * n_components);
        layout
    }

    #[test]
    fn every_sample_has_its_place() {
        check(1, 1, 1);
        check(512, 1024, 1);
        check(7, 5, 3);
        check(33, 16385, 1);
        check(3, 100_003, 2);
        check(20_000, 30, 3);
        check(9000, 9001, 1);
    }

    #[test]
    fn a_frame_of_one_plane_is_the_picture() {
        let layout = check(480, 640, 1);
        assert_eq!((layout.height, layout.width, layout.n_parts), (480, 640, 1));
    }

    #[test]
    fn too_many_lines_are_refused() {
        assert_eq!(PictureLayout::new(usize::MAX / 8, 1, 16), None);
        assert_eq!(PictureLayout::new(MAX_PARTS * MAX_PICTURE_SIDE + 1, 1, 1), None);
        check(MAX_PARTS * MAX_PICTURE_SIDE, 1, 1);
    }

    #[test]
    fn large_frames_are_cut() {
        assert_eq!(check(1, 16385, 1).width, 8193);
        assert_eq!(check(40_000, 10, 1).n_parts, 3);
    }
}
