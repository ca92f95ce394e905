//! What is written beside frames, for programs that show them.

use anyhow::Result;
use hdf5::Dataset;
use hdf5::types::VarLenUnicode;

use super::picture::Format;
use super::tiff::Axes;
use crate::h5::{self, Explain};

/// Dimension labels (HDF5's Dimension Scale Specification), and sizes of pixels as Fiji's plugin for HDF5 has them.
pub fn write_axes(dataset: &Dataset, axes: &Axes, format: Format) -> Result<()> {
    let mut labels = axes.names();
    if labels.is_empty() {
        labels.push(String::new());
    }
    labels.extend(match (format.is_colour, format.n_components) {
        (true, _) => ["y", "x", ""].map(String::from).to_vec(),
        (false, 1) => ["y", "x"].map(String::from).to_vec(),
        (false, _) => ["c", "y", "x"].map(String::from).to_vec(),
    });
    h5::write_dimension_labels(dataset, &labels)?;
    let [z, y, x] = axes.pixel_um;
    if let (Some(y), Some(x)) = (y, x) {
        let sizes: Vec<f64> = z.into_iter().chain([y, x]).collect();
        dataset.new_attr_builder().with_data(&sizes).create("element_size_um").explained()?;
    }
    if let Some(seconds) = axes.time_step {
        let attribute = dataset.new_attr::<f64>().create("time_step_s");
        attribute.and_then(|attribute| attribute.write_scalar(&seconds)).explained()?;
    }
    if !axes.channels.is_empty() {
        let names = axes.channels.iter().map(|name| name.replace('\0', " ").parse::<VarLenUnicode>());
        let names = names.collect::<Result<Vec<_>, _>>()?;
        dataset.new_attr_builder().with_data(&names).create("channels").explained()?;
    }
    Ok(())
}
