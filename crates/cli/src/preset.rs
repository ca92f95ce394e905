use clap::Args;
use clap::builder::PossibleValuesParser;
use h5h264::FILTER_ID;
use h5h264::avcodec::{PRESETS, Preset};

/// `--preset`
#[derive(Debug, Clone, Args)]
pub struct PresetOption {
    /// How hard the filter tries, by x264's names: superfast makes files about 1 % smaller
    #[arg(long, value_name = "PRESET", default_value = "ultrafast", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(PRESETS))]
    preset: String,
}

impl PresetOption {
    /// The preset.
    pub fn preset(&self) -> Preset {
        Preset::new(index_of(&self.preset)).unwrap_or_default()
    }

    /// The filter and what to create a dataset with.
    pub fn filter(&self) -> (i32, Vec<u32>) {
        filter_with(&self.preset)
    }
}

/// Our filter with a preset, by its name.
pub fn filter_with(preset: &str) -> (i32, Vec<u32>) {
    (FILTER_ID, vec![0, 0, 0, index_of(preset)])
}

/// Of one of those that the command line allows.
fn index_of(preset: &str) -> u32 {
    PRESETS.iter().position(|name| *name == preset).unwrap_or(0) as u32
}
