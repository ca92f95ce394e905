use crate::error::{Result, bad_options};

/// The x264 presets, by their number in slot 3.
pub const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

/// How hard x264 tries: an index into [`PRESETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Preset(u8);

impl Preset {
    /// An error unless `index` is that of one of the [`PRESETS`].
    pub fn new(index: u32) -> Result<Self> {
        if (index as usize) < PRESETS.len() {
            return Ok(Self(index as u8));
        }
        Err(bad_options!("preset {index} does not exist (expected 0, ultrafast, to 9, placebo)"))
    }

    /// Its index into [`PRESETS`].
    pub fn index(self) -> u32 {
        self.0.into()
    }

    /// x264's name for it.
    pub fn name(self) -> &'static str {
        PRESETS[usize::from(self.0)]
    }

    /// Whether the entropy coder is CAVLC (faster) rather than CABAC (smaller).
    pub fn is_cavlc(self) -> bool {
        self.0 == 0
    }

    /// How hard zstd tries on planes that are coded with it.
    pub fn zstd_level(self) -> i32 {
        match self.0 {
            0..=3 => 9,
            4 | 5 => 15,
            _ => 19,
        }
    }
}
