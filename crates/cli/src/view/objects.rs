//! `/meta`, `/attr` and `/paths`.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::response::Response;
use hdf5::Location;
use serde::Deserialize;
use serde_json::Value;

use super::budget;
use super::failure::{Failure, Result};
use super::metadata;
use super::query::Asked;
use super::resolve::{Found, Target};
use super::{State, answer, blocking_in, json, json_answer};
use crate::h5::{self, Explain, Items, Link, Object};

/// Paths of more bytes are not listed.
const MAX_PATH_BYTES: usize = 32 << 20;

/// What h5grove takes.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    file: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default)]
    resolve_links: Option<String>,
}

fn root() -> String {
    "/".into()
}

/// `resolve_links`: which links are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    None,
    OnlyValid,
    All,
}

impl Wanted {
    fn follow(&self) -> Result<Follow> {
        match self.resolve_links.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("only_valid") => Ok(Follow::OnlyValid),
            Some("all" | "true") => Ok(Follow::All),
            Some("none" | "false") => Ok(Follow::None),
            Some(other) => Err(Failure::unusable(format!(
                "{other} is not a valid value for link resolution. Accepted values are: all, none or only_valid"
            ))),
        }
    }
}

pub async fn files(Shared(state): Shared<Arc<State>>) -> Json<Vec<String>> {
    Json(state.files.names().map(str::to_owned).collect())
}

pub async fn meta(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    let follow = wanted.follow()?;
    json_answer(state, move |state| {
        let file = state.files.index_of(&wanted.file)?;
        let path = wanted.path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return metadata::of_object(&state.files, &state.files.find(file, "/")?, "");
        }
        let found = state.files.find(file, parent)?;
        let link = match &found.object {
            Object::Group(group) => h5::link(group, name)?.map(|link| (group, link)),
            _ => None,
        };
        let Some((group, link)) = link else {
            return Err(Failure::not_found(format!("{path} is not a valid path in {}", wanted.file)));
        };
        if follow == Follow::None && !matches!(link, Link::Hard) {
            return Ok(metadata::of_link(&link, name));
        }
        match state.files.child(&found, group, name, link)? {
            Target::Object(child) => metadata::of_object(&state.files, &child, path),
            Target::Dangling(_) if follow == Follow::All => state.files.find(file, path).map(|_| Value::Null),
            Target::Dangling(link) => Ok(metadata::of_link(&link, name)),
        }
    })
    .await
}

/// Values of attributes: of all of them, or of those that are named by `attr_keys`, any number of times.
pub async fn attributes(
    Shared(state): Shared<Arc<State>>,
    Asked(wanted): Asked<Vec<(String, String)>>,
) -> Result<Response> {
    let first = |key: &str| wanted.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    let file = first("file").ok_or_else(|| Failure::unusable("no file is named"))?;
    let path = first("path").unwrap_or_else(root);
    let keys: Vec<_> = wanted.into_iter().filter(|(key, _)| key == "attr_keys").map(|(_, key)| key).collect();
    // Nobody knows before how large attributes are.
    let room = state.rooms.get_unknown().await?;
    let shared = Arc::clone(&state);
    let text = blocking_in(&room, move || {
        let files = &shared.files;
        let found = files.find(files.index_of(&file)?, &path)?;
        let location = found.object.location();
        let names = h5::attribute_names(location)?;
        if let Some(missing) = keys.iter().find(|key| !names.contains(key)) {
            return Err(Failure::not_found(format!("{path} has no attribute {missing}")));
        }
        let mut out = b"{".to_vec();
        for name in names.iter().filter(|name| keys.is_empty() || keys.contains(name)) {
            let value = value_of(location, name);
            // Who names it wants to know what is the matter with it.
            if keys.is_empty() && !metadata::is_told(&value) {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend(Value::from(&name[..]).to_string().into_bytes());
            out.push(b':');
            out.extend(value?);
            json::check_len(&out)?;
        }
        out.push(b'}');
        Ok(out)
    })
    .await?;
    let room = state.rooms.get(text.len()).await?;
    Ok(answer(text, "application/json", room))
}

/// As JSON.
fn value_of(location: &Location, name: &str) -> Result<Vec<u8>> {
    let attribute = location.attr(name).explained()?;
    match h5::shape_of(&attribute.space().explained()?) {
        None => Ok(b"null".to_vec()),
        Some(shape) => json::write(&Items::of_attribute(&attribute)?, &shape),
    }
}

/// All paths below one, each object once.
pub async fn paths(Shared(state): Shared<Arc<State>>, Asked(wanted): Asked<Wanted>) -> Result<Response> {
    json_answer(state, move |state| {
        let found = state.files.find(state.files.index_of(&wanted.file)?, &wanted.path)?;
        let mut paths = vec![wanted.path.clone()];
        let mut seen = HashSet::new();
        collect(&found, wanted.path.trim_end_matches('/'), &mut seen, &mut paths)?;
        Ok(paths)
    })
    .await
}

fn collect(
    found: &Found,
    path: &str,
    seen: &mut HashSet<h5::Address>,
    paths: &mut Vec<String>,
) -> Result<()> {
    let Object::Group(group) = &found.object else {
        return Err(Failure::unusable(format!("{path} is not a group")));
    };
    let mut groups = vec![(group.clone(), path.to_owned())];
    let mut n_bytes = 0;
    seen.insert(h5::address_of(group)?);
    while let Some((group, path)) = groups.pop() {
        for (name, link) in h5::links(&group)? {
            budget::step()?;
            let path = format!("{path}/{name}");
            n_bytes += path.len();
            if n_bytes > MAX_PATH_BYTES {
                return Err(Failure::too_large(format!("paths of more than {MAX_PATH_BYTES} bytes")));
            }
            paths.push(path.clone());
            if !matches!(link, Link::Hard) || !h5::is_group(&group, &name)? {
                continue;
            }
            if let Object::Group(inner) = h5::open(&group, &name)?
                && seen.insert(h5::address_of(&inner)?)
            {
                groups.push((inner, path));
            }
        }
    }
    Ok(())
}
