use std::ptr::NonNull;

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use super::check;
use crate::error::{Error, Result};

/// An AVFrame.
pub struct Frame {
    pub(super) raw: NonNull<ff::AVFrame>,
}

// SAFETY: a frame may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Frame {}

/// The lines of one plane of a decoded picture.
#[derive(Clone, Copy)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    linesize: usize,
    width: usize,
}

/// The lines of a picture that is to be encoded: `linesize` bytes from one to the next.
pub struct LinesMut<'a> {
    bytes: &'a mut [u8],
    linesize: usize,
}

impl<'a> Lines<'a> {
    /// Lines of `width` bytes, `linesize` bytes from one to the next.
    pub fn new(bytes: &'a [u8], linesize: usize, width: usize) -> Self {
        Self { bytes, linesize, width }
    }

    /// The bytes of a line, as many as the picture is wide.
    pub fn line(&self, line: usize) -> &'a [u8] {
        &self.bytes[line * self.linesize..][..self.width]
    }
}

impl<'a> LinesMut<'a> {
    /// Lines of `linesize` bytes.
    pub fn new(bytes: &'a mut [u8], linesize: usize) -> Self {
        Self { bytes, linesize }
    }

    /// Makes all lines 0.
    pub fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// The bytes of a line; at least as many as the picture's row takes.
    pub fn line(&mut self, line: usize) -> &mut [u8] {
        &mut self.bytes[line * self.linesize..][..self.linesize]
    }
}

impl Frame {
    /// A frame without a picture.
    pub fn new() -> Result<Self> {
        // SAFETY: no preconditions; the result is null or a frame that we own.
        let raw = NonNull::new(unsafe { ff::av_frame_alloc() });
        Ok(Self { raw: raw.ok_or(OutOfMemory { bytes: size_of::<ff::AVFrame>() })? })
    }

    /// A frame with room for a picture, all bytes 0.
    pub fn with_picture(format: ff::AVPixelFormat, width: i32, height: i32) -> Result<Self> {
        let mut frame = Self::new()?;
        // SAFETY: the frame is ours and has no buffers yet.
        unsafe {
            let raw = frame.raw.as_mut();
            raw.format = format as i32;
            raw.width = width;
            raw.height = height;
            check(ff::av_frame_get_buffer(raw, 0), "no picture can be allocated")?;
            for buffer in raw.buf.iter().filter_map(|buffer| buffer.as_ref()) {
                std::ptr::write_bytes(buffer.data, 0, buffer.size);
            }
        }
        Ok(frame)
    }

    /// The frame, which lives as long as its owner.
    pub fn as_ptr(&mut self) -> *mut ff::AVFrame {
        self.raw.as_ptr()
    }

    /// Makes sure that nobody else reads the picture while we write the next one into it.
    pub fn make_writable(&mut self) -> Result<()> {
        // SAFETY: the frame is ours; the call copies the picture if the encoder still refers to it.
        check(unsafe { ff::av_frame_make_writable(self.raw.as_ptr()) }, "no picture can be allocated")
            .map(drop)
    }

    /// The first plane, for writing. The picture must be writable.
    pub fn lines_mut(&mut self) -> Result<LinesMut<'_>> {
        let Plane { start, linesize, height, .. } = self.plane(0)?;
        // SAFETY: `with_picture` got whole lines and made their bytes 0, and nobody else uses
        // them: the picture is writable and `self` is borrowed mutably.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start, linesize * height) };
        Ok(LinesMut::new(bytes, linesize))
    }

    /// A plane of full size, for reading.
    pub(super) fn lines(&self, plane: usize) -> Result<Lines<'_>> {
        let Plane { start, linesize, width, height } = self.plane(plane)?;
        // Up to the last pixel: what lies behind it in the last line may not be the picture's.
        let n_bytes = linesize * (height - 1) + width;
        // SAFETY: the decoder has written `height` lines of `width` bytes, `linesize` apart, into a
        // buffer that libavcodec allocates as zeros; it stays unchanged while `self` is borrowed.
        let bytes = unsafe { std::slice::from_raw_parts(start, n_bytes) };
        Ok(Lines::new(bytes, linesize, width))
    }

    fn plane(&self, plane: usize) -> Result<Plane> {
        // SAFETY: the frame is ours and valid.
        let raw = unsafe { self.raw.as_ref() };
        let size = |n: i32| usize::try_from(n).ok().filter(|&n| n > 0);
        match (size(raw.linesize[plane]), size(raw.width), size(raw.height)) {
            (Some(linesize), Some(width), Some(height))
                if !raw.data[plane].is_null() && width <= linesize =>
            {
                Ok(Plane { start: raw.data[plane], linesize, width, height })
            }
            _ => Err(Error::Codec(format!("a picture without plane {plane}"))),
        }
    }
}

/// Where a plane lies in memory.
struct Plane {
    start: *mut u8,
    linesize: usize,
    width: usize,
    height: usize,
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the frame is ours and is freed once, here.
        unsafe { ff::av_frame_free(&mut raw) };
    }
}
