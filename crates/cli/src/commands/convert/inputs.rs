use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::picture::Format;
use super::reader::image_format;
use super::tiff_pages::TiffPages;

const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// The images to convert, in their order.
pub struct Inputs {
    pub files: Vec<ImageFile>,
}

/// A file with one image, or several.
pub struct ImageFile {
    pub path: PathBuf,
    /// Path within the folder that was named, with slashes.
    name: String,
    /// Folder within the folder that was named, or that folder's name, if several were.
    label: String,
    pub is_tiff: bool,
    pub pages: Vec<Page>,
}

/// What an image says of itself before it is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    width: u32,
    height: u32,
    is_colour: bool,
}

impl Inputs {
    /// Looks for images, and into each for its size.
    pub fn find(inputs: &[PathBuf]) -> Result<Self> {
        let n_folders = inputs.iter().filter(|input| input.is_dir()).count();
        let mut files = Vec::new();
        for input in inputs {
            if input.is_dir() {
                let own_name = input.canonicalize().ok();
                let own_name = own_name.as_deref().and_then(Path::file_name).filter(|_| n_folders > 1);
                let label = own_name.map_or(String::new(), |name| name.to_string_lossy().into_owned());
                for path in images_in(input)? {
                    files.push(ImageFile::of_folder(path, input, &label)?);
                }
            } else {
                let name = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
                files.push(ImageFile::new(input.clone(), name, String::new())?);
            }
        }
        ensure!(
            !files.is_empty(),
            "no images in {} (expected {})",
            inputs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            EXTENSIONS.join(", ")
        );
        Ok(Self { files })
    }

    pub fn n_frames(&self) -> u64 {
        self.files.iter().map(|file| file.pages.len() as u64).sum()
    }

    fn pages(&self) -> impl Iterator<Item = (&ImageFile, &Page)> {
        self.files.iter().flat_map(|file| file.pages.iter().map(move |page| (file, page)))
    }

    pub fn have_colour(&self) -> bool {
        self.pages().any(|(_, page)| page.is_colour)
    }

    pub fn have_labels(&self) -> bool {
        self.files.iter().any(|file| !file.label.is_empty())
    }

    /// One per frame.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.pages().map(|(file, _)| &*file.label)
    }

    /// One per frame.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pages().map(|(file, _)| &*file.name)
    }

    /// An error that lists the sizes, unless all are of one.
    pub fn check_sizes(&self) -> Result<()> {
        let mut sizes = BTreeMap::<(u32, u32), (u64, &str)>::new();
        for (file, page) in self.pages() {
            sizes.entry((page.width, page.height)).or_insert((0, &file.name)).0 += 1;
        }
        if sizes.len() == 1 {
            return Ok(());
        }
        const MOST: usize = 8;
        let mut listed: Vec<_> = sizes
            .iter()
            .take(MOST)
            .map(|((width, height), (n, name))| format!("{width}x{height} ({n}, {name} for example)"))
            .collect();
        if sizes.len() > MOST {
            listed.push(format!("and {} more", sizes.len() - MOST));
        }
        bail!("images of different sizes: {} (expected one, or --dim or --size)", listed.join(", "))
    }
}

impl ImageFile {
    fn of_folder(path: PathBuf, folder: &Path, label: &str) -> Result<Self> {
        let inner = path.strip_prefix(folder).unwrap_or(&path);
        let slashes = |path: &Path| {
            path.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
        };
        let sub_folder = inner.parent().map_or(String::new(), slashes);
        let label: Vec<_> = [label, &sub_folder].into_iter().filter(|part| !part.is_empty()).collect();
        let (name, label) = (slashes(inner), label.join("/"));
        Self::new(path, name, label)
    }

    fn new(path: PathBuf, name: String, label: String) -> Result<Self> {
        let look = || -> Result<_> {
            let is_tiff = is_tiff(&path)?;
            let formats =
                if is_tiff { TiffPages::open(&path)?.formats()? } else { vec![image_format(&path)?] };
            Ok((is_tiff, formats.into_iter().map(Page::of).collect()))
        };
        let (is_tiff, pages) = look().with_context(|| path.display().to_string())?;
        Ok(Self { path, name, label, is_tiff, pages })
    }
}

impl Page {
    fn of(format: Format) -> Self {
        // Two are gray with an alpha channel.
        let is_colour = format.n_components > 2;
        Self { width: format.width as u32, height: format.height as u32, is_colour }
    }
}

/// By how the file begins, as names can be wrong: the byte order, and the number of TIFF or BigTIFF in it.
fn is_tiff(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(matches!(&start[..], b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+"))
}

/// Whether a file's name says that there is an image in it.
pub fn is_named_as_image(path: &Path) -> bool {
    has_extension(path, &EXTENSIONS)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&&*extension))
}

/// All images below a folder, folder by folder, in natural order.
fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    add_images_in(folder, &mut Vec::new(), &mut images).with_context(|| folder.display().to_string())?;
    Ok(images)
}

/// `parents` are the folders on the way here, without symbolic links, some of which may lead back to them.
fn add_images_in(folder: &Path, parents: &mut Vec<PathBuf>, images: &mut Vec<PathBuf>) -> Result<()> {
    let canonical = folder.canonicalize()?;
    if parents.contains(&canonical) {
        return Ok(());
    }
    parents.push(canonical);
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    alphanumeric_sort::sort_path_slice(&mut paths);
    for path in paths {
        // Names with a dot in front are for programs: thumbnails, resource forks.
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            add_images_in(&path, parents, images).with_context(|| path.display().to_string())?;
        } else if is_named_as_image(&path) {
            images.push(path);
        }
    }
    parents.pop();
    Ok(())
}
