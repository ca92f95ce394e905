//! `/data` and `/stats`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::failure::{Failure, Result};
use super::metadata::{dtype_text, is_complex};
use super::number::Number;
use super::query::Asked;
use super::safe::{self, Safe};
use super::selection::Selection;
use super::values::{self, Opened};
use super::{State, answer, blocking, blocking_in, export, statistics};
use crate::h5::{Kind, Type};

/// Numbers of at most so many bytes become a text of at most [`SHORT_TEXT_BYTES`], with 32 brackets on each side of
/// one.
const FEW_BYTES: usize = 1 << 14;
const SHORT_TEXT_BYTES: usize = 2 << 20;

/// What h5grove takes.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    file: String,
    #[serde(default = "root")]
    path: String,
    selection: Option<String>,
    format: Option<String>,
    #[serde(default)]
    flatten: bool,
    dtype: Option<String>,
}

fn root() -> String {
    "/".into()
}

pub async fn data(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    let (opened, selection) = open(&state, &wanted).await?;
    let format = wanted.format.as_deref().unwrap_or("json");
    if let Some(other) = wanted.dtype.as_deref().filter(|word| !["origin", "safe"].contains(word)) {
        return Err(Failure::unusable(format!("Unsupported dtype {other}")));
    }
    let Some(selection) = selection else {
        return empty(format);
    };
    let datatype = &opened.datatype;
    if format == "json" {
        let is_list = !selection.shape.is_empty() || matches!(datatype.kind, Kind::Array { .. });
        return json_text(&state, &opened, &selection, wanted.flatten && is_list).await;
    }
    if datatype.has_pointers() || (format != "bin" && !is_numeric(datatype)) {
        return Err(Failure::unusable(format!("Unsupported encoding {format} for non-numeric content")));
    }
    let is_safe = wanted.dtype.as_deref() == Some("safe") || format == "tiff";
    let n_bytes = opened.n_bytes(&selection)?;
    if format == "csv" {
        let making = state.rooms.get_unknown().await?;
        let bytes = values::read(&state, &opened, &selection, &making).await?;
        let text =
            blocking_in(&making, move || export::csv(&opened.datatype, &selection.shape, &bytes)).await?;
        let room = state.rooms.get(text.len()).await?;
        return Ok(export::download(text, "text/csv", "attachment; filename=\"data.csv\"", room));
    }
    let n_bytes = if is_safe { Safe::of(datatype)?.n_bytes(n_bytes)? } else { n_bytes };
    let room = state.rooms.get(n_bytes).await?;
    let bytes = values::read(&state, &opened, &selection, &room).await?;
    let format = format.to_owned();
    blocking(move || {
        let datatype = &opened.datatype;
        let (word, bytes) = if is_safe {
            let safe = Safe::of(datatype)?;
            let bytes = safe.convert(bytes)?;
            (safe.word, bytes)
        } else {
            (dtype_text(datatype), safe::full(datatype, bytes))
        };
        match &format[..] {
            "bin" => Ok(answer(bytes, "application/octet-stream", room)),
            "npy" => export::npy(&word, &selection.shape, &bytes, room),
            "tiff" => export::tiff(&word, &selection.shape, &bytes, room),
            _ => Err(Failure::unusable(format!("Unsupported encoding {format}"))),
        }
    })
    .await
}

async fn json_text(
    state: &State,
    opened: &Arc<Opened>,
    selection: &Selection,
    is_flat: bool,
) -> Result<Response> {
    if opened.n_bytes(selection)? <= FEW_BYTES && is_numeric(&opened.datatype) {
        let room = state.rooms.get(SHORT_TEXT_BYTES).await?;
        let text = values::json(state, opened, selection, is_flat, &room).await?;
        return Ok(answer(text, "application/json", room));
    }
    let making = state.rooms.get_unknown().await?;
    let text = values::json(state, opened, selection, is_flat, &making).await?;
    let room = state.rooms.get(text.len()).await?;
    Ok(answer(text, "application/json", room))
}

async fn open(state: &Arc<State>, wanted: &Wanted) -> Result<(Arc<Opened>, Option<Selection>)> {
    let (file, path) = (wanted.file.clone(), wanted.path.clone());
    let state = Arc::clone(state);
    let opened = blocking(move || Opened::open(&state, &file, &path)).await?;
    let selection = match (&opened.shape, &wanted.selection) {
        (None, _) => None,
        (Some(shape), None) => Some(Selection::all(shape)),
        (Some(shape), Some(text)) => Some(Selection::parse(text, shape)?),
    };
    Ok((Arc::new(opened), selection))
}

/// A dataset that holds nothing.
fn empty(format: &str) -> Result<Response> {
    match format {
        "json" => Ok(Json(Value::Null).into_response()),
        _ => Err(Failure::unusable(format!("Unsupported encoding {format} for empty datasets"))),
    }
}

fn is_numeric(datatype: &Type) -> bool {
    let word = dtype_text(datatype);
    word.get(1..).is_some_and(|rest| rest.starts_with(['i', 'u', 'f', 'c', 'b']))
}

pub async fn stats(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Json<Value>> {
    let (opened, selection) = open(&state, &wanted).await?;
    let refuse = || Failure::unusable("Unsupported type of values: statistics are of numbers");
    let selection = selection.ok_or_else(refuse)?;
    if is_complex(&opened.datatype) || !is_numeric(&opened.datatype) {
        return Err(refuse());
    }
    let room = state.rooms.get(opened.n_bytes(&selection)?).await?;
    let bytes = values::read(&state, &opened, &selection, &room).await?;
    blocking_in(&room, move || {
        let numbers = || {
            let items = bytes.chunks_exact(opened.datatype.size.max(1));
            items.map(|item| Number::of(&opened.datatype, item))
        };
        Ok(Json(statistics::of(numbers)))
    })
    .await
}
