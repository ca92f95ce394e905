use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::ptr;

use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Context, Packet, check};
use h5h264::picture::MAX_PICTURE_PIXELS;

use crate::container::{file_url, silence_ffmpeg};
use crate::error::{Error, Result};
use crate::matroska;
use crate::rotation::is_cut_off;
use crate::shape::FrameRate;

/// A file that speaks of more is wrong.
const MAX_EXPECTED_FRAMES: u64 = 1 << 30;

/// An AVFormatContext that reads the video track of a file.
pub(crate) struct Demuxer {
    raw: ptr::NonNull<ff::AVFormatContext>,
    path: PathBuf,
    track: i32,
}

// SAFETY: a context may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Demuxer {}

impl Demuxer {
    /// Opens a file at the track that FFmpeg finds best. An error if it has none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // FFmpeg says the same of a folder and of damage.
        if path.is_dir() {
            return Err(Error::file(path, "a directory (expected a video file)"));
        }
        silence_ffmpeg();
        let url = file_url(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the URL is NUL-terminated; `raw` gets a context that is ours, or stays null.
        let status = unsafe { ff::avformat_open_input(&mut raw, url.as_ptr(), ptr::null(), ptr::null_mut()) };
        if status < 0 && is_cut_off(path) {
            return Err(Error::file(
                path,
                "a video that is cut off: the part that says what is in it is missing",
            ));
        }
        if status == ff::AVERROR_INVALIDDATA {
            let reason = "it is no image and no video that is known here, or the beginning is damaged";
            return Err(Error::file(path, reason));
        }
        check(status, "it can't be opened as a video").map_err(|e| Error::file(path, e))?;
        let raw = ptr::NonNull::new(raw).ok_or_else(|| Error::file(path, "it can't be opened as a video"))?;
        let mut demuxer = Self { raw, path: path.into(), track: 0 };
        matroska::check_whole(path)?;
        check(demuxer.find_tracks(), "its tracks can't be read").map_err(|e| demuxer.error(e))?;
        let video = ff::AVMediaType::AVMEDIA_TYPE_VIDEO;
        // SAFETY: the context is ours; nobody asks for a decoder.
        let track = unsafe { ff::av_find_best_stream(raw.as_ptr(), video, -1, -1, ptr::null_mut(), 0) };
        if track < 0 {
            let has_sound = demuxer.has_sound();
            return Err(demuxer.error(if has_sound {
                "it has sound and no pictures"
            } else {
                "it has no video track"
            }));
        }
        demuxer.track = track;
        Ok(demuxer)
    }

    /// Looks into the file for what its header does not say, with decoders that take no more memory than ours.
    fn find_tracks(&mut self) -> i32 {
        let max_pixels = CString::new(MAX_PICTURE_PIXELS.to_string()).unwrap_or_default();
        // SAFETY: the context is ours; there is a dictionary for each track, which are freed below.
        unsafe {
            let mut options = vec![ptr::null_mut(); self.raw.as_ref().nb_streams as usize];
            for dictionary in &mut options {
                ff::av_dict_set(dictionary, c"max_pixels".as_ptr(), max_pixels.as_ptr(), 0);
            }
            let tracks = if options.is_empty() { ptr::null_mut() } else { options.as_mut_ptr() };
            let status = ff::avformat_find_stream_info(self.raw.as_ptr(), tracks);
            for dictionary in &mut options {
                ff::av_dict_free(dictionary);
            }
            status
        }
    }

    fn has_sound(&self) -> bool {
        let audio = ff::AVMediaType::AVMEDIA_TYPE_AUDIO;
        // SAFETY: the context is valid, and has as many tracks with parameters as it says.
        unsafe {
            let context = self.raw.as_ref();
            (0..context.nb_streams as usize)
                .any(|i| (*(**context.streams.add(i)).codecpar).codec_type == audio)
        }
    }

    /// A decoder for the track, not open yet.
    pub(crate) fn decoder(&self) -> Result<Context> {
        let parameters = self.parameters();
        let mut context = Context::decoder(parameters.codec_id).map_err(|e| self.error(e))?;
        // SAFETY: both are valid; what the parameters refer to is copied.
        let status = unsafe { ff::avcodec_parameters_to_context(context.as_ptr(), parameters) };
        check(status, "its track can't be decoded").map_err(|e| self.error(e))?;
        Ok(context)
    }

    /// Frames per second, as far as the file tells.
    pub(crate) fn frame_rate(&mut self) -> Option<FrameRate> {
        // SAFETY: context and track are ours; no frame is needed.
        let rate = unsafe { ff::av_guess_frame_rate(self.raw.as_ptr(), self.track(), ptr::null_mut()) };
        FrameRate::new(rate.num, rate.den).ok()
    }

    /// How many frames the track has, as far as the file tells: their number, or how long they last.
    pub(crate) fn expected_frames(&mut self) -> Option<u64> {
        let rate = self.frame_rate();
        // SAFETY: a track lives as long as the context, which is borrowed.
        let track = unsafe { &*self.track() };
        let n_frames = if track.nb_frames > 0 {
            track.nb_frames
        } else {
            let FrameRate { num, den } = rate?;
            // SAFETY: the context is ours and valid.
            let microseconds = unsafe { self.raw.as_ref().duration };
            (microseconds as f64 / f64::from(ff::AV_TIME_BASE) * f64::from(num) / f64::from(den)).ceil()
                as i64
        };
        u64::try_from(n_frames).ok().filter(|n| (1..=MAX_EXPECTED_FRAMES).contains(n))
    }

    /// Seconds of a tick of timestamps.
    pub(crate) fn time_base(&self) -> ff::AVRational {
        // SAFETY: a track lives as long as the context, which is borrowed.
        unsafe { (*self.track()).time_base }
    }

    /// What is needed to decode the track.
    pub(crate) fn parameters(&self) -> &ff::AVCodecParameters {
        // SAFETY: a track has parameters, which live as long as the context and are not written.
        unsafe { &*(*self.track()).codecpar }
    }

    fn track(&self) -> *mut ff::AVStream {
        // SAFETY: the context is valid and has this track.
        unsafe { *self.raw.as_ref().streams.add(self.track as usize) }
    }

    /// Reads the next packet of the track; false at the end of the file.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<bool> {
        loop {
            // SAFETY: both are ours; what the packet held is released before.
            let status = unsafe {
                ff::av_packet_unref(packet.as_ptr());
                ff::av_read_frame(self.raw.as_ptr(), packet.as_ptr())
            };
            if status == ff::AVERROR_EOF {
                return Ok(false);
            }
            check(status, "reading").map_err(|e| self.error(e))?;
            // SAFETY: the packet is ours and valid.
            if unsafe { (*packet.as_ptr()).stream_index } == self.track {
                return Ok(true);
            }
        }
    }

    /// What is wrong with the file.
    pub(crate) fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::file(&self.path, reason)
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the context is ours and is closed once, here.
        unsafe { ff::avformat_close_input(&mut raw) };
    }
}
