//! What h5grove tells of objects, in its own words.

use axum::http::StatusCode;
use hdf5::plist::DatasetCreate;
use hdf5::{Datatype, Location};
use serde_json::{Map, Value, json};

use super::budget;
use super::failure::Result;
use super::files::Files;
use super::resolve::{Found, Target};
use crate::h5::{self, BIG_ENDIAN, Explain, Kind, Link, Object, Type};

/// An object: with its children, if it is a group.
pub fn of_object(files: &Files, found: &Found, path: &str) -> Result<Value> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut metadata = shallow(files, found, name)?;
    if let (Object::Group(group), Value::Object(map)) = (&found.object, &mut metadata) {
        let links = h5::links(group)?.into_iter();
        let child = |(name, link): (String, Link)| match files.child(found, group, &name, link)? {
            Target::Object(child) => shallow(files, &child, &name),
            Target::Dangling(link) => Ok(of_link(&link, &name)),
        };
        let told = |(name, link): (String, Link)| {
            let told = child((name.clone(), link));
            if is_told(&told) { told } else { Ok(json!({ "attributes": [], "kind": "other", "name": name })) }
        };
        map.insert("children".into(), links.map(told).collect::<Result<_>>()?);
    }
    Ok(metadata)
}

/// A link that is not followed.
pub fn of_link(link: &Link, name: &str) -> Value {
    match link {
        Link::Soft(path) => json!({ "kind": "soft_link", "name": name, "target_path": path }),
        Link::External(file, path) => {
            json!({ "kind": "external_link", "name": name, "target_file": file, "target_path": path })
        }
        _ => json!({ "kind": "other", "name": name }),
    }
}

fn shallow(files: &Files, found: &Found, name: &str) -> Result<Value> {
    budget::step()?;
    let attributes = attributes(found.object.location())?;
    Ok(match &found.object {
        Object::Group(_) => json!({ "attributes": attributes, "kind": "group", "name": name }),
        Object::Dataset(dataset) => {
            let plist = dataset.create_plist().explained()?;
            json!({
                "attributes": attributes,
                "chunks": plist.chunk(),
                "filters": filters(&plist)?,
                "kind": "dataset",
                "name": name,
                "shape": files.shape_of(dataset, &plist, found.file)?,
                "type": of_stored_type(&dataset.dtype().explained()?)?,
            })
        }
        Object::Datatype(datatype) => {
            let datatype = of_stored_type(&h5::committed_type(datatype)?)?;
            json!({ "attributes": attributes, "kind": "datatype", "name": name, "type": datatype })
        }
    })
}

fn attributes(location: &Location) -> Result<Vec<Value>> {
    let attribute = |name: &String| {
        budget::step()?;
        let attribute = location.attr(name).explained()?;
        Ok(json!({
            "name": name,
            "shape": h5::shape_of(&attribute.space().explained()?),
            "type": of_stored_type(&attribute.dtype().explained()?)?,
        }))
    };
    h5::attribute_names(location)?.iter().map(attribute).filter(is_told).collect()
}

/// What HDF5 can't tell of one thing does not keep the others.
pub fn is_told<T>(told: &Result<T>) -> bool {
    told.as_ref().err().is_none_or(|e| e.status != StatusCode::INTERNAL_SERVER_ERROR)
}

fn filters(plist: &DatasetCreate) -> Result<Value> {
    let filters = h5::filters_in(plist)?;
    let listed = filters.iter().map(|filter| json!({ "id": filter.id, "name": filter.name }));
    Ok(if filters.is_empty() { Value::Null } else { listed.collect() })
}

fn of_stored_type(datatype: &Datatype) -> Result<Value> {
    let datatype = Type::of(datatype)?;
    budget::steps(datatype.n_members())?;
    Ok(of_type(&datatype))
}

/// A datatype.
pub fn of_type(datatype: &Type) -> Value {
    let mut metadata = Map::new();
    let mut put = |key: &str, value: Value| metadata.insert(key.into(), value);
    put("class", datatype.class.into());
    put("dtype", dtype(datatype));
    put("size", datatype.size.into());
    match &datatype.kind {
        Kind::Integer { order, is_signed, .. } => {
            put("order", (*order).into());
            put("sign", u8::from(*is_signed).into());
        }
        Kind::Float { order, .. } | Kind::Bitfield { order, .. } => {
            put("order", (*order).into());
        }
        Kind::String { cset, strpad, is_variable } => {
            put("cset", (*cset).into());
            put("strpad", (*strpad).into());
            put("vlen", (*is_variable).into());
        }
        Kind::Opaque { tag } => {
            put("tag", tag[..].into());
        }
        Kind::Compound(members) => {
            let members = members.iter().map(|member| {
                let mut metadata = of_type(&member.datatype);
                metadata["name"] = member.name[..].into();
                metadata
            });
            put("members", members.collect());
        }
        Kind::Enum { members, base } => {
            let members: Map<_, _> = members.iter().map(|(name, n)| (name.clone(), (*n).into())).collect();
            put("members", members.into());
            put("base", of_type(base));
        }
        Kind::Sequence(base) => {
            put("base", of_type(base));
        }
        Kind::Array { dims, base } => {
            put("dims", dims[..].into());
            put("base", of_type(base));
        }
        Kind::Reference { .. } | Kind::Complex(_) | Kind::Other => {}
    }
    metadata.into()
}

/// NumPy's word for it; for compounds, that of each member.
fn dtype(datatype: &Type) -> Value {
    if let Kind::Compound(members) = &datatype.kind
        && !is_complex(datatype)
    {
        return members.iter().map(|m| (m.name.clone(), dtype(&m.datatype))).collect::<Map<_, _>>().into();
    }
    dtype_text(datatype).into()
}

/// NumPy's word for elements that are not compounds.
pub fn dtype_text(datatype: &Type) -> String {
    let size = datatype.size;
    let mark = |order: i32, letter: char| match (size, order) {
        (1, _) => format!("|{letter}1"),
        (_, BIG_ENDIAN) => format!(">{letter}{size}"),
        _ => format!("<{letter}{size}"),
    };
    match &datatype.kind {
        Kind::Integer { order, is_signed, .. } => mark(*order, if *is_signed { 'i' } else { 'u' }),
        Kind::Float { order, .. } => mark(*order, 'f'),
        Kind::Bitfield { order, .. } => mark(*order, 'u'),
        Kind::String { is_variable: false, .. } => format!("|S{size}"),
        Kind::String { .. } | Kind::Sequence(_) | Kind::Reference { .. } => "|O".into(),
        Kind::Enum { .. } if is_bool(datatype) => "|b1".into(),
        Kind::Enum { base, .. } => dtype_text(base),
        Kind::Complex(base) => complex_dtype(base, size),
        Kind::Compound(members) if is_complex(datatype) => complex_dtype(&members[0].datatype, size),
        Kind::Opaque { tag } => numpy_time(tag, size).map_or(format!("|V{size}"), str::to_owned),
        Kind::Compound(_) | Kind::Array { .. } | Kind::Other => format!("|V{size}"),
    }
}

/// What h5py has stored of a date or a duration.
fn numpy_time(tag: &str, size: usize) -> Option<&str> {
    let word = tag.strip_prefix("NUMPY:")?;
    (size == 8 && matches!(word.get(1..3), Some("M8" | "m8"))).then_some(word)
}

fn complex_dtype(base: &Type, size: usize) -> String {
    let order = if matches!(base.kind, Kind::Float { order: BIG_ENDIAN, .. }) { '>' } else { '<' };
    format!("{order}c{size}")
}

/// Whether h5py has stored a bool.
pub fn is_bool(datatype: &Type) -> bool {
    let Kind::Enum { members, base } = &datatype.kind else { return false };
    let has = |name: &str, n: i64| members.iter().any(|(known, value)| known == name && *value == n);
    base.size == 1 && members.len() == 2 && has("FALSE", 0) && has("TRUE", 1)
}

/// Whether h5py has stored a complex number, or HDF5 2.0 has.
pub fn is_complex(datatype: &Type) -> bool {
    match &datatype.kind {
        Kind::Complex(_) => true,
        Kind::Compound(members) => match &members[..] {
            [r, i] => {
                let is_float = |m: &h5::Member| matches!(m.datatype.kind, Kind::Float { .. });
                r.name == "r"
                    && i.name == "i"
                    && is_float(r)
                    && is_float(i)
                    && r.datatype.size * 2 == datatype.size
                    && (r.offset, i.offset) == (0, r.datatype.size)
            }
            _ => false,
        },
        _ => false,
    }
}
