//! The allocator of a plugin. What asks for little memory in Rust ends the process when there is none, and the process
//! is somebody else's. So when C's allocator has none, little comes from memory that was put by. What asks for much is
//! written so that it can be refused.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Untouched until it is needed, it takes addresses alone.
const RESERVE_BYTES: usize = 8 << 20;
/// What is more than this is much.
const MAX_BYTES: usize = RESERVE_BYTES / 8;

/// C's allocator, with memory put by for the time when it has none.
pub struct Allocator {
    reserve: UnsafeCell<Aligned>,
    /// How many bytes of the reserve are taken (upper half), by how many owners (lower half). When the last owner gives
    /// back, all of it is free again.
    state: AtomicU64,
}

#[repr(align(4096))]
struct Aligned(#[allow(dead_code)] [u8; RESERVE_BYTES]); // seen through pointers alone

// SAFETY: parts of the reserve are given away once each, by the atomic `state`.
unsafe impl Sync for Allocator {}

impl Allocator {
    /// With all of its reserve.
    #[allow(clippy::new_without_default)] // a static needs a const one
    pub const fn new() -> Self {
        Self { reserve: UnsafeCell::new(Aligned([0; RESERVE_BYTES])), state: AtomicU64::new(0) }
    }

    fn take(&self, layout: Layout) -> *mut u8 {
        let start: *mut u8 = self.reserve.get().cast();
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let taken = (state >> 32) as usize;
            let from = taken.next_multiple_of(layout.align().max(16));
            let end = from + layout.size();
            if layout.size() > MAX_BYTES || end > RESERVE_BYTES {
                return std::ptr::null_mut();
            }
            let n_owners = (state & u64::from(u32::MAX)) + 1;
            let next = (end as u64) << 32 | n_owners;
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: `from` is inside of the reserve.
                Ok(_) => return unsafe { start.add(from) },
                Err(now) => state = now,
            }
        }
    }

    fn give_back(&self) {
        let less = |state: u64| match state & u64::from(u32::MAX) {
            1 => Some(0),
            _ => Some(state - 1),
        };
        // It never refuses.
        let _ = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, less);
    }

    fn is_mine(&self, pointer: *mut u8) -> bool {
        (pointer as usize).wrapping_sub(self.reserve.get() as usize) < RESERVE_BYTES
    }
}

// SAFETY: memory comes from the system's allocator, or is part of the reserve that nobody else has; it is given back to
// where it came from.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() { self.take(layout) } else { memory }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            return memory;
        }
        let memory = self.take(layout);
        if !memory.is_null() {
            // SAFETY: `take` gave as many bytes. They may have been used before.
            unsafe { memory.write_bytes(0, layout.size()) };
        }
        memory
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.is_mine(memory) {
            // SAFETY: the caller's contract.
            let moved = unsafe { System.realloc(memory, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the caller's contract: `size` is valid for this alignment.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both have so many bytes, and are different memory.
            unsafe {
                moved.copy_from_nonoverlapping(memory, size.min(layout.size()));
                self.dealloc(memory, layout);
            }
        }
        moved
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if self.is_mine(memory) {
            self.give_back();
        } else {
            // SAFETY: the caller's contract; it came from there.
            unsafe { System.dealloc(memory, layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 64).unwrap()
    }

    #[test]
    fn the_reserve_is_given_away_piece_by_piece_and_free_again_at_the_end() {
        static ALLOCATOR: Allocator = Allocator::new();
        let first = ALLOCATOR.take(layout(100));
        let pieces: Vec<_> = std::iter::repeat_with(|| ALLOCATOR.take(layout(MAX_BYTES)))
            .take_while(|piece| !piece.is_null())
            .collect();
        assert_eq!(pieces.len(), RESERVE_BYTES / MAX_BYTES - 1);
        assert!(pieces.iter().all(|&piece| ALLOCATOR.is_mine(piece) && (piece as usize).is_multiple_of(64)));
        for piece in pieces {
            assert!(ALLOCATOR.take(layout(MAX_BYTES)).is_null());
            // SAFETY: it came from `take`.
            unsafe { ALLOCATOR.dealloc(piece, layout(MAX_BYTES)) };
        }
        // SAFETY: as above.
        unsafe { ALLOCATOR.dealloc(first, layout(100)) };
        assert_eq!(ALLOCATOR.take(layout(1)), first);
    }

    #[test]
    fn much_is_refused() {
        static ALLOCATOR: Allocator = Allocator::new();
        assert!(ALLOCATOR.take(layout(MAX_BYTES + 1)).is_null());
    }

    #[test]
    fn what_grows_keeps_its_bytes_wherever_it_was() {
        static ALLOCATOR: Allocator = Allocator::new();
        let memory = ALLOCATOR.take(layout(8));
        // SAFETY: `memory` has 8 bytes, `moved` 1000; each is given back once.
        unsafe {
            memory.write_bytes(7, 8);
            let moved = ALLOCATOR.realloc(memory, layout(8), 1000);
            assert!(!ALLOCATOR.is_mine(moved));
            assert_eq!(std::slice::from_raw_parts(moved, 8), [7; 8]);
            ALLOCATOR.dealloc(moved, layout(1000));
        }
    }
}
