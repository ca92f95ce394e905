pub mod inputs;
pub mod merger;
pub mod plan;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;

use crate::links::Folders;
use crate::output::Output;
use crate::parallel::Threads;
use crate::{h5, progress, text};

use inputs::{Files, Inputs};
use merger::{Merger, Values};
use plan::{Common, Plan, Rule};

/// Concatenate the datasets that all files have, along their first dimension
///
/// The datasets may differ in length, but not in type or in the rest of their shape. Compressed chunks are
/// copied where they coincide with chunks of the new file, and are encoded again otherwise. The dataset
/// `source` has the number of the file that each frame came from, and its attribute `files` the names of the
/// files. Everything else is taken from the first file.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    threads: Threads,
}

/// Names in an attribute, which has 64 KiB at most, 16 bytes for each.
const MAX_NAMES: usize = 4000;
/// Files that are open at a time, beside the first.
const MOST_OPEN: usize = 32;

impl Arguments {
    pub fn run(self) -> Result<()> {
        let paths = self.files.inputs()?;
        ensure!(paths.len() > 1, "{} (expected two files or more)", text::count(paths.len() as u64, "input"));
        let inputs = Inputs::new(paths, MOST_OPEN)?;
        let plan = Plan::of(&inputs, Rule::WhatAllHave)?;
        let target = self.files.output();
        let paths: Vec<&Path> = inputs.paths().iter().map(|path| &**path).collect();
        let output = Output::new(&target, &paths)?;
        let file = h5::create_file_like(inputs.first(), output.path())?;
        let bar = progress::bar(plan.common.values().map(Common::storage_bytes).sum(), "merging");
        let folders = Folders::of(inputs.path(0), &target);
        let n_threads = self.threads.n();
        let mut merger = Merger::new(&file, &inputs, folders, Values::Copied { n_threads }, plan, &bar)?;
        merger.merge()?;
        merger.write_source(inputs.paths(), n_threads)?;
        let plan = merger.plan;
        bar.finish_and_clear();
        h5::close_file(file)?;
        h5::copy_user_block(inputs.first(), inputs.path(0), output.path())?;
        output.finish()?;
        report(&plan)
    }
}

/// Says what was made, and what was not.
pub fn report(plan: &Plan) -> Result<()> {
    let mut out = io::stdout();
    for (path, reason) in plan.left_out.iter().filter(|(_, reason)| **reason != plan::NOT_CHOSEN) {
        writeln!(out, "{path} was left out: {reason}")?;
    }
    for (path, one) in &plan.common {
        writeln!(out, "{path}  {}", text::shape(&one.shape()))?;
    }
    Ok(())
}
