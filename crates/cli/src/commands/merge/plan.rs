//! Which datasets are merged, and what goes into a chunk of the new one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use hdf5::{Dataset, File};

use crate::h5::{self, Elements, Entry, Explain, FilterUse, Grid, Object};
use crate::text;

/// The dataset that says where frames came from; that of an input is not merged.
pub const SOURCE: &str = "source";

/// Datasets of the same path, one of each file.
pub struct Common {
    pub path: String,
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

/// What all files have, and the paths of what is left out, with the reasons.
pub fn common_datasets(
    paths: &[PathBuf],
    files: &[File],
) -> Result<(Vec<Common>, BTreeMap<String, &'static str>)> {
    let (mut common, mut left_out) = (Vec::new(), BTreeMap::new());
    for path in datasets_of(&files[0])? {
        let parts: Vec<_> = files.iter().filter_map(|file| file.dataset(&path).ok()).collect();
        if let Some(reason) = reason_against(&path, &parts, files.len())? {
            left_out.insert(path, reason);
            continue;
        }
        check_alike(paths, &path, &parts)?;
        common.push(Common { path, parts });
    }
    for file in &files[1..] {
        let others = datasets_of(file)?.into_iter().filter(|path| files[0].dataset(path).is_err());
        left_out.extend(others.map(|path| (path, "not in all files")));
    }
    ensure!(!common.is_empty(), "the files have no dataset in common that has frames");
    Ok((common, left_out))
}

fn reason_against(path: &str, parts: &[Dataset], n_files: usize) -> Result<Option<&'static str>> {
    if path.trim_start_matches('/') == SOURCE {
        return Ok(Some("it is made anew"));
    }
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
    }
    Ok(None)
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

fn check_alike(paths: &[PathBuf], name: &str, parts: &[Dataset]) -> Result<()> {
    let first = &parts[0];
    let first_type = first.dtype().explained()?;
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

    /// Whether stored chunks mean the same in all files.
    pub fn chunks_are_alike(&self) -> Result<bool> {
        let decoding = |part: &Dataset| -> Result<_> {
            let filters = h5::filters_of(part)?.iter().map(decoding_of).collect::<Vec<_>>();
            // What nobody has written is the fill value, which the new dataset has from the first file.
            Ok((Grid::of(part).map(|grid| grid.chunk), filters, h5::fill_value(part)?))
        };
        let first = decoding(&self.parts[0])?;
        for part in &self.parts[1..] {
            if decoding(part)? != first {
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
pub fn assemble(pieces: &[(Piece, Vec<u8>)], chunk: &[u64], fill: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = h5::filled(fill, chunk)?;
    for (piece, elements) in pieces {
        let mut offset = vec![0; chunk.len()];
        offset[0] = piece.at;
        h5::place(&mut bytes, chunk, &offset, elements, &piece.extent);
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
