use h5filter::{CdValues, SampleKind};

use super::Options;
use crate::avcodec::Preset;
use crate::error::{Result, bad_options};
use crate::geometry::{Geometry, MAX_COMPONENTS};
use crate::payload::Layout;

/// Slot 5 of stored values: "h5" and the version of the slot table.
const STORED_TAG: u32 = 0x6835_0001;
/// Slots that a user may fill.
const N_USER_SLOTS: usize = 5;
/// Slots that are stored.
const N_STORED_SLOTS: usize = 10;

/// Bits of slot 6.
mod flags {
    pub(super) const GIVEN: u32 = 0b111;
    pub(super) const KIND_SHIFT: u32 = 8;
    pub(super) const KIND: u32 = 0b11 << KIND_SHIFT;
    pub(super) const BIG_ENDIAN: u32 = 1 << 12;
}

/// What a user passed: slots 0 to 4, with 0 for what was left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Passed {
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) sample_bytes: u32,
    pub(super) preset: Preset,
    pub(super) layout: Layout,
}

impl Passed {
    /// Takes what a user passed, or what was stored for another dataset whose creation
    /// properties are being used again; of that, only what its user had passed counts.
    pub(super) fn from_cd_values(cd_values: &[u32]) -> Result<Self> {
        let mut slots = [0; N_USER_SLOTS];
        if Stored::is_stored(cd_values) {
            slots.copy_from_slice(&cd_values[..N_USER_SLOTS]);
            for (slot, value) in slots.iter_mut().enumerate().take(3) {
                if cd_values[6] & flags::GIVEN & (1 << slot) == 0 {
                    *value = 0;
                }
            }
        } else if matches!(cd_values.len(), 0 | 3..=N_USER_SLOTS) {
            slots[..cd_values.len()].copy_from_slice(cd_values);
        } else {
            let n = cd_values.len();
            let options = if n == 1 { "option" } else { "options" };
            return Err(bad_options!(
                "{n} {options} (expected none, or 3 to 5: height, width, bytes per sample, preset, layout)"
            ));
        }
        let [height, width, sample_bytes, preset, layout] = slots;
        let layout = match layout {
            0 => Layout::H5h264,
            1 => Layout::Original,
            2 => Layout::Movie,
            _ => {
                return Err(bad_options!(
                    "layout {layout} does not exist (expected 0, this project's, 1, the original's, or 2, plain movies)"
                ));
            }
        };
        Ok(Self { height, width, sample_bytes, preset: Preset::new(preset)?, layout })
    }

    /// Whether frames can be told from these values alone.
    pub(super) fn describes_frames(&self) -> bool {
        self.given() == flags::GIVEN
    }

    /// Which of slots 0 to 2 are not open, as bits.
    pub(super) fn given(&self) -> u32 {
        [self.height, self.width, self.sample_bytes]
            .iter()
            .rev()
            .fold(0, |bits, &v| bits << 1 | u32::from(v != 0))
    }
}

/// What `set_local` stores: the options, and which of slots 0 to 2 the user had passed.
pub(super) struct Stored {
    pub(super) options: Options,
    pub(super) slots: [u32; 3],
    pub(super) given: u32,
}

impl Stored {
    pub(super) fn is_stored(cd_values: &[u32]) -> bool {
        cd_values.len() == N_STORED_SLOTS && cd_values[5] == STORED_TAG
    }

    pub(super) fn to_cd_values(&self) -> CdValues {
        let o = &self.options;
        let kind = match o.kind {
            SampleKind::Unsigned => 0,
            SampleKind::Signed => 1,
            SampleKind::Float => 2,
            SampleKind::Bytes => 3,
        };
        let big_endian = if o.big_endian { flags::BIG_ENDIAN } else { 0 };
        let n_frames = o.geometry.n_frames as u64;
        let [height, width, sample_bytes] = self.slots;
        vec![
            height,
            width,
            sample_bytes,
            o.preset.index(),
            o.layout as u32,
            STORED_TAG,
            self.given | kind << flags::KIND_SHIFT | big_endian,
            o.geometry.n_components as u32,
            n_frames as u32,
            (n_frames >> 32) as u32,
        ]
    }

    pub(super) fn from_cd_values(v: &[u32]) -> Result<Options> {
        let passed = Passed::from_cd_values(v)?;
        let kind = match (v[6] & flags::KIND) >> flags::KIND_SHIFT {
            0 => SampleKind::Unsigned,
            1 => SampleKind::Signed,
            2 => SampleKind::Float,
            _ => SampleKind::Bytes,
        };
        if v[7] as usize > MAX_COMPONENTS {
            return Err(bad_options!("{} components (expected at most {MAX_COMPONENTS})", v[7]));
        }
        let sample_bytes = if kind == SampleKind::Bytes { 1 } else { v[2] };
        let n_frames = u64::from(v[8]) | u64::from(v[9]) << 32;
        Ok(Options {
            geometry: Geometry::new(n_frames, v[0].into(), v[1].into(), v[7].into(), sample_bytes.into())?,
            kind,
            big_endian: v[6] & flags::BIG_ENDIAN != 0,
            preset: passed.preset,
            layout: passed.layout,
        })
    }
}
