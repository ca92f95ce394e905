use std::ffi::CString;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use super::check;
use crate::error::{Error, Result};

/// Added to the level of every message of a context, which makes it too unimportant to print
/// (levels end at 56, and only their low eight bits count).
const SILENT: i32 = 128;

/// An AVCodecContext and its codec.
pub struct Context {
    pub(super) raw: NonNull<ff::AVCodecContext>,
    codec: NonNull<ff::AVCodec>,
}

// SAFETY: a context may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Context {}

impl Context {
    /// A context for the encoder of this name, not open yet.
    pub fn encoder(name: &std::ffi::CStr) -> Result<Self> {
        // SAFETY: the name is NUL-terminated; codecs are static.
        Self::new(unsafe { ff::avcodec_find_encoder_by_name(name.as_ptr()) }, &name.to_string_lossy())
    }

    pub(super) fn h264_decoder() -> Result<Self> {
        Self::decoder(ff::AVCodecID::AV_CODEC_ID_H264)
    }

    /// A context for the decoder of a codec, not open yet.
    pub fn decoder(id: ff::AVCodecID) -> Result<Self> {
        // SAFETY: no preconditions; the name is static.
        let name = unsafe { std::ffi::CStr::from_ptr(ff::avcodec_get_name(id)) };
        // SAFETY: no preconditions; codecs are static.
        Self::new(
            unsafe { ff::avcodec_find_decoder(id) },
            &format!("a decoder for {}", name.to_string_lossy()),
        )
    }

    /// The context, which lives as long as its owner.
    pub fn as_ptr(&mut self) -> *mut ff::AVCodecContext {
        self.raw.as_ptr()
    }

    fn new(codec: *const ff::AVCodec, name: &str) -> Result<Self> {
        let codec = NonNull::new(codec.cast_mut())
            .ok_or_else(|| Error::Codec(format!("this libavcodec was built without {name}")))?;
        // SAFETY: `codec` is a codec; the result is null or a context that we own.
        let raw = NonNull::new(unsafe { ff::avcodec_alloc_context3(codec.as_ptr()) });
        let raw = raw.ok_or(OutOfMemory { bytes: size_of::<ff::AVCodecContext>() })?;
        #[cfg(feature = "static")]
        silence_libavutil();
        // SAFETY: the context is ours and valid.
        unsafe { (*raw.as_ptr()).log_level_offset = SILENT };
        Ok(Self { raw, codec })
    }

    /// Sets an option by name, of the context or of its codec.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let (Ok(c_name), Ok(c_value)) = (CString::new(name), CString::new(value)) else {
            return Err(Error::Codec(format!("option {name}={value} has a NUL in it")));
        };
        // SAFETY: a context starts with an AVClass, which is what av_opt_set expects, and so do
        // its private options; the strings are copied.
        let status = unsafe {
            ff::av_opt_set(
                self.raw.as_ptr().cast(),
                c_name.as_ptr(),
                c_value.as_ptr(),
                ff::AV_OPT_SEARCH_CHILDREN,
            )
        };
        check(status, &format!("option {name}={value}")).map(drop)
    }

    /// Opens the codec with what was set.
    pub fn open(&mut self) -> Result<()> {
        // SAFETY: the context was made for this codec; no options are left to pass.
        let status =
            unsafe { ff::avcodec_open2(self.raw.as_ptr(), self.codec.as_ptr(), std::ptr::null_mut()) };
        check(status, "the codec can't be opened").map(drop)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the context is ours and is freed once, here.
        unsafe { ff::avcodec_free_context(&mut raw) };
    }
}

/// A few messages of libavutil go around the context. Where libavutil is ours alone, they can be
/// turned off.
#[cfg(feature = "static")]
fn silence_libavutil() {
    static SILENCED: std::sync::Once = std::sync::Once::new();
    // SAFETY: null stands for no callback.
    SILENCED.call_once(|| unsafe { ff::av_log_set_callback(None) });
}
