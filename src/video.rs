//! The video plane of a chunk, to and from access units.

use crate::avcodec::{
    Coded, Decoder, DecoderConfig, Encoder, EncoderConfig, Lines, LinesMut, Preset, Reference, Threads,
};
use crate::error::{Error, Result, damaged, reserve};
use crate::geometry::{Geometry, STRIP_HEIGHT_STEP};
use crate::picture::{Block, PictureLayout, PixelFormat};
use crate::process::{Pool, Process};
use crate::transform::{Coding, MOVIE, Sample, Transform};

/// Samples that make a strip worth its parameter sets, its thread, and its first rows, of which less
/// is known.
const STRIP_SAMPLES: usize = 1 << 16;
/// More strips are cut only to bound the size of pictures.
const MAX_STRIPS: usize = 8;
/// Codec sessions take 10 to 30 bytes a pixel.
const MAX_STRIP_PIXELS: usize = 1 << 21;

/// Pixels that make a slice, and so a thread, worth its start.
const SLICE_PIXELS: usize = 1 << 16;
/// x264 wants four rows of macroblocks in a slice.
const MIN_SLICE_LINES: usize = 64;
/// More slices cost bytes and win nothing on most machines.
const MAX_SLICES: usize = 8;

/// An error if this libavcodec can't encode. Otherwise chunks would be stored uncompressed, and
/// nobody would hear why.
pub fn check_encoder() -> Result<()> {
    let config = EncoderConfig {
        width: 16,
        height: 16,
        format: PixelFormat::Gray,
        preset: Preset::default(),
        n_slices: 1,
        threads: Threads::None,
    };
    let encoders = &Process::current().encoders;
    let encoder = encoders.take(&config)?;
    encoders.put(config, encoder);
    Ok(())
}

/// How the video plane of a chunk is coded.
#[derive(Debug, Clone, Copy)]
pub struct VideoOptions {
    /// What a picture consists of.
    pub format: PixelFormat,
    /// Whether the stream is the plain movie: only that has slices, and threads of its own.
    is_movie: bool,
    preset: Preset,
    n_threads: usize,
}

impl VideoOptions {
    /// `None` if there is no video plane.
    pub fn of(geometry: &Geometry, transform: &Transform, preset: Preset, n_threads: usize) -> Option<Self> {
        let has_video = transform.planes.iter().any(|plane| plane.coding == Coding::Video);
        let is_movie = has_movie(geometry, transform);
        let format =
            if is_movie && geometry.n_components == 3 { PixelFormat::Rgb } else { PixelFormat::Gray };
        has_video.then_some(Self { format, is_movie, preset, n_threads })
    }
}

/// Rows of the strips that the frames of a chunk are cut into. Movies stay whole, as does what zstd
/// finds repetitions in.
pub fn strip_height(geometry: &Geometry, transform: &Transform) -> usize {
    let Geometry { height, width, n_components, .. } = *geometry;
    if has_movie(geometry, transform) || transform.zstd_planes().next().is_some() {
        return height;
    }
    let n_pixels = height.saturating_mul(width * n_components);
    let n_samples = geometry.chunk_samples();
    let n_strips = (n_samples / STRIP_SAMPLES).clamp(1, MAX_STRIPS).max(n_pixels / MAX_STRIP_PIXELS);
    let mut strip_height = height.div_ceil(1 << n_strips.ilog2()).next_multiple_of(STRIP_HEIGHT_STEP);
    // Some rows that remain are not worth a strip.
    if (1..STRIP_HEIGHT_STEP).contains(&(height % strip_height)) {
        strip_height += STRIP_HEIGHT_STEP;
    }
    strip_height.min(height)
}

/// Whether frames are a movie as they are: bytes, of one component, or of three in one picture.
pub fn is_movie(geometry: &Geometry) -> bool {
    let layout = PictureLayout::new(geometry.height, geometry.width, 1);
    let fits = layout.is_some_and(|layout| layout.is_plane(geometry.height, geometry.width));
    geometry.sample_bytes == 1 && fits && matches!(geometry.n_components, 1 | 3)
}

/// Whether the video plane is such a movie.
fn has_movie(geometry: &Geometry, transform: &Transform) -> bool {
    is_movie(geometry) && transform.planes == [MOVIE]
}

/// Codes the video plane of a strip, frame by frame.
pub struct FrameEncoder {
    geometry: Geometry,
    format: PixelFormat,
    shift: u32,
    layout: PictureLayout,
    config: EncoderConfig,
    encoder: Encoder,
    pool: &'static Pool<Encoder>,
}

impl FrameEncoder {
    /// A session for the pictures of a strip.
    pub fn new(geometry: &Geometry, transform: &Transform, options: &VideoOptions) -> Result<Self> {
        let VideoOptions { format, is_movie, preset, n_threads } = *options;
        let shift = transform.video_shift().unwrap_or(0);
        let layout = PictureLayout::of(geometry, format)
            .ok_or_else(|| Error::Codec("frames too large for video".into()))?;
        let n_slices = if is_movie { n_slices(&layout) } else { 1 };
        let threads = match (most_threads(n_threads, n_slices), geometry.n_frames) {
            (1, _) => Threads::None,
            (_, 1) => Threads::Slices,
            (n, _) => Threads::Pictures(n),
        };
        let config =
            EncoderConfig { width: layout.width, height: layout.height, format, preset, n_slices, threads };
        let pool = &Process::current().encoders;
        let mut encoder = pool.take(&config)?;
        encoder.start_chunk()?;
        Ok(Self { geometry: *geometry, format, shift, layout, config, encoder, pool })
    }

    /// Pictures per frame.
    pub fn n_parts(&self) -> usize {
        self.layout.n_parts
    }

    /// Codes a part of a frame: part by part, and in each of them frame by frame, of which the first
    /// starts a stream.
    pub fn encode<S: Sample>(&mut self, part: usize, reference: Reference, numbers: &[S]) -> Result<()> {
        let fill = |lines: LinesMut<'_>| match self.format {
            PixelFormat::Rgb => write_rgb(numbers, &self.geometry, self.shift, lines),
            _ => write_gray(numbers, &self.geometry, self.shift, &self.layout, part, lines),
        };
        self.encoder.encode(reference, fill)
    }

    /// What came out. Keeps the session for other chunks.
    pub fn finish(mut self) -> Result<Coded> {
        let coded = self.encoder.finish_chunk()?;
        self.pool.put(self.config, self.encoder);
        Ok(coded)
    }
}

/// Decodes the video plane of a strip, frame by frame.
pub struct FrameDecoder<'a> {
    geometry: Geometry,
    format: PixelFormat,
    shift: u32,
    bits: u32,
    layout: PictureLayout,
    config: DecoderConfig,
    /// One for each picture of a frame, since each is a video of its own; one for all when the
    /// videos have one picture each.
    decoders: Vec<Decoder>,
    access_units: Vec<&'a [u8]>,
    pool: &'static Pool<Decoder>,
}

impl<'a> FrameDecoder<'a> {
    /// There are just the access units that a checked header tells of. `n_threads` may work on the slices of
    /// a picture.
    pub fn new(
        geometry: &Geometry,
        transform: &Transform,
        format: PixelFormat,
        access_units: Vec<&'a [u8]>,
        n_threads: usize,
    ) -> Result<Self> {
        let shift = transform.video_shift().unwrap_or(0);
        // The video plane is the last.
        let bits = transform.planes.last().map_or(0, |plane| plane.bits);
        let layout = PictureLayout::of(geometry, format)
            .ok_or_else(|| damaged!("video of frames that are too large for it"))?;
        let n_threads = most_threads(n_threads, n_slices(&layout));
        let config = DecoderConfig { width: layout.width, height: layout.height, format, n_threads };
        let pool = &Process::current().decoders;
        // The parts of a single frame follow each other.
        let n_decoders = if geometry.n_frames == 1 { 1 } else { layout.n_parts };
        let mut decoders = reserve(n_decoders)?;
        for _ in 0..n_decoders {
            let mut decoder = pool.take(&config)?;
            decoder.start_chunk();
            decoders.push(decoder);
        }
        Ok(Self { geometry: *geometry, format, shift, bits, layout, config, decoders, access_units, pool })
    }

    /// Adds the video plane of frame `t` to its numbers. Frames have to be decoded in order. Bytes with more
    /// bits than the plane are an error.
    pub fn decode<S: Sample>(&mut self, t: usize, numbers: &mut [S]) -> Result<()> {
        let n_decoders = self.decoders.len();
        for part in 0..self.layout.n_parts {
            let decoder = &mut self.decoders[part % n_decoders];
            let planes = decoder.decode(self.access_units[part * self.geometry.n_frames + t])?;
            let all = match self.format {
                PixelFormat::Rgb => read_rgb(planes, &self.geometry, self.shift, numbers),
                _ => read_gray(planes[0], &self.geometry, self.shift, &self.layout, part, numbers),
            };
            if u32::from(all) >> self.bits != 0 {
                return Err(damaged!("a picture with bytes of more than {} bits", self.bits));
            }
        }
        Ok(())
    }

    /// Keeps the sessions for other chunks.
    pub fn finish(self) {
        self.decoders.into_iter().for_each(|decoder| self.pool.put(self.config, decoder));
    }
}

/// The most slices that a picture is worth: a power of two.
fn n_slices(layout: &PictureLayout) -> usize {
    let most =
        (layout.height * layout.width / SLICE_PIXELS).min(layout.height / MIN_SLICE_LINES).min(MAX_SLICES);
    1 << most.max(1).ilog2()
}

/// Threads that have something to do: a power of two.
fn most_threads(n_threads: usize, n_slices: usize) -> usize {
    1 << n_threads.min(n_slices).ilog2()
}

/// Fills picture number `part` of a frame with its eight bits from `shift` on.
pub fn write_gray<S: Sample>(
    frame: &[S],
    geometry: &Geometry,
    shift: u32,
    layout: &PictureLayout,
    part: usize,
    mut lines: LinesMut<'_>,
) {
    let mut n_lines = 0;
    for block in layout.blocks(part) {
        for i in 0..block.n_rows {
            let line = &mut lines.line(block.line + i)[..layout.width];
            let (used, unused) = line.split_at_mut(block.n_columns);
            for (byte, number) in used.iter_mut().zip(&frame[row_of(&block, i, geometry)..]) {
                *byte = number.byte_at(shift);
            }
            unused.fill(0);
        }
        n_lines = block.line + block.n_rows;
    }
    (n_lines..layout.height).for_each(|line| lines.line(line).fill(0));
}

/// Adds what picture number `part` of a frame says to its numbers. Returns all bits that are in it.
pub fn read_gray<S: Sample>(
    lines: Lines<'_>,
    geometry: &Geometry,
    shift: u32,
    layout: &PictureLayout,
    part: usize,
    frame: &mut [S],
) -> u8 {
    let mut all = 0;
    for block in layout.blocks(part) {
        for i in 0..block.n_rows {
            let line = &lines.line(block.line + i)[..block.n_columns];
            for (number, &byte) in frame[row_of(&block, i, geometry)..].iter_mut().zip(line) {
                *number = number.or(S::from_byte(byte, shift));
                all |= byte;
            }
        }
    }
    all
}

/// Where row `i` of a block starts among the samples of a frame.
fn row_of(block: &Block, i: usize, geometry: &Geometry) -> usize {
    (block.component * geometry.height + block.row + i) * geometry.width + block.column
}

fn write_rgb<S: Sample>(frame: &[S], geometry: &Geometry, shift: u32, mut lines: LinesMut<'_>) {
    for (component, plane) in frame.chunks_exact(geometry.frame_pixels()).enumerate() {
        for (y, row) in plane.chunks_exact(geometry.width).enumerate() {
            for (pixel, number) in lines.line(y).chunks_exact_mut(3).zip(row) {
                pixel[component] = number.byte_at(shift);
            }
        }
    }
}

fn read_rgb<S: Sample>(planes: [Lines<'_>; 3], geometry: &Geometry, shift: u32, frame: &mut [S]) -> u8 {
    let mut all = 0;
    for (lines, plane) in planes.iter().zip(frame.chunks_exact_mut(geometry.frame_pixels())) {
        for (y, row) in plane.chunks_exact_mut(geometry.width).enumerate() {
            for (number, &byte) in row.iter_mut().zip(lines.line(y)) {
                *number = number.or(S::from_byte(byte, shift));
                all |= byte;
            }
        }
    }
    all
}
