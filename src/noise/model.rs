//! What a decoder has to know of the noise of a chunk.

use super::context::ContextMap;
use super::frequencies;
use super::predictor::{Predictor, RowPredictor};
use super::rans::Frequencies;
use super::surroundings::NoiseBits;
use super::token::{BitReader, BitWriter, n_tokens};
use super::word::Word;
use crate::error::{Result, damaged};
use crate::geometry::Geometry;
use crate::varint::{self, Reader};

/// Predictors of the first and the later frames, in the first component and in the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Predictors([Option<Predictor>; 4]);

impl Predictors {
    /// Those that `of` makes, by [`index`](Self::index), for what the frames have.
    pub fn for_frames(geometry: &Geometry, mut of: impl FnMut(usize) -> Predictor) -> Self {
        let is_there =
            |i: usize| (i & 1 == 0 || geometry.n_frames > 1) && (i & 2 == 0 || geometry.n_components > 1);
        Self([0, 1, 2, 3].map(|i| is_there(i).then(|| of(i))))
    }

    /// Which of the four frame `t` of a component has.
    pub fn index(t: usize, component: usize) -> usize {
        usize::from(t > 0) + 2 * usize::from(component > 0)
    }

    /// One of them, by [`index`](Self::index).
    pub fn get(&self, index: usize) -> Option<&Predictor> {
        self.0[index].as_ref()
    }

    /// Those that are there, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Predictor> {
        self.0.iter().flatten()
    }

    /// Ready for rows; those that are not there predict 0.
    pub fn prepare<W: Word>(&self) -> Vec<RowPredictor<W>> {
        let unused = Predictor::default();
        self.0.iter().map(|predictor| RowPredictor::new(predictor.as_ref().unwrap_or(&unused))).collect()
    }
}

/// The noise of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise {
    /// What numbers are predicted with.
    pub predictors: Predictors,
    /// The table of each context.
    pub contexts: ContextMap,
    /// How often tokens come.
    pub tables: Vec<Frequencies>,
    /// Bytes of the tokens and of the further bits of each strip.
    pub strip_bytes: Vec<[usize; 2]>,
}

impl Noise {
    /// Appends everything. `bits` are those of the noise.
    pub fn write_to(&self, bits: NoiseBits, out: &mut Vec<u8>) {
        self.predictors.iter().for_each(|predictor| predictor.write_to(out));
        self.contexts.write_to(out);
        let mut tables = BitWriter::default();
        self.tables.iter().for_each(|table| frequencies::write(table, n_tokens(bits.bits), &mut tables));
        let tables = tables.finish();
        varint::write(tables.len() as u64, out);
        out.extend_from_slice(&tables);
        self.strip_bytes.iter().flatten().for_each(|&n| varint::write(n as u64, out));
    }

    /// The inverse of [`write_to`](Self::write_to). What is returned can be decoded with.
    pub(crate) fn read_from(
        reader: &mut Reader<'_>,
        geometry: &Geometry,
        bits: NoiseBits,
        n_strips: usize,
    ) -> Result<Self> {
        let mut status = Ok(());
        let predictors = Predictors::for_frames(geometry, |_| {
            let predictor = if bits.is_narrow() {
                Predictor::read_from::<u16>(reader)
            } else {
                Predictor::read_from::<u32>(reader)
            };
            predictor.unwrap_or_else(|e| {
                status = Err(e);
                Predictor::default()
            })
        });
        status?;
        let contexts = ContextMap::read_from(reader)?;
        let n_bytes = reader.size()?;
        let mut table_bits = BitReader::new(reader.bytes(n_bytes)?);
        let tables = (0..contexts.n_tables())
            .map(|_| frequencies::read(&mut table_bits, n_tokens(bits.bits)))
            .collect::<Result<Vec<_>>>()?;
        if !table_bits.is_at_end() {
            return Err(damaged!("tables of tokens that do not end where they should"));
        }
        // Each takes two bytes here at least.
        if n_strips > reader.0.len() / 2 {
            return Err(damaged!("{n_strips} strips of noise in {} bytes", reader.0.len()));
        }
        let strip_bytes =
            (0..n_strips).map(|_| Ok([reader.size()?, reader.size()?])).collect::<Result<Vec<_>>>()?;
        Ok(Self { predictors, contexts, tables, strip_bytes })
    }
}
