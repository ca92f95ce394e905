use crate::error::{Result, filled};

/// Items that rows have before the first and after the last.
pub const MARGIN: usize = 2;
/// Rows above the first.
pub const ROWS_ABOVE: usize = 2;

/// A plane of items with margins, which predictions and contexts reach into.
#[derive(Default)]
pub struct Rows<T> {
    stride: usize,
    items: Vec<T>,
}

impl<T: Copy + Default> Rows<T> {
    /// All default.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        let stride = width + 2 * MARGIN;
        Ok(Self { stride, items: filled((height + ROWS_ABOVE) * stride)? })
    }

    /// A row with its margins. Rows -1 and -2 are those above the first.
    #[inline(always)]
    pub fn row(&self, y: isize) -> &[T] {
        &self.items[self.start(y)..][..self.stride]
    }

    /// A row to change.
    #[inline(always)]
    pub fn row_mut(&mut self, y: isize) -> &mut [T] {
        let start = self.start(y);
        &mut self.items[start..][..self.stride]
    }

    /// A row to change, and the two above it.
    #[inline(always)]
    pub fn row_mut_and_above(&mut self, y: isize) -> (&mut [T], [&[T]; 2]) {
        let (above, row) = self.items.split_at_mut((y + ROWS_ABOVE as isize) as usize * self.stride);
        let (above_2, above) = above[above.len() - 2 * self.stride..].split_at(self.stride);
        (&mut row[..self.stride], [above, above_2])
    }

    fn start(&self, y: isize) -> usize {
        (y + ROWS_ABOVE as isize) as usize * self.stride
    }

    /// Sets all rows above the first.
    pub fn set_above(&mut self, row: impl Fn(&mut [T])) {
        self.items[..ROWS_ABOVE * self.stride].chunks_exact_mut(self.stride).for_each(row);
    }
}

/// The items of a row, without margins.
#[inline(always)]
pub fn inner<T>(row: &[T]) -> &[T] {
    &row[MARGIN..row.len() - MARGIN]
}

/// The items of a row to change, without margins.
#[inline(always)]
pub fn inner_mut<T>(row: &mut [T]) -> &mut [T] {
    let end = row.len() - MARGIN;
    &mut row[MARGIN..end]
}

/// Continues a row into its margins.
#[inline(always)]
pub fn extend<T: Copy>(row: &mut [T]) {
    let last = row.len() - MARGIN - 1;
    let ends = [row[MARGIN], row[last]];
    row[..MARGIN].fill(ends[0]);
    row[last + 1..].fill(ends[1]);
}
