//! What a file has beside the frames of a dataset: times, masks, and what attributes say.

use hdf5::Dataset;
use serde::Serialize;

use super::State;
use super::bad;
use super::failure::Result;
use super::frames::Shape;
use super::safe::Safe;
use crate::h5::{self, Explain, Items, Link, Object, Type};

/// Objects of a group beyond this are not looked at.
const MAX_SIBLINGS: usize = 2000;
/// Datasets that are told.
const MAX_TOLD: usize = 50;
/// Where NeXus has the masks of a detector, below its group.
const NEXUS_MASKS: [&str; 2] = ["pixel_mask", "detectorSpecific/pixel_mask"];

#[derive(Debug, Default, Serialize)]
pub struct Neighbours {
    /// Datasets that have a value for each frame; those that are called after time first.
    per_frame: Vec<PerFrame>,
    /// Datasets that can say which pixels are bad; those that are called so first.
    masks: Vec<Mask>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct PerFrame {
    /// Sorts after those that are.
    is_not_time: bool,
    path: String,
    units: Option<String>,
    /// NumPy's word for the values as `/data` sends them with `dtype=safe`; `null` if they are not numbers.
    dtype: Option<String>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Mask {
    is_not_called_so: bool,
    path: String,
    dtype: String,
}

impl Neighbours {
    /// Those in the same group, and NeXus's masks.
    pub fn of(state: &State, file: &str, path: &str, shape: &Shape) -> Result<Self> {
        let path = path.trim_end_matches('/');
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let file = state.files.index_of(file)?;
        let found = state.files.find(file, parent)?;
        let mut known = Self::default();
        let Object::Group(group) = &found.object else { return Ok(known) };
        for (name, link) in h5::links(group)?.into_iter().take(MAX_SIBLINGS) {
            // Others may lead out of the file.
            if !matches!(link, Link::Hard) {
                continue;
            }
            let Ok(Object::Dataset(dataset)) = h5::open(group, &name) else { continue };
            let plist = dataset.create_plist().explained()?;
            let Some(lengths) = state.files.shape_of(&dataset, &plist, found.file)? else { continue };
            let path_of = || format!("{parent}/{name}");
            if lengths == [shape.n_frames()] {
                known.per_frame.push(PerFrame::of(&dataset, path_of(), &name)?);
            } else if lengths == [shape.height(), shape.width()] && path_of() != path {
                known.masks.extend(Mask::of(&dataset, path_of(), &name)?);
            }
        }
        known.add_nexus_masks(state, file, path, shape);
        known.per_frame.sort();
        known.per_frame.truncate(MAX_TOLD);
        known.masks.sort();
        known.masks.dedup();
        known.masks.truncate(MAX_TOLD);
        Ok(known)
    }

    /// What can't be looked at has none.
    fn add_nexus_masks(&mut self, state: &State, file: usize, path: &str, shape: &Shape) {
        let Some(entry) = path.trim_start_matches('/').split('/').next() else { return };
        let instrument = format!("/{entry}/instrument");
        let Ok(found) = state.files.find(file, &instrument) else { return };
        let Object::Group(group) = &found.object else { return };
        let Ok(links) = h5::links(group) else { return };
        for (name, _) in links.into_iter().take(MAX_TOLD) {
            for mask in NEXUS_MASKS {
                let path = format!("{instrument}/{name}/{mask}");
                let Ok((_found, dataset)) = state.files.find_dataset(file, &path) else { continue };
                let lengths = dataset.space().ok().and_then(|space| h5::shape_of(&space));
                if lengths == Some(vec![shape.height(), shape.width()])
                    && let Ok(Some(mask)) = Mask::of(&dataset, path, mask)
                {
                    self.masks.push(mask);
                }
            }
        }
    }
}

impl PerFrame {
    fn of(dataset: &Dataset, path: String, name: &str) -> Result<Self> {
        let datatype = Type::of(&dataset.dtype().explained()?)?;
        let dtype = Safe::of(&datatype).ok().map(|safe| safe.word);
        let lower = name.to_lowercase();
        let units = h5::text_attribute(dataset, "units").or_else(|| h5::text_attribute(dataset, "unit"));
        let is_not_time = !(lower.contains("time") || matches!(&lower[..], "t" | "epoch" | "date"));
        Ok(Self { is_not_time, path, units, dtype })
    }
}

impl Mask {
    /// `None` if values are not integers.
    fn of(dataset: &Dataset, path: String, name: &str) -> Result<Option<Self>> {
        let datatype = Type::of(&dataset.dtype().explained()?)?;
        let safe = Safe::of(&datatype).ok().filter(|_| bad::is_mask(&datatype));
        let is_not_called_so = !name.to_lowercase().contains("mask");
        Ok(safe.map(|safe| Self { is_not_called_so, path, dtype: safe.word }))
    }
}

/// The attribute `fps`.
pub fn frame_rate(dataset: &Dataset) -> Option<f64> {
    let attribute = dataset.attr("fps").ok().filter(|attribute| attribute.size() == 1)?;
    attribute.read_raw::<f64>().ok()?.first().copied().filter(|fps| fps.is_finite() && *fps > 0.0)
}

/// Names of the first `n` dimensions, as HDF5's dimension scales have them.
pub fn labels(dataset: &Dataset, n: usize) -> Vec<Option<String>> {
    let mut labels = read_labels(dataset).unwrap_or_default();
    labels.resize(n, None);
    labels
}

fn read_labels(dataset: &Dataset) -> Option<Vec<Option<String>>> {
    let attribute =
        dataset.attr("DIMENSION_LABELS").ok().filter(|attribute| attribute.size() == dataset.ndim())?;
    let items = Items::of_attribute(&attribute).ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(items.iter().map(|item| Some(text(item.string())).filter(|label| !label.is_empty())).collect())
}
