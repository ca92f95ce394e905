//! Values of datasets: read, bounded, and turned into what a browser has types for.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use hdf5::Dataset;

use super::State;
use super::blocks::Chunked;
use super::failure::{Failure, Result};
use super::inflate::Foreign;
use super::json::{Lists, MAX_BYTES};
use super::resolve::Found;
use super::room::Room;
use super::selection::Selection;
use super::{blocking_in, gather};
use crate::h5::{self, Along, Explain, Grid, Items, Type};

/// Chunks that are decoded for an answer.
const MAX_CHUNKS: u64 = 1 << 20;
/// Elements that HDF5 reads at a time: nobody else can use it meanwhile.
const MAX_ELEMENTS: u64 = 1 << 18;
/// Of those that point to others.
const MAX_POINTING_ELEMENTS: u64 = 1 << 12;

/// What is copied faster than other requests notice.
const SHORT_BYTES: usize = 4 << 20;

/// A dataset that a request asks for.
pub struct Opened {
    pub dataset: Dataset,
    pub datatype: Type,
    /// `None` if it holds nothing at all.
    pub shape: Option<Vec<u64>>,
    pub chunked: Option<Chunked>,
    /// What decodes chunks of elements that point to others.
    foreign: Option<(Grid, Foreign)>,
    // HDF5 closes what is open in a file with the file.
    _found: Arc<Found>,
}

impl Opened {
    pub fn open(state: &State, file: &str, path: &str) -> Result<Self> {
        let (found, dataset) = state.files.find_dataset(state.files.index_of(file)?, path)?;
        let found = Arc::new(found);
        let datatype = Type::of(&dataset.dtype().explained()?)?;
        let shape = h5::shape_of(&dataset.space().explained()?);
        if datatype.has_open_references() {
            return Err(Failure::unusable("references of the type H5T_STD_REF are not read here"));
        }
        let n_bytes = shape.iter().flatten().try_fold(datatype.size as u64, |n, len| n.checked_mul(*len));
        if n_bytes.is_none_or(|n| n > i64::MAX as u64) {
            return Err(Failure::too_large("the dataset has 2^63 bytes or more"));
        }
        let chunked = Chunked::of(&state.files, Arc::clone(&found), &datatype)?;
        let foreign = match Grid::of(&dataset) {
            Some(grid) if datatype.has_pointers() => Some((grid, Foreign::of(&dataset)?)),
            _ => None,
        };
        Ok(Self { dataset, datatype, shape, chunked, foreign, _found: found })
    }

    /// Bytes of the selected elements, as they are in the file.
    pub fn n_bytes(&self, selection: &Selection) -> Result<usize> {
        let n_bytes = selection.n_elements().and_then(|n| n.checked_mul(self.datatype.size as u64));
        match n_bytes.and_then(|n| usize::try_from(n).ok()) {
            Some(n) if n <= MAX_BYTES => Ok(n),
            n => Err(Failure::too_large(format!(
                "the selection has {} bytes (expected at most {MAX_BYTES}): select fewer elements",
                n.map_or("too many".into(), |n| n.to_string())
            ))),
        }
    }
}

/// Elements of a fixed size, in the file's own type.
pub async fn read(
    state: &State,
    opened: &Arc<Opened>,
    selection: &Selection,
    room: &Room,
) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let n_bytes = opened.n_bytes(selection)?;
    out.try_reserve_exact(n_bytes).map_err(|_| Failure::too_large("no memory for the answer"))?;
    let Some(chunked) = &opened.chunked else {
        check_chunks(opened, selection, room).await?;
        for part in selection.parts(MAX_ELEMENTS) {
            out.extend(items(opened, part, room).await?.into_bytes()?);
        }
        return Ok(out);
    };
    check_n_chunks(&chunked.grid, &selection.along)?;
    out.resize(n_bytes, 0);
    let touched = gather::touched(&chunked.grid, &selection.along);
    let chunk = |index| async move { Ok::<_, Failure>((index, state.blocks.get(chunked, index).await?)) };
    let mut chunks = futures_util::stream::iter(touched).map(chunk).buffered(state.blocks.n_decoders + 1);
    while let Some((index, chunk)) = chunks.try_next().await? {
        let mut copy =
            || gather::copy(&chunked.grid, &selection.along, index, &chunk, chunked.item_bytes, &mut out);
        if n_bytes > SHORT_BYTES { tokio::task::block_in_place(copy) } else { copy() }
    }
    Ok(out)
}

/// Elements of any type, as JSON.
pub async fn json(
    state: &State,
    opened: &Arc<Opened>,
    selection: &Selection,
    is_flat: bool,
    room: &Room,
) -> Result<Vec<u8>> {
    let mut lists = Lists::new(&selection.shape, is_flat);
    if !opened.datatype.has_pointers() {
        let bytes = read(state, opened, selection, room).await?;
        let opened = Arc::clone(opened);
        return blocking_in(room, move || {
            lists.extend(h5::items_in(&opened.datatype, &bytes)?)?;
            lists.finish()
        })
        .await;
    }
    opened.n_bytes(selection)?;
    check_chunks(opened, selection, room).await?;
    for part in selection.parts(MAX_POINTING_ELEMENTS) {
        let items = items(opened, part, room).await?;
        lists = blocking_in(room, move || lists.extend(items.iter()).map(|()| lists)).await?;
    }
    lists.finish()
}

/// Some elements, read by HDF5.
async fn items(opened: &Arc<Opened>, along: Vec<Along>, room: &Room) -> Result<Items> {
    let opened = Arc::clone(opened);
    blocking_in(room, move || Ok(Items::of_dataset(&opened.dataset, &along)?)).await
}

/// An error if HDF5 would need too much memory for the chunks that a selection touches.
async fn check_chunks(opened: &Arc<Opened>, selection: &Selection, room: &Room) -> Result<()> {
    let (opened, along) = (Arc::clone(opened), selection.along.clone());
    let Some((grid, _)) = &opened.foreign else { return Ok(()) };
    check_n_chunks(grid, &along)?;
    blocking_in(room, move || {
        let Some((grid, foreign)) = &opened.foreign else { return Ok(()) };
        Ok(foreign.check_selection(&opened.dataset, grid, &along)?)
    })
    .await
}

pub fn check_n_chunks(grid: &Grid, along: &[Along]) -> Result<()> {
    let n_chunks = gather::n_touched(grid, along);
    if n_chunks > MAX_CHUNKS {
        return Err(Failure::too_large(format!(
            "the selection lies in {n_chunks} chunks (expected at most {MAX_CHUNKS}): select fewer elements"
        )));
    }
    Ok(())
}
