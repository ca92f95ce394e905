//! Files of other origin: the frames are those that the `ffmpeg` program gives.

mod support;

use support::{ffmpeg_convert, ffmpeg_read, ffmpeg_write, frames, options, read, write};
use video::{FrameFormat, FrameShape, VideoReader};

/// Every container and codec that the `ffmpeg` program can write and this crate reads.
const LOSSY: [(&str, &[&str]); 9] = [
    ("h264.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
    ("h264.ts", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2"]),
    ("mpeg4.avi", &["-c:v", "mpeg4"]),
    ("mjpeg.mov", &["-c:v", "mjpeg"]),
    ("mpeg2.mpg", &["-c:v", "mpeg2video"]),
    ("prores.mov", &["-c:v", "prores"]),
    ("hevc.mp4", &["-c:v", "libx265", "-x265-params", "log-level=none"]),
    ("vp8.webm", &["-c:v", "libvpx"]),
    ("vp9.webm", &["-c:v", "libvpx-vp9"]),
];

#[test]
fn lossy_video_becomes_rgb_of_as_many_bits() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in LOSSY {
        let path = folder.path().join(name);
        ffmpeg_write(&path, "testsrc2=size=64x48:rate=25:duration=0.8", arguments);
        let (shape, frames) = read(&path);
        // ProRes has 10 bits.
        let (format, pixel_format) = match name {
            "prores.mov" => (FrameFormat::Rgb48, "rgb48le"),
            _ => (FrameFormat::Rgb24, "rgb24"),
        };
        assert_eq!((shape.height, shape.width, shape.format), (48, 64, format), "{name}");
        let careful = ["-vf", "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"];
        assert!(frames.concat() == ffmpeg_convert(&path, pixel_format, &careful), "{name}");
    }
}

#[test]
fn lossless_video_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    for (name, pixel_format, given, arguments) in [
        ("ffv1.mkv", "gray", FrameFormat::Gray8, &["-c:v", "ffv1", "-level", "3"][..]),
        ("ffv1.avi", "gray16le", FrameFormat::Gray16, &["-c:v", "ffv1"]),
        ("x264.mp4", "gray", FrameFormat::Gray8, &["-c:v", "libx264", "-qp", "0", "-color_range", "pc"]),
        ("x264.h264", "gray", FrameFormat::Gray8, &["-c:v", "libx264", "-qp", "0", "-color_range", "pc"]),
        ("x264rgb.mkv", "rgb24", FrameFormat::Rgb24, &["-c:v", "libx264rgb", "-qp", "0"]),
        ("huffyuv.avi", "rgb24", FrameFormat::Rgb24, &["-c:v", "huffyuv"]),
        ("png.mov", "rgb24", FrameFormat::Rgb24, &["-c:v", "png"]),
        ("raw.avi", "gray", FrameFormat::Gray8, &["-c:v", "rawvideo"]),
        ("palette.gif", "rgb24", FrameFormat::Rgb24, &[]),
    ] {
        let path = folder.path().join(name);
        let mut all = if name == "palette.gif" { vec![] } else { vec!["-pix_fmt", pixel_format] };
        all.extend(arguments);
        ffmpeg_write(&path, "testsrc2=size=64x48:rate=25:duration=0.4", &all);
        let (shape, frames) = read(&path);
        assert_eq!((shape.height, shape.width, shape.format), (48, 64, given), "{name}");
        assert!(frames.concat() == ffmpeg_read(&path, pixel_format), "{name}");
    }
}

#[test]
fn bits_below_16_are_not_stretched() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, pixel_format) in [("ffv1", "gray12le"), ("libx264", "gray10le")] {
        let path = folder.path().join(format!("{codec}.mkv"));
        let arguments = ["-c:v", codec, "-pix_fmt", pixel_format];
        ffmpeg_write(&path, "testsrc2=size=64x48:duration=0.2", &arguments);
        let (shape, frames) = read(&path);
        assert_eq!(shape.format, FrameFormat::Gray16, "{codec}");
        assert!(frames.concat() == ffmpeg_read(&path, pixel_format), "{codec}");
    }
}

#[test]
fn what_is_no_video_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| VideoReader::open(path, 1).err().expect("an error").to_string();
    let path = folder.path().join("text.mp4");
    assert!(error(&path).contains("No such file"), "{}", error(&path));
    std::fs::write(&path, "not a video").unwrap();
    assert!(error(&path).contains("text.mp4"));
    assert!(error(folder.path()).contains("directory"));
    let sound = folder.path().join("sound.mp4");
    ffmpeg_write(&sound, "sine=duration=0.1", &["-c:a", "aac"]);
    assert!(error(&sound).contains("sound and no pictures"), "{}", error(&sound));
}

#[test]
fn damage_of_ffv1_is_an_error_and_never_made_up_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ffv1.mkv");
    let arguments = ["-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-pix_fmt", "gray16le"];
    ffmpeg_write(&path, "testsrc2=size=256x192:rate=25:duration=0.4", &arguments);
    let (_, frames) = read(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut n_errors = 0;
    for position in (1..20).map(|i| whole.len() * i / 20) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let Ok(mut reader) = VideoReader::open(&path, 2) else {
            n_errors += 1;
            continue;
        };
        for frame in &frames {
            let mut found = vec![0; frame.len()];
            match reader.read(&mut found) {
                Ok(true) => assert!(found == *frame, "byte {position} of {}", whole.len()),
                Ok(false) => break,
                Err(_) => {
                    n_errors += 1;
                    break;
                }
            }
        }
    }
    assert!(n_errors > 15, "{n_errors} errors");
}

#[test]
fn files_that_are_cut_off_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let shape = FrameShape::new(48, 64, FrameFormat::Gray8).unwrap();
    for (extension, missing) in [("mkv", 1), ("mkv", 3000), ("mp4", 3000)] {
        let path = folder.path().join(format!("cut.{extension}"));
        write(&path, shape, &frames(&shape, 100), options());
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        assert!(VideoReader::open(&path, 1).is_err(), "{missing} bytes of {extension}");
    }
}
