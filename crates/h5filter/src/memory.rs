//! Whether there is memory, and some that is put by.

use std::sync::Mutex;

use crate::system::Mapping;

/// Whether this process can have `bytes` more bytes of memory now.
///
/// Most of what asks for little memory, in this language, ends the process when there is none; so who will
/// need much asks here first. The memory is asked for and given back, not touched, which takes
/// some microseconds.
pub fn is_available(bytes: usize) -> bool {
    Mapping::new(bytes).is_some()
}

/// Puts memory by for the time when there is none: as much as was ever asked for here. It is not touched, so
/// it counts for limits alone.
pub fn put_by(bytes: usize) {
    // Another thread's lock is not waited for: in the child of a fork, nobody would give it back.
    if let Ok(mut reserve) = RESERVE.try_lock() {
        reserve.put_by(bytes);
    }
}

/// Gives back what was put by, for whoever asks for memory next.
pub(crate) fn use_reserve() {
    if let Ok(mut reserve) = RESERVE.try_lock() {
        reserve.mapping = None;
    }
}

static RESERVE: Mutex<Reserve> = Mutex::new(Reserve { wanted_bytes: 0, mapping: None });

struct Reserve {
    wanted_bytes: usize,
    mapping: Option<Mapping>,
}

impl Reserve {
    fn put_by(&mut self, bytes: usize) {
        self.wanted_bytes = self.wanted_bytes.max(bytes);
        if self.mapping.as_ref().is_none_or(|mapping| mapping.bytes < self.wanted_bytes) {
            self.mapping = Mapping::new(self.wanted_bytes).or(self.mapping.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_can_be_addressed_is_not_available() {
        assert!(is_available(0) && is_available(1 << 20));
        assert!(!is_available(1 << 62));
    }

    #[test]
    fn the_reserve_is_as_large_as_was_ever_asked_for() {
        let mut reserve = Reserve { wanted_bytes: 0, mapping: None };
        let bytes = |reserve: &Reserve| reserve.mapping.as_ref().map(|mapping| mapping.bytes);
        reserve.put_by(1 << 20);
        reserve.put_by(1 << 16);
        assert_eq!(bytes(&reserve), Some(1 << 20));
        reserve.mapping = None;
        reserve.put_by(1);
        assert_eq!(bytes(&reserve), Some(1 << 20));
        // What is not to be had takes nothing away.
        reserve.put_by(1 << 62);
        assert_eq!(bytes(&reserve), Some(1 << 20));
    }
}
