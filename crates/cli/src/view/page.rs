//! The page, which is a part of the program if it was there when that was built.

use std::io::Read;

use anyhow::Context;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use rust_embed::RustEmbed;

use super::failure::{Failure, Result};

/// What `npm run build` leaves in `web/dist`, each file compressed; build.rs puts it, or nothing, there.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/page"]
struct Page;

/// Whether this program contains the page.
pub fn is_built() -> bool {
    Page::get("index.html.gz").is_some()
}

pub async fn page(uri: Uri, headers: HeaderMap) -> Result<Response> {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let file = Page::get(&format!("{path}.gz"));
    let file = file.ok_or_else(|| Failure::not_found(format!("there is no {path}")))?;
    let content_type = (CONTENT_TYPE, content_type(path));
    if takes_gzip(&headers) {
        return Ok(([content_type, (CONTENT_ENCODING, "gzip")], file.data).into_response());
    }
    let mut bytes = Vec::new();
    GzDecoder::new(&file.data[..]).read_to_end(&mut bytes).context("the page is damaged")?;
    Ok(([content_type], bytes).into_response())
}

/// Of what Vite makes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("md") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// All browsers do.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim() == "gzip")
}
