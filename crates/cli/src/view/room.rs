//! Memory for answers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::Result;
use super::json;

/// For answers that are being made or sent, in MiB: as much as the largest needs.
const ROOM_MIB: usize = json::MAX_BYTES >> 20;

/// The room that there is.
pub struct Rooms {
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    movie: Arc<Semaphore>,
}

/// Room for an answer, which is given back when nobody has it any more: neither the answer, nor work on one
/// that nobody waits for.
#[derive(Clone)]
pub struct Room(#[allow(dead_code, reason = "given back when dropped")] Arc<OwnedSemaphorePermit>);

impl Rooms {
    pub fn new() -> Self {
        Self {
            known: Arc::new(Semaphore::new(ROOM_MIB)),
            unknown: Arc::new(Semaphore::new(1)),
            movie: Arc::new(Semaphore::new(1)),
        }
    }

    /// For an answer of so many bytes; requests wait until there is enough. Those below 1 MiB need not: an
    /// answer that nobody fetches does not keep the others.
    pub async fn get(&self, n_bytes: usize) -> Result<Room> {
        acquire(&self.known, u32::try_from(n_bytes >> 20).unwrap_or(u32::MAX)).await
    }

    /// For an answer that tells how large it is only when it is made: texts, for example. One at a time.
    pub async fn get_unknown(&self) -> Result<Room> {
        acquire(&self.unknown, 1).await
    }

    /// For an encoder. One at a time.
    pub async fn get_movie(&self) -> Result<Room> {
        acquire(&self.movie, 1).await
    }
}

async fn acquire(semaphore: &Arc<Semaphore>, n: u32) -> Result<Room> {
    let permit = Arc::clone(semaphore).acquire_many_owned(n).await;
    permit.map(|permit| Room(Arc::new(permit))).map_err(|e| anyhow::anyhow!(e).into())
}
