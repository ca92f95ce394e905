use std::io::{self, Write};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use h5h264::advice;
use hdf5::plist::DatasetCreate;
use hdf5::{Dataset, Dataspace, File};
use serde::Serialize;
use serde_json::json;

use crate::codec::Pipeline;
use crate::h5::{self, Explain, Grid};
use crate::preset::filter_with;
use crate::target::Target;
use crate::{progress, text};

/// Bytes to try the filters on, at most; a chunk at least.
const SAMPLE_BYTES: u64 = 64 << 20;
/// Filters are a step up if files get smaller by so much.
const WORTHWHILE: f64 = 1.03;

/// Compare filters and presets on a dataset: h5h264, and the filters that every HDF5 has
///
/// Encodes and decodes chunks from all parts of the dataset, at most 64 MB, with one thread.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file, and the path of the dataset in it
    #[arg(value_name = "FILE:/DATASET")]
    target: Target,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Outcome {
    filter: String,
    /// Uncompressed by stored bytes.
    ratio: f64,
    /// Millions of uncompressed bytes a second.
    encode_mb_s: f64,
    decode_mb_s: f64,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let name = self.target.dataset()?;
        let file = h5::open_file(&self.target.file)?;
        let dataset = file.dataset(name).explained().with_context(|| format!("can't open {name}"))?;
        let (grid, chunks) = sample(&dataset).with_context(|| name.to_owned())?;
        let candidates = candidates();
        let n_bytes: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let bar = progress::bar(n_bytes * candidates.len() as u64, "trying");
        let mut outcomes = Vec::new();
        for (name, filters) in candidates {
            let pipeline = pipeline_of(&dataset, &grid, &filters)?;
            outcomes.push(try_filter(name, &pipeline, &chunks)?);
            bar.inc(n_bytes);
        }
        bar.finish_and_clear();
        let suggestion = suggestion(&outcomes);
        let mut out = io::stdout();
        if self.json {
            let report = json!({"chunk": grid.chunk, "n_bytes": n_bytes, "filters": outcomes, "suggestion": suggestion});
            return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?);
        }
        let chunk_shape = text::shape(&grid.chunk);
        writeln!(out, "{} in chunks of {chunk_shape}, one thread", text::bytes(n_bytes))?;
        writeln!(out, "{:<20} {:>7} {:>12} {:>12}", "", "ratio", "encode MB/s", "decode MB/s")?;
        for o in &outcomes {
            writeln!(
                out,
                "{:<20} {:>7.2} {:>12.0} {:>12.0}",
                o.filter, o.ratio, o.encode_mb_s, o.decode_mb_s
            )?;
        }
        Ok(writeln!(out, "{suggestion}")?)
    }
}

type Filters = Vec<(i32, Vec<u32>)>;

fn candidates() -> Vec<(String, Filters)> {
    let ours = ["ultrafast", "superfast", "medium"]
        .map(|preset| (format!("h5h264 {preset}"), vec![filter_with(preset)]));
    let gzip = [1, 4, 9].map(|level| {
        (format!("shuffle, gzip {level}"), vec![(h5::SHUFFLE, vec![]), (h5::GZIP, vec![level])])
    });
    let plain = (String::from("gzip 4"), vec![(h5::GZIP, vec![4])]);
    ours.into_iter().chain(gzip).chain([plain]).collect()
}

/// Whole chunks, spread over the dataset, in the shape that is advised for it.
fn sample(dataset: &Dataset) -> Result<(Grid, Vec<Vec<u8>>)> {
    let datatype = dataset.dtype().explained()?;
    ensure!(h5::is_numeric(&datatype)?, "it is {} (expected numbers)", h5::describe_type(&datatype)?);
    ensure!(dataset.ndim() > 0 && dataset.size() > 0, "there is nothing in it");
    let shape: Vec<_> = dataset.shape().into_iter().map(|n| n as u64).collect();
    let item_bytes = datatype.size() as u64;
    let chunk = advice::chunk_shape(&shape, item_bytes, advice::DEFAULT_TARGET_BYTES);
    let grid = Grid { shape, chunk };
    let n_chunks = grid.n_chunks();
    let n_taken = (SAMPLE_BYTES / (grid.chunk_len() * item_bytes)).clamp(1, n_chunks);
    let chunks = (0..n_taken).map(|i| {
        let offset = grid.offset(i * n_chunks / n_taken);
        let extent = grid.extent_at(&offset);
        let elements = h5::read_slab(dataset, &offset, &extent)?.into_bytes()?;
        let mut chunk = vec![0; usize::try_from(grid.chunk_len() * item_bytes)?];
        h5::place(&mut chunk, &grid.chunk, &vec![0; extent.len()], &elements, &extent);
        Ok(chunk)
    });
    let chunks = chunks.collect::<Result<Vec<_>>>()?;
    Ok((grid, chunks))
}

/// What HDF5 makes of the filters for such a dataset.
fn pipeline_of(like: &Dataset, grid: &Grid, filters: &Filters) -> Result<Pipeline> {
    let mut options = File::with_options();
    options.with_fapl(|access| access.core_filebacked(false));
    let file = options.create("h5h264-bench").explained()?;
    let plist = h5::chunked(&DatasetCreate::try_new().explained()?, &grid.chunk, filters)?;
    let lengths: Vec<_> = grid.shape.iter().map(|n| *n as usize).collect();
    let space = Dataspace::try_new(lengths).explained()?;
    let datatype = h5::copy_of(&like.dtype().explained()?)?;
    let dataset = h5::create_dataset(&file, "frames", &datatype, &space, &plist, &h5::utf8_link()?)?;
    Pipeline::of_dataset(&dataset, grid)?.context("a filter that is not available")
}

fn try_filter(filter: String, pipeline: &Pipeline, chunks: &[Vec<u8>]) -> Result<Outcome> {
    // Sessions are opened, tables made.
    pipeline.encode(&chunks[0], 1)?;
    let (mut n_bytes, mut n_stored, mut encoding, mut decoding) = (0, 0, 0.0, 0.0);
    for chunk in chunks {
        let start = Instant::now();
        let stored = pipeline.encode(chunk, 1)?;
        encoding += start.elapsed().as_secs_f64();
        n_stored += stored.len();
        let start = Instant::now();
        let decoded = pipeline.decode(stored, 0, 1)?;
        decoding += start.elapsed().as_secs_f64();
        ensure!(decoded == *chunk, "{filter} does not return what was written");
        n_bytes += chunk.len();
    }
    let megabytes = n_bytes as f64 / 1e6;
    Ok(Outcome {
        filter,
        ratio: n_bytes as f64 / n_stored as f64,
        encode_mb_s: megabytes / encoding,
        decode_mb_s: megabytes / decoding,
    })
}

/// The fastest of those that are nearly as small as any, and the smallest, if that is much smaller.
fn suggestion(outcomes: &[Outcome]) -> String {
    let smallest = outcomes.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let Some(smallest) = smallest.filter(|smallest| smallest.ratio >= WORTHWHILE) else {
        return "No compression: no filter makes these data much smaller.".into();
    };
    // Twice as fast is worth a tenth of the size.
    let score = |o: &Outcome| o.ratio.ln() / 1.1f64.ln() + o.encode_mb_s.log2();
    let all_round =
        outcomes.iter().filter(|o| o.ratio >= WORTHWHILE).max_by(|a, b| score(a).total_cmp(&score(b)));
    let all_round = all_round.unwrap_or(smallest);
    if smallest.ratio < WORTHWHILE * all_round.ratio {
        return format!("Suggestion: {}.", all_round.filter);
    }
    let percent = 100.0 * (1.0 - all_round.ratio / smallest.ratio);
    format!(
        "Suggestion: {}; for files that are {percent:.0} % smaller, {}.",
        all_round.filter, smallest.filter
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(filter: &str, ratio: f64, encode_mb_s: f64) -> Outcome {
        Outcome { filter: filter.into(), ratio, encode_mb_s, decode_mb_s: 100.0 }
    }

    #[test]
    fn what_is_smaller_and_faster_is_suggested() {
        let outcomes = [outcome("fast", 2.0, 200.0), outcome("slow", 2.02, 20.0), outcome("gzip", 1.5, 50.0)];
        assert_eq!(suggestion(&outcomes), "Suggestion: fast.");
        let outcomes = [outcome("fast", 2.0, 200.0), outcome("slow", 2.5, 60.0)];
        assert_eq!(suggestion(&outcomes), "Suggestion: slow.");
        let outcomes = [outcome("fast", 2.0, 200.0), outcome("slow", 2.2, 20.0)];
        assert_eq!(suggestion(&outcomes), "Suggestion: fast; for files that are 9 % smaller, slow.");
        assert!(suggestion(&[outcome("fast", 1.01, 500.0)]).starts_with("No compression"));
    }
}
