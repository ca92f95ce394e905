//! Reversible sample transforms, each chosen from the chunk's own statistics. In the order in
//! which the encoder applies them:
//!
//! 1. [`order`]: bytes to samples, components apart;
//! 2. [`Mapping`]: samples to small unsigned numbers (offset; integers in floats; float order);
//! 3. [`Table`]: numbers to ranks, when few values occur;
//! 4. [`Plane`]s: the bits of a number, cut into planes: the upper bits are coded as pictures, what is
//!    noise as [`noise`](crate::noise), what repeats with zstd; bits that nothing helps with are
//!    stored as they are.
//!
//! All of it is pure and safe code; docs/format.md specifies the inverses.

mod bits;
mod differences;
mod number;
pub mod order;
mod packing;
mod plan;
mod planes;
mod repetition;
mod sample;

pub use number::Mapping;
pub use packing::{MAX_TABLE_LEN, Ranks, Table};
pub use plan::{OtherPlan, Plan, Plans, plan};
pub use sample::Sample;

use crate::noise::NoiseBits;

/// What is done to the samples of a chunk after they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// Samples to numbers.
    pub mapping: Mapping,
    /// Numbers to ranks.
    pub table: Option<Table>,
    /// The planes, from the least significant bits up. Bits above the last plane are 0. At most one
    /// is video, and at most one noise.
    pub planes: Vec<Plane>,
}

/// The only plane of a plain movie.
pub const MOVIE: Plane = Plane { bits: 8, coding: Coding::Video };

/// Some neighbouring bits of every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// How many bits: 1 to [`Coding::max_bits`].
    pub bits: u32,
    /// How they are stored.
    pub coding: Coding,
}

/// How a plane is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The same in all numbers of the chunk: once, in the header.
    Constant(u8),
    /// As they are, packed: no predictor helps.
    Raw,
    /// As pictures.
    Video,
    /// As what is left of them after a prediction, in an entropy coder.
    Noise,
    /// As bytes, in which zstd finds what repeats.
    Zstd,
}

impl Coding {
    /// Bits that a plane may have.
    pub fn max_bits(self) -> u32 {
        match self {
            Self::Constant(_) | Self::Raw | Self::Video => 8,
            Self::Noise => 32,
            Self::Zstd => 64,
        }
    }
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

    /// The bit at which the video plane starts, if there is one.
    pub fn video_shift(&self) -> Option<u32> {
        let mut planes = self.placed_planes();
        planes.find(|(_, plane)| plane.coding == Coding::Video).map(|(shift, _)| shift)
    }

    /// The bits of the noise plane, if there is one.
    pub fn noise_bits(&self) -> Option<NoiseBits> {
        let n_bits = self.planes.iter().map(|plane| plane.bits).sum();
        let mut planes = self.placed_planes();
        let (shift, plane) = planes.find(|(_, plane)| plane.coding == Coding::Noise)?;
        Some(NoiseBits::new(shift..shift + plane.bits, n_bits))
    }

    /// The bit at which each zstd plane starts, and how many bits it has.
    pub fn zstd_planes(&self) -> impl Iterator<Item = (u32, u32)> {
        let is_zstd = |(_, plane): &(u32, Plane)| plane.coding == Coding::Zstd;
        self.placed_planes().filter(is_zstd).map(|(shift, plane)| (shift, plane.bits))
    }
}
