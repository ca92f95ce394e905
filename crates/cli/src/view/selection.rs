use super::failure::{Failure, Result};
use crate::h5::Along;

/// Some elements of a dataset, in NumPy's way: `0,10:20,::2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// One for each dimension of the dataset.
    pub along: Vec<Along>,
    /// The dimensions that are left: those that were not given a single index.
    pub shape: Vec<u64>,
}

impl Selection {
    /// All of a dataset.
    pub fn all(shape: &[u64]) -> Self {
        let along = shape.iter().map(|n| Along { start: 0, step: 1, count: *n }).collect();
        Self { along, shape: shape.to_vec() }
    }

    /// Dimensions that the text does not name are taken as a whole.
    pub fn parse(text: &str, shape: &[u64]) -> Result<Self> {
        let parts: Vec<_> = text.split(',').map(str::trim).collect();
        if parts.len() > shape.len() {
            return Err(Failure::unusable(format!(
                "{text} has too many members to slice a {}D dataset",
                shape.len()
            )));
        }
        let mut selection = Self { along: Vec::new(), shape: Vec::new() };
        for (index, n) in shape.iter().enumerate() {
            match parts.get(index) {
                Some(part) if !part.contains(':') => {
                    let start = index_of(part, *n, text)?;
                    selection.along.push(Along { start, step: 1, count: 1 });
                }
                part => {
                    let along = slice(part.copied().unwrap_or(":"), *n, text)?;
                    selection.along.push(along);
                    selection.shape.push(along.count);
                }
            }
        }
        Ok(selection)
    }

    /// The same in parts of at most so many elements, which follow each other in C order.
    pub fn parts(&self, max_elements: u64) -> impl Iterator<Item = Vec<Along>> + use<> {
        let along = self.along.clone();
        let inner_of = |axis: usize| along[axis..].iter().map(|a| a.count).product::<u64>();
        // Cut along this one; those before it are gone through one by one.
        let cut = (0..along.len()).find(|axis| inner_of(axis + 1) <= max_elements).unwrap_or(0);
        let inner = if along.is_empty() { 1 } else { inner_of(cut + 1) };
        let n_cut = along.get(cut).map_or(1, |a| a.count);
        let run = (max_elements / inner.max(1)).clamp(1, n_cut.max(1));
        let n_runs = n_cut.div_ceil(run);
        let n_outer: u64 = along.iter().take(cut).map(|a| a.count).product();
        let n_parts = if inner == 0 { 0 } else { n_outer * n_runs };
        (0..n_parts).map(move |part| {
            let mut along = along.clone();
            let mut rest = part;
            if let Some(axis) = along.get_mut(cut) {
                let first = rest % n_runs * run;
                *axis =
                    Along { start: axis.start + first * axis.step, count: run.min(n_cut - first), ..*axis };
                rest /= n_runs;
            }
            for axis in along.iter_mut().take(cut).rev() {
                let n = axis.count;
                *axis = Along { start: axis.start + rest % n * axis.step, step: 1, count: 1 };
                rest /= n;
            }
            along
        })
    }

    pub fn n_elements(&self) -> Option<u64> {
        self.along.iter().try_fold(1_u64, |n, along| n.checked_mul(along.count))
    }
}

fn index_of(part: &str, n: u64, text: &str) -> Result<u64> {
    let index: i128 = part.parse().map_err(|_| Failure::unusable(format!("{text} is not a valid slice")))?;
    let found = if index < 0 { index + i128::from(n) } else { index };
    u64::try_from(found).ok().filter(|i| *i < n).ok_or_else(|| {
        Failure::unusable(format!("index {index} is out of range (expected one below {n} in {text})"))
    })
}

fn slice(part: &str, n: u64, text: &str) -> Result<Along> {
    let invalid = || Failure::unusable(format!("{text} is not a valid slice"));
    let numbers = part.split(':').map(|number| match number.trim() {
        "" => Ok(None),
        number => number.parse::<i64>().map(Some).map_err(|_| invalid()),
    });
    let numbers: Vec<_> = numbers.collect::<Result<_>>()?;
    let (start, stop, step) = match numbers[..] {
        [start, stop] => (start, stop, None),
        [start, stop, step] => (start, stop, step),
        _ => return Err(invalid()),
    };
    // As Python has it: what lies outside is left out.
    let bound = |i: i64| if i < 0 { n.saturating_sub(i.unsigned_abs()) } else { (i as u64).min(n) };
    let (start, stop) = (start.map_or(0, bound), stop.map_or(n, bound));
    let step = u64::try_from(step.unwrap_or(1)).ok().filter(|step| *step > 0);
    let step = step.ok_or_else(|| Failure::unusable(format!("{text} has a step below 1")))?;
    Ok(Along { start, step, count: stop.saturating_sub(start).div_ceil(step) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str, shape: &[u64]) -> Vec<(u64, u64, u64)> {
        let along = Selection::parse(text, shape).unwrap().along;
        along.iter().map(|a| (a.start, a.step, a.count)).collect()
    }

    #[test]
    fn slices_are_those_of_python() {
        assert_eq!(counts("5", &[9, 4]), [(5, 1, 1), (0, 1, 4)]);
        assert_eq!(counts("-1,1:3", &[9, 4]), [(8, 1, 1), (1, 1, 2)]);
        assert_eq!(counts("::4,:99", &[9, 4]), [(0, 4, 3), (0, 1, 4)]);
        assert_eq!(counts("-3:-1,3:1", &[9, 4]), [(6, 1, 2), (3, 1, 0)]);
        assert_eq!(Selection::parse("5,:", &[9, 4]).unwrap().shape, [4]);
    }

    #[test]
    fn parts_are_the_whole() {
        let places = |along: &[Along]| {
            along.iter().fold(vec![vec![]], |places: Vec<Vec<u64>>, a| {
                let along_axis = |place: &Vec<u64>| {
                    let place = place.clone();
                    let axis = *a;
                    (0..axis.count).map(move |i| [&place[..], &[axis.start + i * axis.step]].concat())
                };
                places.iter().flat_map(along_axis).collect()
            })
        };
        for (text, shape) in
            [("1:,::2,-2:", &[3, 5, 4][..]), (":", &[7]), (":,0:0", &[3, 4]), ("2,:", &[4, 9])]
        {
            let selection = Selection::parse(text, shape).unwrap();
            for max in [1, 2, 3, 5, 7, 100] {
                let parts: Vec<_> = selection.parts(max).map(|along| places(&along)).collect();
                assert!(parts.iter().all(|part| (1..=max).contains(&(part.len() as u64))), "{text} {max}");
                assert_eq!(parts.concat(), places(&selection.along), "{text} {max}");
            }
        }
        assert_eq!(Selection::all(&[]).parts(5).collect::<Vec<_>>(), [vec![]]);
    }

    #[test]
    fn what_is_no_slice_is_an_error() {
        for text in ["9", "-10", "a", "1:2:3:4", "::0", "::-1", "0,0,0", "1e3", ""] {
            assert!(Selection::parse(text, &[9, 4]).is_err(), "{text}");
        }
    }
}
