//! What can be calculated, and from which numbers.

use std::fmt;

/// How a frame is computed. The numbers are those that headers hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// raw − pedestal of the only cell.
    PedestalV1,
    /// raw − pedestal of the cell.
    AgipdV1,
    /// (signal − pedestal) / gain at the level that two thresholds tell; raw has signal and gain.
    AgipdV2,
    /// (value − pedestal) / gain at the stage in the two top bits of the raw 16-bit word.
    JungfrauV1,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::PedestalV1, Self::AgipdV1, Self::AgipdV2, Self::JungfrauV1];

    /// The algorithm of a number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// The algorithm's number.
    pub fn number(self) -> u32 {
        match self {
            Self::PedestalV1 => 0x0001_0001,
            Self::AgipdV1 => 0x0002_0001,
            Self::AgipdV2 => 0x0002_0002,
            Self::JungfrauV1 => 0x0003_0001,
        }
    }

    /// Numbers per raw pixel, in a last dimension if there are several.
    pub fn raw_numbers(self) -> usize {
        if self == Self::AgipdV2 { 2 } else { 1 }
    }

    /// Constants per pixel and cell, in a last dimension if there are several.
    pub fn n_constants(self) -> usize {
        match self {
            Self::PedestalV1 | Self::AgipdV1 => 1,
            Self::AgipdV2 => 8,
            Self::JungfrauV1 => 6,
        }
    }

    /// Where the pedestals are among a pixel's constants.
    pub fn pedestals(self) -> &'static [usize] {
        match self {
            Self::PedestalV1 | Self::AgipdV1 => &[0],
            Self::AgipdV2 => &[2, 4, 6],
            Self::JungfrauV1 => &[0, 2, 4],
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PedestalV1 => "pedestal_v1",
            Self::AgipdV1 => "AGIPD_v1",
            Self::AgipdV2 => "AGIPD_v2",
            Self::JungfrauV1 => "JUNGFRAU_v1",
        })
    }
}
