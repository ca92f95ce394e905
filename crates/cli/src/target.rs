use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// `FILE` or `FILE:/path/in/it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub file: PathBuf,
    /// Absolute.
    pub object: Option<String>,
}

impl From<OsString> for Target {
    fn from(text: OsString) -> Self {
        // A file may have a name like that, too.
        let split = if Path::new(&text).exists() { None } else { split(&text) };
        match split {
            Some((file, object)) if !file.as_os_str().is_empty() => {
                Self { file, object: Some(format!("/{}", object.trim_matches('/'))) }
            }
            _ => Self { file: text.into(), object: None },
        }
    }
}

/// At the last `:/`, behind which there is text.
#[cfg(unix)]
fn split(text: &OsStr) -> Option<(PathBuf, String)> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = text.as_bytes();
    let at = bytes.windows(2).rposition(|window| window == b":/")?;
    let object = std::str::from_utf8(&bytes[at + 2..]).ok()?;
    Some((OsStr::from_bytes(&bytes[..at]).into(), object.to_owned()))
}

/// At the last `:/`.
#[cfg(not(unix))]
fn split(text: &OsStr) -> Option<(PathBuf, String)> {
    let (file, object) = text.to_str()?.rsplit_once(":/")?;
    Some((file.into(), object.to_owned()))
}

impl Target {
    /// The path of the dataset that the command line has to name.
    pub fn dataset(&self) -> Result<&str> {
        match &self.object {
            Some(object) => Ok(object),
            None => bail!("no dataset is named (expected {}:/dataset)", self.file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_file_and_perhaps_an_object() {
        let target = |text: &str| {
            let Target { file, object } = OsString::from(text).into();
            (file.to_string_lossy().into_owned(), object)
        };
        assert_eq!(target("a.h5"), ("a.h5".into(), None));
        assert_eq!(target("a.h5:/g/frames"), ("a.h5".into(), Some("/g/frames".into())));
        assert_eq!(target("a.h5:/"), ("a.h5".into(), Some("/".into())));
        assert_eq!(target("x:/a.h5:/frames"), ("x:/a.h5".into(), Some("/frames".into())));
        assert_eq!(target(":/frames"), (":/frames".into(), None));
    }

    #[cfg(unix)]
    #[test]
    fn names_of_files_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let target = Target::from(OsString::from_vec(b"caf\xe9.h5:/b".to_vec()));
        assert_eq!(target.file, PathBuf::from(OsString::from_vec(b"caf\xe9.h5".to_vec())));
        assert_eq!(target.object.as_deref(), Some("/b"));
    }
}
