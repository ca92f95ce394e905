//! Does the built program do with folders of images, and say of wrong arguments, what it should?

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hdf5::File;
use hdf5::types::VarLenUnicode;
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use tempfile::TempDir;
use tiff::encoder::{TiffEncoder, colortype};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_h5h264");
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program runs")
}

#[track_caller]
fn succeeded(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it fails: one line, with exit code 1.
#[track_caller]
fn failed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("h5h264: ") && message.lines().count() == 1, "{message}");
    message
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn strings(file: &File, name: &str) -> Vec<String> {
    let strings = file.dataset(name).unwrap().read_raw::<VarLenUnicode>().unwrap();
    strings.iter().map(ToString::to_string).collect()
}

#[test]
fn folders_become_frames_with_names_and_labels() {
    let folder = folder();
    for (i, name) in ["cat/img10.png", "cat/img2.png", "dog/a.png"].iter().enumerate() {
        let path = folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(30, 20, Rgb([i as u8, 100, 200])).save(path).unwrap();
    }
    fs::write(folder.path().join("in/notes.txt"), "not an image").unwrap();
    succeeded(folder.path(), &["convert", "in", "--output", "new/out"]);
    let file = File::open(folder.path().join("new/out.h5")).unwrap();
    assert_eq!(strings(&file, "names"), ["cat/img2.png", "cat/img10.png", "dog/a.png"]);
    assert_eq!(strings(&file, "labels"), ["cat", "cat", "dog"]);
    assert_eq!(file.dataset("frames").unwrap().shape(), [3, 20, 30, 3]);
}

#[test]
fn images_are_scaled_and_made_gray() {
    let folder = folder();
    RgbImage::from_pixel(30, 20, Rgb([255, 255, 255])).save(folder.path().join("a.png")).unwrap();
    GrayImage::from_pixel(7, 9, Luma([5])).save(folder.path().join("b.bmp")).unwrap();
    let error = failed(folder.path(), &["convert", "a.png", "b.bmp", "--output", "out"]);
    assert!(error.contains("7x9 (1, b.bmp for example), 30x20 (1, a.png for example)"), "{error}");
    let convert = ["convert", "a.png", "b.bmp", "--output", "out", "--dim", "16"];
    succeeded(folder.path(), &convert);
    let shape = || File::open(folder.path().join("out.h5")).unwrap().dataset("frames").unwrap().shape();
    assert_eq!(shape(), [2, 16, 16, 3]);
    succeeded(folder.path(), &[&convert[..], &["--gray"]].concat());
    assert_eq!(shape(), [2, 16, 16]);
    succeeded(folder.path(), &["convert", "b.bmp", "--output", "out", "--size", "20x10"]);
    assert_eq!(shape(), [1, 10, 20]);
}

#[test]
fn pages_of_16_bits_stay_what_they_are() {
    let folder = folder();
    let pages: Vec<Vec<u16>> = (0..25).map(|page| (0..40 * 30).map(|i| i * 50 + page).collect()).collect();
    let file = fs::File::create(folder.path().join("stack.tif")).unwrap();
    let mut encoder = TiffEncoder::new(file).unwrap();
    for page in &pages {
        encoder.write_image::<colortype::Gray16>(40, 30, page).unwrap();
    }
    let image = ImageBuffer::<Luma<u16>, _>::from_raw(40, 30, pages[3].clone()).unwrap();
    image.save(folder.path().join("z.png")).unwrap();
    let convert =
        ["convert", "stack.tif", "z.png", "-o", "out", "--chunk-frames", "4", "--dataset", "entry/data"];
    succeeded(folder.path(), &convert);
    let file = File::open(folder.path().join("out.h5")).unwrap();
    let info = succeeded(folder.path(), &["info", "out.h5"]);
    assert!(info.contains("/entry/data  26 × 30 × 40  uint16\n    chunks of 4 × 30 × 40, h5h264"), "{info}");
    assert_eq!(strings(&file, "entry/names")[24..], ["stack.tif", "z.png"]);
    // This process does not have the filter: the program takes it away.
    succeeded(folder.path(), &["repack", "out.h5", "plain.h5", "--filter", "none", "--dataset", "**"]);
    let file = File::open(folder.path().join("plain.h5")).unwrap();
    let found = file.dataset("entry/data").unwrap().read_raw::<u16>().unwrap();
    assert_eq!(found, [pages.concat(), pages[3].clone()].concat());
}

#[test]
fn errors_say_what_was_expected() {
    let folder = folder();
    let folder = folder.path();
    assert!(failed(folder, &["info", "none.h5"]).contains("none.h5: No such file"));
    fs::write(folder.join("no.h5"), "no").unwrap();
    assert!(failed(folder, &["info", "no.h5"]).contains("no.h5: "));
    assert!(failed(folder, &["export", "no.h5", "x.npy"]).contains("expected no.h5:/dataset"));
    fs::create_dir(folder.join("empty")).unwrap();
    assert!(failed(folder, &["convert", "empty", "-o", "x"]).contains("no images in empty"));
    assert!(failed(folder, &["convert", "no.h5", "-o", "x"]).contains("no.h5"));
    assert_eq!(run(folder, &["convert"]).status.code(), Some(2));
    assert!(!folder.join("x.h5").exists());
}

#[test]
fn shells_and_man_are_served() {
    let folder = folder();
    assert!(succeeded(folder.path(), &["completions", "bash"]).contains("repack"));
    assert!(succeeded(folder.path(), &["man"]).contains(".TH h5h264"));
    succeeded(folder.path(), &["man", "--output", "man"]);
    assert!(folder.path().join("man/h5h264-repack.1").is_file());
}
