//! A GIF for slides: eight bits, and 256 colours in a frame.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use gif::{Encoder, Frame, Repeat};

use super::frames::Frames;
use crate::h5::NumberKind;
use crate::output::Output;
use crate::{progress, text};

/// Browsers show frames of less than two hundredths of a second more slowly.
const LEAST_DELAY: f64 = 2.0;
/// Of the search for colours, from 1, the best, to 30.
const SPEED: i32 = 10;

/// Writes an animation that is shown again and again.
pub fn write(frames: &Frames<'_>, target: &Path, input: &Path, fps: f64) -> Result<()> {
    let (height, width, n_components) = frames.picture()?;
    let side =
        |n: u32| u16::try_from(n).with_context(|| format!("GIF has up to 65535 rows and columns, not {n}"));
    let (height, width) = (side(height)?, side(width)?);
    ensure!(frames.sample_bytes <= 8, "numbers of {} bytes", frames.sample_bytes);
    let range = range(frames)?;
    match (range, n_components) {
        (None, 1) => (),
        (None, _) => eprintln!("h5h264: the GIF is lossy: each frame has at most 256 colours"),
        (Some((least, most)), _) => {
            eprintln!("h5h264: the GIF is lossy: values from {least} to {most} become 0 to 255");
        }
    }
    let output = Output::new(target, &[input])?;
    let describe = || format!("can't write {}", target.display());
    let file = BufWriter::new(File::create(output.path()).with_context(describe)?);
    let grays: Vec<u8> = (0..=255).flat_map(|level| [level; 3]).collect();
    let palette = if n_components == 1 { &grays[..] } else { &[] };
    let mut encoder = Encoder::new(file, width, height, palette).with_context(describe)?;
    encoder.set_repeat(Repeat::Infinite).with_context(describe)?;
    let bar = progress::bar(frames.n_frames() * frames.frame_bytes(), "exporting");
    for frame in frames.iter() {
        let mut levels = levels(frames, &frame?, range);
        let mut frame = match n_components {
            1 => Frame { width, height, buffer: levels.into(), ..Frame::default() },
            3 => Frame::from_rgb_speed(width, height, &levels, SPEED),
            _ => Frame::from_rgba_speed(width, height, &mut levels, SPEED),
        };
        frame.delay = (100.0 / fps).round().clamp(LEAST_DELAY, 65535.0) as u16;
        encoder.write_frame(&frame).with_context(describe)?;
        bar.inc(frames.frame_bytes());
    }
    bar.finish_and_clear();
    drop(encoder);
    output.finish()
}

/// The least and the greatest of all numbers; `None` if they are bytes.
fn range(frames: &Frames<'_>) -> Result<Option<(f64, f64)>> {
    if (frames.kind, frames.sample_bytes) == (NumberKind::Unsigned, 1) {
        return Ok(None);
    }
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for part in frames.parts(0) {
        for number in numbers(frames, &part?).filter(|number| number.is_finite()) {
            (least, most) = (least.min(number), most.max(number));
        }
    }
    ensure!(least <= most, "there are no finite numbers in {}", text::shape(&frames.shape));
    Ok(Some((least, most)))
}

fn levels(frames: &Frames<'_>, bytes: &[u8], range: Option<(f64, f64)>) -> Vec<u8> {
    let Some((least, most)) = range else { return bytes.to_vec() };
    let scale = if most > least { 255.0 / (most - least) } else { 0.0 };
    // This saturates, and NaN becomes 0.
    numbers(frames, bytes).map(|number| ((number - least) * scale).round() as u8).collect()
}

fn numbers<'b>(frames: &Frames<'_>, bytes: &'b [u8]) -> impl Iterator<Item = f64> + 'b {
    let kind = frames.kind;
    let n = frames.sample_bytes;
    bytes.chunks_exact(n).map(move |bytes| number(kind, bytes))
}

fn number(kind: NumberKind, bytes: &[u8]) -> f64 {
    let mut eight = [0; 8];
    let at = if cfg!(target_endian = "big") { 8 - bytes.len() } else { 0 };
    eight[at..at + bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_ne_bytes(eight);
    let unused_bits = 64 - 8 * bytes.len();
    match (kind, bytes.len()) {
        (NumberKind::Unsigned, _) => bits as f64,
        (NumberKind::Signed, _) => ((bits << unused_bits) as i64 >> unused_bits) as f64,
        (NumberKind::Float, 2) => half::f16::from_bits(bits as u16).into(),
        (NumberKind::Float, 4) => f32::from_bits(bits as u32).into(),
        (NumberKind::Float, _) => f64::from_bits(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_their_type_says() {
        assert_eq!(number(NumberKind::Unsigned, &60_000_u16.to_ne_bytes()), 60_000.0);
        assert_eq!(number(NumberKind::Signed, &(-7_i16).to_ne_bytes()), -7.0);
        assert_eq!(number(NumberKind::Signed, &i64::MIN.to_ne_bytes()), i64::MIN as f64);
        assert_eq!(number(NumberKind::Float, &(-1.5_f32).to_ne_bytes()), -1.5);
    }
}
