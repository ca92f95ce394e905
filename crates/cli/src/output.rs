use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use tempfile::{Builder, TempDir, TempPath};

use crate::signals;

/// A temporary name has at most so many bytes of the name that it stands for: names end at 255.
const MOST_NAME_BYTES: usize = 200;
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// A file that gets its name when it is complete. Until then it has another one, in the same folder,
/// and goes away if anything fails.
pub struct Output {
    // Fields are dropped in this order.
    temporary: TempPath,
    target: PathBuf,
    _folders: NewFolders,
}

impl Output {
    /// Makes an empty file for `target`, which must not be one of the `inputs`.
    pub fn new(target: &Path, inputs: &[&Path]) -> Result<Self> {
        let target = checked(target, &canonical(inputs))?;
        let mut unfinished = removed_on_signal();
        let folders = NewFolders::create(folder_of(&target))?;
        let prefix = temporary_prefix(&target);
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // What a new file gets, instead of what a temporary one does: its owner alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder_of(&target)).with_context(|| cant_write(&target))?;
        let temporary = temporary.into_temp_path();
        *unfinished = Some(Unfinished { path: temporary.to_path_buf(), folders: folders.clone() });
        Ok(Self { temporary, target, _folders: folders })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Where the file is going to be, as far as links lead.
    pub fn folder(&self) -> &Path {
        folder_of(&self.target)
    }

    /// Gives the file its name, once it is on the disk.
    pub fn finish(self) -> Result<()> {
        sync(&self.temporary).and_then(|()| keep_mode(&self.temporary, &self.target))?;
        // A signal may come at any time, but not between the two.
        let mut unfinished = unfinished();
        self.temporary.persist(&self.target).with_context(|| cant_write(&self.target))?;
        *unfinished = None;
        sync_folder(&self.target);
        Ok(())
    }
}

/// Files in one folder that get their names when all of them are complete. Until then they are in a temporary
/// folder there, and go away if anything fails.
pub struct OutputSeries {
    temporary: TempDir,
    targets: Vec<PathBuf>,
    _folders: NewFolders,
}

impl OutputSeries {
    /// None of the `targets`, which are in one folder, must be one of the `inputs`.
    pub fn new(targets: Vec<PathBuf>, inputs: &[&Path]) -> Result<Self> {
        let inputs = canonical(inputs);
        for target in &targets {
            let resolved = checked(target, &inputs)?;
            let is_here = resolved.parent() == target.parent();
            ensure!(is_here, "{} is a link to {}", target.display(), resolved.display());
        }
        let first = targets.first().context("no files to write")?;
        let mut unfinished = removed_on_signal();
        let folders = NewFolders::create(folder_of(first))?;
        let prefix = temporary_prefix(first);
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".part");
        let temporary = builder.tempdir_in(folder_of(first)).with_context(|| cant_write(first))?;
        *unfinished = Some(Unfinished { path: temporary.path().to_owned(), folders: folders.clone() });
        Ok(Self { temporary, targets, _folders: folders })
    }

    /// Writes one of the files.
    pub fn write(&self, index: usize, content: &[u8]) -> Result<()> {
        let target = &self.targets[index];
        let path = self.path(target);
        // Not while a signal removes the folder.
        let _unfinished = unfinished();
        fs::write(&path, content).with_context(|| cant_write(target))?;
        sync(&path)
    }

    fn path(&self, target: &Path) -> PathBuf {
        self.temporary.path().join(target.file_name().unwrap_or_default())
    }

    /// Gives the files their names: all, or none if that fails for one.
    pub fn finish(self) -> Result<()> {
        let mut unfinished = unfinished();
        let replaced = self.temporary.path().join("replaced");
        fs::create_dir(&replaced).with_context(|| cant_write(&replaced))?;
        let mut renamed = Vec::new();
        for target in &self.targets {
            if let Err(e) = self.replace(target, &replaced, &mut renamed) {
                // What can't be undone stays as it is.
                renamed.iter().rev().for_each(|(from, to)| drop(fs::rename(to, from)));
                return Err(e);
            }
        }
        *unfinished = None;
        self.targets.first().into_iter().for_each(|target| sync_folder(target));
        Ok(())
    }

    /// Gives a file its name, and keeps the file that had it. Adds to `renamed` from what to what files were renamed.
    fn replace(&self, target: &Path, replaced: &Path, renamed: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
        let (path, resolved) = (self.path(target), resolved(target)?);
        if resolved.exists() {
            keep_mode(&path, &resolved)?;
            let kept = replaced.join(target.file_name().unwrap_or_default());
            // With a second name, the file is never without one. Not all file systems have that.
            let moved = fs::hard_link(&resolved, &kept).or_else(|_| fs::rename(&resolved, &kept));
            moved.with_context(|| cant_write(target))?;
            renamed.push((resolved.clone(), kept));
        }
        fs::rename(&path, &resolved).with_context(|| cant_write(target))?;
        renamed.push((path, resolved));
        Ok(())
    }
}

/// Folders that did not exist before; they go away again if they stay empty.
#[derive(Clone)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn create(folder: &Path) -> Result<Self> {
        let missing =
            folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let new = Self(missing.map(Path::to_owned).collect());
        fs::create_dir_all(folder).with_context(|| format!("can't create {}", folder.display()))?;
        Ok(new)
    }

    fn remove(&self) {
        // Those that are not empty stay.
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        self.remove();
    }
}

/// `path`, with `.h5` if it has no extension.
pub fn with_h5_extension(path: &Path) -> PathBuf {
    if path.extension().is_some() { path.to_owned() } else { path.with_extension("h5") }
}

/// What can be written in place of `target`: where that leads if it is a link, and no input.
fn checked(target: &Path, inputs: &[PathBuf]) -> Result<PathBuf> {
    ensure!(target.file_name().is_some(), "{} is not a file name", target.display());
    let resolved = resolved(target)?;
    let Ok(metadata) = fs::metadata(&resolved) else { return Ok(resolved) };
    if metadata.is_dir() {
        bail!("{} is a folder (expected a file name)", target.display());
    }
    ensure!(metadata.is_file(), "{} is not a regular file", target.display());
    let canonical = resolved.canonicalize().with_context(|| cant_write(target))?;
    ensure!(!inputs.contains(&canonical), "the output is the input {}", target.display());
    Ok(resolved)
}

fn canonical(inputs: &[&Path]) -> Vec<PathBuf> {
    inputs.iter().filter_map(|input| input.canonicalize().ok()).collect()
}

/// Where symbolic links lead, perhaps to what does not exist.
fn resolved(target: &Path) -> Result<PathBuf> {
    let mut path = target.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // One that is absolute replaces all.
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    bail!("{}: too many symbolic links", target.display())
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary_prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let is_end = |i: &usize| name.is_char_boundary(*i);
    let end = (0..=name.len().min(MOST_NAME_BYTES)).rev().find(is_end).unwrap_or(0);
    format!(".{}.", &name[..end])
}

fn cant_write(target: &Path) -> String {
    format!("can't write {}", target.display())
}

fn sync(path: &Path) -> Result<()> {
    let synced = File::options().write(true).open(path).and_then(|file| file.sync_all());
    synced.with_context(|| cant_write(path))
}

/// So that the name is on the disk, too, where folders can be opened.
fn sync_folder(target: &Path) {
    if let Ok(folder) = File::open(folder_of(target)) {
        let _ = folder.sync_all();
    }
}

/// Gives `path` the permissions of the file that it replaces.
fn keep_mode(path: &Path, target: &Path) -> Result<()> {
    match fs::metadata(target) {
        Ok(metadata) => fs::set_permissions(path, metadata.permissions()).with_context(|| cant_write(target)),
        Err(_) => Ok(()),
    }
}

/// What is being written, for signals.
struct Unfinished {
    path: PathBuf,
    folders: NewFolders,
}

static UNFINISHED: Mutex<Option<Unfinished>> = Mutex::new(None);

fn unfinished() -> MutexGuard<'static, Option<Unfinished>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes away if a signal ends the program, which it does not do before this guard is dropped.
fn removed_on_signal() -> MutexGuard<'static, Option<Unfinished>> {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // Without a handler the file stays, under its temporary name.
        let _ = signals::before_end(|| {
            let mut unfinished = unfinished();
            if let Some(Unfinished { path, folders }) = unfinished.take() {
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
                folders.remove();
            }
            // What waits for it does so until the program ends.
            std::mem::forget(unfinished);
        });
    });
    unfinished()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_not_too_long() {
        assert_eq!(temporary_prefix(Path::new("a/out.h5")), ".out.h5.");
        let prefix = temporary_prefix(Path::new(&"ä".repeat(127)));
        assert!(prefix.len() <= MOST_NAME_BYTES + 2 && prefix.starts_with(".ää"));
    }
}
