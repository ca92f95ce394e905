use std::path::Path;
use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Packet, check};
use h5h264::error::Error as CodecError;

use crate::container::{Container, file_url, silence_ffmpeg};
use crate::error::{Error, Result, unsupported};
use crate::shape::{FrameFormat, FrameRate, FrameShape};

/// An AVFormatContext that writes a file of one video track.
pub(crate) struct Muxer {
    raw: NonNull<ff::AVFormatContext>,
    packet: Packet,
    /// Seconds.
    frame_duration: ff::AVRational,
    n_frames: i64,
}

// SAFETY: a context may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Muxer {}

impl Muxer {
    /// Starts the file at `path`, in place of what is there. `extradata` is what a decoder has to have
    /// before the first packet: the parameter sets of H.264 in Annex B format, or FFV1's configuration
    /// record.
    pub(crate) fn create(
        path: &Path,
        container: Container,
        shape: &FrameShape,
        frame_rate: FrameRate,
        extradata: &[u8],
    ) -> Result<Self> {
        silence_ffmpeg();
        let url = file_url(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the strings are NUL-terminated and copied; `raw` gets a context that is ours, or null.
        let status = unsafe {
            ff::avformat_alloc_output_context2(
                &mut raw,
                ptr::null(),
                container.muxer().as_ptr(),
                url.as_ptr(),
            )
        };
        check(status, "no file can be written")?;
        let raw = NonNull::new(raw).ok_or_else(|| no_memory("file"))?;
        let mut muxer = Self {
            raw,
            packet: Packet::new()?,
            frame_duration: ff::AVRational { num: frame_rate.den, den: frame_rate.num },
            n_frames: 0,
        };
        muxer.add_track(shape, frame_rate, extradata)?;
        // SAFETY: the context is ours, and its `pb` is null so far.
        let status = unsafe { ff::avio_open(&mut (*raw.as_ptr()).pb, url.as_ptr(), ff::AVIO_FLAG_WRITE) };
        check_file(status)?;
        // SAFETY: the context has its track and its file; no options are passed.
        let status = unsafe { ff::avformat_write_header(raw.as_ptr(), ptr::null_mut()) };
        check_file(status)?;
        Ok(muxer)
    }

    fn add_track(&mut self, shape: &FrameShape, frame_rate: FrameRate, extradata: &[u8]) -> Result<()> {
        use ff::{AVCodecID::*, AVColorSpace::*, AVPixelFormat::*};
        let (codec_id, format, color_space) = match shape.format {
            FrameFormat::Gray8 => (AV_CODEC_ID_H264, AV_PIX_FMT_GRAY8, AVCOL_SPC_UNSPECIFIED),
            FrameFormat::Rgb24 | FrameFormat::Rgb48 => (AV_CODEC_ID_H264, AV_PIX_FMT_GBRP, AVCOL_SPC_RGB),
            FrameFormat::Gray16 => (AV_CODEC_ID_FFV1, AV_PIX_FMT_GRAY16LE, AVCOL_SPC_UNSPECIFIED),
        };
        // SAFETY: the context is ours; the track that comes back lives as long.
        let track = unsafe { ff::avformat_new_stream(self.raw.as_ptr(), ptr::null()) };
        let track = NonNull::new(track).ok_or_else(|| no_memory("track"))?;
        // SAFETY: nobody else refers to the context, the track and its parameters.
        let (context, track) = unsafe { (self.raw.as_mut(), &mut *track.as_ptr()) };
        // No random numbers in the file, nor versions of FFmpeg.
        context.flags |= ff::AVFMT_FLAG_BITEXACT;
        track.time_base = self.frame_duration;
        track.avg_frame_rate = ff::AVRational { num: frame_rate.num, den: frame_rate.den };
        // SAFETY: a track has parameters, which are nobody else's.
        let parameters = unsafe { &mut *track.codecpar };
        parameters.codec_type = ff::AVMediaType::AVMEDIA_TYPE_VIDEO;
        parameters.codec_id = codec_id;
        parameters.format = format as i32;
        // At most MAX_PICTURE_SIDE.
        (parameters.width, parameters.height) = (shape.width as i32, shape.height as i32);
        // Without this, gray levels would be stretched by whoever converts them.
        parameters.color_range = ff::AVColorRange::AVCOL_RANGE_JPEG;
        parameters.color_space = color_space;
        // Readers look at some bytes beyond the end.
        let n_bytes = extradata.len() + ff::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        // SAFETY: no preconditions; the result is null or `n_bytes` bytes that are ours.
        let copy = NonNull::new(unsafe { ff::av_mallocz(n_bytes) }.cast::<u8>());
        let copy = copy.ok_or_else(|| no_memory("track"))?;
        // SAFETY: both have `extradata.len()` bytes.
        unsafe { ptr::copy_nonoverlapping(extradata.as_ptr(), copy.as_ptr(), extradata.len()) };
        // Parameter sets have some dozens of bytes. The track frees its copy.
        (parameters.extradata, parameters.extradata_size) = (copy.as_ptr(), extradata.len() as i32);
        Ok(())
    }

    /// Adds the packet of the next frame.
    pub(crate) fn write(&mut self, packet: &[u8], is_key_frame: bool) -> Result<()> {
        let size = i32::try_from(packet.len()).map_err(|_| unsupported!("a coded frame of over 2 GiB"))?;
        let raw = self.packet.as_ptr();
        // SAFETY: the packet is ours; what it held is released, and `size` bytes are allocated.
        let status = unsafe {
            ff::av_packet_unref(raw);
            ff::av_new_packet(raw, size)
        };
        check(status, "no memory for a packet")?;
        // SAFETY: `size` bytes were allocated at `data`; nobody else refers to packet and context, whose
        // only track was added on creation.
        unsafe {
            ptr::copy_nonoverlapping(packet.as_ptr(), (*raw).data, packet.len());
            let time_base = (**self.raw.as_ref().streams).time_base;
            let time = |n_frames| ff::av_rescale_q(n_frames, self.frame_duration, time_base);
            (*raw).pts = time(self.n_frames);
            (*raw).dts = (*raw).pts;
            (*raw).duration = time(self.n_frames + 1) - (*raw).pts;
            (*raw).flags = if is_key_frame { ff::AV_PKT_FLAG_KEY } else { 0 };
        }
        self.n_frames += 1;
        // SAFETY: the header is written; the packet is whole and stays ours.
        let status = unsafe { ff::av_write_frame(self.raw.as_ptr(), raw) };
        check_file(status)
    }

    /// How many were added.
    pub(crate) fn n_frames(&self) -> i64 {
        self.n_frames
    }

    /// Writes what comes last, and closes the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        // SAFETY: the header is written; this is called once.
        let status = unsafe { ff::av_write_trailer(self.raw.as_ptr()) };
        check_file(status)?;
        self.close()
    }

    fn close(&mut self) -> Result<()> {
        // SAFETY: `pb` is an open file, or null; it is null afterwards.
        let status = unsafe { ff::avio_closep(&mut (*self.raw.as_ptr()).pb) };
        check_file(status)
    }
}

/// What the file system says.
fn check_file(status: i32) -> Result<()> {
    check(status, "writing").map(drop).map_err(|e| Error::File(e.to_string()))
}

fn no_memory(what: &str) -> CodecError {
    CodecError::Codec(format!("no memory for a {what}"))
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // Of a file that was not finished nothing is kept.
        let _ = self.close();
        // SAFETY: the context is ours and is freed once, here.
        unsafe { ff::avformat_free_context(self.raw.as_ptr()) };
    }
}
