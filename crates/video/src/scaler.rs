use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Frame, check};
use h5h264::error::Error as CodecError;

use crate::error::Result;

/// Flags of libswscale/swscale.h, which are constants or an enumeration, depending on its version:
/// each pixel gets chroma of its own, and nothing is approximated for speed.
const BICUBIC: i32 = 4;
const FULL_CHR_H_INT: i32 = 1 << 13;
const FULL_CHR_H_INP: i32 = 1 << 14;
const ACCURATE_RND: i32 = 1 << 18;
/// One, as libswscale wants contrast and saturation.
const UNCHANGED: i32 = 1 << 16;

/// A SwsContext that converts frames of one size and format, and the frame it converts to.
pub(crate) struct Scaler {
    raw: NonNull<ff::SwsContext>,
    source: Source,
    /// Not the caller's memory: SIMD code may write beyond the end of a row.
    converted: Frame,
}

// SAFETY: a context may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Scaler {}

/// What a conversion depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    width: i32,
    height: i32,
    format: i32,
    /// As the file says: not always a number that FFmpeg knows.
    color_space: i32,
    color_range: ff::AVColorRange,
}

impl Source {
    fn of(frame: &ff::AVFrame) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            format: frame.format,
            // SAFETY: a field of a frame, which has the size of a C int whatever is in it.
            color_space: unsafe { (&raw const frame.colorspace).cast::<i32>().read() },
            color_range: frame.color_range,
        }
    }
}

impl Scaler {
    /// Converts frames like this one to a packed format, in the colours that the frame says it has.
    pub(crate) fn new(frame: &ff::AVFrame, target: ff::AVPixelFormat) -> Result<Self> {
        let source = Source::of(frame);
        let Source { width, height, .. } = source;
        let converted = Frame::with_picture(target, width, height)?;
        // SAFETY: the number comes from libavcodec, whose formats the bindings list.
        let format = unsafe { std::mem::transmute::<i32, ff::AVPixelFormat>(source.format) };
        let flags = BICUBIC | FULL_CHR_H_INT | FULL_CHR_H_INP | ACCURATE_RND;
        // SAFETY: no filters and parameters are passed; the result is null or a context that is ours.
        let raw = unsafe {
            ff::sws_getContext(
                width,
                height,
                format,
                width,
                height,
                target,
                flags as _,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            )
        };
        let raw = NonNull::new(raw)
            .ok_or_else(|| CodecError::Codec(format!("no conversion from pixel format {}", source.format)))?;
        let is_full = source.color_range == ff::AVColorRange::AVCOL_RANGE_JPEG;
        // SAFETY: the context is ours; the coefficients are libswscale's own. A negative status says that
        // there is nothing to set for these formats.
        unsafe {
            let coefficients = ff::sws_getCoefficients(source.color_space);
            ff::sws_setColorspaceDetails(
                raw.as_ptr(),
                coefficients,
                i32::from(is_full || is_full_by_name(format)),
                coefficients,
                1,
                0,
                UNCHANGED,
                UNCHANGED,
            );
        }
        Ok(Self { raw, source, converted })
    }

    /// Whether it was made for frames like this one.
    pub(crate) fn takes(&self, frame: &ff::AVFrame) -> bool {
        self.source == Source::of(frame)
    }

    /// Converts a frame that it takes.
    pub(crate) fn convert(&mut self, frame: &ff::AVFrame) -> Result<&ff::AVFrame> {
        debug_assert!(self.takes(frame));
        // SAFETY: the frame has the size and format that the context was made for, and the planes of
        // it; `converted` is ours and has those of the target.
        unsafe {
            let converted = &*self.converted.as_ptr();
            let status = ff::sws_scale(
                self.raw.as_ptr(),
                frame.data.as_ptr().cast(),
                frame.linesize.as_ptr(),
                0,
                frame.height,
                converted.data.as_ptr(),
                converted.linesize.as_ptr(),
            );
            check(status, "a frame can't be converted")?;
            Ok(converted)
        }
    }
}

/// The formats that say by their name that they are of full range.
fn is_full_by_name(format: ff::AVPixelFormat) -> bool {
    use ff::AVPixelFormat::*;
    matches!(
        format,
        AV_PIX_FMT_YUVJ420P
            | AV_PIX_FMT_YUVJ411P
            | AV_PIX_FMT_YUVJ422P
            | AV_PIX_FMT_YUVJ440P
            | AV_PIX_FMT_YUVJ444P
    )
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: the context is ours and is freed once, here.
        unsafe { ff::sws_freeContext(self.raw.as_ptr()) };
    }
}
