use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::dicom::DicomFile;
use super::images;
use super::inputs::{ImageFile, Inputs, Page, Place};
use super::picture::{Format, Picture};
use super::tiff;
use crate::{parallel, text};

/// A frame on its way into the dataset.
pub enum Frame {
    /// To be decoded on any thread.
    Stored { name: String, path: PathBuf, place: Place, is_turned: bool },
    /// The same of a file that is read once.
    Dicom { name: String, file: Arc<DicomFile>, index: u32 },
    /// One of many of a file, decoded in their order.
    Decoded { name: String, picture: Picture },
}

impl Frame {
    /// The picture, and what errors call it.
    pub fn read(self) -> Result<(String, Picture)> {
        match self {
            Self::Stored { name, path, place, is_turned } => {
                let picture = read(&path, place, is_turned).with_context(|| name.clone())?;
                Ok((name, picture))
            }
            Self::Dicom { name, file, index } => {
                let picture = file.read(index).with_context(|| name.clone())?;
                Ok((name, picture))
            }
            Self::Decoded { name, picture } => Ok((name, picture)),
        }
    }
}

fn read(path: &Path, place: Place, is_turned: bool) -> Result<Picture> {
    match place {
        Place::Whole | Place::Animation => images::read(path, is_turned),
        Place::Tiff(page) => tiff::read(path, page, is_turned),
        Place::Dicom(index) => DicomFile::open(path)?.read(index),
    }
}

/// All frames, in order.
pub fn frames(inputs: &Inputs) -> impl Iterator<Item = Result<Frame>> {
    inputs.files.iter().flat_map(|file| frames_of(file, inputs.options.is_turned))
}

/// Why frames can't be decoded, for each that there is, in order.
pub fn errors(inputs: &Inputs, n_threads: usize) -> Result<Vec<Option<String>>> {
    let mut errors = Vec::new();
    let decode = |frame: Result<Frame>| frame.and_then(Frame::read).err().map(|e| text::one_line(&e));
    parallel::in_order(n_threads, frames(inputs).map(Ok), decode, |error| {
        errors.push(error);
        Ok(())
    })?;
    Ok(errors)
}

/// The first frame.
pub fn first(inputs: &Inputs) -> Result<Picture> {
    let first = frames(inputs).next().context("no images")??;
    Ok(first.read()?.1)
}

fn frames_of(file: &ImageFile, is_turned: bool) -> Box<dyn Iterator<Item = Result<Frame>> + '_> {
    match file.pages.first() {
        Some(Page { place: Place::Animation, format }) => return animation(file, *format),
        Some(Page { place: Place::Dicom(_), .. }) if file.pages.len() > 1 => return dicom(file),
        _ => (),
    }
    Box::new(file.pages.iter().enumerate().map(move |(i, page)| {
        Ok(Frame::Stored { name: file.name_of(i), path: file.path.clone(), place: page.place, is_turned })
    }))
}

fn dicom(file: &ImageFile) -> Box<dyn Iterator<Item = Result<Frame>> + '_> {
    let mut opened = None;
    Box::new(file.pages.iter().enumerate().map(move |(i, page)| {
        let name = file.name_of(i);
        let file = match &opened {
            Some(known) => Arc::clone(known),
            None => {
                let new = DicomFile::open(&file.path).with_context(|| name.clone())?;
                opened.insert(Arc::new(new)).clone()
            }
        };
        let index = if let Place::Dicom(index) = page.place { index } else { 0 };
        Ok(Frame::Dicom { name, file, index })
    }))
}

fn animation(file: &ImageFile, format: Format) -> Box<dyn Iterator<Item = Result<Frame>> + '_> {
    let mut frames = None;
    Box::new((0..file.pages.len()).map(move |i| {
        let name = file.name_of(i);
        let mut next = || -> Result<Picture> {
            let frames = match &mut frames {
                Some(frames) => frames,
                None => frames.insert(images::frames(&file.path, format)?),
            };
            frames.next().context("it is not there")?
        };
        let picture = next().with_context(|| name.clone())?;
        Ok(Frame::Decoded { name, picture })
    }))
}
