use std::ops::Range;

use super::context::{self, Around, UNKNOWN_TOKEN};
use super::predictor::{self as tap, N_TAPS, RowPredictor};
use super::rows::{MARGIN, Rows, extend, inner, inner_mut};
use super::word::{Sum, Word};
use crate::error::{Result, filled, reserve};
use crate::geometry::Geometry;
use crate::transform::Sample;

/// What was coded of a component, as far as predictions and contexts reach.
pub struct Surroundings<W> {
    /// The frame that is being coded.
    pub current: Rows<W>,
    /// The frame before; empty if there is one frame only, as are the other two.
    before: Rows<W>,
    /// The running mean of the frames before.
    mean: Rows<W>,
    /// Tokens of the frame that is being coded.
    pub tokens: Rows<u8>,
    tokens_before: Rows<u8>,
    height: usize,
}

impl<W: Word> Surroundings<W> {
    /// Of each component of a chunk.
    pub fn of_components(geometry: &Geometry) -> Result<Vec<Self>> {
        let Geometry { n_frames, height, width, n_components, .. } = *geometry;
        let mut components = reserve(n_components)?;
        for _ in 0..n_components {
            let (mut before, mut mean, mut tokens_before) =
                (Rows::default(), Rows::default(), Rows::default());
            if n_frames > 1 {
                before = Rows::new(height, width)?;
                mean = Rows::new(height, width)?;
                tokens_before = Rows::new(height, width)?;
            }
            let (current, tokens) = (Rows::new(height, width)?, Rows::new(height, width)?);
            components.push(Self { current, before, mean, tokens, tokens_before, height });
        }
        Ok(components)
    }

    /// Goes on to frame `t`. What is above its first row is the first row of the frame before.
    pub fn start_frame(&mut self, t: usize) {
        if t == 0 {
            self.current.set_above(|row| row.fill(W::default()));
            self.tokens.set_above(|row| row.fill(UNKNOWN_TOKEN));
        } else {
            std::mem::swap(&mut self.current, &mut self.before);
            std::mem::swap(&mut self.tokens, &mut self.tokens_before);
            self.current.set_above(|row| row.copy_from_slice(self.before.row(0)));
            self.tokens.set_above(|row| row.copy_from_slice(self.tokens_before.row(0)));
        }
    }

    /// Continues a row to the left with what is above it, for the prediction of its first numbers.
    #[inline(always)]
    pub fn start_row(&mut self, y: usize) {
        let (row, [above, _]) = self.current.row_mut_and_above(y as isize);
        row[..MARGIN].fill(above[MARGIN]);
    }

    /// A row of frame `t` has been coded.
    #[inline(always)]
    pub fn finish_row(&mut self, t: usize, y: usize, has_more_frames: bool) {
        let y = y as isize;
        extend(self.current.row_mut(y));
        extend(self.tokens.row_mut(y));
        if has_more_frames {
            let (row, mean) = (self.current.row(y), self.mean.row_mut(y));
            if t == 0 {
                mean.copy_from_slice(row);
            } else {
                mean.iter_mut().zip(row).for_each(|(mean, &number)| *mean = mean.follow(number));
            }
        }
    }

    fn rows_before(&self, y: usize) -> [isize; 3] {
        [y.saturating_sub(1) as isize, y as isize, (y + 1).min(self.height - 1) as isize]
    }

    #[inline(always)]
    fn around(&self, t: usize, y: usize) -> Around<'_> {
        const FROM: usize = MARGIN - 1;
        let before = (t > 0).then(|| self.rows_before(y).map(|y| &self.tokens_before.row(y)[FROM..]));
        Around { above: &self.tokens.row(y as isize - 1)[FROM..], before }
    }
}

/// Goes on to frame `t`, and takes its numbers, as far as they are known.
pub fn load<S: Sample, W: Word>(
    numbers: &[S],
    components: &mut [Surroundings<W>],
    t: usize,
    geometry: &Geometry,
    bits: NoiseBits,
) {
    let planes = numbers.chunks_exact(geometry.frame_pixels());
    for (component, plane) in components.iter_mut().zip(planes) {
        component.start_frame(t);
        for (y, row) in plane.chunks_exact(geometry.width).enumerate() {
            let words = component.current.row_mut(y as isize);
            for (word, number) in inner_mut(words).iter_mut().zip(row) {
                *word = W::truncate(W::Sum::truncate((number.widen() >> bits.shift) as i64));
            }
            extend(words);
        }
    }
}

/// Adds what the words of a frame have to its numbers.
pub fn add<S: Sample, W: Word>(
    components: &[Surroundings<W>],
    shift: u32,
    geometry: &Geometry,
    numbers: &mut [S],
) {
    for (component, plane) in components.iter().zip(numbers.chunks_exact_mut(geometry.frame_pixels())) {
        for (y, row) in plane.chunks_exact_mut(geometry.width).enumerate() {
            for (number, word) in row.iter_mut().zip(inner(component.current.row(y as isize))) {
                *number = number.or(S::truncate(word.as_u64() << shift));
            }
        }
    }
}

/// The neighbours of all numbers of a row of frame `t`. Those that are not there are the row above.
#[inline(always)]
pub fn taps<W: Word>(components: &[Surroundings<W>], component: usize, t: usize, y: usize) -> [&[W]; N_TAPS] {
    let here = &components[component];
    let row = y as isize;
    let above = here.current.row(row - 1);
    let mut taps = [inner(above); N_TAPS];
    taps[tap::LEFT] = left(here.current.row(row));
    taps[tap::LEFT_2] = here.current.row(row);
    taps[tap::ABOVE_LEFT] = left(above);
    taps[tap::ABOVE_RIGHT] = right(above);
    taps[tap::ABOVE_2] = inner(here.current.row(row - 2));
    if t > 0 {
        let [up, same, down] = here.rows_before(y);
        taps[tap::BEFORE] = inner(here.before.row(same));
        taps[tap::BEFORE_LEFT] = left(here.before.row(same));
        taps[tap::BEFORE_RIGHT] = right(here.before.row(same));
        taps[tap::BEFORE_ABOVE] = inner(here.before.row(up));
        taps[tap::BEFORE_BELOW] = inner(here.before.row(down));
        taps[tap::MEAN] = inner(here.mean.row(same));
        taps[tap::MEAN_BELOW] = inner(here.mean.row(down));
    }
    if let Some(other) = component.checked_sub(1).map(|before| &components[before].current) {
        taps[tap::COMPONENT] = inner(other.row(row));
        taps[tap::COMPONENT_LEFT] = left(other.row(row));
        taps[tap::COMPONENT_ABOVE] = inner(other.row((row - 1).max(0)));
    }
    taps
}

fn left<T>(row: &[T]) -> &[T] {
    &row[MARGIN - 1..]
}

fn right<T>(row: &[T]) -> &[T] {
    &row[MARGIN + 1..]
}

/// Sums and contexts of a row.
pub struct RowScratch<W: Word> {
    /// What is known of each prediction.
    pub sums: Vec<W::Sum>,
    /// The context of each number.
    pub contexts: Vec<u16>,
}

impl<W: Word> RowScratch<W> {
    /// For rows of `width`.
    pub fn new(width: usize) -> Result<Self> {
        Ok(Self { sums: filled(width)?, contexts: filled(width)? })
    }

    /// Finds out what is known of a row of frame `t` before it is coded.
    #[inline(always)]
    pub fn look_around(
        &mut self,
        components: &[Surroundings<W>],
        component: usize,
        t: usize,
        y: usize,
        predictor: &RowPredictor<W>,
    ) {
        predictor.sum_known(&taps(components, component, t, y), &mut self.sums);
        context::contexts::<W>(components[component].around(t, y), &self.sums, &mut self.contexts);
    }
}

/// The bits of the numbers that are coded as noise, and those above them, which are known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseBits {
    /// The lowest.
    pub shift: u32,
    /// How many are coded.
    pub bits: u32,
    /// How many there are from the lowest up, with those above the coded ones.
    pub n_bits: u32,
}

impl NoiseBits {
    /// Of bits `range` of numbers with `n_bits`.
    pub fn new(range: Range<u32>, n_bits: u32) -> Self {
        Self { shift: range.start, bits: range.end - range.start, n_bits: n_bits - range.start }
    }

    /// Whether 16 bits are enough for the shifted numbers.
    pub fn is_narrow(&self) -> bool {
        self.n_bits <= u16::BITS
    }

    /// The coded bits of a shifted number.
    pub fn mask(&self) -> u32 {
        u32::MAX >> (32 - self.bits)
    }
}
