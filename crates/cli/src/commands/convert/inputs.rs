use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::dicom;
use super::images;
use super::kinds::{FileKind, extension};
use super::picture::Format;
use super::tiff::{self, Axes, PageRef};
use crate::{parallel, text};

const EXTENSIONS: [&str; 17] = [
    "png", "apng", "jpg", "jpeg", "tif", "tiff", "btf", "tf8", "bmp", "gif", "webp", "pbm", "pgm", "ppm",
    "pnm", "pam", "dcm",
];

/// How images are taken.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether they are turned as they say.
    pub is_turned: bool,
    /// Whether those that can't be read are left out.
    pub skips_broken: bool,
}

/// The images to convert, in their order.
pub struct Inputs {
    pub files: Vec<ImageFile>,
    pub options: Options,
    /// Those that can't be read, and why.
    pub broken: Vec<String>,
}

/// A file with one image, or several.
pub struct ImageFile {
    pub path: PathBuf,
    /// Path within the folder that was named, with slashes.
    name: String,
    /// Folder within the folder that was named, or that folder's name, if several were.
    label: String,
    pub pages: Vec<Page>,
    /// What the frames are along, if it says so.
    axes: Option<Axes>,
    /// How long each frame of an animation is shown.
    delays: Vec<Duration>,
}

/// A frame, and what it says of itself before it is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub format: Format,
    pub place: Place,
}

/// Where in its file a frame is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// The only one.
    Whole,
    Tiff(PageRef),
    Dicom(u32),
    /// One of an animation, whose frames are decoded in their order.
    Animation,
}

impl Inputs {
    /// Looks for images, and into each for its size, on several threads.
    pub fn find(inputs: &[PathBuf], options: Options, n_threads: usize) -> Result<Self> {
        let mut found = Self { files: vec![], options, broken: vec![] };
        let paths = all_paths(inputs)?;
        ensure!(
            !paths.is_empty(),
            "no images in {} (expected {})",
            inputs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            EXTENSIONS.join(", ")
        );
        let look = |(path, name, label)| ImageFile::new(path, name, label, options.is_turned);
        parallel::in_order(n_threads, paths.into_iter().map(Ok), look, |file| {
            match file {
                Ok(file) => found.files.push(file),
                Err(e) if options.skips_broken => found.broken.push(text::one_line(&e)),
                Err(e) => return Err(e),
            }
            Ok(())
        })?;
        found.check_some()?;
        Ok(found)
    }

    /// Leaves out frames that can't be decoded: which, in order, and why, if so.
    pub fn leave_out(&mut self, errors: Vec<Option<String>>) -> Result<()> {
        let mut errors = errors.into_iter();
        for file in &mut self.files {
            let mut own: Vec<_> = errors.by_ref().take(file.pages.len()).collect();
            let mut is_whole = own.iter().map(Option::is_none).collect::<Vec<_>>().into_iter();
            // What comes after a broken frame of an animation is not known.
            let is_animation = file.pages.iter().any(|page| matches!(page.place, Place::Animation));
            if is_animation && own.iter().any(Option::is_some) {
                file.pages.clear();
                own.retain(Option::is_some);
                own.truncate(1);
            } else {
                file.pages.retain(|_| is_whole.next().unwrap_or(true));
            }
            self.broken.extend(own.into_iter().flatten());
        }
        self.files.retain(|file| !file.pages.is_empty());
        self.check_some()
    }

    fn check_some(&self) -> Result<()> {
        match &self.broken[..] {
            [first, ..] if self.files.is_empty() => bail!("no image can be read: {first}"),
            _ => Ok(()),
        }
    }

    pub fn n_frames(&self) -> u64 {
        self.files.iter().map(|file| file.pages.len() as u64).sum()
    }

    /// When each frame is shown, in seconds, and how many there are in a second, if all are shown as long, of one
    /// animation.
    pub fn times(&self) -> Option<(Vec<f64>, Option<f64>)> {
        let [file] = &self.files[..] else { return None };
        let [first, ..] = file.delays[..] else { return None };
        let starts = file.delays.iter().scan(Duration::ZERO, |at, delay| {
            let start = *at;
            *at += *delay;
            Some(start.as_secs_f64())
        });
        let is_steady = !first.is_zero() && file.delays.iter().all(|delay| *delay == first);
        Some((starts.collect(), is_steady.then(|| 1.0 / first.as_secs_f64())))
    }

    /// What the frames are along, if they are those of one file that says so.
    pub fn axes(&self) -> Option<&Axes> {
        let [file] = &self.files[..] else { return None };
        file.axes.as_ref().filter(|axes| axes.order.len() == file.pages.len())
    }

    fn pages(&self) -> impl Iterator<Item = (&ImageFile, &Page)> {
        self.files.iter().flat_map(|file| file.pages.iter().map(move |page| (file, page)))
    }

    pub fn have_colour(&self) -> bool {
        self.pages().any(|(_, page)| page.format.is_colour)
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
        let mut sizes = BTreeMap::<(u64, u64), (u64, &str)>::new();
        for (file, page) in self.pages() {
            sizes.entry((page.format.width, page.format.height)).or_insert((0, &file.name)).0 += 1;
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

/// The files, with names and labels.
fn all_paths(inputs: &[PathBuf]) -> Result<Vec<(PathBuf, String, String)>> {
    let n_folders = inputs.iter().filter(|input| input.is_dir()).count();
    let mut all = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let own_name = input.canonicalize().ok();
            let own_name = own_name.as_deref().and_then(Path::file_name).filter(|_| n_folders > 1);
            let label = own_name.map_or(String::new(), |name| name.to_string_lossy().into_owned());
            for path in images_in(input)? {
                let (name, label) = names_in(&path, input, &label);
                all.push((path, name, label));
            }
        } else {
            let name = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
            all.push((input.clone(), name, String::new()));
        }
    }
    Ok(all)
}

impl ImageFile {
    fn new(path: PathBuf, name: String, label: String, is_turned: bool) -> Result<Self> {
        let mut file = Self { path, name, label, pages: vec![], axes: None, delays: vec![] };
        file.look(is_turned).with_context(|| file.path.display().to_string())?;
        Ok(file)
    }

    /// Finds out which frames it has.
    fn look(&mut self, is_turned: bool) -> Result<()> {
        let path = &self.path;
        let page = |place, format| Page { format, place };
        match FileKind::of(path)? {
            FileKind::Tiff => {
                let frames = tiff::Frames::of(path, is_turned)?;
                let (axes, notes) = frames.axes();
                notes.iter().for_each(|note| eprintln!("h5h264: {}: {note}", path.display()));
                let order =
                    axes.as_ref().map_or((0..frames.pages.len()).collect(), |axes| axes.order.clone());
                let pages = order.into_iter().map(|i| frames.pages[i]);
                self.pages = pages.map(|(at, format)| page(Place::Tiff(at), format)).collect();
                self.axes = axes;
            }
            FileKind::Dicom => {
                let (n, format) = dicom::frames(path)?;
                self.pages = (0..n).map(|index| page(Place::Dicom(index), format)).collect();
            }
            FileKind::Foreign { what, help } => bail!("{what}, which is not read here ({help})"),
            FileKind::Image(kind) => match images::animation(path, kind)? {
                Some(animation) => {
                    self.pages = vec![page(Place::Animation, animation.format); animation.delays.len()];
                    self.delays = animation.delays;
                }
                None => self.pages = vec![page(Place::Whole, images::format(path, is_turned)?)],
            },
            FileKind::Other => self.pages = vec![page(Place::Whole, images::format(path, is_turned)?)],
        }
        Ok(())
    }

    /// What errors call one of its frames.
    pub fn name_of(&self, index: usize) -> String {
        let path = self.path.display();
        match self.pages[index].place {
            Place::Whole => path.to_string(),
            Place::Tiff(_) => format!("{path}, page {}", index + 1),
            Place::Dicom(_) | Place::Animation => format!("{path}, frame {}", index + 1),
        }
    }
}

/// The path of a file within a folder, and its folder there, with slashes.
fn names_in(path: &Path, folder: &Path, label: &str) -> (String, String) {
    let inner = path.strip_prefix(folder).unwrap_or(path);
    let slashes = |path: &Path| {
        path.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
    };
    let sub_folder = inner.parent().map_or(String::new(), slashes);
    let label: Vec<_> = [label, &sub_folder].into_iter().filter(|part| !part.is_empty()).collect();
    (slashes(inner), label.join("/"))
}

/// Whether a file's name says that there is an image in it.
pub fn is_named_as_image(path: &Path) -> bool {
    EXTENSIONS.contains(&&*extension(path))
}

/// Whether a file's name says that there is an image in it, or it has none that says anything and is a DICOM file:
/// those of a scanner are often so.
fn is_image(path: &Path) -> bool {
    let is_nameless = path.extension().is_none();
    is_named_as_image(path) || is_nameless && FileKind::of(path).is_ok_and(|kind| kind == FileKind::Dicom)
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
        } else if is_image(&path) {
            images.push(path);
        }
    }
    parents.pop();
    Ok(())
}
