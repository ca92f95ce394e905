use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use h5filter::{Buffer, environment, job};
use twox_hash::XxHash3_128;

/// Default of `H5H264_CACHE_MIB`, of all processes of a job on a machine together...
const DEFAULT_MIB: usize = 256;
/// ...but each of them has as much: a few chunks of the size that is advised.
const LEAST_MIB: usize = 64;

/// Chunks of fewer bytes are not kept: even the smallest chunk cache of HDF5 (1 MiB before
/// version 2.0) holds them.
const MIN_CHUNK_BYTES: usize = 1 << 20;

/// The stored bytes of a chunk, by hash and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkKey {
    hash: u128,
    stored_bytes: usize,
}

impl ChunkKey {
    /// The key of these stored bytes, with a seed that nobody outside this process knows: so nobody
    /// can make a chunk that is taken for another.
    pub fn of(stored: &[u8]) -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        Self { hash: XxHash3_128::oneshot_with_seed(*SEED, stored), stored_bytes: stored.len() }
    }
}

/// The chunks that were decoded last.
///
/// HDF5 decodes a chunk that doesn't fit its own cache again for every frame that is read from
/// it; here, a loop over the frames costs one decode a chunk.
pub struct ChunkCache {
    /// The one that was used last at the end.
    chunks: Mutex<VecDeque<(ChunkKey, Arc<Buffer>)>>,
}

impl ChunkCache {
    pub(super) fn new() -> Self {
        Self { chunks: Mutex::new(VecDeque::new()) }
    }

    /// What `key` was decoded to.
    pub fn get(&self, key: &ChunkKey) -> Option<Arc<Buffer>> {
        let mut chunks = self.lock();
        let index = chunks.iter().position(|(known, _)| known == key)?;
        let found = chunks.remove(index)?;
        let chunk = Arc::clone(&found.1);
        chunks.push_back(found);
        Some(chunk)
    }

    /// Whether a chunk of this size would be kept.
    fn accepts(&self, chunk_bytes: usize) -> bool {
        (MIN_CHUNK_BYTES..=max_bytes()).contains(&chunk_bytes)
    }

    /// Keeps a decoded chunk; those that were not used for longest make room.
    pub fn put(&self, key: ChunkKey, chunk: &[u8]) {
        if !self.accepts(chunk.len()) {
            return;
        }
        // Without memory for it, the cache stays as it is.
        let Ok(copy) = Buffer::concat(&[chunk]) else { return };
        let mut chunks = self.lock();
        if chunks.iter().any(|(known, _)| *known == key) {
            return;
        }
        chunks.push_back((key, Arc::new(copy)));
        let mut n_bytes: usize = chunks.iter().map(|(_, chunk)| chunk.len()).sum();
        while n_bytes > max_bytes() {
            n_bytes -= chunks.pop_front().map_or(0, |(_, chunk)| chunk.len());
        }
    }

    /// Forgets all chunks: for benchmarks.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(ChunkKey, Arc<Buffer>)>> {
        // The list is whole at every point where a panic could happen.
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn max_bytes() -> usize {
    let mib = environment::number("H5H264_CACHE_MIB")
        .unwrap_or_else(|| (DEFAULT_MIB / job::n_processes()).max(LEAST_MIB));
    mib.saturating_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_found_by_its_stored_bytes() {
        let cache = ChunkCache::new();
        let chunk = vec![7; MIN_CHUNK_BYTES];
        cache.put(ChunkKey::of(b"stored"), &chunk);
        assert_eq!(cache.get(&ChunkKey::of(b"stored")).unwrap()[..], chunk);
        assert!(cache.get(&ChunkKey::of(b"Stored")).is_none());
    }

    #[test]
    fn small_and_huge_chunks_are_not_kept() {
        let cache = ChunkCache::new();
        cache.put(ChunkKey::of(b"small"), &[0; 100]);
        assert!(cache.get(&ChunkKey::of(b"small")).is_none());
        assert!(!cache.accepts((DEFAULT_MIB << 20) + 1));
    }

    #[test]
    fn the_chunk_that_was_not_used_for_longest_makes_room() {
        let cache = ChunkCache::new();
        let chunk = vec![0; 100 << 20];
        cache.put(ChunkKey::of(b"1"), &chunk);
        cache.put(ChunkKey::of(b"2"), &chunk);
        cache.get(&ChunkKey::of(b"1"));
        cache.put(ChunkKey::of(b"3"), &chunk);
        assert!(cache.get(&ChunkKey::of(b"2")).is_none());
        assert!(cache.get(&ChunkKey::of(b"1")).is_some() && cache.get(&ChunkKey::of(b"3")).is_some());
    }
}
