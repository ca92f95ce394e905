//! Frames as the page shows them: the same values become the same colours as in `web/src/player/paint.ts`.

use serde::Deserialize;

use super::failure::{Failure, Result};

/// Colours of values. The one behind them is that of pixels that do not count.
const N_COLORS: usize = 255;
/// For GIF, all of them.
pub const PALETTE_BYTES: usize = 3 * (N_COLORS + 1);

/// How values become colours, as a request says it.
#[derive(Debug, Clone, Deserialize)]
pub struct Look {
    /// Red, green and blue of each colour, in hexadecimal digits; not for frames in colour.
    colors: Option<String>,
    /// The values of the first and the last colour; of frames in colour, of black and of full light.
    low: Option<f64>,
    high: Option<f64>,
    #[serde(default)]
    log: bool,
}

/// The same, checked.
pub struct Painter {
    pub palette: Option<Vec<u8>>,
    low: f64,
    high: f64,
    is_log: bool,
}

impl Look {
    pub fn painter(&self, is_colour: bool) -> Result<Painter> {
        let (low, high) = (self.low.unwrap_or(0.0), self.high.unwrap_or(255.0));
        let is_usable = low.is_finite() && high.is_finite() && low <= high && !(self.log && low <= 0.0);
        if !is_usable {
            return Err(Failure::unusable(format!(
                "colours from {low} to {high} (expected rising numbers, above 0 if log)"
            )));
        }
        let palette = if is_colour { None } else { Some(self.palette()?) };
        Ok(Painter { palette, low, high, is_log: self.log })
    }

    fn palette(&self) -> Result<Vec<u8>> {
        let digits = self.colors.as_deref().unwrap_or_default().as_bytes();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
        bytes.filter(|bytes| digits.len() == 2 * PALETTE_BYTES && bytes.len() == PALETTE_BYTES).ok_or_else(
            || Failure::unusable(format!("colors are not {} hexadecimal digits", 2 * PALETTE_BYTES)),
        )
    }
}

impl Painter {
    /// Places of the colours of a row of values in the palette.
    pub fn index(&self, row: &[f64], out: &mut [u8]) {
        let last = (N_COLORS - 1) as f64;
        let clamped = |place: f64| place.clamp(0.0, last) as u8;
        let range = if self.high > self.low { self.high - self.low } else { 1.0 };
        let scale = last / (self.high / self.low).ln();
        for (value, out) in row.iter().zip(out) {
            *out = if value.is_nan() {
                N_COLORS as u8
            } else if !self.is_log {
                clamped((value - self.low) / range * last + 0.5)
            } else if *value > self.low {
                clamped((value / self.low).ln() * scale + 0.5)
            } else {
                0
            };
        }
    }

    /// Red, green and blue of a row of values that are colours.
    pub fn light(&self, row: &[f64], n_components: usize, out: &mut [u8]) {
        let range = if self.high > self.low { self.high - self.low } else { 1.0 };
        for (pixel, out) in row.chunks_exact(n_components).zip(out.chunks_exact_mut(3)) {
            for (value, out) in pixel.iter().zip(out) {
                *out = ((value - self.low) / range * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painter(low: f64, high: f64, log: bool) -> Painter {
        let colors = Some("00".repeat(PALETTE_BYTES));
        Look { colors, low: Some(low), high: Some(high), log }.painter(false).unwrap()
    }

    #[test]
    fn the_ends_have_the_first_and_the_last_colour() {
        let mut out = [0; 5];
        painter(10.0, 20.0, false).index(&[10.0, 20.0, f64::NAN, f64::NEG_INFINITY, 1e9], &mut out);
        assert_eq!(out, [0, 254, 255, 0, 254]);
        painter(1.0, 100.0, true).index(&[0.0, 10.0, 100.0, f64::INFINITY, -1.0], &mut out);
        assert_eq!(out, [0, 127, 254, 254, 0]);
    }

    #[test]
    fn what_is_no_look_is_an_error() {
        let look = |colors: &str, low, high, log| {
            Look { colors: Some(colors.into()), low: Some(low), high: Some(high), log }
                .painter(false)
                .is_err()
        };
        let colors = "0f".repeat(PALETTE_BYTES);
        assert!(!look(&colors, 0.0, 1.0, false));
        assert!(look(&colors[2..], 0.0, 1.0, false) && look(&colors, 2.0, 1.0, false));
        assert!(look(&colors, 0.0, 1.0, true) && look(&colors, f64::NAN, 1.0, false));
        assert!(look(&"é".repeat(PALETTE_BYTES), 0.0, 1.0, false));
    }
}
