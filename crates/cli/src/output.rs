use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Context, Result, bail};
use tempfile::{Builder, TempPath};

/// The file that is being written, for the handler of Ctrl-C.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A file that gets its name when it is complete. Until then it has another one, in the same folder,
/// and goes away if anything fails.
pub struct Output {
    temporary: TempPath,
    target: PathBuf,
}

impl Output {
    /// Makes an empty file for `target`, which must not be one of the `inputs`.
    pub fn new(target: &Path, inputs: &[&Path]) -> Result<Self> {
        let name = target.file_name().with_context(|| format!("{} is no file name", target.display()))?;
        if target.is_dir() {
            bail!("{} is a folder (expected a file name)", target.display());
        }
        let same = |input: &&&Path| same_file(input, target);
        if let Some(input) = inputs.iter().find(same) {
            bail!("the output is the input {}", input.display());
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).with_context(|| format!("can't create {}", folder.display()))?;
        let prefix = format!(".{}.", name.to_string_lossy());
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // What a new file gets, instead of what a temporary one does: its owner alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary =
            builder.tempfile_in(folder).with_context(|| format!("can't write to {}", folder.display()))?;
        let temporary = temporary.into_temp_path();
        remove_on_signal(&temporary);
        Ok(Self { temporary, target: target.to_owned() })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the file its name, once it is on the disk.
    pub fn finish(self) -> Result<()> {
        let describe = || format!("can't write {}", self.target.display());
        File::options()
            .write(true)
            .open(&self.temporary)
            .and_then(|file| file.sync_all())
            .with_context(describe)?;
        let target = self.target.clone();
        self.temporary.persist(&self.target).with_context(|| format!("can't write {}", target.display()))?;
        *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // So that the name is on the disk, too, where folders can be opened.
        if let Some(folder) = target.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// `path`, with `.h5` if it has no extension.
pub fn with_h5_extension(path: &Path) -> PathBuf {
    if path.extension().is_some() { path.to_owned() } else { path.with_extension("h5") }
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn remove_on_signal(temporary: &Path) {
    static HANDLER: Once = Once::new();
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = Some(temporary.to_owned());
    HANDLER.call_once(|| {
        // Without a handler the file stays, under its temporary name.
        let _ = ctrlc::set_handler(|| {
            if let Some(file) = &*UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) {
                let _ = fs::remove_file(file);
            }
            // As shells report an interrupted program.
            std::process::exit(130);
        });
    });
}
