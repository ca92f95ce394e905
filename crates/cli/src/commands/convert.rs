mod attributes;
mod dicom;
mod images;
mod inputs;
mod kinds;
mod orientation;
mod picture;
mod reader;
mod scale;
mod tiff;
mod video;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use h5h264::advice;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, File, Group};

use crate::h5::{self, Explain, Grid};
use crate::output::{Output, with_h5_extension};
use crate::parallel::Threads;
use crate::preset::PresetOption;
use crate::write::ChunkWriter;
use crate::{progress, text};

use inputs::{Inputs, Options};
use picture::{Format, Picture, with_room};
use reader::Frame;
use scale::{Change, Size};
use video::Video;

/// Datasets beside that of frames.
const BESIDE: [&str; 3] = ["names", "labels", "timestamps"];
/// HDF5 has 32 bits for it.
const MOST_CHUNK_BYTES: u64 = u32::MAX as u64;
/// What tells viewers that the last dimension is a colour (HDF5 Image and Palette Specification 1.2).
const IMAGE: [(&str, &str); 4] = [
    ("CLASS", "IMAGE"),
    ("IMAGE_VERSION", "1.2"),
    ("IMAGE_SUBCLASS", "IMAGE_TRUECOLOR"),
    ("INTERLACE_MODE", "INTERLACE_PIXEL"),
];

/// Make an HDF5 dataset of images or of a video
///
/// The dataset has the shape (frames, height, width), or (frames, height, width, 3) if any image has colour.
///
/// Reads PNG, JPEG, TIFF, BMP and WebP files and keeps their bit depth. Every page of a TIFF file is a frame.
/// Folders are searched with their sub-folders, in natural order (img2 before img10). The dataset `names` has
/// the file of each frame. If there are sub-folders or several folders, `labels` has the folder of each
/// frame.
///
/// A video becomes frames of uint8, or of uint16 if it is gray with more than 8 bits. The dataset `timestamps`
/// has the time of each frame in seconds, and the attribute `fps` the frame rate.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folders and image files, or a video file
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
    /// Convert colour to gray
    #[arg(long, conflicts_with = "channel")]
    gray: bool,
    /// Take one of the channels, or components of colour, alone, counted from 0
    #[arg(long, value_name = "N")]
    channel: Option<u64>,
    /// Do not turn images and videos as they ask for
    #[arg(long)]
    no_rotate: bool,
    /// Leave out images that can't be read, and list them
    #[arg(long)]
    skip_broken: bool,
    /// Name of the dataset
    #[arg(long, value_name = "NAME", default_value = "frames")]
    dataset: String,
    #[command(flatten)]
    preset: PresetOption,
    /// Frames in a chunk [default: about ten, more if frames are small]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk_frames: Option<u64>,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        self.check_dataset()?;
        match &self.inputs[..] {
            [input] if video::is_video(input)? => self.convert_video(input),
            _ => self.convert_images(),
        }
    }

    fn convert_images(&self) -> Result<()> {
        let options = Options { is_turned: !self.no_rotate, skips_broken: self.skip_broken };
        let mut inputs = Inputs::find(&self.inputs, options, self.threads.n())?;
        if self.skip_broken {
            let errors = reader::errors(&inputs, self.threads.n())?;
            inputs.leave_out(errors)?;
        }
        if self.new_size().is_none() {
            inputs.check_sizes()?;
        }
        let change = self.change(inputs.have_colour());
        let format = change.format(reader::first(&inputs)?.format);
        let n_expected = inputs.n_frames();
        let axes = inputs.axes();
        let frames = match axes {
            Some(axes) if !axes.lengths.is_empty() => axes.lengths.iter().map(|(_, n)| *n).collect(),
            _ => vec![n_expected],
        };
        let layout = self.layout(format, frames)?;
        let paths: Vec<&Path> = inputs.files.iter().map(|file| &*file.path).collect();
        self.create(&paths, |file| {
            let frames = reader::frames(&inputs);
            let Written { group, dataset, n_frames } = self.write(file, &layout, change, frames)?;
            if let Some(axes) = axes {
                attributes::write_axes(&dataset, axes, format)?;
            }
            if let Some((seconds, rate)) = inputs.times() {
                write_times(&group, &dataset, Some(&seconds), rate)?;
            }
            ensure!(n_frames == n_expected, "{n_frames} frames were found (expected {n_expected})");
            let [names, labels, _] = BESIDE;
            h5::write_strings(&group, names, inputs.names())?;
            if inputs.have_labels() {
                h5::write_strings(&group, labels, inputs.labels())?;
            }
            Ok(())
        })?;
        for broken in &inputs.broken {
            eprintln!("h5h264: left out: {broken}");
        }
        Ok(())
    }

    fn convert_video(&self, input: &Path) -> Result<()> {
        let change = self.change(false);
        let mut video = Video::open(input, !self.no_rotate, change, self.threads.n())?;
        let (format, n_expected) = (video.format()?, video.expected_frames());
        let layout = self.layout(format, vec![n_expected])?;
        self.create(&[input], |file| {
            let Written { group, dataset, .. } = self.write(file, &layout, change, &mut video)?;
            let rate = video.frame_rate();
            write_times(&group, &dataset, video.timestamps(), rate)
        })
    }

    fn new_size(&self) -> Option<Size> {
        self.size.or(self.dim.map(|n| Size { width: n, height: n }))
    }

    /// `have_colour`: whether gray images are among images that have colour.
    fn change(&self, have_colour: bool) -> Change {
        let colour = have_colour && !self.gray && self.channel.is_none();
        Change { size: self.new_size(), gray: self.gray, colour, channel: self.channel }
    }

    /// Makes the file, which gets its name when `fill` has written what is in it.
    fn create(&self, inputs: &[&Path], fill: impl FnOnce(&File) -> Result<()>) -> Result<()> {
        let output = Output::new(&with_h5_extension(&self.output), inputs)?;
        let file = h5::create_file(output.path())?;
        fill(&file)?;
        h5::close_file(file)?;
        output.finish()
    }

    /// An error if the name can't be that of the dataset.
    fn check_dataset(&self) -> Result<()> {
        let mut parts = self.dataset.split('/').filter(|part| !part.is_empty());
        let is_place = parts.clone().any(|part| part == ".");
        let last = parts.next_back();
        ensure!(!is_place && last.is_some(), "{:?} can't be the name of a dataset", self.dataset);
        let is_taken = last.is_some_and(|name| BESIDE.contains(&name));
        ensure!(
            !is_taken,
            "{} is the name of another dataset in the file (expected another --dataset)",
            self.dataset
        );
        Ok(())
    }

    /// `frames` has how many frames there are along each axis; 0 if that is not known.
    fn layout(&self, format: Format, frames: Vec<u64>) -> Result<Layout> {
        // As if channels were more rows: frames that advice would cut come whole.
        let rows = format.height.saturating_mul(if format.is_colour { 1 } else { format.n_components });
        let inner = [rows, format.width, format.n_components];
        let inner = if format.is_colour { &inner[..] } else { &inner[..2] };
        let advised = advice::chunk_shape(
            &[&frames[..], inner].concat(),
            format.sample.bytes(),
            advice::DEFAULT_TARGET_BYTES,
        );
        let mut chunk = advised[..frames.len()].to_vec();
        if let Some(n) = self.chunk_frames {
            chunk.fill(1);
            chunk[frames.len() - 1] = if frames.len() > 1 { n.min(frames[frames.len() - 1]) } else { n };
        }
        let layout = Layout { format, frames, chunk };
        let n = layout.chunk_frames();
        let chunk_bytes = n.saturating_mul(format.frame_bytes());
        ensure!(
            chunk_bytes <= MOST_CHUNK_BYTES,
            "chunks of {} with {format} take {} (HDF5 can have up to {})",
            text::count(n, "frame"),
            text::bytes(chunk_bytes),
            text::bytes(MOST_CHUNK_BYTES)
        );
        Ok(layout)
    }

    /// Writes the dataset. The frames of the layout are what the progress bar is made for.
    fn write(
        &self,
        file: &File,
        layout: &Layout,
        change: Change,
        mut frames: impl Iterator<Item = Result<Frame>>,
    ) -> Result<Written> {
        let (group, name) = h5::parent_of(file, &self.dataset)?;
        let format = layout.format;
        let frame_shape = format.shape();
        let mut shape = [&layout.frames[..], &frame_shape].concat();
        let chunk = &[&layout.chunk[..], &frame_shape].concat();
        let plist = h5::chunked(&DatasetCreate::try_new().explained()?, chunk, &[self.preset.filter()])?;
        let datatype = h5::number_type(&format.sample.descriptor())?;
        let dataset =
            h5::create_dataset(&group, &name, &datatype, &h5::growing(&shape)?, &plist, &h5::utf8_link()?)?;
        if format.is_colour {
            IMAGE.iter().try_for_each(|(name, text)| h5::write_ascii_attribute(&dataset, name, text))?;
        }
        let writer = ChunkWriter::new(dataset, self.threads.n())?.context("the dataset is not chunked")?;

        let n_expected: u64 = layout.frames.iter().product();
        let bar = progress::bar(n_expected * format.frame_bytes(), "converting");
        let mut n_frames = 0;
        let is_growing = layout.frames.len() == 1;
        let mut places = layout.places();
        let chunks = std::iter::from_fn(|| {
            let (mut offset, n) = places.next()?;
            offset.resize(shape.len(), 0);
            let frames: Result<Vec<Frame>> = frames.by_ref().take(n as usize).collect();
            let frames = frames.and_then(|frames| {
                n_frames += frames.len() as u64;
                if is_growing && n_frames > shape[0] {
                    shape[0] = n_frames;
                    h5::resize(&writer.dataset, &shape)?;
                }
                Ok(frames)
            });
            match frames {
                Ok(frames) if frames.is_empty() => None,
                frames => Some(frames.map(|frames| (offset, frames))),
            }
        });
        let make = |frames: Vec<Frame>| chunk_of(frames, change, layout);
        writer.write(chunks, make, |written| {
            bar.inc(written.raw_bytes);
            Ok(())
        })?;
        if is_growing && n_frames < shape[0] {
            shape[0] = n_frames;
            h5::resize(&writer.dataset, &shape)?;
        }
        bar.finish_and_clear();
        Ok(Written { group, dataset: writer.dataset, n_frames })
    }
}

/// When frames are shown, and how many in a second, as far as it is known.
fn write_times(group: &Group, dataset: &Dataset, seconds: Option<&[f64]>, rate: Option<f64>) -> Result<()> {
    if let Some(rate) = rate {
        dataset.new_attr::<f64>().create("fps").and_then(|attr| attr.write_scalar(&rate)).explained()?;
    }
    if let Some(seconds) = seconds {
        let [.., timestamps] = BESIDE;
        let timestamps = group.new_dataset_builder().with_data(seconds).create(timestamps);
        let timestamps = timestamps.explained().context("can't write timestamps")?;
        h5::write_text_attribute(&timestamps, "units", "s")?;
        h5::flush(&timestamps)?;
    }
    Ok(())
}

/// A dataset of all frames, and the group it is in.
struct Written {
    group: Group,
    dataset: Dataset,
    n_frames: u64,
}

/// Frames in a dataset.
struct Layout {
    format: Format,
    /// How many there are along each axis, of which the only one may grow.
    frames: Vec<u64>,
    /// The same of a chunk.
    chunk: Vec<u64>,
}

impl Layout {
    fn chunk_frames(&self) -> u64 {
        self.chunk.iter().fold(1, |product, n| product.saturating_mul(*n))
    }

    /// Where chunks begin, among the frames, and how many frames each has. Those of a chunk follow each other.
    fn places(&self) -> Box<dyn Iterator<Item = (Vec<u64>, u64)>> {
        if let [n] = self.chunk[..] {
            return Box::new((0..).map(move |i| (vec![i * n], n)));
        }
        let grid = Grid { shape: self.frames.clone(), chunk: self.chunk.clone() };
        let places: Vec<_> = grid.offsets().collect();
        Box::new(places.into_iter().map(move |offset| {
            let n = grid.extent_at(&offset).iter().product();
            (offset, n)
        }))
    }
}

/// The bytes of a chunk; what is missing to a whole one is 0.
fn chunk_of(frames: Vec<Frame>, change: Change, layout: &Layout) -> Result<Vec<u8>> {
    let format = layout.format;
    let chunk_bytes = layout.chunk_frames() * format.frame_bytes();
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
