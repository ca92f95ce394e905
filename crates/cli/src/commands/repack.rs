mod images;
mod named;
mod source;
mod tree;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use globset::Glob;
use hdf5::File;
use hdf5::plist::DatasetCreate;
use serde::Serialize;
use serde_json::json;

use crate::h5::{self, Entry, Explain, Object};
use crate::links::Folders;
use crate::output::Output;
use crate::parallel::Threads;
use crate::preset::PresetOption;
use crate::{progress, text};

use images::{Choice, Repacked, Repacker};
use named::Named;

/// Compress all datasets of images again, on all cores, and copy everything else
///
/// Every new chunk is decoded and compared with the original, and read back from the new file before this gets
/// its name. Attributes, links, references and datatypes stay the same.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file to read
    input: PathBuf,
    /// The file to write
    output: PathBuf,
    /// Repack only these datasets, whatever their size. * and ** match parts of paths. May be repeated
    #[arg(long, value_name = "GLOB")]
    dataset: Vec<Glob>,
    #[command(flatten)]
    preset: PresetOption,
    /// Take what external links lead to into the new file, and the elements of virtual datasets
    #[arg(long)]
    follow_external: bool,
    /// Use another filter than h5h264, for people who can't install a plugin
    #[arg(long, value_enum, conflicts_with = "preset")]
    filter: Option<OtherFilter>,
    /// Do not decode new chunks for comparison, and do not read them back
    #[arg(long)]
    no_verify: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OtherFilter {
    /// Gzip of level 4, after shuffle
    Gzip,
    /// No compression
    None,
}

#[derive(Serialize)]
struct Report {
    path: String,
    raw_bytes: u64,
    before_bytes: u64,
    after_bytes: u64,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let input = h5::open_file(&self.input)?;
        let output = Output::new(&self.output, &[&self.input])?;
        let choice = self.choice(&input)?;
        let repacked = self.write(&input, output.path(), &choice)?;
        if !self.no_verify {
            self.verify(output.path(), &repacked)?;
        }
        output.finish()?;
        self.report(&repacked)
    }

    fn choice(&self, input: &File) -> Result<Choice> {
        let named = match &self.dataset[..] {
            [] => None,
            globs => Some(Named::in_file(globs, input)?),
        };
        let filters = match self.filter {
            None => vec![self.preset.filter()],
            Some(OtherFilter::Gzip) => vec![(h5::SHUFFLE, vec![]), (h5::GZIP, vec![4])],
            Some(OtherFilter::None) => vec![],
        };
        Ok(Choice { named, filters })
    }

    fn write(&self, input: &File, path: &Path, choice: &Choice) -> Result<Vec<Repacked>> {
        let file = h5::create_file_like(input, path)?;
        let bar = progress::bar(h5::stored_bytes(input)?, "repacking");
        let mut repacked = Vec::new();
        let folders = Folders::of(&self.input, &self.output);
        let followed = self.follow_external.then_some(&folders);
        let (n_threads, is_checking) = (self.threads.n(), !self.no_verify);
        let repacker = Repacker { choice, n_threads, is_checking, followed, bar: &bar };
        tree::copy(input, &file, &folders, self.follow_external, |path, from, place, datatype| {
            let space = from.space().explained()?;
            let create = |plist: &DatasetCreate| {
                h5::create_dataset(&place.parent, place.name, datatype, &space, plist, &place.link)
            };
            let written = repacker.repack(path, from, create)?;
            let is_written = written.is_some();
            repacked.extend(written);
            Ok(is_written)
        })?;
        bar.finish_and_clear();
        h5::close_file(file)?;
        h5::copy_user_block(input, &self.input, path)?;
        Ok(repacked)
    }

    /// Reads the new file back, and compares every chunk with the one that was found right. What HDF5 has
    /// copied is looked at, not read.
    fn verify(&self, path: &Path, repacked: &[Repacked]) -> Result<()> {
        let file = h5::open_file(path)?;
        h5::walk(&file, "/", |_, path, _, entry| match entry {
            Entry::Object(Object::Dataset(dataset)) => {
                dataset.create_plist().map(drop).explained().with_context(|| path.to_owned())
            }
            Entry::Unreadable(e) => Err(e),
            _ => Ok(()),
        })?;
        let bar = progress::bar(repacked.iter().map(|one| one.after_bytes).sum(), "verifying");
        for one in repacked {
            one.verify(&file, self.threads.n(), &bar).with_context(|| one.path.clone())?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn report(&self, repacked: &[Repacked]) -> Result<()> {
        let size = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
        let (before, after) = (size(&self.input)?, size(&self.output)?);
        let mut out = io::stdout();
        if self.json {
            let datasets: Vec<_> = repacked.iter().map(Repacked::report).collect();
            let report = json!({"before_bytes": before, "after_bytes": after, "datasets": datasets});
            return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?);
        }
        for one in repacked {
            writeln!(out, "{}  {}", one.path, saved(one.before_bytes, one.after_bytes))?;
        }
        Ok(writeln!(out, "{}  {}", self.output.display(), saved(before, after))?)
    }
}

fn saved(before: u64, after: u64) -> String {
    let percent = 100.0 * (1.0 - after as f64 / before.max(1) as f64);
    let change = if percent < 0.0 { "larger" } else { "saved" };
    format!("{} → {}, {:.1} % {change}", text::bytes(before), text::bytes(after), percent.abs())
}
