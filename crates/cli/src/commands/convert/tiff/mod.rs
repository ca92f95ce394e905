//! TIFF files: which of their pages are frames, and what is in them.

mod axes;
mod colour;
mod ifd;
mod page;
mod parts;
mod samples;

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::orientation::Orientation;
use super::picture::{Format, Picture, with_room, zeros};
use crate::text;

pub use axes::Axes;
use ifd::{Directory, MOST_PAGES, Tiff};
use page::{Page, tag};

/// A page of smaller size of the picture before it, and a mask (TIFF 6.0, NewSubfileType).
const REDUCED: u64 = 1;
const MASK: u64 = 4;
/// The same in the old tag.
const OLD_REDUCED: u64 = 2;
const UNCOMPRESSED: u64 = 1;

/// A frame of a file.
#[derive(Debug, Clone, Copy)]
pub struct PageRef {
    /// Where its directory is.
    directory: u64,
    /// Which frame of those that one directory stands for.
    index: u64,
}

/// What a file has, before anything is decoded.
pub struct Frames {
    pub pages: Vec<(PageRef, Format)>,
    /// Pages that are no frames: reduced ones, and masks.
    pub n_left_out: usize,
    /// What the first page says of the file.
    description: String,
    /// Pixels in a unit, along y and x.
    resolution: [Option<f64>; 2],
}

impl Frames {
    pub fn of(path: &Path, is_turned: bool) -> Result<Self> {
        let mut tiff = Tiff::open(path)?;
        let mut frames =
            Self { pages: vec![], n_left_out: 0, description: String::new(), resolution: [None; 2] };
        let mut seen = HashSet::new();
        let mut at = tiff.first;
        while at != 0 {
            ensure!(seen.insert(at), "its pages are in a circle");
            ensure!(seen.len() <= MOST_PAGES, "more than {MOST_PAGES} pages");
            let directory = tiff.directory(at)?;
            let next = directory.next;
            let is_only = at == tiff.first && next == 0;
            frames
                .add(&mut tiff, &directory, at, is_only, is_turned)
                .with_context(|| format!("page {}", seen.len()))?;
            at = next;
        }
        ensure!(!frames.pages.is_empty(), "it has no pages");
        frames.leave_out_levels();
        let n_expected = n_images_of_imagej(&frames.description);
        let n_found = frames.pages.len() as u64;
        if let Some(n) = n_expected {
            ensure!(n <= n_found, "its description says {n} images, and it has {n_found} pages");
        }
        Ok(frames)
    }

    fn add(
        &mut self,
        tiff: &mut Tiff,
        directory: &Directory,
        at: u64,
        is_only: bool,
        is_turned: bool,
    ) -> Result<()> {
        self.n_left_out += tiff.numbers(directory, tag::SUB_IFDS)?.len();
        let kind = tiff.number(directory, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0);
        let old_kind = tiff.number(directory, tag::SUBFILE_TYPE)?;
        if kind & (REDUCED | MASK) != 0 || old_kind == Some(OLD_REDUCED) {
            self.n_left_out += 1;
            return Ok(());
        }
        let description = tiff.text(directory, tag::DESCRIPTION)?;
        let page = Page::of(tiff, directory)?;
        parts::check(page.compression)?;
        let n = n_frames(&description, &page, is_only);
        if n > 1 {
            check_stack(tiff, &page, n).with_context(|| format!("it has one page for {n} images"))?;
        }
        if self.pages.is_empty() {
            self.description = description;
            self.resolution = [
                tiff.floats(directory, tag::Y_RESOLUTION)?.first().copied(),
                tiff.floats(directory, tag::X_RESOLUTION)?.first().copied(),
            ];
        }
        let format = orientation(&page, is_turned).format(page.format());
        self.pages.extend((0..n).map(|index| (PageRef { directory: at, index }, format)));
        Ok(())
    }

    /// Slide scanners write smaller levels and a label as pages like any others, behind the whole picture.
    fn leave_out_levels(&mut self) {
        if self.description.starts_with("Aperio") {
            let n = self.pages.len();
            let (_, first) = self.pages[0];
            self.pages.retain(|(_, format)| *format == first);
            self.n_left_out += n - self.pages.len();
        }
    }

    /// What the frames are along, if the file says so; and what the user has to know of it.
    pub fn axes(&self) -> (Option<Axes>, Vec<String>) {
        let n = self.n_left_out as u64;
        let left_out =
            (n > 0).then(|| format!("{} of reduced size, or masks, left out", text::count(n, "page")));
        match Axes::of(&self.description, self.pages.len(), self.resolution) {
            Ok(axes) => (axes, left_out.into_iter().collect()),
            Err(e) => (
                None,
                left_out.into_iter().chain([format!("frames stay in the order of the file: {e}")]).collect(),
            ),
        }
    }
}

/// Decodes a frame.
pub fn read(path: &Path, PageRef { directory, index }: PageRef, is_turned: bool) -> Result<Picture> {
    let mut tiff = Tiff::open(path)?;
    let directory = tiff.directory(directory)?;
    let page = Page::of(&mut tiff, &directory)?;
    let stored =
        if index > 0 { stored_frame(&mut tiff, &page, index)? } else { all_parts(&mut tiff, &page)? };
    let ordered = in_order(&page, stored)?;
    let format = page.format();
    let picture = Picture::of(format, colour::rgb(&page, ordered)?)?;
    orientation(&page, is_turned).apply(picture)
}

fn orientation(page: &Page, is_turned: bool) -> Orientation {
    if is_turned { Orientation::of_exif(page.orientation) } else { Orientation::default() }
}

/// The samples of all parts: of pixels together, or plane after plane.
fn all_parts(tiff: &mut Tiff, page: &Page) -> Result<Vec<u8>> {
    let pixel_bytes = (page.samples_per_pixel() * page.sample.bytes()) as usize;
    let n_planes = if page.is_planar { page.n_samples } else { 1 };
    let row_bytes = page.width as usize * pixel_bytes;
    let mut all = zeros(page.width * page.height * n_planes * pixel_bytes as u64)?;
    for (i, part) in page.parts.iter().enumerate() {
        // Programs leave parts out that are 0 everywhere.
        if part.n_bytes == 0 {
            continue;
        }
        let decoded = decoded_part(tiff, page, *part).with_context(|| format!("part {}", i + 1))?;
        let n_columns = part.width.min(page.width - part.column) as usize * pixel_bytes;
        let n_rows = part.height.min(page.height - part.row) as usize;
        let rows = decoded.chunks_exact(part.width as usize * pixel_bytes).take(n_rows);
        let first_row = (part.plane * page.height + part.row) as usize;
        for (j, row) in rows.enumerate() {
            let start = (first_row + j) * row_bytes + part.column as usize * pixel_bytes;
            all[start..start + n_columns].copy_from_slice(&row[..n_columns]);
        }
    }
    Ok(all)
}

fn decoded_part(tiff: &mut Tiff, page: &Page, part: page::Part) -> Result<Vec<u8>> {
    let stored = tiff.read_at(part.offset, part.n_bytes)?;
    if page.is_subsampled() {
        let expected = colour::subsampled_bytes(page, part.width, part.height);
        ensure!(expected <= isize::MAX as u64, "a part of {expected} bytes");
        let units = parts::decode(page, part, stored, expected)?;
        return colour::whole_chroma(page, &units, part.width, part.height);
    }
    let expected = samples::row_bytes(page, part.width).saturating_mul(part.height);
    ensure!(expected <= isize::MAX as u64, "a part of {expected} bytes");
    let bytes = parts::decode(page, part, stored, expected)?;
    samples::in_memory(page, bytes, part.width, tiff.is_big_endian)
}

/// Colours with their components together, channels one after the other.
fn in_order(page: &Page, stored: Vec<u8>) -> Result<Vec<u8>> {
    let (n_stored, n) = (page.n_samples as usize, page.n_colours() as usize);
    let is_wanted_planar = !page.format().is_colour;
    if n_stored == 1 {
        return Ok(stored);
    }
    let sample_bytes = page.sample.bytes() as usize;
    let n_pixels = (page.width * page.height) as usize;
    if page.is_planar && is_wanted_planar {
        let mut planes = stored;
        planes.truncate(n * n_pixels * sample_bytes);
        return Ok(planes);
    }
    if !page.is_planar && !is_wanted_planar && n == n_stored {
        return Ok(stored);
    }
    // Bytes from one component of a pixel to the next, and from one pixel to the next.
    let (component, pixel) = match page.is_planar {
        true => (n_pixels * sample_bytes, sample_bytes),
        false => (sample_bytes, n_stored * sample_bytes),
    };
    let mut ordered = with_room((n * n_pixels * sample_bytes) as u64)?;
    let mut push = |i: usize, j: usize| {
        let start = i * pixel + j * component;
        ordered.extend(&stored[start..start + sample_bytes]);
    };
    match is_wanted_planar {
        true => (0..n).for_each(|j| (0..n_pixels).for_each(|i| push(i, j))),
        false => (0..n_pixels).for_each(|i| (0..n).for_each(|j| push(i, j))),
    }
    Ok(ordered)
}

/// A frame of a stack, of which only the first has a page.
fn stored_frame(tiff: &mut Tiff, page: &Page, index: u64) -> Result<Vec<u8>> {
    let frame_bytes = page_bytes(page);
    let bytes = tiff.read_at(page.parts[0].offset + index * frame_bytes, frame_bytes)?;
    samples::in_memory(page, bytes, page.width, tiff.is_big_endian)
}

fn page_bytes(page: &Page) -> u64 {
    page.width * page.height * page.n_samples * page.sample.bytes()
}

/// How many frames a page stands for: ImageJ, in files of more than 4 GB, and tifffile, if asked to truncate,
/// write only the first page of a stack, and the samples of all frames behind each other.
fn n_frames(description: &str, page: &Page, is_only: bool) -> u64 {
    let n_of_imagej = n_images_of_imagej(description).filter(|_| is_only);
    let n_of_tifffile = n_of_truncated(description, [page.width, page.height, page.n_samples]);
    n_of_imagej.or(n_of_tifffile).unwrap_or(1).max(1)
}

fn check_stack(tiff: &Tiff, page: &Page, n: u64) -> Result<()> {
    ensure!(page.compression == UNCOMPRESSED, "which is compressed");
    ensure!(
        page.parts.iter().all(|part| part.width == page.width && part.column == 0),
        "which is made of tiles"
    );
    ensure!(page.bits == 8 * page.sample.bytes(), "which has samples of {} bits", page.bits);
    let ends = page.parts.iter().map(|part| part.offset.saturating_add(part.n_bytes));
    let are_in_a_row = ends.zip(&page.parts[1..]).all(|(end, next)| end == next.offset);
    ensure!(are_in_a_row, "whose strips are not in a row");
    let end = n.checked_mul(page_bytes(page)).and_then(|n_bytes| n_bytes.checked_add(page.parts[0].offset));
    ensure!(end.is_some_and(|end| end <= tiff.n_bytes), "and the file ends before the last of them");
    Ok(())
}

/// What ImageJ, or a program that writes as it does, says in the first page.
fn n_images_of_imagej(description: &str) -> Option<u64> {
    let description = description.strip_prefix("ImageJ=")?;
    description.lines().find_map(|line| line.strip_prefix("images=")?.trim().parse().ok())
}

/// What tifffile writes as the description of a page.
#[derive(Debug, Deserialize)]
struct Shaped {
    shape: Vec<u64>,
    #[serde(default)]
    truncated: bool,
}

fn n_of_truncated(description: &str, page: [u64; 3]) -> Option<u64> {
    let shaped: Shaped = serde_json::from_str(description).ok()?;
    let n_samples = shaped.shape.iter().try_fold(1u64, |product, n| product.checked_mul(*n))?;
    let n_of_page = page.iter().try_fold(1u64, |product, n| product.checked_mul(*n))?;
    shaped.truncated.then_some(n_samples / n_of_page.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_stacks_are_recognised() {
        let n = |text| n_of_truncated(text, [80, 64, 1]);
        assert_eq!(n(r#"{"shape": [30, 64, 80], "truncated": true}"#), Some(30));
        assert_eq!(n(r#"{"shape": [30, 64, 80]}"#), None);
        assert_eq!(n(r#"{"shape": [18446744073709551615, 64, 80], "truncated": true}"#), None);
        assert_eq!(n("a flower"), None);
    }
}
