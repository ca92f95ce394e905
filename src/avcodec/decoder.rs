use ffmpeg_sys_next as ff;

use super::annexb::has_sei;
use super::check;
use super::context::Context;
use super::frame::{Frame, Lines};
use super::packet::Packet;
use crate::error::{Error, Result, damaged};
use crate::picture::PixelFormat;

/// What a decoder is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderConfig {
    /// Columns of a picture.
    pub width: usize,
    /// Lines of a picture.
    pub height: usize,
    /// Planes of a picture.
    pub format: PixelFormat,
    /// Slices that are decoded at the same time.
    pub n_threads: usize,
}

/// A libavcodec H.264 session: an access unit in, its picture out. Anything else is an error.
pub struct Decoder {
    config: DecoderConfig,
    context: Context,
    frame: Frame,
    packet: Packet,
}

impl Decoder {
    /// Opens a session.
    pub fn open(config: &DecoderConfig) -> Result<Self> {
        let mut context = Context::h264_decoder()?;
        {
            // SAFETY: the context is ours and not open yet.
            let raw = unsafe { context.raw.as_mut() };
            raw.thread_count = config.n_threads as i32;
            raw.thread_type = ff::FF_THREAD_SLICE;
            // No picture waits for a later one.
            raw.flags |= ff::AV_CODEC_FLAG_LOW_DELAY as i32;
            // Damage is an error. What libavcodec conceals nevertheless it marks; with concealment
            // turned off it would mark every picture of several slices that one thread decodes.
            raw.err_recognition =
                ff::AV_EF_EXPLODE | ff::AV_EF_BITSTREAM | ff::AV_EF_BUFFER | ff::AV_EF_CRCCHECK;
            // Whole macroblocks, and what libavcodec adds around them.
            raw.max_pixels = ((config.width + 128) * (config.height + 128)) as i64;
        }
        context.open()?;
        Ok(Self { config: *config, context, frame: Frame::new()?, packet: Packet::new()? })
    }

    /// Forgets the pictures of the last chunk.
    pub fn start_chunk(&mut self) {
        // SAFETY: the context is open.
        unsafe { ff::avcodec_flush_buffers(self.context.raw.as_ptr()) };
    }

    /// Decodes one access unit and returns the planes of its picture, of which `Gray` and
    /// `Yuv420` have one, and `Rgb` has R, G and B.
    pub fn decode(&mut self, access_unit: &[u8]) -> Result<[Lines<'_>; 3]> {
        // An SEI message that names an old x264 would make libavcodec decode 4:4:4 pictures with
        // that version's mistakes, those of the next chunk too. Encoders here write none.
        if self.config.format == PixelFormat::Rgb && has_sei(access_unit) {
            return Err(damaged!("an access unit with an SEI message"));
        }
        let size = i32::try_from(access_unit.len()).map_err(|_| damaged!("an access unit of over 2 GiB"))?;
        {
            // SAFETY: the packet is ours. It has no buffer, so libavcodec copies the bytes, with
            // the padding that its readers need, and does not keep the pointer.
            let packet = unsafe { self.packet.raw.as_mut() };
            packet.data = access_unit.as_ptr().cast_mut();
            packet.size = size;
        }
        // SAFETY: the context is open, the packet is as described above.
        let status = unsafe { ff::avcodec_send_packet(self.context.raw.as_ptr(), self.packet.raw.as_ptr()) };
        // SAFETY: as above; nothing may refer to the caller's bytes any longer.
        unsafe {
            self.packet.raw.as_mut().data = std::ptr::null_mut();
            self.packet.raw.as_mut().size = 0;
        }
        as_damage(check(status, "a picture can't be decoded"))?;
        // SAFETY: the context is open, the frame is ours; what it held is released by the call.
        let status = unsafe { ff::avcodec_receive_frame(self.context.raw.as_ptr(), self.frame.raw.as_ptr()) };
        as_damage(check(status, "a decoded picture did not come"))?;
        self.planes()
    }

    fn planes(&self) -> Result<[Lines<'_>; 3]> {
        let DecoderConfig { width, height, format, .. } = self.config;
        // SAFETY: the frame is ours and valid.
        let frame = unsafe { self.frame.raw.as_ref() };
        if (frame.width, frame.height) != (width as i32, height as i32) {
            return Err(damaged!(
                "a picture of {} × {} (expected {width} × {height})",
                frame.width,
                frame.height
            ));
        }
        if frame.decode_error_flags != 0 || frame.flags & ff::AV_FRAME_FLAG_CORRUPT != 0 {
            return Err(damaged!("a picture with decoding errors"));
        }
        let is = |formats: &[ff::AVPixelFormat]| formats.iter().any(|&f| frame.format == f as i32);
        use ff::AVPixelFormat::{AV_PIX_FMT_GBRP, AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P};
        let planes = match format {
            // libavcodec adds gray chroma to a stream that has none.
            PixelFormat::Gray if is(&[AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P, AV_PIX_FMT_GRAY8]) => [0; 3],
            PixelFormat::Yuv420 if is(&[AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P]) => [0; 3],
            PixelFormat::Rgb if is(&[AV_PIX_FMT_GBRP]) => [2, 0, 1],
            _ => return Err(damaged!("a picture of pixel format {} (expected {format:?})", frame.format)),
        };
        Ok([self.frame.lines(planes[0])?, self.frame.lines(planes[1])?, self.frame.lines(planes[2])?])
    }
}

/// What libavcodec can't decode is damaged; but a slice that it has no memory for is invalid data
/// to it as well.
fn as_damage<T>(result: Result<T>) -> Result<T> {
    result.map_err(|e| match e {
        Error::Codec(reason) => damaged!("{reason} (or there is too little memory)"),
        e => e,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avcodec::{Encoder, EncoderConfig, Preset, Reference, Threads};

    const WIDTH: usize = 64;
    const HEIGHT: usize = 256;

    /// An access unit of four slices, and the luma bytes that are in it.
    fn four_slices(format: PixelFormat) -> (Vec<u8>, Vec<u8>) {
        let luma: Vec<u8> = (0..WIDTH * HEIGHT).map(|i| ((i * i) >> 7) as u8).collect();
        let config = EncoderConfig {
            width: WIDTH,
            height: HEIGHT,
            format,
            preset: Preset::default(),
            n_slices: 4,
            threads: Threads::None,
        };
        let fill = |mut lines: crate::avcodec::LinesMut<'_>| {
            for (y, row) in luma.chunks_exact(WIDTH).enumerate() {
                lines.line(y)[..WIDTH].copy_from_slice(row);
            }
        };
        let mut encoder = Encoder::open(&config).unwrap();
        encoder.encode(Reference::Start, fill).unwrap();
        (encoder.finish_chunk().unwrap().stream, luma)
    }

    fn decode(unit: &[u8], format: PixelFormat, n_threads: usize) -> Result<Vec<u8>> {
        let mut decoder = Decoder::open(&DecoderConfig { width: WIDTH, height: HEIGHT, format, n_threads })?;
        let [lines, ..] = decoder.decode(unit)?;
        Ok((0..HEIGHT).flat_map(|y| lines.line(y)[..WIDTH].to_vec()).collect())
    }

    #[test]
    fn slices_may_be_more_than_threads() {
        for format in [PixelFormat::Gray, PixelFormat::Yuv420] {
            let (unit, luma) = four_slices(format);
            for n_threads in [1, 2, 4] {
                assert!(decode(&unit, format, n_threads).unwrap() == luma, "{format:?}, {n_threads} threads");
            }
        }
    }

    #[test]
    fn a_missing_slice_of_the_originals_is_an_error() {
        let (unit, _) = four_slices(PixelFormat::Yuv420);
        let starts: Vec<_> =
            (0..unit.len() - 3).filter(|&i| unit[i..i + 3] == [0, 0, 1] && unit[i + 3] & 0x1f == 5).collect();
        assert_eq!(starts.len(), 4);
        for (first, next) in [(0, 1), (1, 2), (2, 3)] {
            let without = [&unit[..starts[first]], &unit[starts[next]..]].concat();
            let error = decode(&without, PixelFormat::Yuv420, 1).unwrap_err();
            assert!(matches!(error, Error::Damaged(_)), "{error}");
        }
        assert!(decode(&unit[..starts[3]], PixelFormat::Yuv420, 1).is_err());
    }
}
