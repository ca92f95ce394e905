use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};

/// `FILE` or `FILE:/path/in/it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub file: PathBuf,
    /// Absolute.
    pub object: Option<String>,
}

impl FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        // A file may have a name like that, too.
        let split = if Path::new(text).exists() { None } else { text.rsplit_once(":/") };
        Ok(match split {
            Some((file, object)) if !file.is_empty() => {
                Self { file: file.into(), object: Some(format!("/{}", object.trim_matches('/'))) }
            }
            _ => Self { file: text.into(), object: None },
        })
    }
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
            let Target { file, object } = text.parse().unwrap();
            (file.to_string_lossy().into_owned(), object)
        };
        assert_eq!(target("a.h5"), ("a.h5".into(), None));
        assert_eq!(target("a.h5:/g/frames"), ("a.h5".into(), Some("/g/frames".into())));
        assert_eq!(target("a.h5:/"), ("a.h5".into(), Some("/".into())));
        assert_eq!(target("x:/a.h5:/frames"), ("x:/a.h5".into(), Some("/frames".into())));
        assert_eq!(target(":/frames"), (":/frames".into(), None));
    }
}
