use clap::Args;
use clap::builder::PossibleValuesParser;
use h5h264::FILTER_ID;
use h5h264::avcodec::PRESETS;

/// `--preset`
#[derive(Debug, Clone, Args)]
pub struct PresetOption {
    /// x264's preset: superfast files are smaller, and take three times as long
    #[arg(long, value_name = "PRESET", default_value = "ultrafast", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(PRESETS))]
    preset: String,
}

impl PresetOption {
    /// The filter and what to create a dataset with.
    pub fn filter(&self) -> (i32, Vec<u32>) {
        filter_with(&self.preset)
    }
}

/// Our filter with a preset, by its name.
pub fn filter_with(preset: &str) -> (i32, Vec<u32>) {
    let index = PRESETS.iter().position(|name| *name == preset).unwrap_or(0);
    (FILTER_ID, vec![0, 0, 0, index as u32])
}
