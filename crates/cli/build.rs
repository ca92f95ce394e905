//! Puts the page of `h5h264 view`, compressed, where it is embedded from. Without one, the program is built
//! all the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::{env, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let from = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web/dist");
    let to = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("page");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    println!("cargo::rerun-if-changed={}", from.display());
    if from.join("index.html").exists() { compress(&from, &to) } else { Ok(()) }
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let mut target = to.join(entry.file_name()).into_os_string();
        if entry.file_type()?.is_dir() {
            compress(&entry.path(), Path::new(&target))?;
            continue;
        }
        target.push(".gz");
        let mut encoder = GzEncoder::new(File::create(target)?, Compression::best());
        io::copy(&mut File::open(entry.path())?, &mut encoder)?;
        encoder.finish()?;
    }
    Ok(())
}
