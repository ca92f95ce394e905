use std::sync::{Mutex, PoisonError};

use zstd::bulk::Compressor;

use crate::avcodec::{Decoder, DecoderConfig, Encoder, EncoderConfig};
use crate::error::{Error, Result};

/// Idle sessions of one kind that are kept at most.
const MAX_IDLE: usize = 16;
/// Pictures of the idle sessions of one kind may have this many pixels together. An encoder takes
/// 10 to 30 bytes a pixel, by its number of reference frames.
const MAX_IDLE_PIXELS: usize = 1 << 23;

/// A codec session that can serve chunk after chunk.
pub trait Session: Sized {
    /// What the session is opened for.
    type Config: Copy + Eq;

    /// Opens a session.
    fn open(config: &Self::Config) -> Result<Self>;
    /// Pixels of its pictures.
    fn n_pixels(config: &Self::Config) -> usize;
}

impl Session for Encoder {
    type Config = EncoderConfig;

    fn open(config: &EncoderConfig) -> Result<Self> {
        Self::open(config)
    }

    fn n_pixels(config: &EncoderConfig) -> usize {
        config.width * config.height
    }
}

impl Session for Decoder {
    type Config = DecoderConfig;

    fn open(config: &DecoderConfig) -> Result<Self> {
        Self::open(config)
    }

    fn n_pixels(config: &DecoderConfig) -> usize {
        config.width * config.height
    }
}

/// zstd at a compression level.
impl Session for Compressor<'static> {
    type Config = i32;

    fn open(level: &i32) -> Result<Self> {
        Self::new(*level).map_err(|e| Error::Codec(format!("zstd: {e}")))
    }

    fn n_pixels(_: &i32) -> usize {
        0
    }
}

/// Idle sessions, the one that was used last at the end.
pub struct Pool<S: Session> {
    idle: Mutex<Vec<(S::Config, S)>>,
}

impl<S: Session> Pool<S> {
    pub(super) fn new() -> Self {
        Self { idle: Mutex::new(Vec::new()) }
    }

    /// A session for `config`: an idle one, or a new one.
    pub fn take(&self, config: &S::Config) -> Result<S> {
        let found = {
            let mut idle = self.lock();
            idle.iter().rposition(|(known, _)| known == config).map(|index| idle.remove(index).1)
        };
        found.map_or_else(|| S::open(config), Ok)
    }

    /// Keeps a session for the next chunk. One that has failed is dropped instead.
    pub fn put(&self, config: S::Config, session: S) {
        let mut idle = self.lock();
        idle.push((config, session));
        let mut n_pixels = 0;
        let kept = idle.iter().rev().take(MAX_IDLE).take_while(|(config, _)| {
            n_pixels += S::n_pixels(config);
            n_pixels <= MAX_IDLE_PIXELS
        });
        let n_dropped = idle.len() - kept.count();
        // Closing sessions takes time: not while others wait for the lock.
        let dropped: Vec<_> = idle.drain(..n_dropped).collect();
        drop(idle);
        drop(dropped);
    }

    /// Closes all idle sessions: for benchmarks.
    pub fn clear(&self) {
        let closed = std::mem::take(&mut *self.lock());
        drop(closed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(S::Config, S)>> {
        // The list is whole at every point where a panic could happen.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(usize);

    impl Session for Counted {
        type Config = usize;

        fn open(config: &usize) -> Result<Self> {
            Ok(Self(*config))
        }

        fn n_pixels(config: &usize) -> usize {
            *config
        }
    }

    fn idle(pool: &Pool<Counted>) -> Vec<usize> {
        pool.lock().iter().map(|(config, _)| *config).collect()
    }

    #[test]
    fn a_session_is_used_again_for_what_it_was_opened_for() {
        let pool = Pool::<Counted>::new();
        pool.put(5, Counted(55));
        assert_eq!(pool.take(&6).unwrap().0, 6);
        assert_eq!(pool.take(&5).unwrap().0, 55);
        assert_eq!(pool.take(&5).unwrap().0, 5);
    }

    #[test]
    fn number_and_pixels_of_idle_sessions_are_bounded() {
        let pool = Pool::<Counted>::new();
        (0..40).for_each(|i| pool.put(i, Counted(i)));
        assert_eq!(idle(&pool), (24..40).collect::<Vec<_>>());
        pool.put(MAX_IDLE_PIXELS - 39, Counted(0));
        assert_eq!(idle(&pool), [39, MAX_IDLE_PIXELS - 39]);
        pool.put(MAX_IDLE_PIXELS + 1, Counted(0));
        assert!(idle(&pool).is_empty());
    }
}
