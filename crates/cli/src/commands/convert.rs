mod inputs;
mod picture;
mod reader;
mod scale;
mod tiff_pages;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use h5h264::advice;
use hdf5::File;
use hdf5::plist::DatasetCreate;

use crate::h5::{self, Explain};
use crate::output::{Output, with_h5_extension};
use crate::parallel::Threads;
use crate::preset::PresetOption;
use crate::write::ChunkWriter;
use crate::{progress, text};

use inputs::Inputs;
use picture::{Format, Picture, with_room};
use reader::Frame;
use scale::{Change, Size};

/// Datasets of strings beside that of frames.
const BESIDE: [&str; 2] = ["names", "labels"];
/// HDF5 has 32 bits for it.
const MOST_CHUNK_BYTES: u64 = u32::MAX as u64;

/// Make an HDF5 dataset of images: (frames, height, width), or (frames, height, width, 3) if any has colour
///
/// Takes PNG, JPEG, TIFF, BMP and WebP, at the bit depth that they have; every page of a TIFF is a frame. Of
/// folders, all images are taken, in natural order (img2 before img10), those in sub-folders too. Beside
/// the dataset are `names`, and, if there are sub-folders or several folders, `labels`: the folder of each image.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folders and image files
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
    /// The HDF5 file to write; .h5 is added to a name without extension
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Scale to N × N pixels
    #[arg(long, value_name = "N", conflicts_with = "size", value_parser = clap::value_parser!(u32).range(1..))]
    dim: Option<u32>,
    /// Scale to width × height, 640x480 for example
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// Make colour gray
    #[arg(long)]
    gray: bool,
    /// Name of the dataset
    #[arg(long, value_name = "NAME", default_value = "frames")]
    dataset: String,
    #[command(flatten)]
    preset: PresetOption,
    /// Frames in a chunk [default: about ten, more of small frames]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk_frames: Option<u64>,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        self.check_dataset()?;
        let inputs = Inputs::find(&self.inputs)?;
        let size = self.size.or(self.dim.map(|n| Size { width: n, height: n }));
        if size.is_none() {
            inputs.check_sizes()?;
        }
        let change = Change { size, gray: self.gray, colour: inputs.have_colour() && !self.gray };
        let format = change.format(reader::first(&inputs)?.format);
        let chunk = self.chunk_shape(format, inputs.n_frames())?;
        let target = with_h5_extension(&self.output);
        let paths: Vec<&Path> = inputs.files.iter().map(|file| &*file.path).collect();
        let output = Output::new(&target, &paths)?;
        let file = h5::create_file(output.path())?;
        self.write(&file, &inputs, change, format, &chunk)?;
        h5::close_file(file)?;
        output.finish()
    }

    /// An error if the name can't be that of the dataset.
    fn check_dataset(&self) -> Result<()> {
        let mut parts = self.dataset.split('/').filter(|part| !part.is_empty());
        let is_place = parts.clone().any(|part| part == ".");
        let last = parts.next_back();
        ensure!(!is_place && last.is_some(), "{:?} is no name for a dataset", self.dataset);
        let is_taken = last.is_some_and(|name| BESIDE.contains(&name));
        ensure!(!is_taken, "{} is written beside the frames (expected another --dataset)", self.dataset);
        Ok(())
    }

    fn chunk_shape(&self, format: Format, n_frames: u64) -> Result<Vec<u64>> {
        let shape = format.shape(n_frames);
        let mut chunk = advice::chunk_shape(&shape, format.sample.bytes(), advice::DEFAULT_TARGET_BYTES);
        // Frames that advice would cut come whole.
        chunk[1..].copy_from_slice(&shape[1..]);
        if let Some(n) = self.chunk_frames {
            chunk[0] = n;
        }
        let chunk_bytes = chunk[0].saturating_mul(format.frame_bytes());
        ensure!(
            chunk_bytes <= MOST_CHUNK_BYTES,
            "chunks of {} with {format} take {} (HDF5 can have up to {})",
            text::count(chunk[0], "frame"),
            text::bytes(chunk_bytes),
            text::bytes(MOST_CHUNK_BYTES)
        );
        Ok(chunk)
    }

    fn write(
        &self,
        file: &File,
        inputs: &Inputs,
        change: Change,
        format: Format,
        chunk: &[u64],
    ) -> Result<()> {
        let (group, name) = h5::parent_of(file, &self.dataset)?;
        let n_frames = inputs.n_frames();
        let shape = format.shape(n_frames);
        let plist = h5::chunked(&DatasetCreate::try_new().explained()?, chunk, &[self.preset.filter()])?;
        let datatype = h5::number_type(&format.sample.descriptor())?;
        let dataset =
            h5::create_dataset(&group, &name, &datatype, &h5::growing(&shape)?, &plist, &h5::utf8_link()?)?;
        let writer = ChunkWriter::new(dataset, self.threads.n())?.context("the dataset is not chunked")?;

        let mut frames = reader::frames(inputs);
        let mut n_done = 0;
        let chunks = std::iter::from_fn(|| {
            let frames: Result<Vec<Frame>> = frames.by_ref().take(chunk[0] as usize).collect();
            let frames = frames.map(|frames| {
                let mut offset = vec![0; shape.len()];
                offset[0] = n_done;
                n_done += frames.len() as u64;
                (offset, frames)
            });
            match frames {
                Ok((_, frames)) if frames.is_empty() => None,
                other => Some(other),
            }
        });
        let make = |frames: Vec<Frame>| chunk_of(frames, change, format, chunk);
        let bar = progress::bar(n_frames * format.frame_bytes(), "converting");
        writer.write(chunks, make, |written| {
            bar.inc(written.raw_bytes);
            Ok(())
        })?;
        ensure!(n_done == n_frames, "{n_done} frames were found (expected {n_frames})");
        bar.finish_and_clear();

        let [names, labels] = BESIDE;
        h5::write_strings(&group, names, inputs.names())?;
        if inputs.have_labels() {
            h5::write_strings(&group, labels, inputs.labels())?;
        }
        Ok(())
    }
}

/// The bytes of a chunk; what is missing to a whole one is 0.
fn chunk_of(frames: Vec<Frame>, change: Change, format: Format, chunk: &[u64]) -> Result<Vec<u8>> {
    let chunk_bytes = chunk[0] * format.frame_bytes();
    let mut bytes = with_room(chunk_bytes)?;
    for frame in frames {
        let (name, picture) = frame.read()?;
        let picture: Picture = change.apply(picture).with_context(|| name.clone())?;
        ensure!(
            picture.format == format,
            "{name}: {} (expected {format}, as in the images before)",
            picture.format
        );
        bytes.extend(picture.bytes);
    }
    bytes.resize(chunk_bytes as usize, 0);
    Ok(bytes)
}
