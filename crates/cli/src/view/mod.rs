//! `h5h264 view`: a web page that shows HDF5 files, and the server behind it.
//!
//! The page is H5Web with a player of our own (`web/`). H5Web asks in the protocol of h5grove:
//! [`objects`] and [`data`]. The player's frames are in [`frames`], what is made of many of them in [`region`],
//! [`projection`] and [`movie`], what is stored in [`chunks`].
//! Requests come from this machine only, from whoever knows the token ([`guard`]); links are not
//! followed out of the files that were named ([`resolve`]).

mod bad;
mod blocks;
mod budget;
mod chunks;
mod connections;
mod data;
mod encode;
mod export;
mod failure;
mod files;
mod frames;
mod gather;
mod guard;
mod inflate;
mod json;
mod look;
mod metadata;
mod movie;
mod neighbours;
mod number;
mod objects;
mod page;
mod pieces;
mod projection;
mod query;
mod region;
mod resolve;
mod room;
mod rows;
mod safe;
mod selection;
mod sources;
mod stack;
mod statistics;
mod values;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result as AnyResult};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;

use blocks::Blocks;
use failure::{Failure, Result};
use files::Files;
use room::{Room, Rooms};

pub use page::is_built;

/// How long an answer that is being sent may take when the program is to end.
pub const GRACE: Duration = Duration::from_secs(1);

/// What all requests share.
pub struct State {
    files: Files,
    blocks: Arc<Blocks>,
    rooms: Rooms,
    guard: guard::Guard,
}

/// A server that listens, and does not answer yet.
pub struct Server {
    listener: TcpListener,
    state: Arc<State>,
    /// What opens the page.
    pub url: String,
}

impl Server {
    /// Port 0 is any that is free.
    pub async fn bind(paths: &[PathBuf], port: u16) -> AnyResult<Self> {
        let files = Files::new(paths)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| format!("can't listen on port {port}"))?;
        let guard = guard::Guard::new(listener.local_addr()?.port())?;
        let url = guard.url();
        Ok(Self {
            listener,
            state: Arc::new(State { files, blocks: Arc::new(Blocks::new()), rooms: Rooms::new(), guard }),
            url,
        })
    }

    /// Answers until the program is told to end; what is being sent then has a second left.
    pub async fn run(self) -> AnyResult<()> {
        let (told, mut ended) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            // Without signals, the program is ended otherwise.
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = told.send(true);
            } else {
                std::future::pending::<()>().await;
            }
        });
        tokio::select! {
            stopped = connections::serve(self.listener, router(self.state)) => stopped.context("the server has stopped")?,
            _ = ended.wait_for(|is_told| *is_told) => tokio::time::sleep(GRACE).await,
        }
        Ok(())
    }
}

fn router(state: Arc<State>) -> Router {
    let api = Router::new()
        .route("/files", get(objects::files))
        .route("/meta", get(objects::meta))
        .route("/attr", get(objects::attributes))
        .route("/paths", get(objects::paths))
        .route("/data", get(data::data))
        .route("/stats", get(data::stats))
        .route("/stack", get(frames::stack))
        .route("/frames", get(frames::frames))
        .route("/region", get(region::region))
        .route("/movie", get(movie::movie))
        .route("/projection", get(projection::projection))
        .route("/chunks", get(chunks::chunks))
        .route("/chunks/check", get(chunks::check))
        .fallback(|| async { Failure::not_found("there is nothing of that name") })
        .method_not_allowed_fallback(|| async {
            Failure::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "files are only read")
        });
    let checked = Router::new()
        .nest("/api", api)
        .fallback(page::page)
        .layer(from_fn_with_state(Arc::clone(&state), guard::check))
        .with_state(Arc::clone(&state));
    // Where a request goes is found out after this.
    Router::new().fallback_service(checked).layer(from_fn_with_state(state, guard::strip))
}

/// Does what HDF5, or else much work, is needed for on a thread where others do not wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(|| budget::with(work)).await;
    done.unwrap_or_else(|e| Err(anyhow::anyhow!("the request was not answered: {e}").into()))
}

/// The same, for an answer that has room: work that nobody waits for any more keeps it until it is done.
async fn blocking_in<T: Send + 'static>(
    room: &Room,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let room = room.clone();
    blocking(move || {
        let done = work();
        drop(room);
        done
    })
    .await
}

/// An answer as JSON, of which nobody knows before how long it gets: one at a time is made.
async fn json_answer<T: Serialize>(
    state: Arc<State>,
    make: impl FnOnce(&State) -> Result<T> + Send + 'static,
) -> Result<Response> {
    let making = state.rooms.get_unknown().await?;
    let shared = Arc::clone(&state);
    let text = blocking_in(&making, move || {
        let text = serde_json::to_vec(&make(&shared)?).map_err(anyhow::Error::new)?;
        json::check_len(&text).map(|()| text)
    });
    let text = text.await?;
    let room = state.rooms.get(text.len()).await?;
    Ok(answer(text, "application/json", room))
}

/// An answer that gives its room back when it has been sent.
fn answer(bytes: impl AsRef<[u8]> + Send + 'static, content_type: &'static str, room: Room) -> Response {
    let n_bytes = bytes.as_ref().len();
    let headers = [(CONTENT_TYPE, content_type.to_owned()), (CONTENT_LENGTH, n_bytes.to_string())];
    (headers, Body::from(held(bytes, room))).into_response()
}

/// Bytes that give their room back when they have been sent.
fn held(bytes: impl AsRef<[u8]> + Send + 'static, room: Room) -> Bytes {
    struct Held<B>(B, #[allow(dead_code, reason = "dropped with the bytes")] Room);
    impl<B: AsRef<[u8]>> AsRef<[u8]> for Held<B> {
        fn as_ref(&self) -> &[u8] {
            self.0.as_ref()
        }
    }
    Bytes::from_owner(Held(bytes, room))
}
