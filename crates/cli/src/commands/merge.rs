mod plan;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace, File};
use indicatif::ProgressBar;

use crate::h5::{self, Elements, Entry, Explain, Grid, Object, StoredChunks};
use crate::output::{Output, with_h5_extension};
use crate::parallel::Threads;
use crate::write::ChunkWriter;
use crate::{progress, text};

use plan::{Common, Piece};

/// Put the datasets that files have in common one after the other, along their first dimension
///
/// The datasets may differ in length, not in type or in the rest of their shape. Compressed chunks are copied as they are
/// where they fall on the chunks of the new file; others are encoded again. Beside them is `source`, which
/// has the number of the file that each frame came from, with the files' names in its attribute `files`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The HDF5 files, in order; separated by commas
    #[arg(long, required = true, value_delimiter = ',', num_args = 1.., value_name = "FILE,…")]
    inputs: Vec<PathBuf>,
    /// The HDF5 file to write; .h5 is added to a name without extension
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        ensure!(self.inputs.len() > 1, "one input (expected two files or more)");
        let files = self.inputs.iter().map(|path| h5::open_file(path)).collect::<Result<Vec<_>>>()?;
        let (common, left_out) = plan::common_datasets(&self.inputs, &files)?;
        let target = with_h5_extension(&self.output);
        let inputs: Vec<&Path> = self.inputs.iter().map(|path| &**path).collect();
        let output = Output::new(&target, &inputs)?;
        let file = h5::create_file(output.path())?;
        let n_bytes = common.iter().flat_map(|one| &one.parts).map(|part| part.storage_size()).sum();
        let bar = progress::bar(n_bytes, "merging");
        for one in &common {
            Merger { files: &files, file: &file, n_threads: self.threads.n(), bar: &bar }
                .dataset(one)
                .with_context(|| one.path.clone())?;
        }
        copy_group_attributes(&files[0], &file)?;
        self.write_source(&file, &common)?;
        bar.finish_and_clear();
        h5::close_file(file)?;
        output.finish()?;
        let mut out = io::stdout();
        for (path, reason) in left_out {
            writeln!(out, "{path} was left out: {reason}")?;
        }
        for one in &common {
            writeln!(out, "{}  {}", one.path, text::shape(&one.shape()))?;
        }
        Ok(())
    }

    /// Says of each frame of the largest dataset which file it came from.
    fn write_source(&self, file: &File, common: &[Common]) -> Result<()> {
        let largest = common.iter().max_by_key(|one| one.n_bytes());
        let lengths = largest.into_iter().flat_map(Common::lengths);
        let source: Vec<u32> = lengths.enumerate().flat_map(|(i, n)| vec![i as u32; n as usize]).collect();
        let dataset = file.new_dataset_builder().with_data(&source).create(plan::SOURCE).explained()?;
        let names = self.inputs.iter().map(|path| path.to_string_lossy());
        let names =
            names.map(|name| name.parse::<hdf5::types::VarLenUnicode>()).collect::<Result<Vec<_>, _>>()?;
        dataset.new_attr_builder().with_data(&names).create("files").explained()?;
        Ok(())
    }
}

struct Merger<'m> {
    files: &'m [File],
    file: &'m File,
    n_threads: usize,
    bar: &'m ProgressBar,
}

impl Merger<'_> {
    fn dataset(&self, common: &Common) -> Result<()> {
        let dataset = self.create(common)?;
        let first = &common.parts[0];
        h5::copy_attributes(first, &dataset, &h5::Translator::to_nothing(&self.files[0], self.file))?;
        let is_plain = !h5::has_pointers(&dataset.dtype().explained()?)?;
        match ChunkWriter::new(dataset.clone(), self.n_threads)? {
            Some(writer) if is_plain => self.chunks(common, &writer),
            _ => self.through_hdf5(common, &dataset),
        }
    }

    fn create(&self, common: &Common) -> Result<Dataset> {
        let first = &common.parts[0];
        let (group, name) = h5::parent_of(self.file, &common.path)?;
        let datatype = h5::copy_of(&first.dtype().explained()?)?;
        let shape = common.shape();
        if first.is_chunked() {
            let plist = first.create_plist().explained()?;
            return h5::create_dataset(
                &group,
                &name,
                &datatype,
                &h5::growing(&shape)?,
                &plist,
                &h5::utf8_link()?,
            );
        }
        let lengths: Vec<_> = shape.iter().map(|n| *n as usize).collect();
        let space = Dataspace::try_new(lengths).explained()?;
        h5::create_dataset(
            &group,
            &name,
            &datatype,
            &space,
            &DatasetCreate::try_new().explained()?,
            &h5::utf8_link()?,
        )
    }

    /// Chunk by chunk: copied, or put together and encoded.
    fn chunks(&self, common: &Common, writer: &ChunkWriter) -> Result<()> {
        let stored = match common.chunks_are_alike()? {
            true => common.parts.iter().map(stored_chunks).collect::<Result<Vec<_>>>()?,
            false => Vec::new(),
        };
        let fill = h5::fill_value(&writer.dataset)?;
        let tasks = writer.grid.offsets().filter_map(|offset| {
            let pieces = common.pieces(&offset, &writer.grid.extent_at(&offset));
            match copy_chunk(&pieces, &stored, writer, &offset) {
                Ok(true) => return None,
                Ok(false) => (),
                Err(e) => return Some(Err(e)),
            }
            let read = |piece: Piece| Ok((piece.clone(), common.read(&piece)?.into_bytes()?));
            Some(pieces.into_iter().map(read).collect::<Result<Vec<_>>>().map(|pieces| (offset, pieces)))
        });
        let make = |pieces: Vec<(Piece, Vec<u8>)>| plan::assemble(&pieces, &writer.grid.chunk, &fill);
        writer.write(tasks, make, |_| Ok(()))?;
        self.bar.inc(common.parts.iter().map(|part| part.storage_size()).sum());
        Ok(())
    }

    /// Strings, records of variable length, and what has filters that HDF5 has to apply.
    fn through_hdf5(&self, common: &Common, dataset: &Dataset) -> Result<()> {
        let mut n_before = 0;
        for part in &common.parts {
            let grid = Grid::of_parts(part)?;
            for offset in grid.offsets() {
                let extent = grid.extent_at(&offset);
                let elements: Elements = h5::read_slab(part, &offset, &extent)?;
                let mut target = offset.clone();
                target[0] += n_before;
                h5::write_slab(dataset, &target, &extent, &elements)?;
            }
            n_before += grid.shape[0];
            self.bar.inc(part.storage_size());
        }
        Ok(())
    }
}

fn copy_group_attributes(from: &File, to: &File) -> Result<()> {
    let nowhere = h5::Translator::to_nothing(from, to);
    h5::copy_attributes(from, to, &nowhere)?;
    h5::walk(to, "/", |_, path, _, entry| match entry {
        Entry::Object(Object::Group(group)) => {
            let first = from.group(path).explained()?;
            h5::copy_attributes(&first, &group, &nowhere)
        }
        _ => Ok(()),
    })
}

fn stored_chunks(part: &Dataset) -> Result<StoredChunks<'_>> {
    StoredChunks::of(part, &Grid::of(part).context("a dataset that is not chunked")?)
}

/// Copies a stored chunk, if it is one in its own file, too, or if there is nothing to copy. `stored` has
/// the chunks of all files, if they mean the same in the new one.
fn copy_chunk(
    pieces: &[Piece],
    stored: &[StoredChunks<'_>],
    writer: &ChunkWriter,
    offset: &[u64],
) -> Result<bool> {
    let [piece] = pieces else { return Ok(false) };
    let Some(part) = stored.get(piece.part) else { return Ok(false) };
    let is_whole = piece.at == 0
        && piece.offset[0].is_multiple_of(writer.grid.chunk[0])
        // Behind the last frame of a file there may be anything.
        && (piece.extent[0] == writer.grid.chunk[0] || piece.part + 1 == stored.len());
    if !is_whole {
        return Ok(false);
    }
    if let Some(chunk) = part.get(&piece.offset) {
        let bytes = part.read(&piece.offset, chunk)?;
        h5::write_chunk(&writer.dataset, offset, &bytes, chunk.filter_mask)?;
    }
    Ok(true)
}
