mod stored;

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::Args;
use hdf5::{Dataset, Group};
use serde::Serialize;
use serde_json::json;

use crate::h5::{self, Entry, Explain, Grid, Object};
use crate::target::Target;
use crate::text;

use stored::Ours;

/// Show what is in a file: shapes, types, chunks, filters, sizes, and how the chunks of h5h264 are coded
///
/// If a dataset has many chunks, only some of them are examined.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A file, or FILE:/path of a group or a dataset in it
    #[arg(value_name = "FILE[:/PATH]")]
    target: Target,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let file = h5::open_file(&self.target.file)?;
        let path = self.target.object.as_deref().unwrap_or("/");
        let start = h5::open(&file, path).with_context(|| self.target.file.display().to_string())?;
        let items = match start {
            Object::Dataset(dataset) => vec![Item { path: path.into(), what: What::of_dataset(&dataset)? }],
            Object::Group(group) => items_of(&group, path)?,
            Object::Datatype(_) => bail!("{path} is a datatype (expected a group or a dataset)"),
        };
        let mut out = io::stdout();
        if self.json {
            let document = json!({"file": self.target.file, "objects": items});
            return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?);
        }
        for item in &items {
            item.print(&mut out)?;
        }
        Ok(())
    }
}

/// An object or a link.
#[derive(Serialize)]
struct Item {
    path: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum What {
    Group {
        n_attributes: u64,
    },
    Dataset(Box<DatasetInfo>),
    Datatype,
    /// Another name of an object.
    HardLink {
        target: String,
    },
    SoftLink {
        target: String,
    },
    ExternalLink {
        file: String,
        target: String,
    },
    UserDefinedLink,
    Unreadable {
        cause: String,
    },
}

#[derive(Serialize)]
struct DatasetInfo {
    dtype: String,
    /// Absent if the dataset has no dataspace.
    shape: Option<Vec<u64>>,
    chunks: Option<Vec<u64>>,
    /// compact, contiguous, chunked or virtual.
    layout: String,
    filters: Vec<FilterInfo>,
    raw_bytes: u64,
    stored_bytes: u64,
    n_attributes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    h5h264: Option<Ours>,
}

#[derive(Serialize)]
struct FilterInfo {
    id: i32,
    name: String,
    cd_values: Vec<u32>,
    is_available: bool,
}

fn items_of(group: &Group, path: &str) -> Result<Vec<Item>> {
    let mut items = vec![Item { path: path.into(), what: What::of_group(group)? }];
    h5::walk(group, path, |_, path, _, entry| {
        let what = match entry {
            Entry::Object(Object::Group(group)) => {
                What::of_group(&group).unwrap_or_else(|e| What::unreadable(&e))
            }
            Entry::Object(Object::Dataset(dataset)) => {
                What::of_dataset(&dataset).unwrap_or_else(|e| What::unreadable(&e))
            }
            Entry::Object(Object::Datatype(_)) => What::Datatype,
            Entry::Again(target) => What::HardLink { target },
            Entry::Soft(target) => What::SoftLink { target: target.to_string_lossy().into() },
            Entry::External(file, target) => What::ExternalLink {
                file: file.to_string_lossy().into(),
                target: target.to_string_lossy().into(),
            },
            Entry::UserDefined => What::UserDefinedLink,
            Entry::Unreadable(e) => What::unreadable(&e),
        };
        items.push(Item { path: path.to_owned(), what });
        Ok(())
    })?;
    Ok(items)
}

impl What {
    fn unreadable(error: &anyhow::Error) -> Self {
        Self::Unreadable { cause: text::one_line(error) }
    }

    fn of_group(group: &Group) -> Result<Self> {
        Ok(Self::Group { n_attributes: group.loc_info().explained()?.num_attrs as u64 })
    }

    fn of_dataset(dataset: &Dataset) -> Result<Self> {
        let grid = Grid::of(dataset);
        let filters = h5::filters_of(dataset)?;
        let shape: Vec<_> = dataset.get_shape().explained()?.into_iter().map(|n| n as u64).collect();
        let is_null = shape.is_empty() && dataset.size() == 0;
        let filter_infos = filters.iter().map(|filter| FilterInfo {
            id: filter.id,
            name: filter.known_name(),
            cd_values: filter.cd_values.clone(),
            is_available: h5::is_available(filter.id),
        });
        Ok(Self::Dataset(Box::new(DatasetInfo {
            dtype: h5::describe_type(&dataset.dtype().explained()?)?,
            chunks: grid.as_ref().map(|grid| grid.chunk.clone()),
            layout: format!("{:?}", dataset.layout()).to_lowercase(),
            filters: filter_infos.collect(),
            raw_bytes: dataset.size() as u64 * h5::item_bytes(dataset)?,
            stored_bytes: dataset.storage_size(),
            n_attributes: dataset.loc_info().explained()?.num_attrs as u64,
            h5h264: grid.and_then(|grid| Ours::of(dataset, &grid, &filters).transpose()).transpose()?,
            shape: (!is_null).then_some(shape),
        })))
    }
}

impl Item {
    fn print(&self, out: &mut impl Write) -> Result<()> {
        let path = &self.path;
        match &self.what {
            What::Group { n_attributes } => writeln!(out, "{path}  group{}", attributes(*n_attributes))?,
            What::Datatype => writeln!(out, "{path}  datatype")?,
            What::HardLink { target } => writeln!(out, "{path}  the same as {target}")?,
            What::SoftLink { target } => writeln!(out, "{path}  → {target}")?,
            What::ExternalLink { file, target } => writeln!(out, "{path}  → {file}:{target}")?,
            What::UserDefinedLink => writeln!(out, "{path}  user-defined link")?,
            What::Unreadable { cause } => writeln!(out, "{path}  can't be read: {cause}")?,
            What::Dataset(dataset) => dataset.print(path, out)?,
        }
        Ok(())
    }
}

impl DatasetInfo {
    fn print(&self, path: &str, out: &mut impl Write) -> Result<()> {
        let shape = self.shape.as_deref().map_or("empty".into(), text::shape);
        writeln!(out, "{path}  {shape}  {}{}", self.dtype, attributes(self.n_attributes))?;
        let layout = match &self.chunks {
            Some(chunks) => format!("chunks of {}", text::shape(chunks)),
            None => self.layout.clone(),
        };
        let filters = self.filters.iter().map(|filter| match filter.is_available {
            true => filter.name.clone(),
            false => format!("{}, not available here", filter.name),
        });
        let filters: String = filters.map(|filter| format!(", {filter}")).collect();
        let preset = self.h5h264.as_ref().map_or(String::new(), |ours| format!(" {}", ours.preset));
        let ratio = match self.stored_bytes {
            0 => String::new(),
            stored => format!(", ratio {:.2}", self.raw_bytes as f64 / stored as f64),
        };
        let sizes = format!("{} in {}", text::bytes(self.raw_bytes), text::bytes(self.stored_bytes));
        writeln!(out, "    {layout}{filters}{preset}: {sizes}{ratio}")?;
        if let Some(ours) = &self.h5h264 {
            ours.print(out)?;
        }
        Ok(())
    }
}

fn attributes(n: u64) -> String {
    if n == 0 { String::new() } else { format!(", {}", text::count(n, "attribute")) }
}
