use std::path::Path;
use std::ptr;

use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Context, Frame, Packet, check};
use h5h264::picture::MAX_PICTURE_PIXELS;

use crate::annexb;
use crate::demuxer::Demuxer;
use crate::error::Result;
use crate::ffv1;
use crate::scaler::Scaler;
use crate::shape::{FrameFormat, FrameRate, FrameShape};

/// More threads than this wait for each other.
const MAX_THREADS: usize = 16;

/// Reads the frames of the video track of a file, in the order in which they are shown.
///
/// Gray frames of up to 8 and up to 16 bits, and RGB of as many in planes or as bytes, have the values that were
/// coded: gray levels of limited range are not stretched. All else is converted to RGB, of 8 bits or, if it has
/// more, of 16. Rotations that the file asks players for are not applied.
pub struct VideoReader {
    demuxer: Demuxer,
    context: Context,
    packet: Packet,
    decoded: Frame,
    /// The luma plane is all there is.
    is_gray: bool,
    /// FFV1 of a version whose slices may have checksums.
    has_checksums: bool,
    scaler: Option<Scaler>,
    shape: FrameShape,
    /// Whether `decoded` is a frame that was not given out.
    is_waiting: bool,
    is_at_end: bool,
    n_frames: usize,
}

impl VideoReader {
    /// Opens a file. An error if it has no video track, or none that can be decoded.
    pub fn open(path: &Path, n_threads: usize) -> Result<Self> {
        let demuxer = Demuxer::open(path)?;
        let mut context = demuxer.decoder()?;
        {
            // SAFETY: the context is ours and not open yet.
            let raw = unsafe { &mut *context.as_ptr() };
            raw.thread_count = n_threads.clamp(1, MAX_THREADS) as i32;
            raw.max_pixels = MAX_PICTURE_PIXELS as i64;
            raw.err_recognition =
                ff::AV_EF_CRCCHECK | ff::AV_EF_BITSTREAM | ff::AV_EF_BUFFER | ff::AV_EF_EXPLODE;
        }
        context.open().map_err(|e| demuxer.error(e))?;
        let parameters = demuxer.parameters();
        let is_gray = is_gray_h264(parameters);
        // Versions without slices have no configuration record.
        let has_checksums =
            parameters.codec_id == ff::AVCodecID::AV_CODEC_ID_FFV1 && parameters.extradata_size > 0;
        let shape = FrameShape { height: 0, width: 0, format: FrameFormat::Gray8 };
        let mut reader = Self {
            demuxer,
            context,
            packet: Packet::new()?,
            decoded: Frame::new()?,
            is_gray,
            has_checksums,
            scaler: None,
            shape,
            is_waiting: false,
            is_at_end: false,
            n_frames: 0,
        };
        // Some formats are known from the first frame only.
        if !reader.decode()? {
            return Err(reader.demuxer.error("a video without frames"));
        }
        reader.shape = reader.shape_of_decoded()?;
        reader.is_waiting = true;
        Ok(reader)
    }

    /// What its frames are.
    pub fn shape(&self) -> FrameShape {
        self.shape
    }

    /// Frames per second, if the file tells.
    pub fn frame_rate(&mut self) -> Option<FrameRate> {
        self.demuxer.frame_rate()
    }

    /// How many frames there are, if the file tells, which may be wrong.
    pub fn expected_frames(&mut self) -> Option<u64> {
        self.demuxer.expected_frames()
    }

    /// When the last frame that was read is shown, in seconds, if the file tells.
    pub fn timestamp(&mut self) -> Option<f64> {
        // SAFETY: the frame is ours and valid.
        let ticks = unsafe { (*self.decoded.as_ptr()).best_effort_timestamp };
        let ff::AVRational { num, den } = self.demuxer.time_base();
        (ticks != ff::AV_NOPTS_VALUE && den > 0).then(|| ticks as f64 * f64::from(num) / f64::from(den))
    }

    /// Writes the next frame to `frame`, which has as many bytes as a frame has; false if there is none.
    /// An error if the file is damaged, or the frame is not like those before it.
    pub fn read(&mut self, frame: &mut [u8]) -> Result<bool> {
        assert_eq!(frame.len(), self.shape.frame_bytes(), "bytes of a frame");
        if !std::mem::take(&mut self.is_waiting) && !self.decode()? {
            return Ok(false);
        }
        let shape = self.shape_of_decoded()?;
        if shape != self.shape {
            let reason =
                format!("frame {} has {shape} (expected {}, as before it)", self.n_frames, self.shape);
            return Err(self.demuxer.error(reason));
        }
        self.n_frames += 1;
        // SAFETY: the frame is ours and valid; nobody writes it before the next call of `decode`.
        let decoded = unsafe { &*self.decoded.as_ptr() };
        if self.is_exact(decoded.format) {
            copy_rows(decoded, &shape, frame);
            return Ok(true);
        }
        if shape.format == FrameFormat::Rgb48
            && let Some(planes) = planes_of_rgb(decoded.format)
        {
            interleave(decoded, planes, &shape, frame);
            return Ok(true);
        }
        if self.scaler.as_ref().is_none_or(|scaler| !scaler.takes(decoded)) {
            self.scaler = Some(Scaler::new(decoded, shape.format.pixel_format())?);
        }
        let scaler = self.scaler.as_mut().expect("made above");
        copy_rows(scaler.convert(decoded)?, &shape, frame);
        Ok(true)
    }

    /// Decodes the next frame; false at the end.
    fn decode(&mut self) -> Result<bool> {
        loop {
            // SAFETY: the context is open, the frame is ours; what it held is released by the call.
            let status = unsafe { ff::avcodec_receive_frame(self.context.as_ptr(), self.decoded.as_ptr()) };
            if status == ff::AVERROR_EOF {
                return Ok(false);
            }
            if status != ff::AVERROR(ff::EAGAIN) {
                self.check_frame(status)?;
                return Ok(true);
            }
            if self.is_at_end {
                return Ok(false);
            }
            self.is_at_end = !self.demuxer.read(&mut self.packet)?;
            if self.has_checksums && !self.is_at_end && ffv1::is_damaged(self.packet.bytes()) {
                return Err(self.demuxer.error(format!("near frame {}: a slice is damaged", self.n_frames)));
            }
            let packet = if self.is_at_end { ptr::null() } else { self.packet.as_ptr().cast_const() };
            // SAFETY: the context is open; null stands for the end, otherwise the packet is whole.
            let status = unsafe { ff::avcodec_send_packet(self.context.as_ptr(), packet) };
            self.check_frame(status)?;
        }
    }

    /// An error if a frame could not be decoded, or was made up in part.
    fn check_frame(&mut self, status: i32) -> Result<()> {
        let damaged = |e| self.demuxer.error(format!("near frame {}: {e}", self.n_frames));
        if status == ff::AVERROR_INVALIDDATA {
            let reason = format!("near frame {}: it is damaged or cut off", self.n_frames);
            return Err(self.demuxer.error(reason));
        }
        check(status, "it can't be decoded").map_err(damaged)?;
        // SAFETY: the frame is ours and valid.
        let frame = unsafe { &*self.decoded.as_ptr() };
        if frame.decode_error_flags != 0 || frame.flags & ff::AV_FRAME_FLAG_CORRUPT != 0 {
            return Err(self.demuxer.error(format!("near frame {}: it is damaged", self.n_frames)));
        }
        Ok(())
    }

    fn shape_of_decoded(&mut self) -> Result<FrameShape> {
        // SAFETY: the frame is ours and valid.
        let frame = unsafe { &*self.decoded.as_ptr() };
        let (Ok(height), Ok(width)) = (usize::try_from(frame.height), usize::try_from(frame.width)) else {
            return Err(self.demuxer.error("frames without a size"));
        };
        let format = frame_format(frame.format, self.is_gray);
        FrameShape::new(height, width, format).map_err(|e| self.demuxer.error(e))
    }

    /// Whether the first plane of a frame is what is given out.
    fn is_exact(&self, format: i32) -> bool {
        match self.shape.format {
            FrameFormat::Gray8 if self.is_gray => true,
            FrameFormat::Gray16 => descriptor(format).is_some_and(|descriptor| {
                let is_big_endian = descriptor.flags & ff::AV_PIX_FMT_FLAG_BE as u64 != 0;
                is_big_endian == cfg!(target_endian = "big")
            }),
            given => format == given.pixel_format() as i32,
        }
    }
}

/// What frames of a pixel format become. `has_luma_only`: whether other planes mean nothing.
fn frame_format(format: i32, has_luma_only: bool) -> FrameFormat {
    let is_gray = |descriptor: &&ff::AVPixFmtDescriptor| {
        let is_single = descriptor.nb_components == 1;
        has_luma_only || is_single && descriptor.flags & ff::AV_PIX_FMT_FLAG_PAL as u64 == 0
    };
    let descriptor = descriptor(format);
    let bits = descriptor.map_or(8, |descriptor| descriptor.comp[0].depth);
    match (descriptor.filter(is_gray), bits) {
        (Some(_), ..=8) => FrameFormat::Gray8,
        (Some(_), 9..=16) => FrameFormat::Gray16,
        (None, 9..=16) => FrameFormat::Rgb48,
        _ => FrameFormat::Rgb24,
    }
}

/// The planes of red, green and blue, of formats that have 16-bit numbers in planes, in the machine's byte order.
fn planes_of_rgb(format: i32) -> Option<[usize; 3]> {
    let descriptor = descriptor(format)?;
    let is = |flag: u32| descriptor.flags & u64::from(flag) != 0;
    let is_native = is(ff::AV_PIX_FMT_FLAG_BE as u32) == cfg!(target_endian = "big");
    let is_planar = is(ff::AV_PIX_FMT_FLAG_PLANAR as u32) && is(ff::AV_PIX_FMT_FLAG_RGB as u32);
    let is_plain = descriptor.comp[..3].iter().all(|component| component.shift == 0 && component.step == 2);
    (is_native && is_planar && is_plain && !is(ff::AV_PIX_FMT_FLAG_FLOAT as u32))
        .then(|| [0, 1, 2].map(|i| descriptor.comp[i].plane as usize))
}

/// Copies numbers of 16 bits from three planes.
fn interleave(picture: &ff::AVFrame, planes: [usize; 3], shape: &FrameShape, frame: &mut [u8]) {
    for (component, plane) in planes.into_iter().enumerate() {
        for (row, pixels) in frame.chunks_exact_mut(shape.row_bytes()).enumerate() {
            // SAFETY: the plane has `height` rows of `width` numbers of two bytes, `linesize` apart, which nobody
            // writes meanwhile.
            let numbers = unsafe {
                let start = picture.data[plane].offset(row as isize * picture.linesize[plane] as isize);
                std::slice::from_raw_parts(start, 2 * shape.width)
            };
            for (pixel, number) in pixels.chunks_exact_mut(6).zip(numbers.chunks_exact(2)) {
                pixel[2 * component..2 * component + 2].copy_from_slice(number);
            }
        }
    }
}

fn descriptor(format: i32) -> Option<&'static ff::AVPixFmtDescriptor> {
    // SAFETY: the number comes from libavcodec, whose formats the bindings list; descriptors are static.
    unsafe { ff::av_pix_fmt_desc_get(std::mem::transmute::<i32, ff::AVPixelFormat>(format)).as_ref() }
}

/// Copies the rows of a frame's first plane.
fn copy_rows(picture: &ff::AVFrame, shape: &FrameShape, frame: &mut [u8]) {
    let row_bytes = shape.row_bytes() as i32;
    // SAFETY: the picture has `height` rows of at least `row_bytes` bytes in its first plane, `linesize`
    // apart, and `frame` has room for them without gaps: its length was checked.
    unsafe {
        ff::av_image_copy_plane(
            frame.as_mut_ptr(),
            row_bytes,
            picture.data[0],
            picture.linesize[0],
            row_bytes,
            shape.height as i32,
        );
    }
}

/// Whether a track is H.264 of gray pictures, to which libavcodec adds chroma.
fn is_gray_h264(parameters: &ff::AVCodecParameters) -> bool {
    if parameters.codec_id != ff::AVCodecID::AV_CODEC_ID_H264 || parameters.extradata.is_null() {
        return false;
    }
    let len = usize::try_from(parameters.extradata_size).unwrap_or(0);
    // SAFETY: a track has so many bytes there, which are not written while it is borrowed.
    let extradata = unsafe { std::slice::from_raw_parts(parameters.extradata, len) };
    annexb::is_gray(extradata)
}
