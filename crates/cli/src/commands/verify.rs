mod findings;
mod search;
mod sources;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use hdf5::{Dataset, File};
use indicatif::ProgressBar;

use crate::codec::Pipeline;
use crate::h5::{self, Bounds, Entry, Explain, Grid, Object, StoredChunk, StoredChunks};
use crate::parallel::{self, Threads};
use crate::{progress, text};

use findings::{Findings, Place, Report};
use sources::Sources;

/// Decode every chunk of every dataset and report those that are damaged
///
/// Exits with 1 if there is damage, or if a source of a virtual dataset is missing. Datasets with a filter that is
/// not available are listed and do not count as damaged. So are chunks that a program has stored without the filter
/// h5h264, because it did not have it.
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

impl Arguments {
    pub fn run(self) -> Result<()> {
        let findings =
            Findings { report: Report::default(), is_printing: !self.json, bar: ProgressBar::hidden() };
        let mut verifier = Verifier {
            n_threads: self.threads.n(),
            files: self.files.iter().filter_map(|file| file.canonicalize().ok()).collect(),
            findings,
        };
        for file in &self.files {
            verifier.file(file)?;
        }
        let report = verifier.findings.report;
        if self.json {
            text::print_line(&serde_json::to_string_pretty(&report)?)?;
        } else {
            text::print_line(&report.text())?;
        }
        match report.n_damaged() {
            0 => Ok(()),
            n => bail!("damage in {}", text::count(n as u64, "place")),
        }
    }
}

struct Verifier {
    n_threads: usize,
    /// All that are verified, absolute and without symbolic links.
    files: HashSet<PathBuf>,
    findings: Findings,
}

impl Verifier {
    fn file(&mut self, path: &Path) -> Result<()> {
        let opened = h5::open_file(path).and_then(|file| Ok((h5::stored_bytes(&file)?, file)));
        let (n_bytes, file) = match opened {
            Ok(opened) => opened,
            Err(e) => return self.findings.damage(&Place::new(path, ""), &e),
        };
        self.findings.bar = progress::bar(n_bytes, &path.to_string_lossy());
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
            self.findings.damage(&Place::new(path, &name), &e)?;
        }
        // One at a time, each with its own cache.
        for name in datasets {
            self.findings.report.n_datasets += 1;
            self.dataset_of_file(path, &file, &name)?;
        }
        self.findings.bar.finish_and_clear();
        Ok(())
    }

    fn dataset_of_file(&mut self, path: &Path, file: &File, name: &str) -> Result<()> {
        let place = Place::new(path, name);
        let opened = file.dataset(name).explained();
        match opened.and_then(|dataset| Ok((h5::is_virtual(&dataset)?, dataset))) {
            Ok((true, dataset)) => Sources::new(self, &place).check(&dataset),
            Ok((false, dataset)) => self.dataset(&place, &dataset, None),
            Err(e) => self.findings.damage(&place, &e),
        }
    }

    /// A dataset that is not virtual, or what of it these bounds reach into.
    fn dataset(&mut self, place: &Place, dataset: &Dataset, bounds: Option<&[Bounds]>) -> Result<()> {
        let filters = match h5::filters_of(dataset) {
            Ok(filters) => filters,
            Err(e) => return self.findings.damage(place, &e),
        };
        let missing = filters.iter().find(|filter| !h5::is_available(filter.id));
        if let Some(filter) = missing {
            return self.findings.unreadable(place, filter.advice());
        }
        let Some(grid) = Grid::of(dataset) else { return self.unchunked(place, dataset, bounds) };
        let mut chunks = match StoredChunks::of(dataset, &grid) {
            Ok(chunks) => chunks,
            Err(e) => return self.findings.damage(place, &e),
        };
        chunks.retain(|offset| are_reached(bounds, offset, &grid.chunk));
        if let Some(index) = filters.iter().position(|filter| filter.id == h5h264::FILTER_ID) {
            self.findings.unfiltered(place, chunks.unfiltered(index))?;
        }
        match Pipeline::of_dataset(dataset, &grid)? {
            Some(pipeline) => self.chunks_here(place, &chunks, &pipeline),
            None => self.chunks_through_hdf5(place, dataset, &chunks),
        }
    }

    /// Chunks that are decoded outside of HDF5, several at once.
    fn chunks_here(&mut self, place: &Place, chunks: &StoredChunks<'_>, pipeline: &Pipeline) -> Result<()> {
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
            self.findings.bar.inc(n_bytes);
            self.findings.report.n_chunks += 1;
            match cause {
                Some(cause) => self.findings.damage_of_chunk(place, Some(offset), cause),
                None => Ok(()),
            }
        })
    }

    /// Chunks of other filters.
    fn chunks_through_hdf5(
        &mut self,
        place: &Place,
        dataset: &Dataset,
        chunks: &StoredChunks<'_>,
    ) -> Result<()> {
        for (offset, chunk) in chunks.iter() {
            self.findings.bar.inc(chunk.n_bytes);
            self.findings.report.n_chunks += 1;
            if let Err(e) = h5::touch(dataset, &offset, &chunks.grid.extent_at(&offset)) {
                self.findings.damage_of_chunk(place, Some(offset), text::one_line(&e))?;
            }
        }
        Ok(())
    }

    /// Contiguous, compact and external datasets.
    fn unchunked(&mut self, place: &Place, dataset: &Dataset, bounds: Option<&[Bounds]>) -> Result<()> {
        self.findings.bar.inc(dataset.storage_size());
        if dataset.size() == 0 {
            return Ok(());
        }
        let parts = Grid::of_parts(dataset)?;
        for offset in parts.offsets() {
            let extent = parts.extent_at(&offset);
            if !are_reached(bounds, &offset, &extent) {
                continue;
            }
            if let Err(e) = h5::touch(dataset, &offset, &extent) {
                return self.findings.damage(place, &e);
            }
        }
        Ok(())
    }
}

/// Whether a part of a dataset is one that is to be verified.
fn are_reached(bounds: Option<&[Bounds]>, offset: &[u64], extent: &[u64]) -> bool {
    bounds.is_none_or(|all| all.iter().any(|bounds| bounds.reach_into(offset, extent)))
}
