use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use hdf5::Dataset;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::codec::Pipeline;
use crate::h5::{self, Entry, Explain, FilterUse, Grid, Object, StoredChunk, StoredChunks, Unfiltered};
use crate::parallel::{self, Threads};
use crate::{progress, text};

/// Decode every chunk of every dataset and report those that are damaged
///
/// Exits with 1 if there is damage. Datasets with a filter that is not available are listed and do not count
/// as damaged. So are chunks that a program has stored without the filter h5h264, because it did not have it.
#[derive(Debug, Args)]
pub struct Arguments {
    /// HDF5 files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Debug, Serialize)]
struct Report {
    n_datasets: u64,
    n_chunks: u64,
    damaged: Vec<Damage>,
    /// Datasets that could not be looked into.
    unreadable: Vec<Unreadable>,
    /// Datasets with chunks that were stored without our filter.
    unfiltered: Vec<WithUnfiltered>,
}

#[derive(Debug, Serialize)]
struct WithUnfiltered {
    file: PathBuf,
    dataset: String,
    #[serde(flatten)]
    chunks: Unfiltered,
}

#[derive(Debug, Serialize)]
struct Damage {
    file: PathBuf,
    /// Its path; empty if the file as a whole can't be read.
    dataset: String,
    /// Of the chunk's first element; absent if the dataset as a whole is damaged.
    chunk: Option<Vec<u64>>,
    cause: String,
}

#[derive(Debug, Serialize)]
struct Unreadable {
    file: PathBuf,
    dataset: String,
    reason: String,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let mut verifier = Verifier {
            n_threads: self.threads.n(),
            report: Report {
                n_datasets: 0,
                n_chunks: 0,
                damaged: vec![],
                unreadable: vec![],
                unfiltered: vec![],
            },
            file: PathBuf::new(),
            is_printing: !self.json,
        };
        for file in &self.files {
            verifier.file(file)?;
        }
        let report = verifier.report;
        if self.json {
            text::print_line(&serde_json::to_string_pretty(&report)?)?;
        } else {
            let chunks = text::count(report.n_chunks, "chunk");
            text::print_line(&format!("{chunks} of {} decoded", text::count(report.n_datasets, "dataset")))?;
        }
        match report.damaged.len() {
            0 => Ok(()),
            n => bail!("damage in {}", text::count(n as u64, "place")),
        }
    }
}

struct Verifier {
    n_threads: usize,
    report: Report,
    file: PathBuf,
    is_printing: bool,
}

impl Verifier {
    fn file(&mut self, path: &Path) -> Result<()> {
        self.file = path.to_owned();
        let opened = h5::open_file(path).and_then(|file| Ok((h5::stored_bytes(&file)?, file)));
        let (n_bytes, file) = match opened {
            Ok(opened) => opened,
            Err(e) => return self.damage("", None, text::one_line(&e), &ProgressBar::hidden()),
        };
        let bar = progress::bar(n_bytes, &path.to_string_lossy());
        let (mut datasets, mut unreadable) = (Vec::new(), Vec::new());
        h5::walk(&file, "/", |_, path, _, entry| {
            match entry {
                Entry::Object(Object::Dataset(_)) => datasets.push(path.to_owned()),
                Entry::Unreadable(e) => unreadable.push((path.to_owned(), e)),
                _ => (),
            }
            Ok(())
        })?;
        for (name, e) in unreadable {
            self.damage(&name, None, text::one_line(&e), &bar)?;
        }
        // One at a time, each with its own cache.
        for name in datasets {
            self.report.n_datasets += 1;
            match file.dataset(&name).explained().and_then(|dataset| Ok((h5::filters_of(&dataset)?, dataset)))
            {
                Ok((filters, dataset)) => self.dataset(&name, &dataset, &filters, &bar)?,
                Err(e) => self.damage(&name, None, text::one_line(&e), &bar)?,
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn dataset(
        &mut self,
        name: &str,
        dataset: &Dataset,
        filters: &[FilterUse],
        bar: &ProgressBar,
    ) -> Result<()> {
        let missing = filters.iter().find(|filter| !h5::is_available(filter.id));
        if let Some(filter) = missing {
            let reason = format!("{} is not available here", filter.known_name());
            return self.unreadable(name, reason, bar);
        }
        let Some(grid) = Grid::of(dataset) else { return self.unchunked(name, dataset, bar) };
        let chunks = match StoredChunks::of(dataset, &grid) {
            Ok(chunks) => chunks,
            Err(e) => return self.damage(name, None, text::one_line(&e), bar),
        };
        if let Some(place) = filters.iter().position(|filter| filter.id == h5h264::FILTER_ID) {
            self.unfiltered(name, chunks.unfiltered(place), bar)?;
        }
        match Pipeline::of_dataset(dataset, &grid)? {
            Some(pipeline) => self.chunks_here(name, &chunks, &pipeline, bar),
            None => self.chunks_through_hdf5(name, dataset, &chunks, bar),
        }
    }

    /// Chunks that are decoded outside of HDF5, several at once.
    fn chunks_here(
        &mut self,
        name: &str,
        chunks: &StoredChunks<'_>,
        pipeline: &Pipeline,
        bar: &ProgressBar,
    ) -> Result<()> {
        let stored = chunks.iter().map(|(offset, chunk)| {
            let read = chunks.read(&offset, chunk);
            Ok((offset, chunk, read))
        });
        let n_threads = self.n_threads;
        let threads_per_chunk = chunks.grid.threads_per_chunk(n_threads);
        let decode = |(offset, chunk, bytes): (Vec<u64>, StoredChunk, Result<Vec<u8>>)| {
            let decoded =
                bytes.and_then(|bytes| pipeline.decode(bytes, chunk.filter_mask, threads_per_chunk));
            (offset, chunk.n_bytes, decoded.err().map(|e| text::one_line(&e)))
        };
        parallel::in_order(n_threads, stored, decode, |(offset, n_bytes, cause)| {
            bar.inc(n_bytes);
            self.report.n_chunks += 1;
            cause.map_or(Ok(()), |cause| self.damage(name, Some(offset), cause, bar))
        })
    }

    /// Chunks of other filters.
    fn chunks_through_hdf5(
        &mut self,
        name: &str,
        dataset: &Dataset,
        chunks: &StoredChunks<'_>,
        bar: &ProgressBar,
    ) -> Result<()> {
        for (offset, chunk) in chunks.iter() {
            bar.inc(chunk.n_bytes);
            self.report.n_chunks += 1;
            if let Err(e) = h5::touch(dataset, &offset, &chunks.grid.extent_at(&offset)) {
                self.damage(name, Some(offset), text::one_line(&e), bar)?;
            }
        }
        Ok(())
    }

    /// Contiguous, compact, external and virtual datasets.
    fn unchunked(&mut self, name: &str, dataset: &Dataset, bar: &ProgressBar) -> Result<()> {
        bar.inc(dataset.storage_size());
        if dataset.size() == 0 {
            return Ok(());
        }
        let parts = Grid::of_parts(dataset)?;
        for offset in parts.offsets() {
            if let Err(e) = h5::touch(dataset, &offset, &parts.extent_at(&offset)) {
                return self.damage(name, None, text::one_line(&e), bar);
            }
        }
        Ok(())
    }

    fn damage(
        &mut self,
        name: &str,
        chunk: Option<Vec<u64>>,
        cause: String,
        bar: &ProgressBar,
    ) -> Result<()> {
        let damage = Damage { file: self.file.clone(), dataset: name.into(), chunk, cause };
        let place = damage.chunk.as_ref().map(|offset| format!(" {}", text::coordinates(offset)));
        let place = place.unwrap_or_default();
        self.print(
            format!(
                "{}{}{name}{place}: {}",
                self.file.display(),
                if name.is_empty() { "" } else { ":" },
                damage.cause
            ),
            bar,
        )?;
        self.report.damaged.push(damage);
        Ok(())
    }

    fn unreadable(&mut self, name: &str, reason: String, bar: &ProgressBar) -> Result<()> {
        self.print(format!("{}:{name}: not checked: {reason}", self.file.display()), bar)?;
        self.report.unreadable.push(Unreadable { file: self.file.clone(), dataset: name.into(), reason });
        Ok(())
    }

    /// Chunks that are whole, but not compressed: no damage.
    fn unfiltered(&mut self, name: &str, chunks: Unfiltered, bar: &ProgressBar) -> Result<()> {
        let Some(text) = chunks.text() else { return Ok(()) };
        self.print(format!("{}:{name}: {text}", self.file.display()), bar)?;
        self.report.unfiltered.push(WithUnfiltered { file: self.file.clone(), dataset: name.into(), chunks });
        Ok(())
    }

    fn print(&self, line: String, bar: &ProgressBar) -> Result<()> {
        if self.is_printing {
            bar.suspend(|| text::print_line(&line))?;
        }
        Ok(())
    }
}
