use std::ffi::{CStr, CString};
use std::path::Path;

use ffmpeg_sys_next as ff;

use crate::error::{Result, unsupported};
use crate::shape::{FrameFormat, FrameRate};

/// The files that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `.mp4`
    Mp4,
    /// `.mkv`
    Matroska,
}

impl Container {
    /// By the extension of a path. An error if no such files are written.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match &extension[..] {
            "mp4" => Ok(Self::Mp4),
            "mkv" => Ok(Self::Matroska),
            _ => Err(unsupported!("{} is no name of a video (expected .mp4 or .mkv)", path.display())),
        }
    }

    /// An error if it does not hold such frames, or its clock does not tell them apart.
    pub(crate) fn check(self, format: FrameFormat, frame_rate: FrameRate) -> Result<()> {
        let FrameRate { num, den } = frame_rate;
        match self {
            Self::Mp4 if format == FrameFormat::Gray16 => {
                Err(unsupported!("16-bit frames are coded as FFV1, which .mp4 does not hold (expected .mkv)"))
            }
            Self::Matroska if i64::from(num) > 1000 * i64::from(den) => Err(unsupported!(
                "{frame_rate} frames per second in .mkv, whose clock has milliseconds (expected at most 1000)"
            )),
            _ => Ok(()),
        }
    }

    /// libavformat's name.
    pub(crate) fn muxer(self) -> &'static CStr {
        match self {
            Self::Mp4 => c"mp4",
            Self::Matroska => c"matroska",
        }
    }
}

/// A path as a URL: FFmpeg would take what is before a colon for a protocol.
pub(crate) fn file_url(path: &Path) -> Result<CString> {
    let url = [&b"file:"[..], path.as_os_str().as_encoded_bytes()].concat();
    CString::new(url).map_err(|_| unsupported!("{}: a file name with a NUL in it", path.display()))
}

/// Turns off what FFmpeg prints to stderr, in the whole process: results say what went wrong.
pub(crate) fn silence_ffmpeg() {
    static SILENCED: std::sync::Once = std::sync::Once::new();
    // SAFETY: null stands for no callback.
    SILENCED.call_once(|| unsafe { ff::av_log_set_callback(None) });
}
