//! Which datasets are merged, and what goes into a chunk of the new one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdf5::{Dataset, Datatype, File};

use super::inputs::Inputs;
use crate::h5::{self, Elements, Entry, Explain, FilterUse, Grid, Object, StoredChunks};
use crate::text;

/// The dataset that says where frames came from; that of an input is not merged.
pub const SOURCE: &str = "source";

/// The dataset with the names of the files, if they are too many for an attribute of the other.
pub const SOURCE_FILES: &str = "source_files";

/// Why a dataset is not in the new file that is not mentioned afterwards.
pub const NOT_CHOSEN: &str = "it was not chosen";

/// Which datasets the new file is to have.
#[derive(Clone, Copy)]
pub enum Rule<'r> {
    /// Those that all files have; `source` is another one in the new file.
    WhatAllHave,
    /// Those of the first file, which all files have to have.
    WhatTheFirstHas,
    /// These, which all files have to have.
    Chosen(&'r [String]),
}

/// Datasets of the same path, one of each file.
pub struct Common {
    pub path: String,
    pub parts: Vec<PartInfo>,
}

/// What is known of one of them without its file.
pub struct PartInfo {
    pub shape: Vec<u64>,
    pub storage_bytes: u64,
    item_bytes: u64,
    /// `None` if it is not chunked.
    grid: Option<Grid>,
    fill: Vec<u8>,
    /// Filters, as far as decoding is concerned; `None` if chunks, or those at the edges, have none.
    filters: Option<Vec<(i32, Vec<u32>)>>,
    /// The dimensions that it is a scale of.
    scaled: BTreeSet<u32>,
}

impl PartInfo {
    fn of(dataset: &Dataset) -> Result<Self> {
        let grid = Grid::of(dataset);
        let filters = match grid.is_none() || h5::has_unfiltered_edges(dataset)? {
            true => None,
            false => Some(h5::filters_of(dataset)?.iter().map(decoding_of).collect()),
        };
        Ok(Self {
            shape: dataset.shape().into_iter().map(|n| n as u64).collect(),
            storage_bytes: dataset.storage_size(),
            item_bytes: h5::item_bytes(dataset)?,
            grid,
            fill: h5::fill_value(dataset)?,
            filters,
            scaled: h5::scaled_dimensions(dataset)?,
        })
    }
}

/// A part of one of the files' datasets that goes into a chunk of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which of the datasets.
    pub part: usize,
    /// Where it starts there.
    pub offset: Vec<u64>,
    /// How far it reaches.
    pub extent: Vec<u64>,
    /// Frames before it in the chunk.
    pub at: u64,
}

/// Elements, and where they go.
pub type Part = (Piece, Elements);

/// What becomes of the datasets of the first file.
pub struct Plan {
    /// What all files have, by path.
    pub common: BTreeMap<String, Common>,
    /// What is not in the new file, and why. Other datasets are copied.
    pub left_out: BTreeMap<String, &'static str>,
}

impl Plan {
    pub fn of(inputs: &Inputs, rule: Rule<'_>) -> Result<Self> {
        let first = inputs.first();
        let mut plan = Self { common: BTreeMap::new(), left_out: not_of_the_first(inputs, rule)? };
        let mut candidates: BTreeMap<String, Candidate> = BTreeMap::new();
        for path in datasets_of(first)? {
            if !plan.left_out.contains_key(&path) {
                let datatype = first.dataset(&path).and_then(|dataset| dataset.dtype()).explained()?;
                candidates.insert(path, Candidate { datatype, parts: Vec::new(), misfit: None });
            }
        }
        for i in 0..inputs.len() {
            let file = inputs.file(i)?;
            if i > 0 && !matches!(rule, Rule::Chosen(_)) {
                let others = datasets_of(&file)?.into_iter().filter(|path| first.dataset(path).is_err());
                plan.left_out.extend(others.map(|path| (path, "not in all files")));
            }
            let mut dropped = Vec::new();
            for (path, candidate) in &mut candidates {
                let part = part_of(inputs, i, path, rule)?;
                if let Some(reason) = candidate.add(inputs, i, path, part)? {
                    ensure!(
                        !matches!(rule, Rule::Chosen(_)),
                        "{path} can't be one of several parts: {reason}"
                    );
                    dropped.push((path.clone(), reason));
                }
            }
            for (path, reason) in dropped {
                candidates.remove(&path);
                plan.left_out.insert(path, reason);
            }
        }
        for (path, candidate) in candidates {
            if let Some(misfit) = candidate.misfit {
                return Err(misfit);
            }
            let parts = candidate.parts;
            if is_scale_of_others(&path, &parts)? {
                ensure!(
                    are_same(inputs, &path, &parts)?,
                    "{path} is not the same in all files (expected that of the scale of a dimension other than \
                     the first)"
                );
                continue;
            }
            check_shapes(inputs, &path, &parts)?;
            plan.common.insert(path.clone(), Common { path, parts });
        }
        ensure!(!plan.common.is_empty(), "the files have no dataset in common that has frames");
        Ok(plan)
    }
}

/// Of the first file's datasets: those that are not for the new file, and why.
fn not_of_the_first(inputs: &Inputs, rule: Rule<'_>) -> Result<BTreeMap<String, &'static str>> {
    let first = inputs.first();
    match rule {
        Rule::WhatAllHave => {
            let n_made = if inputs.len() > super::MAX_NAMES { 2 } else { 1 };
            let made = [SOURCE, SOURCE_FILES].into_iter().take(n_made).filter(|name| first.link_exists(name));
            Ok(made.map(|name| (format!("/{name}"), "it is made anew")).collect())
        }
        Rule::WhatTheFirstHas => Ok(BTreeMap::new()),
        Rule::Chosen(chosen) => {
            let mut left_out: BTreeMap<_, _> =
                datasets_of(first)?.into_iter().map(|path| (path, NOT_CHOSEN)).collect();
            for path in chosen {
                let is_there = left_out.remove(path).is_some();
                ensure!(is_there, "{} has no dataset {path}", inputs.path(0).display());
            }
            Ok(left_out)
        }
    }
}

/// A file's dataset of this path.
fn part_of(inputs: &Inputs, i: usize, path: &str, rule: Rule<'_>) -> Result<Option<Dataset>> {
    let part = inputs.file(i)?.dataset(path);
    if matches!(rule, Rule::WhatAllHave) {
        return Ok(part.ok());
    }
    let expected = || {
        let [file, first] = [i, 0].map(|i| inputs.path(i).display());
        format!("{file} has no dataset {path} (expected those of {first})")
    };
    part.explained().with_context(expected).map(Some)
}

/// A dataset of the first file, which the others may have, too.
struct Candidate {
    datatype: Datatype,
    parts: Vec<PartInfo>,
    /// What does not fit, if it is in all files.
    misfit: Option<anyhow::Error>,
}

impl Candidate {
    /// Takes in what the next file has. Returns why it can't be merged, if so.
    fn add(
        &mut self,
        inputs: &Inputs,
        i: usize,
        path: &str,
        part: Option<Dataset>,
    ) -> Result<Option<&'static str>> {
        let Some(part) = part else { return Ok(Some("not in all files")) };
        let reason = reason_against(&part)?;
        if reason.is_none() {
            let datatype = part.dtype().explained()?;
            if self.misfit.is_none() && !h5::same_type(&self.datatype, &datatype)? {
                self.misfit = Some(anyhow!(
                    "{path} is {} in {}, {} in {} (expected the same type)",
                    h5::describe_type(&self.datatype)?,
                    inputs.path(0).display(),
                    h5::describe_type(&datatype)?,
                    inputs.path(i).display()
                ));
            }
            self.parts.push(PartInfo::of(&part)?);
        }
        Ok(reason)
    }
}

fn reason_against(part: &Dataset) -> Result<Option<&'static str>> {
    if part.ndim() == 0 {
        return Ok(Some("it has no dimensions"));
    }
    if h5::has_references(&part.dtype().explained()?)? {
        return Ok(Some("references lead nowhere in another file"));
    }
    if h5::filters_of(part)?.iter().any(|filter| filter.id == h5calib::FILTER_ID) {
        return Ok(Some("a view, of frames that are elsewhere in the new file"));
    }
    Ok(None)
}

/// Whether the datasets are scales of dimensions that stay what they are.
fn is_scale_of_others(path: &str, parts: &[PartInfo]) -> Result<bool> {
    let dimensions: BTreeSet<u32> = parts.iter().flat_map(|part| &part.scaled).copied().collect();
    ensure!(
        dimensions.len() < 2 || !dimensions.contains(&0),
        "{path} is the scale of the first dimension, which grows, and of others, which do not"
    );
    Ok(dimensions.first().is_some_and(|first| *first > 0))
}

/// Whether datasets have the same elements; strings are not looked into.
fn are_same(inputs: &Inputs, path: &str, parts: &[PartInfo]) -> Result<bool> {
    if parts.iter().any(|part| part.shape != parts[0].shape) {
        return Ok(false);
    }
    let first = inputs.dataset(0, path)?;
    if h5::has_pointers(&first.dtype().explained()?)? {
        return Ok(true);
    }
    let grid = Grid::of_parts(&first)?;
    for i in 1..parts.len() {
        let part = inputs.dataset(i, path)?;
        for offset in grid.offsets() {
            let extent = grid.extent_at(&offset);
            let wanted = h5::read_slab(&first, &offset, &extent)?;
            if h5::read_slab(&part, &offset, &extent)?.bytes != wanted.bytes {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The paths of a file's datasets.
fn datasets_of(file: &File) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    h5::walk(file, "/", |_, path, _, entry| {
        if let Entry::Object(Object::Dataset(_)) = entry {
            paths.push(path.to_owned());
        }
        Ok(())
    })?;
    Ok(paths)
}

fn check_shapes(inputs: &Inputs, name: &str, parts: &[PartInfo]) -> Result<()> {
    let first = &parts[0].shape;
    for (i, PartInfo { shape, .. }) in parts.iter().enumerate().skip(1) {
        if shape.get(1..) != first.get(1..) {
            bail!(
                "{name} is {} in {}, {} in {} (expected the same shape but for the first dimension)",
                text::shape(first),
                inputs.path(0).display(),
                text::shape(shape),
                inputs.path(i).display()
            );
        }
    }
    Ok(())
}

impl Common {
    /// Of each part, along the first dimension.
    pub fn lengths(&self) -> impl Iterator<Item = u64> {
        self.parts.iter().map(|part| part.shape[0])
    }

    /// Of the new dataset.
    pub fn shape(&self) -> Vec<u64> {
        let mut shape = self.parts[0].shape.clone();
        shape[0] = self.lengths().sum();
        shape
    }

    pub fn n_bytes(&self) -> u64 {
        self.shape().iter().product::<u64>() * self.parts[0].item_bytes
    }

    pub fn storage_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.storage_bytes).sum()
    }

    /// The coordinates of the new chunks that there is anything for, in C order.
    pub fn offsets<'g>(
        &self,
        inputs: &Inputs,
        grid: &'g Grid,
    ) -> Result<Box<dyn Iterator<Item = Vec<u64>> + 'g>> {
        let fill_values: BTreeSet<_> = self.parts.iter().map(|part| &part.fill).collect();
        if fill_values.len() > 1 || self.parts.iter().any(|part| part.grid.is_none()) {
            return Ok(Box::new(grid.offsets()));
        }
        let mut n_before = 0;
        let mut indices = BTreeSet::new();
        for (i, part) in self.parts.iter().enumerate() {
            let dataset = inputs.dataset(i, &self.path)?;
            let Some(own) = &part.grid else { continue };
            for (mut offset, _) in StoredChunks::of(&dataset, own)?.iter() {
                let extent = own.extent_at(&offset);
                offset[0] += n_before;
                indices.extend(grid.offsets_in(&offset, &extent).map(|offset| grid.index(&offset)));
            }
            n_before += part.shape[0];
        }
        Ok(Box::new(indices.into_iter().map(|index| grid.offset(index))))
    }

    /// Whether stored chunks mean the same in all files.
    pub fn chunks_are_alike(&self) -> bool {
        // What nobody has written is the fill value, which the new dataset has from the first file.
        let decoding = |part: &PartInfo| {
            let chunk = part.grid.as_ref()?.chunk.clone();
            Some((chunk, part.filters.clone()?, part.fill.clone()))
        };
        let first = decoding(&self.parts[0]);
        first.is_some() && self.parts.iter().all(|part| decoding(part) == first)
    }

    /// What goes into the chunk of the new dataset at `offset`, of which `extent` lies in it.
    pub fn pieces(&self, offset: &[u64], extent: &[u64]) -> Vec<Piece> {
        pieces(&self.lengths().collect::<Vec<_>>(), offset, extent)
    }

    pub fn read(&self, inputs: &Inputs, piece: &Piece) -> Result<Elements> {
        h5::read_slab(&inputs.dataset(piece.part, &self.path)?, &piece.offset, &piece.extent)
    }
}

/// A filter as far as decoding is concerned: x264's preset and gzip's level do not matter.
fn decoding_of(filter: &FilterUse) -> (i32, Vec<u32>) {
    let mut cd_values = filter.cd_values.clone();
    match filter.id {
        h5h264::FILTER_ID if cd_values.len() > 3 => cd_values[3] = 0,
        h5::GZIP => cd_values.clear(),
        _ => (),
    }
    (filter.id, cd_values)
}

fn pieces(lengths: &[u64], offset: &[u64], extent: &[u64]) -> Vec<Piece> {
    let (start, end) = (offset[0], offset[0] + extent[0]);
    let mut n_before = 0;
    let mut pieces = Vec::new();
    for (part, n) in lengths.iter().enumerate() {
        let (first, last) = (start.max(n_before), end.min(n_before + n));
        if first < last {
            let mut piece =
                Piece { part, offset: offset.to_vec(), extent: extent.to_vec(), at: first - start };
            piece.offset[0] = first - n_before;
            piece.extent[0] = last - first;
            pieces.push(piece);
        }
        n_before += n;
    }
    pieces
}

/// A chunk of these pieces, in C order; what is missing is the fill value.
pub fn assemble(pieces: Vec<Part>, chunk: &[u64], fill: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = h5::filled(fill, chunk)?;
    for (piece, elements) in pieces {
        let mut offset = vec![0; chunk.len()];
        offset[0] = piece.at;
        h5::place(&mut bytes, chunk, &offset, &elements.into_bytes()?, &piece.extent);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_pieces_of_all_files_that_reach_into_it() {
        let piece = |part, first, n, at| Piece { part, offset: vec![first, 8], extent: vec![n, 4], at };
        let of = |offset, n| pieces(&[7, 2, 0, 5], &[offset, 8], &[n, 4]);
        assert_eq!(of(0, 5), [piece(0, 0, 5, 0)]);
        assert_eq!(of(5, 5), [piece(0, 5, 2, 0), piece(1, 0, 2, 2), piece(3, 0, 1, 4)]);
        assert_eq!(of(10, 4), [piece(3, 1, 4, 0)]);
    }
}
