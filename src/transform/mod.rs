//! Reversible sample transforms, each chosen from the chunk's own statistics. In the order in
//! which the encoder applies them:
//!
//! 1. [`order`]: bytes to samples, components apart;
//! 2. [`Mapping`]: samples to small unsigned numbers (offset; integers in floats; float order);
//! 3. [`Table`]: numbers to ranks, when few values occur;
//! 4. reflection, where there are several planes: what crosses from one to the next changes no other;
//! 5. [`Plane`]s: the bits of a number, cut into planes of at most eight bits, of which the
//!    noisy ones are stored as they are and the others are coded as pictures.
//!
//! All of it is pure and safe code; docs/format.md specifies the inverses.

mod bits;
mod differences;
mod number;
pub mod order;
mod packing;
mod plan;
mod planes;
mod sample;

pub use number::Mapping;
pub use packing::{MAX_TABLE_LEN, Ranks, Table};
pub use plan::{Plan, plan};
pub use sample::Sample;

/// What is done to the samples of a chunk after they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// Samples to numbers.
    pub mapping: Mapping,
    /// Numbers to ranks.
    pub table: Option<Table>,
    /// The planes, from the least significant bits up. Bits above the last plane are 0.
    pub planes: Vec<Plane>,
    /// Whether video planes are inverted where the video plane above them is odd.
    pub is_reflected: bool,
}

/// Up to eight neighbouring bits of every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// How many bits: 1 to 8.
    pub bits: u32,
    /// How they are stored.
    pub coding: Coding,
}

/// How a plane is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The same in all numbers of the chunk: once, in the header.
    Constant(u8),
    /// As they are, packed: noise, which no predictor helps with.
    Raw,
    /// As pictures.
    Video,
}

impl Transform {
    /// Planes with the bit at which each starts.
    pub fn placed_planes(&self) -> impl Iterator<Item = (u32, Plane)> {
        self.planes.iter().scan(0, |next, &plane| {
            let shift = *next;
            *next += plane.bits;
            Some((shift, plane))
        })
    }

    /// The bit at which each video plane starts.
    pub fn video_shifts(&self) -> Vec<u32> {
        self.placed_planes()
            .filter(|(_, plane)| plane.coding == Coding::Video)
            .map(|(shift, _)| shift)
            .collect()
    }
}
