//! How the chunks of our filter are coded.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Result, bail};
use hdf5::Dataset;
use serde::{Deserialize, Serialize};

use crate::h5::{FLETCHER32, FilterUse, Grid, StoredChunks, Unfiltered};
use crate::text;

/// Chunks that are looked into, spread over the dataset.
const MOST_CHUNKS: usize = 32;

/// A dataset's use of our filter.
#[derive(Serialize)]
pub struct Ours {
    pub preset: String,
    n_chunks: usize,
    /// Chunks that were stored without it.
    unfiltered: Unfiltered,
    /// Chunks of which the rest is known.
    n_described: usize,
    /// Alike chunks.
    kinds: Vec<Kind>,
}

#[derive(Serialize)]
struct Kind {
    n_chunks: usize,
    #[serde(flatten)]
    description: Description,
}

/// What a chunk's header says; `h5h264::capi::describe` has it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Description {
    layout: String,
    content: String,
    format_version: Option<u8>,
    mapping: Option<String>,
    #[serde(default)]
    table_len: usize,
    #[serde(default)]
    planes: Vec<Plane>,
    picture_format: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Plane {
    bits: u8,
    coding: String,
}

impl Ours {
    /// `None` if the dataset does not have our filter.
    pub fn of(dataset: &Dataset, grid: &Grid, filters: &[FilterUse]) -> Result<Option<Self>> {
        let Some(place) = filters.iter().position(|filter| filter.id == h5h264::FILTER_ID) else {
            return Ok(None);
        };
        let chunks = StoredChunks::of(dataset, grid)?;
        let n_chunks = chunks.len();
        let mut kinds = BTreeMap::<Description, usize>::new();
        let described = chunks.iter().step_by(n_chunks.div_ceil(MOST_CHUNKS).max(1));
        for (offset, chunk) in described {
            let stored = chunks.read(&offset, chunk)?;
            // What comes after ours hides the chunk, but for a checksum, which stands behind it.
            let end = match &filters[place + 1..] {
                [] => stored.len(),
                [checksum] if checksum.id == FLETCHER32 => stored.len().saturating_sub(4),
                _ => break,
            };
            let description = match chunk.filter_mask {
                0 => describe(&stored[..end]).unwrap_or_else(|e| Description::of_other(format!("{e:#}"))),
                _ => Description::of_other("unfiltered".into()),
            };
            *kinds.entry(description).or_default() += 1;
        }
        let n_described = kinds.values().sum();
        let kinds = kinds.into_iter().map(|(description, n_chunks)| Kind { n_chunks, description });
        Ok(Some(Self {
            preset: preset(&filters[place].cd_values),
            n_chunks,
            unfiltered: chunks.unfiltered(place),
            n_described,
            kinds: kinds.collect(),
        }))
    }

    pub fn print(&self, out: &mut impl Write) -> Result<()> {
        for kind in &self.kinds {
            writeln!(out, "    {} × {}", kind.n_chunks, kind.description.text())?;
        }
        if self.n_described < self.n_chunks {
            writeln!(out, "    ({} of {} chunks)", self.n_described, self.n_chunks)?;
        }
        if let Some(text) = self.unfiltered.text() {
            writeln!(out, "    {text}; h5h264 repack compresses them")?;
        }
        Ok(())
    }
}

fn preset(cd_values: &[u32]) -> String {
    let index = cd_values.get(3).copied().unwrap_or(0);
    h5h264::avcodec::Preset::new(index).map_or(format!("preset {index}"), |preset| preset.name().into())
}

fn describe(stored: &[u8]) -> Result<Description> {
    match h5h264::capi::describe::json(stored) {
        Ok(json) => Ok(serde_json::from_str(&json)?),
        Err(e) => bail!(e),
    }
}

impl Description {
    /// Of a chunk that HDF5 has stored without the filter, or that is damaged.
    fn of_other(content: String) -> Self {
        Self {
            layout: "none".into(),
            content,
            format_version: None,
            mapping: None,
            table_len: 0,
            planes: vec![],
            picture_format: None,
        }
    }

    fn text(&self) -> String {
        let version = self.format_version.map_or(String::new(), |version| format!("format {version}, "));
        let Some(mapping) = &self.mapping else {
            let layout = if self.layout == "original" { ", original layout" } else { "" };
            return format!("{version}{}{layout}", self.content);
        };
        let planes: Vec<_> = self
            .planes
            .iter()
            .map(|plane| format!("{} {}", text::count(plane.bits.into(), "bit"), plane.coding))
            .collect();
        let planes = if planes.is_empty() { "constant".into() } else { planes.join(" + ") };
        let table = match self.table_len {
            0 => String::new(),
            n => format!(", table of {}", text::count(n as u64, "value")),
        };
        let rgb = if self.picture_format.as_deref() == Some("rgb") { ", RGB" } else { "" };
        format!("{version}{mapping}{table}: {planes}{rgb}")
    }
}
