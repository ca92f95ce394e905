//! Asks an HDF5 library whether it has the filter.

use std::ffi::{c_char, c_int, c_uint};
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use libloading::{Library, Symbol};
use serde::{Deserialize, Serialize};

/// What a library says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    version: (u32, u32, u32),
    /// Whether the filter's number can be used.
    has_filter: bool,
    /// Where it looks for plugins.
    folders: Vec<String>,
}

/// A library that can't be asked is one that finds nothing.
#[derive(Debug)]
pub enum Outcome {
    Answered(Answer),
    Failed(String),
}

impl Outcome {
    pub fn finds_the_plugin(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.has_filter && answer.plugin_folder().is_some())
    }
}

impl Answer {
    fn plugin_folder(&self) -> Option<&String> {
        self.folders.iter().find(|folder| Path::new(folder).join(super::plugin_name()).is_file())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self {
            Self::Answered(answer) => answer,
            Self::Failed(reason) => return write!(f, "can't be asked ({reason})"),
        };
        let (major, minor, release) = answer.version;
        write!(f, "HDF5 {major}.{minor}.{release} ")?;
        match answer.plugin_folder() {
            Some(folder) if answer.has_filter => write!(f, "finds the plugin in {folder}"),
            Some(folder) => write!(f, "can't use the plugin in {folder}"),
            None if answer.has_filter => write!(f, "finds another plugin for the same filter"),
            None => write!(f, "does not find the plugin in {}", answer.folders.join(", ")),
        }
    }
}

/// Asks in a process of its own: a library may bring anything along.
pub fn ask_in_a_process(library: &Path) -> Result<Outcome> {
    let program = std::env::current_exe().context("this program's own path is not known")?;
    let output = Command::new(program).args(["plugin-path", "--probe"]).arg(library).output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let reason = message.lines().next_back().map_or(output.status.to_string(), |line| {
            line.strip_prefix("h5h264: ").unwrap_or(line).to_owned()
        });
        return Ok(Outcome::Failed(reason));
    }
    Ok(Outcome::Answered(serde_json::from_slice(&output.stdout)?))
}

pub fn ask(path: &Path) -> Result<Answer> {
    // SAFETY: loading runs the library's start-up code, as every program that uses HDF5 does.
    let library = unsafe { Library::new(path) }.context("it can't be loaded")?;
    // SAFETY: these functions have had these signatures since HDF5 1.10.1. The pointers are valid for the calls, and a
    // folder's name is written to as many bytes as the call is told.
    unsafe {
        let h5open: Symbol<unsafe extern "C" fn() -> c_int> = library.get(b"H5open\0")?;
        let version: Symbol<unsafe extern "C" fn(*mut c_uint, *mut c_uint, *mut c_uint) -> c_int> =
            library.get(b"H5get_libversion\0")?;
        let filter_avail: Symbol<unsafe extern "C" fn(c_int) -> c_int> = library.get(b"H5Zfilter_avail\0")?;
        let n_folders: Symbol<unsafe extern "C" fn(*mut c_uint) -> c_int> = library.get(b"H5PLsize\0")?;
        let folder: Symbol<unsafe extern "C" fn(c_uint, *mut c_char, usize) -> isize> =
            library.get(b"H5PLget\0")?;

        let (mut major, mut minor, mut release, mut n) = (0, 0, 0, 0);
        if h5open() < 0 || version(&mut major, &mut minor, &mut release) < 0 || n_folders(&mut n) < 0 {
            bail!("it does not start");
        }
        let name = |i| {
            let mut name = vec![0u8; usize::try_from(folder(i, std::ptr::null_mut(), 0)).ok()? + 1];
            folder(i, name.as_mut_ptr().cast(), name.len());
            name.pop();
            Some(String::from_utf8_lossy(&name).into_owned())
        };
        let folders = (0..n).filter_map(name).collect();
        let has_filter = filter_avail(h5h264::FILTER_ID) > 0;
        Ok(Answer { version: (major, minor, release), has_filter, folders })
    }
}
