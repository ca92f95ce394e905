//! Which datasets are merged, and what goes into a chunk of the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use hdf5::{Dataset, File};

use crate::h5::{self, Elements, Entry, Explain, FilterUse, Grid, Object, StoredChunks};
use crate::text;

/// The dataset that says where frames came from; that of an input is not merged.
pub const SOURCE: &str = "source";

/// Datasets of the same path, one of each file.
pub struct Common {
    pub parts: Vec<Dataset>,
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
    pub fn of(paths: &[PathBuf], files: &[File]) -> Result<Self> {
        let mut plan = Self { common: BTreeMap::new(), left_out: BTreeMap::new() };
        if files[0].link_exists(SOURCE) {
            plan.left_out.insert(format!("/{SOURCE}"), "it is made anew");
        }
        for path in datasets_of(&files[0])? {
            if plan.left_out.contains_key(&path) {
                continue;
            }
            let parts: Vec<_> = files.iter().filter_map(|file| file.dataset(&path).ok()).collect();
            if let Some(reason) = reason_against(&parts, files.len())? {
                plan.left_out.insert(path, reason);
                continue;
            }
            check_types(paths, &path, &parts)?;
            if is_scale_of_others(&path, &parts)? {
                ensure!(
                    are_same(&parts)?,
                    "{path} is not the same in all files (expected that of the scale of a dimension other than \
                     the first)"
                );
                continue;
            }
            check_shapes(paths, &path, &parts)?;
            plan.common.insert(path, Common { parts });
        }
        for file in &files[1..] {
            let others = datasets_of(file)?.into_iter().filter(|path| files[0].dataset(path).is_err());
            plan.left_out.extend(others.map(|path| (path, "not in all files")));
        }
        ensure!(!plan.common.is_empty(), "the files have no dataset in common that has frames");
        Ok(plan)
    }
}

fn reason_against(parts: &[Dataset], n_files: usize) -> Result<Option<&'static str>> {
    if parts.len() < n_files {
        return Ok(Some("not in all files"));
    }
    for part in parts {
        if part.ndim() == 0 {
            return Ok(Some("it has no dimensions"));
        }
        if h5::has_references(&part.dtype().explained()?)? {
            return Ok(Some("references lead nowhere in another file"));
        }
        if h5::filters_of(part)?.iter().any(|filter| filter.id == h5calib::FILTER_ID) {
            return Ok(Some("a view, of frames that are elsewhere in the new file"));
        }
    }
    Ok(None)
}

/// Whether the datasets are scales of dimensions that stay what they are.
fn is_scale_of_others(path: &str, parts: &[Dataset]) -> Result<bool> {
    let mut dimensions = BTreeSet::new();
    for part in parts {
        dimensions.extend(h5::scaled_dimensions(part)?);
    }
    ensure!(
        dimensions.len() < 2 || !dimensions.contains(&0),
        "{path} is the scale of the first dimension, which grows, and of others, which do not"
    );
    Ok(dimensions.first().is_some_and(|first| *first > 0))
}

/// Whether datasets have the same elements; strings are not looked into.
fn are_same(parts: &[Dataset]) -> Result<bool> {
    let first = &parts[0];
    if parts.iter().any(|part| part.shape() != first.shape()) {
        return Ok(false);
    }
    if h5::has_pointers(&first.dtype().explained()?)? {
        return Ok(true);
    }
    let grid = Grid::of_parts(first)?;
    for offset in grid.offsets() {
        let extent = grid.extent_at(&offset);
        let wanted = h5::read_slab(first, &offset, &extent)?;
        for part in &parts[1..] {
            if h5::read_slab(part, &offset, &extent)?.bytes != wanted.bytes {
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

fn check_types(paths: &[PathBuf], name: &str, parts: &[Dataset]) -> Result<()> {
    let first_type = parts[0].dtype().explained()?;
    for (part, path) in parts.iter().zip(paths).skip(1) {
        let datatype = part.dtype().explained()?;
        if !h5::same_type(&first_type, &datatype)? {
            bail!(
                "{name} is {} in {}, {} in {} (expected the same type)",
                h5::describe_type(&first_type)?,
                paths[0].display(),
                h5::describe_type(&datatype)?,
                path.display()
            );
        }
    }
    Ok(())
}

fn check_shapes(paths: &[PathBuf], name: &str, parts: &[Dataset]) -> Result<()> {
    let first = &parts[0];
    for (part, path) in parts.iter().zip(paths).skip(1) {
        if part.shape().get(1..) != first.shape().get(1..) {
            bail!(
                "{name} is {} in {}, {} in {} (expected the same shape but for the first dimension)",
                text::shape(&lengths(first)),
                paths[0].display(),
                text::shape(&lengths(part)),
                path.display()
            );
        }
    }
    Ok(())
}

fn lengths(dataset: &Dataset) -> Vec<u64> {
    dataset.shape().into_iter().map(|n| n as u64).collect()
}

impl Common {
    /// Of each part, along the first dimension.
    pub fn lengths(&self) -> impl Iterator<Item = u64> {
        self.parts.iter().map(|part| part.shape()[0] as u64)
    }

    /// Of the new dataset.
    pub fn shape(&self) -> Vec<u64> {
        let mut shape = lengths(&self.parts[0]);
        shape[0] = self.lengths().sum();
        shape
    }

    pub fn n_bytes(&self) -> u64 {
        let item_bytes = h5::item_bytes(&self.parts[0]).unwrap_or(0);
        self.shape().iter().product::<u64>() * item_bytes
    }

    /// The stored chunks of all parts; of none, if not all are chunked.
    pub fn chunked_parts(&self) -> Result<Vec<StoredChunks<'_>>> {
        let grids: Option<Vec<Grid>> = self.parts.iter().map(Grid::of).collect();
        let grids = grids.unwrap_or_default();
        self.parts.iter().zip(&grids).map(|(part, grid)| StoredChunks::of(part, grid)).collect()
    }

    /// The coordinates of the new chunks that there is anything for, in C order.
    pub fn offsets<'g>(
        &self,
        parts: &[StoredChunks<'_>],
        grid: &'g Grid,
    ) -> Result<Box<dyn Iterator<Item = Vec<u64>> + 'g>> {
        let fill_values = self.parts.iter().map(h5::fill_value).collect::<Result<BTreeSet<_>>>()?;
        if parts.is_empty() || fill_values.len() > 1 {
            return Ok(Box::new(grid.offsets()));
        }
        let mut n_before = 0;
        let stored = parts.iter().flat_map(|part| {
            let first = n_before;
            n_before += part.grid.shape[0];
            part.iter().map(move |(mut offset, _)| {
                let extent = part.grid.extent_at(&offset);
                offset[0] += first;
                (offset, extent)
            })
        });
        Ok(grid.offsets_of_parts(stored))
    }

    /// Whether stored chunks mean the same in all files.
    pub fn chunks_are_alike(&self) -> Result<bool> {
        let mut first = None;
        for part in &self.parts {
            let Some(grid) = Grid::of(part) else { return Ok(false) };
            if h5::has_unfiltered_edges(part)? {
                return Ok(false);
            }
            let filters = h5::filters_of(part)?.iter().map(decoding_of).collect::<Vec<_>>();
            // What nobody has written is the fill value, which the new dataset has from the first file.
            let decoding = (grid.chunk, filters, h5::fill_value(part)?);
            if *first.get_or_insert_with(|| decoding.clone()) != decoding {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What goes into the chunk of the new dataset at `offset`, of which `extent` lies in it.
    pub fn pieces(&self, offset: &[u64], extent: &[u64]) -> Vec<Piece> {
        pieces(&self.lengths().collect::<Vec<_>>(), offset, extent)
    }

    pub fn read(&self, piece: &Piece) -> Result<Elements> {
        h5::read_slab(&self.parts[piece.part], &piece.offset, &piece.extent)
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
