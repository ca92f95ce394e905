use std::collections::VecDeque;

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use super::annexb::{SEI, SLICES, find_start_code, unit_type};
use super::check;
use super::context::Context;
use super::frame::{Frame, LinesMut};
use super::packet::Packet;
use crate::avcodec::Preset;
use crate::error::Result;
use crate::picture::PixelFormat;

/// What an encoder is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Columns of a picture.
    pub width: usize,
    /// Lines of a picture.
    pub height: usize,
    /// Planes of a picture.
    pub format: PixelFormat,
    /// x264's preset.
    pub preset: Preset,
    /// Slices per picture.
    pub n_slices: usize,
    /// Who codes them.
    pub threads: Threads,
}

/// What a picture may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Nothing, and a decoder may start with it: an IDR picture with parameter sets.
    Start,
    /// Nothing: an IDR picture.
    Nothing,
    /// Pictures before it, back to the last IDR picture.
    Before,
}

/// What an encoder does at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// One thing after the other.
    None,
    /// All slices of a picture.
    Slices,
    /// So many pictures, each a little behind the one before, which it may refer to.
    Pictures(usize),
}

/// An x264 session that codes losslessly.
///
/// It serves chunk after chunk: the first picture of each is an IDR picture with parameter sets,
/// so nothing of a chunk is needed to decode the next.
pub struct Encoder {
    context: Context,
    frame: Frame,
    packet: Packet,
    next_pts: i64,
    n_idr_pictures: u64,
    is_cabac: bool,
    /// Pictures whose access units have not come yet; `None` for those that nobody wants.
    under_way: VecDeque<Option<Reference>>,
    coded: Coded,
}

/// What the pictures of a chunk were coded to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coded {
    /// The access units.
    pub stream: Vec<u8>,
    /// Bytes of each access unit.
    pub access_unit_bytes: Vec<usize>,
}

impl Encoder {
    /// Opens a session: about 3 ms.
    pub fn open(config: &EncoderConfig) -> Result<Self> {
        let (name, format) = match config.format {
            PixelFormat::Gray => (c"libx264", ff::AVPixelFormat::AV_PIX_FMT_GRAY8),
            PixelFormat::Rgb => (c"libx264rgb", ff::AVPixelFormat::AV_PIX_FMT_RGB24),
            PixelFormat::Yuv420 => (c"libx264", ff::AVPixelFormat::AV_PIX_FMT_YUV420P),
        };
        let mut context = Context::encoder(name)?;
        // At most MAX_PICTURE_SIDE.
        let (width, height) = (config.width as i32, config.height as i32);
        {
            // SAFETY: the context is ours and not open yet.
            let raw = unsafe { context.raw.as_mut() };
            raw.width = width;
            raw.height = height;
            raw.pix_fmt = format;
            raw.time_base = ff::AVRational { num: 1, den: 25 };
            raw.color_range = ff::AVColorRange::AVCOL_RANGE_JPEG;
            (raw.thread_count, raw.thread_type) = match config.threads {
                Threads::None => (1, ff::FF_THREAD_SLICE),
                Threads::Slices => (config.n_slices as i32, ff::FF_THREAD_SLICE),
                Threads::Pictures(n) => (n as i32, ff::FF_THREAD_FRAME),
            };
            raw.slices = config.n_slices as i32;
        }
        context.set("preset", config.preset.name())?;
        // A picture in, its packet out.
        context.set("tune", "zerolatency")?;
        context.set("qp", "0")?;
        context.set("forced-idr", "1")?;
        context.set("x264-params", &x264_params(config))?;
        context.open()?;
        let frame = Frame::with_picture(format, width, height)?;
        let is_cabac = !config.preset.is_cavlc();
        Ok(Self {
            context,
            frame,
            packet: Packet::new()?,
            next_pts: 0,
            n_idr_pictures: 0,
            is_cabac,
            under_way: VecDeque::new(),
            coded: Coded::default(),
        })
    }

    /// Makes the session code the next chunk as a fresh session would. x264 numbers IDR pictures
    /// 0, 1, 0, 1, …: an odd number of them is evened out with an empty picture, so that a chunk's
    /// bytes do not depend on what was coded before it.
    pub fn start_chunk(&mut self) -> Result<()> {
        if !self.n_idr_pictures.is_multiple_of(2) {
            self.code_empty()?;
        }
        Ok(())
    }

    /// Codes a picture. `fill` writes it: its lines hold gray or luma bytes, or R, G, B triples.
    pub fn encode(&mut self, reference: Reference, fill: impl FnOnce(LinesMut<'_>)) -> Result<()> {
        self.send(Some(reference), fill)
    }

    /// What has come out since the last call, which may leave out pictures that are being coded.
    pub fn take_coded(&mut self) -> Coded {
        std::mem::take(&mut self.coded)
    }

    /// What the pictures since the start of the chunk were coded to.
    pub fn finish_chunk(&mut self) -> Result<Coded> {
        // Later pictures push out those that other threads work on.
        while self.under_way.iter().any(Option::is_some) {
            self.code_empty()?;
        }
        Ok(self.take_coded())
    }

    /// Codes a picture that nobody wants; being empty, it takes a fraction of the time of another.
    fn code_empty(&mut self) -> Result<()> {
        self.send(None, |mut lines| lines.clear())
    }

    fn send(&mut self, wanted: Option<Reference>, fill: impl FnOnce(LinesMut<'_>)) -> Result<()> {
        let is_idr = wanted != Some(Reference::Before);
        self.frame.make_writable()?;
        fill(self.frame.lines_mut()?);
        // SAFETY: the frame is ours and valid.
        let frame = unsafe { self.frame.raw.as_mut() };
        frame.pts = self.next_pts;
        frame.pict_type = if is_idr {
            ff::AVPictureType::AV_PICTURE_TYPE_I
        } else {
            ff::AVPictureType::AV_PICTURE_TYPE_NONE
        };
        self.next_pts += 1;
        self.n_idr_pictures += u64::from(is_idr);
        // SAFETY: the context is open, the frame has the size and format it was opened for.
        let status = unsafe { ff::avcodec_send_frame(self.context.raw.as_ptr(), frame) };
        check(status, "a picture can't be encoded")?;
        self.under_way.push_back(wanted);
        self.receive()
    }

    /// Takes the access unit that is ready, if one is.
    fn receive(&mut self) -> Result<()> {
        // SAFETY: the context is open; the packet is ours, and what it held is released by the call.
        let status =
            unsafe { ff::avcodec_receive_packet(self.context.raw.as_ptr(), self.packet.raw.as_ptr()) };
        if status == ff::AVERROR(ff::EAGAIN) {
            return Ok(());
        }
        check(status, "an encoded picture did not come")?;
        // Access units come in the order of the pictures.
        let Some(reference) = self.under_way.pop_front().flatten() else { return Ok(()) };
        let Coded { stream, access_unit_bytes } = &mut self.coded;
        let start = stream.len();
        append_wanted(self.packet.bytes(), reference == Reference::Start, stream)?;
        if self.is_cabac {
            set_last_bits(&mut stream[start..]);
        }
        access_unit_bytes.push(stream.len() - start);
        Ok(())
    }
}

/// `keyint`: IDR pictures come at the start of a chunk only. `mvrange`: else x264 would follow motion
/// as far as the number of pictures under way lets it, and the bytes would depend on that.
fn x264_params(config: &EncoderConfig) -> String {
    let range = motion_range(config.height);
    format!("keyint=infinite:scenecut=0:mvrange={range}:mvrange-thread={range}")
}

/// How many lines and columns motion is followed: an eighth of the lines, so that as many pictures
/// can be under way. x264 wants 32 at least, and most motion of more than 128 is a cut.
fn motion_range(height: usize) -> usize {
    (height / 8).clamp(32, 128)
}

/// Appends an access unit but for its SEI messages: a session's first packet has 600 bytes of
/// x264's version and options in one, which small chunks could not bear. Parameter sets are the same
/// for all pictures.
fn append_wanted(access_unit: &[u8], with_parameter_sets: bool, stream: &mut Vec<u8>) -> Result<()> {
    if stream.try_reserve(access_unit.len()).is_err() {
        return Err(OutOfMemory { bytes: access_unit.len() }.into());
    }
    let mut rest = access_unit;
    while let Some(start_code) = find_start_code(rest) {
        let body = &rest[start_code + 3..];
        let unit_type = unit_type(body);
        if SLICES.contains(&unit_type) {
            break;
        }
        // A zero byte before a start code belongs to it (Annex B.1.1).
        let end = find_start_code(body).map_or(rest.len(), |next| {
            start_code + 3 + if next > 0 && body[next - 1] == 0 { next - 1 } else { next }
        });
        if unit_type != SEI && with_parameter_sets {
            stream.extend_from_slice(&rest[..end]);
        }
        rest = &rest[end..];
    }
    stream.extend_from_slice(rest);
    Ok(())
}

/// Sets the last bit of every slice. With CABAC, x264 lets it tell how many pictures the session
/// has coded (`x264_cabac_encode_flush`). It comes after the end of the slice's data, so decoders
/// do not look at it; and emulation prevention, which is about bytes up to 3, stays as it is.
fn set_last_bits(access_unit: &mut [u8]) {
    let mut end = access_unit.len();
    while let Some(start_code) = access_unit[..end].windows(3).rposition(|three| three == [0, 0, 1]) {
        let unit = &mut access_unit[start_code + 3..end];
        let is_slice = SLICES.contains(&unit_type(unit));
        // A zero byte at the end belongs to the next start code (Annex B.1.1).
        if let Some(last) = unit.iter_mut().rfind(|byte| **byte != 0).filter(|_| is_slice) {
            *last |= 1;
        }
        end = start_code;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> EncoderConfig {
        EncoderConfig {
            width: 48,
            height: 33,
            format: PixelFormat::Gray,
            preset: Preset::default(),
            n_slices: 1,
            threads: Threads::None,
        }
    }

    /// Not noisy enough for macroblocks of plain samples, before which x264 counts, too (but for
    /// that of scripts/build-ffmpeg).
    fn noise(seed: u32) -> impl Fn(LinesMut<'_>) {
        move |mut lines| {
            for y in 0..33 {
                for (x, byte) in lines.line(y)[..48].iter_mut().enumerate() {
                    let noise = (y as u32 * 48 + x as u32 + seed).wrapping_mul(2_654_435_761) >> 29;
                    *byte = (2 * x + y) as u8 + noise as u8;
                }
            }
        }
    }

    fn encode(encoder: &mut Encoder, seeds: std::ops::Range<u32>) -> Coded {
        encoder.start_chunk().unwrap();
        for seed in seeds.clone() {
            let reference = if seed == seeds.start { Reference::Start } else { Reference::Before };
            encoder.encode(reference, noise(seed)).unwrap();
        }
        let coded = encoder.finish_chunk().unwrap();
        assert_eq!(coded.access_unit_bytes.len(), seeds.len());
        assert_eq!(coded.access_unit_bytes.iter().sum::<usize>(), coded.stream.len());
        coded
    }

    #[test]
    fn a_chunk_does_not_depend_on_what_was_coded_before() {
        let threads =
            [(1, Threads::None), (2, Threads::Slices), (1, Threads::Pictures(2)), (2, Threads::Pictures(3))];
        for (index, (n_slices, threads)) in (0..10).flat_map(|index| threads.map(|threads| (index, threads)))
        {
            let preset = Preset::new(index).unwrap();
            let config = EncoderConfig { preset, n_slices, threads, ..config() };
            let mut encoder = Encoder::open(&config).unwrap();
            let first = encode(&mut encoder, 1..8);
            encode(&mut encoder, 7..8);
            encode(&mut encoder, 8..11);
            assert!(encode(&mut encoder, 1..8) == first, "{config:?}");
        }
    }

    #[test]
    fn only_slices_end_in_a_set_bit() {
        let mut unit = [0, 0, 0, 1, 0x67, 8, 0, 0, 0, 1, 0x65, 8, 0, 0, 1, 0x65, 8, 2];
        set_last_bits(&mut unit);
        assert_eq!(unit, [0, 0, 0, 1, 0x67, 8, 0, 0, 0, 1, 0x65, 9, 0, 0, 1, 0x65, 8, 3]);
    }

    #[test]
    fn access_units_have_no_sei() {
        let unit = [
            &[0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 8][..],
            &[0, 0, 1, 6, 5, 4, 3, 0, 0, 1, 0x65, 6, 0, 0, 1, 6],
        ]
        .concat();
        let mut stream = Vec::new();
        append_wanted(&unit, true, &mut stream).unwrap();
        let expected = [&unit[..12], &unit[19..]].concat();
        assert_eq!(stream, expected);
        stream.clear();
        append_wanted(&unit, false, &mut stream).unwrap();
        assert_eq!(stream, &unit[19..]);
    }
}
