//! What is written is what was given, for this crate and for the `ffmpeg` program.

mod support;

use h5filter::{Element, SampleKind};
use h5h264::avcodec::Preset;
use h5h264::options::resolve_for;
use h5h264::{filter, movie};
use support::{create, ffmpeg_read, frames, options, read, write};
use video::{Error, FrameFormat, FrameRate, FrameShape, VideoOptions, VideoReader};

#[test]
fn every_shape_comes_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    for (format, pixel_format, extensions) in [
        (FrameFormat::Gray8, "gray", &["mp4", "mkv"][..]),
        (FrameFormat::Rgb24, "rgb24", &["mp4", "mkv"]),
        (FrameFormat::Gray16, if cfg!(target_endian = "big") { "gray16be" } else { "gray16le" }, &["mkv"]),
    ] {
        for (height, width, n_frames) in [(48, 64, 30), (33, 17, 5), (1, 1, 1), (1, 300, 2), (120, 7, 3)] {
            let shape = FrameShape::new(height, width, format).unwrap();
            let frames = frames(&shape, n_frames);
            for extension in extensions {
                let path = folder.path().join(format!("{format} {height}:{width}.{extension}"));
                write(&path, shape, &frames, options());
                assert!(read(&path) == (shape, frames.clone()), "{}", path.display());
                // A colon would be a protocol to it.
                let plain = folder.path().join(format!("plain.{extension}"));
                std::fs::rename(&path, &plain).unwrap();
                assert!(ffmpeg_read(&plain, pixel_format) == frames.concat(), "{}", path.display());
            }
        }
    }
}

#[test]
fn narrow_frames_of_16_bits_come_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.mkv");
    for side in [1, 2, 3, 4, 5, 32, 63, 64] {
        for length in [288, 289, 352, 353, 1000] {
            for (height, width) in [(side, length), (length, side)] {
                let shape = FrameShape::new(height, width, FrameFormat::Gray16).unwrap();
                let frames = frames(&shape, 2);
                write(&path, shape, &frames, options());
                assert!(read(&path) == (shape, frames), "{height} × {width}");
            }
        }
    }
}

#[test]
fn frame_rates_lose_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    let shape = FrameShape::new(16, 32, FrameFormat::Gray8).unwrap();
    let frames = frames(&shape, 40);
    for (num, den) in [(30, 1), (1, 1), (1, 10), (1000, 1), (30000, 1001), (2997, 100), (200_000, 1)] {
        for extension in ["mp4", "mkv"] {
            let frame_rate = FrameRate::new(num, den).unwrap();
            let path = folder.path().join(format!("rate.{extension}"));
            if extension == "mkv" && num > 1000 * den {
                let created = create(&path, shape, VideoOptions { frame_rate, ..options() });
                assert!(matches!(created, Err(Error::Unsupported(_))));
                continue;
            }
            write(&path, shape, &frames, VideoOptions { frame_rate, ..options() });
            assert_eq!(VideoReader::open(&path, 1).unwrap().frame_rate(), Some(frame_rate), "{extension}");
            assert!(ffmpeg_read(&path, "gray") == frames.concat(), "{num}/{den}, {extension}");
        }
    }
}

#[test]
fn presets_and_threads_make_no_difference_to_frames() {
    let folder = tempfile::tempdir().unwrap();
    let shape = FrameShape::new(70, 50, FrameFormat::Rgb24).unwrap();
    let frames = frames(&shape, 300);
    for (preset, n_threads) in [(0, 1), (1, 3), (5, 2), (9, 4)] {
        let path = folder.path().join("preset.mkv");
        let preset = Preset::new(preset).unwrap();
        write(&path, shape, &frames, VideoOptions { preset, n_threads, ..options() });
        assert!(read(&path).1 == frames, "{preset:?}");
    }
}

#[test]
fn stored_chunks_go_in_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for format in [FrameFormat::Gray8, FrameFormat::Rgb24] {
        let shape = FrameShape::new(70, 50, format).unwrap();
        let n_components = shape.format.pixel_bytes();
        let frames = frames(&shape, 24);
        // Chunks of 6 frames, the second of another preset, of the last only half; between them a frame
        // that is encoded.
        let chunk = |first: usize, preset: u32| {
            let chunk = frames[first..first + 6].concat();
            let element = Element {
                kind: SampleKind::Unsigned,
                sample_bytes: 1,
                n_samples: n_components,
                big_endian: false,
            };
            let cd_values = resolve_for(&[0, 0, 0, preset, 2], &[6, 70, 50], element).unwrap();
            filter::encode(&cd_values, &chunk).unwrap().to_vec()
        };
        let (first, second, third) = (chunk(0, 0), chunk(6, 5), chunk(13, 0));
        for extension in ["mp4", "mkv"] {
            let path = folder.path().join(format!("movie.{extension}"));
            let mut writer = create(&path, shape, options()).unwrap();
            for (stored, n_frames) in [(&first, 6), (&second, 6)] {
                let movie = movie::of_stored_chunk(stored).unwrap().expect("a movie");
                writer.write_movie(&movie, n_frames).unwrap();
            }
            writer.write(&frames[12]).unwrap();
            let movie = movie::of_stored_chunk(&third).unwrap().expect("a movie");
            assert!(writer.write_movie(&movie, 7).is_err());
            writer.write_movie(&movie, 3).unwrap();
            writer.finish().unwrap();
            assert!(read(&path).1 == frames[..16], "{}", path.display());
            let pixel_format = if n_components == 1 { "gray" } else { "rgb24" };
            assert!(ffmpeg_read(&path, pixel_format) == frames[..16].concat(), "{}", path.display());
        }
    }
}

#[test]
fn what_can_not_be_written_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shape = |format| FrameShape::new(16, 16, format).unwrap();
    let error =
        |name: &str, format| create(&at(name), shape(format), options()).err().expect("an error").to_string();
    assert!(error("a.avi", FrameFormat::Gray8).contains("expected .mp4 or .mkv"));
    assert!(error("a", FrameFormat::Gray8).contains("expected .mp4 or .mkv"));
    assert!(error("a.mp4", FrameFormat::Gray16).contains("expected .mkv"));
    assert!(error("nowhere/a.mkv", FrameFormat::Gray16).contains("No such file"));

    let mut writer = create(&at("a.mkv"), shape(FrameFormat::Gray8), options()).unwrap();
    let error = writer.write(&[0; 255]).unwrap_err().to_string();
    assert!(error.contains("255") && error.contains("256"), "{error}");
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("without frames"), "{error}");
}
