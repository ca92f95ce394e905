//! Pictures into files, on a thread of their own.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result as AnyResult, bail};
use h5h264::avcodec::Preset;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use video::{Container, FrameFormat, FrameRate, FrameShape, VideoOptions, VideoWriter};

use super::State;
use super::failure::{Failure, Result};
use super::json::MAX_BYTES;
use super::look::Painter;
use super::room::Room;
use super::stack::Wanted;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Gif,
    Mp4,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Mp4 => "video/mp4",
        }
    }

    pub fn disposition(self) -> &'static str {
        match self {
            Self::Gif => "attachment; filename=\"frames.gif\"",
            Self::Mp4 => "attachment; filename=\"frames.mp4\"",
        }
    }
}

/// A file that is being made. It goes with this, unless it is finished.
pub struct Encoding {
    pictures: mpsc::Sender<Option<Vec<u8>>>,
    thread: JoinHandle<AnyResult<Vec<u8>>>,
}

impl Encoding {
    pub fn start(
        wanted: &Wanted,
        painter: &Painter,
        format: Format,
        fps: f64,
        turn: Room,
        told: mpsc::Sender<()>,
    ) -> Result<Self> {
        let unusable = |e: video::Error| Failure::unusable(e.to_string());
        let rate = FrameRate::from_number(fps).map_err(unusable)?;
        let shape = FrameShape::new(wanted.height as usize, wanted.width as usize, FrameFormat::Rgb24);
        let shape = shape.map_err(unusable)?;
        let palette = painter.palette.clone();
        let (pictures, mut received) = mpsc::channel::<Option<Vec<u8>>>(1);
        let thread = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let folder = TempDir::new()?;
            let path = folder.path().join("frames.mp4");
            let mut writer = match (format, &palette) {
                (Format::Gif, Some(palette)) => Writer::gif(&path, shape, palette, rate)?,
                _ => Writer::mp4(&path, shape, palette, rate)?,
            };
            loop {
                match received.blocking_recv() {
                    Some(Some(picture)) => writer.write(&picture)?,
                    Some(None) => break,
                    None => bail!("nobody waits for the file any more"),
                }
                check_len(&path)?;
                // Who is told may have gone.
                let _ = told.blocking_send(());
            }
            writer.finish()?;
            check_len(&path)?;
            fs::read(&path).context("the file can't be read")
        });
        Ok(Self { pictures, thread })
    }

    /// Adds a picture: places in the palette, or red, green and blue.
    pub async fn write(&mut self, picture: Vec<u8>) -> Result<()> {
        if self.pictures.send(Some(picture)).await.is_ok() {
            return Ok(());
        }
        // It has ended before its time, and says why.
        self.end().await.map(drop)
    }

    /// The file.
    pub async fn finish(mut self, state: &Arc<State>) -> Result<(Vec<u8>, Room)> {
        let _ = self.pictures.send(None).await;
        let file = self.end().await?;
        let room = state.rooms.get(file.len()).await?;
        Ok((file, room))
    }

    async fn end(&mut self) -> Result<Vec<u8>> {
        let ended = (&mut self.thread).await;
        let file = ended.unwrap_or_else(|e| Err(anyhow::anyhow!("the encoder has ended: {e}")));
        file.map_err(|e| match e.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(e) => e.into(),
        })
    }
}

fn check_len(path: &Path) -> AnyResult<()> {
    let n_bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if n_bytes > MAX_BYTES as u64 {
        let reason = format!("the file has more than {MAX_BYTES} bytes: select fewer frames");
        return Err(Failure::too_large(reason).into());
    }
    Ok(())
}

enum Writer {
    Gif { encoder: gif::Encoder<BufWriter<File>>, shape: FrameShape, delay: u16 },
    Mp4 { writer: Box<VideoWriter>, palette: Option<Vec<u8>> },
}

impl Writer {
    fn gif(path: &Path, shape: FrameShape, palette: &[u8], rate: FrameRate) -> AnyResult<Self> {
        let (width, height) = (u16::try_from(shape.width)?, u16::try_from(shape.height)?);
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = gif::Encoder::new(file, width, height, palette)?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        // In hundredths of a second; browsers take fewer than two for ten.
        let delay = (100.0 * f64::from(rate.den) / f64::from(rate.num)).round().clamp(2.0, 65535.0) as u16;
        Ok(Self::Gif { encoder, shape, delay })
    }

    fn mp4(
        path: &Path,
        shape: FrameShape,
        palette: Option<Vec<u8>>,
        frame_rate: FrameRate,
    ) -> AnyResult<Self> {
        let n_threads = std::thread::available_parallelism().map_or(1, Into::into);
        let options = VideoOptions { frame_rate, preset: Preset::default(), n_threads };
        let writer = VideoWriter::create(path, Container::Mp4, shape, options)?;
        Ok(Self::Mp4 { writer: Box::new(writer), palette })
    }

    fn write(&mut self, picture: &[u8]) -> AnyResult<()> {
        match self {
            Self::Gif { encoder, shape, delay } => {
                let (width, height) = (shape.width as u16, shape.height as u16);
                let buffer = picture.into();
                Ok(encoder.write_frame(&gif::Frame {
                    width,
                    height,
                    buffer,
                    delay: *delay,
                    ..Default::default()
                })?)
            }
            Self::Mp4 { writer, palette: Some(palette) } => {
                let color = |place: &u8| {
                    <[u8; 3]>::try_from(&palette[3 * usize::from(*place)..][..3]).unwrap_or_default()
                };
                Ok(writer.write(&picture.iter().flat_map(color).collect::<Vec<_>>())?)
            }
            Self::Mp4 { writer, palette: None } => Ok(writer.write(picture)?),
        }
    }

    fn finish(self) -> AnyResult<()> {
        match self {
            // The last byte is written, and what is buffered.
            Self::Gif { encoder, .. } => {
                Ok(encoder.into_inner()?.into_inner().map(drop).map_err(|e| e.into_error())?)
            }
            Self::Mp4 { writer, .. } => Ok(writer.finish()?),
        }
    }
}
