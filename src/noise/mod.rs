//! Noise: what is left of numbers after a good prediction, in an entropy coder whose tables depend on
//! what is around (docs/format.md, "Noise").
//!
//! A row goes this way: its neighbours above, in the frame before and in the component before are summed
//! up with the weights of a [`Predictor`](predictor::Predictor); these sums and the tokens around
//! give each number a [`context`]; what a number differs from its prediction becomes a [`token`] and
//! further bits; tokens are coded by [`rans`] with the table of their context. [`plan`] chooses predictor
//! and tables.

mod context;
mod decoder;
mod encoder;
mod frequencies;
mod model;
mod plan;
mod predictor;
mod rans;
mod rows;
mod simd;
mod strip;
mod surroundings;
mod token;
mod word;

pub use model::{Noise, Predictors};
pub use plan::{NoisePlan, Trials};
pub use rans::DecodingTables;
pub use strip::{StripDecoder, StripEncoder, Symbols, encode_symbols};
pub use surroundings::NoiseBits;
