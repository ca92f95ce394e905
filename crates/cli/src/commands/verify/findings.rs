//! What is wrong with files, printed and counted.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::h5::Unfiltered;
use crate::text;

/// What a finding is about.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    file: PathBuf,
    /// Its path; empty if it is about the file as a whole.
    dataset: String,
    /// If the dataset is virtual, where its elements are.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourcePlace>,
}

#[derive(Debug, Clone, Serialize)]
struct SourcePlace {
    file: PathBuf,
    dataset: String,
}

impl Place {
    pub fn new(file: &Path, dataset: &str) -> Self {
        Self { file: file.to_owned(), dataset: dataset.to_owned(), source: None }
    }

    /// A dataset that this one has elements from.
    pub fn source(&self, file: &Path, dataset: &str) -> Self {
        let source = SourcePlace { file: file.to_owned(), dataset: dataset.to_owned() };
        Self { source: Some(source), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, dataset, source } = self;
        write!(f, "{}{}{dataset}", file.display(), if dataset.is_empty() { "" } else { ":" })?;
        match source {
            Some(SourcePlace { file, dataset }) => write!(f, ": source {}:{dataset}", file.display()),
            None => Ok(()),
        }
    }
}

/// All findings.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub n_datasets: u64,
    pub n_chunks: u64,
    /// Of virtual datasets: the datasets that have their elements.
    pub n_sources: u64,
    damaged: Vec<Damage>,
    /// Datasets that could not be looked into.
    unreadable: Vec<Unreadable>,
    /// Datasets with chunks that were stored without our filter.
    unfiltered: Vec<WithUnfiltered>,
    /// Virtual datasets that HDF5 can't read as a whole in a process like this one.
    too_many_files: Vec<TooManyFiles>,
}

#[derive(Debug, Serialize)]
struct Damage {
    #[serde(flatten)]
    place: Place,
    /// Of the chunk's first element; absent if the dataset as a whole is damaged.
    chunk: Option<Vec<u64>>,
    cause: String,
}

#[derive(Debug, Serialize)]
struct Unreadable {
    #[serde(flatten)]
    place: Place,
    reason: String,
}

#[derive(Debug, Serialize)]
struct WithUnfiltered {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    chunks: Unfiltered,
}

#[derive(Debug, Serialize)]
struct TooManyFiles {
    #[serde(flatten)]
    place: Place,
    n_files: u64,
    most_open_files: u64,
}

/// Prints each finding as it comes.
pub struct Findings {
    pub report: Report,
    pub is_printing: bool,
    /// Of the file that is looked into.
    pub bar: ProgressBar,
}

impl Findings {
    /// Of what is damaged, or can't be opened.
    pub fn damage(&mut self, place: &Place, cause: &Error) -> Result<()> {
        self.damage_of_chunk(place, None, text::one_line(cause))
    }

    pub fn damage_of_chunk(&mut self, place: &Place, chunk: Option<Vec<u64>>, cause: String) -> Result<()> {
        let coordinates = chunk.as_deref().map(|offset| format!(" {}", text::coordinates(offset)));
        self.print(&format!("{place}{}: {cause}", coordinates.unwrap_or_default()))?;
        self.report.damaged.push(Damage { place: place.clone(), chunk, cause });
        Ok(())
    }

    pub fn unreadable(&mut self, place: &Place, reason: String) -> Result<()> {
        self.print(&format!("{place}: not checked: {reason}"))?;
        self.report.unreadable.push(Unreadable { place: place.clone(), reason });
        Ok(())
    }

    /// Chunks that are whole, but not compressed: no damage.
    pub fn unfiltered(&mut self, place: &Place, chunks: Unfiltered) -> Result<()> {
        let Some(text) = chunks.text() else { return Ok(()) };
        self.print(&format!("{place}: {text}"))?;
        self.report.unfiltered.push(WithUnfiltered { place: place.clone(), chunks });
        Ok(())
    }

    /// The dataset is whole, but who reads it hits a limit, and does not hear of it: no damage.
    pub fn too_many_files(&mut self, place: &Place, n_files: u64, most_open_files: u64) -> Result<()> {
        self.print(&format!(
            "{place}: HDF5 reads it with all its {n_files} source files open; a process here may open \
             {most_open_files} (ulimit -n), and gets the fill value from the others, without an error"
        ))?;
        self.report.too_many_files.push(TooManyFiles { place: place.clone(), n_files, most_open_files });
        Ok(())
    }

    fn print(&self, line: &str) -> Result<()> {
        if self.is_printing {
            self.bar.suspend(|| text::print_line(line))?;
        }
        Ok(())
    }
}

impl Report {
    pub fn n_damaged(&self) -> usize {
        self.damaged.len()
    }

    /// What was looked into.
    pub fn text(&self) -> String {
        let chunks = text::count(self.n_chunks, "chunk");
        let decoded = format!("{chunks} of {} decoded", text::count(self.n_datasets, "dataset"));
        match self.n_sources {
            0 => decoded,
            n => format!("{decoded}, {} of virtual datasets", text::count(n, "source")),
        }
    }
}
