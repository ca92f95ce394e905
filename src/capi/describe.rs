//! What a stored chunk tells of itself.

use std::fmt::Write;

use crate::error::Result;
use crate::original;
use crate::payload::{self, Content, Header, Layout, Payload};
use crate::picture::PixelFormat;
use crate::transform::{Coding, Mapping};

/// What a stored chunk tells of itself, as a JSON object: names and numbers only, so nothing needs
/// to be escaped.
pub fn json(stored: &[u8]) -> Result<String> {
    if payload::layout_of(stored)? == Layout::Original {
        let chunk_bytes = original::decoded_bytes(stored)?;
        return Ok(format!(r#"{{"layout":"original","content":"coded","chunk_bytes":{chunk_bytes}}}"#));
    }
    let payload = Payload::read(stored)?;
    let content = match &payload.content {
        Content::Raw(_) => r#""raw""#.into(),
        Content::Resized(_) => r#""resized""#.into(),
        Content::Coded { header, parts } => format!(
            r#""coded",{},"raw_planes_bytes":{},"zstd_bytes":{},"noise_bytes":{},"video_bytes":{}"#,
            coded(header),
            parts.raw_planes.len(),
            parts.zstd.len(),
            parts.noise.len(),
            parts.stream.len()
        ),
    };
    Ok(format!(
        r#"{{"layout":"h5h264","format_version":{},"chunk_bytes":{},"content":{content}}}"#,
        payload.version,
        payload.content.decoded_bytes()
    ))
}

fn coded(header: &Header) -> String {
    let g = &header.geometry;
    let mut json = format!(
        r#""n_frames":{},"height":{},"width":{},"n_components":{},"sample_bytes":{},"big_endian":{},"strip_height":{}"#,
        g.n_frames, g.height, g.width, g.n_components, g.sample_bytes, header.big_endian, header.strip_height
    );
    let (mapping, offset) = match header.transform.mapping {
        Mapping::Integer { offset } => ("integer", offset.into()),
        Mapping::OrderedFloat { offset } => ("ordered float", offset.into()),
        Mapping::RotatedFloat { offset } => ("rotated float", offset.into()),
        Mapping::IntegralFloat { offset } => ("integral float", i128::from(offset)),
    };
    let table_len = header.transform.table.as_ref().map_or(0, |table| table.values().len());
    let planes = header.transform.planes.iter().map(|plane| {
        let coding = match plane.coding {
            Coding::Constant(_) => "constant",
            Coding::Raw => "raw",
            Coding::Video => "video",
            Coding::Noise => "noise",
            Coding::Zstd => "zstd",
        };
        format!(r#"{{"bits":{},"coding":"{coding}"}}"#, plane.bits)
    });
    let planes = planes.collect::<Vec<_>>().join(",");
    // Writing to a string does not fail.
    let _ = write!(
        json,
        r#","mapping":"{mapping}","offset":{offset},"table_len":{table_len},"planes":[{planes}]"#
    );
    if let Some(noise) = &header.noise {
        let _ = write!(json, r#","n_token_tables":{}"#, noise.tables.len());
    }
    if let Some(video) = &header.video {
        let format = if video.format == PixelFormat::Rgb { "rgb" } else { "gray" };
        let n_access_units = video.access_unit_bytes.len();
        let _ = write!(json, r#","picture_format":"{format}","n_access_units":{n_access_units}"#);
    }
    if let Some(padding) = &header.padding {
        let _ = write!(json, r#","padding_bytes":{}"#, padding.n_bytes);
    }
    json
}
