//! Makes the file of a plan, from the first file and what the others have.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hdf5::plist::DatasetCreate;
use hdf5::types::{IntSize, TypeDescriptor, VarLenUnicode};
use hdf5::{Dataset, Dataspace, File, LinkInfo, Location};
use indicatif::ProgressBar;

use super::MAX_NAMES;
use super::inputs::Inputs;
use super::plan::{self, Common, Part, Piece, Plan};
use crate::h5::{self, Entry, Explain, FilterUse, Grid, Object, StoredChunk, Translator};
use crate::links::{Folders, Place};
use crate::text;
use crate::write::ChunkWriter;

/// Frames in a chunk of `source`.
const SOURCE_CHUNK: u64 = 1 << 16;

/// What becomes of the values of datasets that all files have.
pub enum Values {
    /// They are copied, by so many threads.
    Copied { n_threads: usize },
    /// They stay where they are: in files, of which virtual datasets have these names.
    Virtual { names: Vec<Vec<u8>> },
}

pub struct Merger<'m> {
    file: &'m File,
    inputs: &'m Inputs,
    folders: Folders,
    values: Values,
    /// From the first file to the new one.
    translator: Translator<'m>,
    /// Paths of what both have.
    objects: Vec<String>,
    pub plan: Plan,
    bar: &'m ProgressBar,
}

impl<'m> Merger<'m> {
    /// To an empty file, of which links lead elsewhere as those of the first file did.
    pub fn new(
        file: &'m File,
        inputs: &'m Inputs,
        folders: Folders,
        values: Values,
        plan: Plan,
        bar: &'m ProgressBar,
    ) -> Result<Self> {
        let translator = Translator::new(inputs.first(), file);
        Ok(Self { file, inputs, folders, values, translator, objects: vec!["/".into()], plan, bar })
    }

    /// Goes through the first file, and makes each object anew, with what the other files have.
    pub fn merge(&mut self) -> Result<()> {
        let first = self.inputs.first();
        self.translator.place("/", first, self.file)?;
        h5::walk(first, "/", |_, path, link, entry| {
            self.entry(path, link, entry).with_context(|| path.to_owned())
        })?;
        for path in &self.objects {
            let (from, to) = (h5::open(first, path)?, h5::open(self.file, path)?);
            let lost = h5::copy_attributes(from.location(), to.location(), &self.translator)?;
            for name in lost {
                h5::delete_attribute(to.location(), &name)?;
                let reason = "it refers to what is not in the new file";
                self.plan.left_out.insert(format!("attribute {name} of {path}"), reason);
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, link: &LinkInfo, entry: Entry) -> Result<()> {
        if self.plan.left_out.contains_key(path) {
            return Ok(());
        }
        let place = Place::of(path, link, self.file)?;
        match entry {
            Entry::Object(Object::Group(group)) => {
                let copy = h5::create_group_like(&group, &place.parent, place.name, &place.link)?;
                self.placed(path, &group, &copy)
            }
            Entry::Object(Object::Dataset(dataset)) => {
                let Some(common) = self.plan.common.get(path) else {
                    h5::copy_object(&dataset, &place.parent, place.name, &place.link, &[])?;
                    let copy = h5::open(&place.parent, place.name)?;
                    return self.placed(path, &dataset, copy.location());
                };
                let copy = self.dataset(common, &place)?;
                self.placed(path, &dataset, &copy)
            }
            Entry::Object(Object::Datatype(_)) => self.leave_out(path, "a datatype with a name"),
            Entry::Again(known) if !self.objects.contains(&known) => {
                self.leave_out(path, "what it is another name of was")
            }
            other => place.link(path, other, self.file, &self.folders),
        }
    }

    fn placed(&mut self, path: &str, from: &Location, to: &Location) -> Result<()> {
        self.objects.push(path.to_owned());
        self.translator.place(path, from, to)
    }

    fn leave_out(&mut self, path: &str, reason: &'static str) -> Result<()> {
        self.plan.left_out.insert(path.to_owned(), reason);
        Ok(())
    }

    fn dataset(&self, common: &Common, place: &Place<'_>) -> Result<Dataset> {
        let first = self.inputs.dataset(0, &common.path)?;
        let datatype = h5::copy_of(&first.dtype().explained()?)?;
        let shape = common.shape();
        let n_threads = match &self.values {
            Values::Copied { n_threads } => *n_threads,
            Values::Virtual { names } => {
                let parts = names.iter().zip(common.lengths());
                let plist = h5::virtual_parts(&first, &common.path, &shape, parts)?;
                let space = h5::fixed(&shape)?;
                return h5::create_dataset(&place.parent, place.name, &datatype, &space, &plist, &place.link);
            }
        };
        let (space, plist) = if first.is_chunked() {
            (h5::growing(&shape)?, first.create_plist().explained()?)
        } else {
            let lengths: Vec<_> = shape.iter().map(|n| *n as usize).collect();
            let plist = DatasetCreate::try_new().explained()?;
            (Dataspace::try_new(lengths).explained()?, plist)
        };
        let dataset = h5::create_dataset(&place.parent, place.name, &datatype, &space, &plist, &place.link)?;
        match Grid::of(&dataset) {
            Some(grid) if h5::is_stored_as_in_memory(&dataset)? => {
                self.chunks(common, &dataset, &grid, n_threads)?
            }
            _ => self.elements(common, &dataset)?,
        }
        h5::flush(&dataset)?;
        self.bar.inc(common.storage_bytes());
        Ok(dataset)
    }

    /// Chunk by chunk: copied, or put together and encoded.
    fn chunks(&self, common: &Common, dataset: &Dataset, grid: &Grid, n_threads: usize) -> Result<()> {
        let are_alike = common.chunks_are_alike();
        let filters = h5::filters_of(dataset)?;
        let tasks = common.offsets(self.inputs, grid)?.filter_map(|offset| {
            let pieces = common.pieces(&offset, &grid.extent_at(&offset));
            match are_alike.then(|| self.copy_chunk(common, &pieces, dataset, (grid, &filters), &offset)) {
                Some(Ok(true)) => return None,
                Some(Err(e)) => return Some(Err(e)),
                Some(Ok(false)) | None => (),
            }
            if let Err(e) = can_encode_again(&filters) {
                return Some(Err(e));
            }
            let read = |piece: Piece| Ok((piece.clone(), common.read(self.inputs, &piece)?));
            Some(pieces.into_iter().map(read).collect::<Result<Vec<_>>>().map(|pieces| (offset, pieces)))
        });
        if let Some(writer) = ChunkWriter::new(dataset.clone(), n_threads)? {
            let fill = h5::fill_value(dataset)?;
            let make = |pieces: Vec<Part>| plan::assemble(pieces, &grid.chunk, &fill);
            return writer.write(tasks, make, |_| Ok(()));
        }
        for task in tasks {
            let (offset, pieces) = task?;
            for (piece, elements) in pieces {
                let mut target = offset.clone();
                target[0] += piece.at;
                h5::write_slab(dataset, &target, &piece.extent, &elements)?;
            }
        }
        Ok(())
    }

    /// Copies a stored chunk, if it is one in its own file, too, or if there is nothing to copy. All files' chunks
    /// mean the same in the new one.
    fn copy_chunk(
        &self,
        common: &Common,
        pieces: &[Piece],
        dataset: &Dataset,
        (grid, filters): (&Grid, &[FilterUse]),
        offset: &[u64],
    ) -> Result<bool> {
        let [piece] = pieces else { return Ok(false) };
        let is_whole = piece.at == 0
            && piece.offset[0].is_multiple_of(grid.chunk[0])
            // Behind the last frame of a file there may be anything.
            && (piece.extent[0] == grid.chunk[0] || piece.part + 1 == common.parts.len());
        if !is_whole {
            return Ok(false);
        }
        let part = self.inputs.dataset(piece.part, &common.path)?;
        if let Some(chunk) = h5::stored_chunk(&part, &piece.offset) {
            check_size(filters, chunk, grid.chunk_len() * h5::item_bytes(&part)?).with_context(|| {
                let place = text::coordinates(&piece.offset);
                format!("chunk {place} of {}", self.inputs.path(piece.part).display())
            })?;
            let bytes = h5::read_chunk(&part, &piece.offset, chunk)?;
            h5::write_chunk(dataset, offset, &bytes, chunk.filter_mask)?;
        }
        Ok(true)
    }

    /// What HDF5 has to take apart: strings, records of variable length; and what is not chunked.
    fn elements(&self, common: &Common, dataset: &Dataset) -> Result<()> {
        let mut n_before = 0;
        for i in 0..common.parts.len() {
            let part = self.inputs.dataset(i, &common.path)?;
            let grid = Grid::of_parts(&part)?;
            for offset in grid.offsets() {
                let extent = grid.extent_at(&offset);
                let elements = h5::read_slab(&part, &offset, &extent)?;
                let mut target = offset.clone();
                target[0] += n_before;
                h5::write_slab(dataset, &target, &extent, &elements)?;
            }
            n_before += grid.shape[0];
        }
        Ok(())
    }

    /// Says of each frame of the largest dataset which file it came from.
    pub fn write_source(&self, paths: &[PathBuf], n_threads: usize) -> Result<()> {
        let largest = self.plan.common.values().max_by_key(|one| one.n_bytes());
        let mut n_frames = 0;
        let ends: Vec<u64> = largest
            .into_iter()
            .flat_map(Common::lengths)
            .map(|n| {
                n_frames += n;
                n_frames
            })
            .collect();
        let filters = [(h5::SHUFFLE, vec![]), (h5::GZIP, vec![4])];
        let plist = h5::chunked(&DatasetCreate::try_new().explained()?, &[SOURCE_CHUNK], &filters)?;
        let datatype = h5::number_type(&TypeDescriptor::Unsigned(IntSize::U4))?;
        let root = self.file.as_group().explained()?;
        let space = h5::growing(&[n_frames])?;
        let dataset = h5::create_dataset(&root, plan::SOURCE, &datatype, &space, &plist, &h5::utf8_link()?)?;
        let names = paths.iter().map(|path| path.to_string_lossy().parse::<VarLenUnicode>());
        let names = names.collect::<Result<Vec<_>, _>>()?;
        if names.len() <= MAX_NAMES {
            dataset.new_attr_builder().with_data(&names).create("files").explained()?;
        } else {
            h5::flush(&root.new_dataset_builder().with_data(&names).create(plan::SOURCE_FILES).explained()?)?;
        }
        let writer = ChunkWriter::new(dataset, n_threads)?.context("the dataset is not chunked")?;
        let tasks = writer.grid.offsets().map(|offset| Ok((offset.clone(), offset[0])));
        let make = |start: u64| {
            let source = |frame| ends.partition_point(|end| *end <= frame) as u32;
            Ok((start..start + SOURCE_CHUNK).flat_map(|frame| source(frame).to_ne_bytes()).collect())
        };
        writer.write(tasks, make, |_| Ok(()))
    }
}

/// An error if a chunk that was stored without compression is not as large as a chunk is.
fn check_size(filters: &[FilterUse], chunk: StoredChunk, chunk_bytes: u64) -> Result<()> {
    let used = filters
        .iter()
        .enumerate()
        .filter(|(i, _)| chunk.filter_mask >> i & 1 == 0)
        .map(|(_, filter)| filter.added_bytes());
    let Some(added) = used.sum::<Option<u64>>() else { return Ok(()) };
    let (found, expected) = (chunk.n_bytes, chunk_bytes + added);
    ensure!(found == expected, "it has {found} bytes, not compressed (expected {expected}): damaged");
    Ok(())
}

fn can_encode_again(filters: &[FilterUse]) -> Result<()> {
    for filter in filters {
        let name = filter.known_name();
        ensure!(h5::is_available(filter.id), "{}", filter.advice());
        ensure!(
            filter.is_lossless(),
            "{name} may change numbers that are encoded again, as they have to be here (expected chunks that are \
             full up to the end of each file)"
        );
    }
    Ok(())
}
