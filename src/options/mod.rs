//! cd_values: what a user passes, what is stored with the dataset, what a chunk is coded with.
//! docs/cd_values.md is the specification of both.

mod cd_values;
mod frames;

use h5filter::{CdValues, Element, NewDataset, SampleKind};

use cd_values::{Passed, Stored};
use frames::{FrameShape, explicit_geometry};

use crate::avcodec::Preset;
use crate::error::{Result, bad_options};
use crate::geometry::{Geometry, MAX_COMPONENTS};
use crate::payload::Layout;
use crate::picture::MAX_PICTURE_SIDE;
use crate::video::is_movie;

/// Elements of at most so many bytes are pixels: what is in them are components.
pub const MAX_PIXEL_BYTES: usize = 16;
/// Samples of larger elements, records, that are components: as many as a chunk can have.
const MAX_RECORD_SAMPLES: u64 = MAX_COMPONENTS as u64;

/// Filters that take what they are given for the numbers of the dataset, and may change them or leave bits out.
const OF_NUMBERS: [(i32, &str); 8] = [
    (5, "n-bit"),
    (6, "scale-offset"),
    (32013, "zfp"),
    (32017, "sz"),
    (32018, "fcidecomp"),
    (32024, "sz3"),
    (32028, "sperr"),
    (32033, "htj2k"),
];

/// Everything that is needed to encode a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The frames in a chunk.
    pub geometry: Geometry,
    /// What the bits of a sample mean.
    pub kind: SampleKind,
    /// Whether a sample's most significant byte comes first.
    pub big_endian: bool,
    /// x264's preset.
    pub preset: Preset,
    /// What to write.
    pub layout: Layout,
}

/// Checks what the user passed against the dataset, and gives the values to store with it.
pub fn resolve(dataset: &NewDataset<'_>) -> std::result::Result<CdValues, h5filter::Failure> {
    if let Some((_, name)) = OF_NUMBERS.iter().find(|(id, _)| dataset.filters_behind().contains(id)) {
        let reason = bad_options!(
            "{name} behind this filter would take its bytes for numbers, and damage them (expected {name} before it, \
             or not at all)"
        );
        return Err(reason.into());
    }
    let cd_values = dataset.cd_values()?;
    let mut shape = dataset.chunk_shape()?;
    let mut element = dataset.element()?;
    if element.bytes() > MAX_PIXEL_BYTES {
        // What is in arrays is as in a dataset with their dimensions after its own: frames, often.
        let (array_shape, inner) = dataset.array_element()?;
        shape.extend(array_shape);
        element = inner;
    }
    Ok(resolve_for(&cd_values, &shape, element)?)
}

/// [`resolve`], for a chunk shape and an element.
pub fn resolve_for(cd_values: &[u32], chunk_shape: &[u64], element: Element) -> Result<CdValues> {
    let passed = Passed::from_cd_values(cd_values)?;
    let shape = FrameShape::of(chunk_shape, &element)?;
    let or = |passed: u32, inferred: u64| if passed == 0 { inferred } else { passed.into() };
    let (height, width) = (or(passed.height, shape.height), or(passed.width, shape.width));
    let item_bytes = or(passed.sample_bytes, element.sample_bytes as u64);
    // Users of the original give 4 bytes for elements of 8, which it could not write otherwise.
    let describes_element = match passed.layout {
        Layout::H5h264 | Layout::Movie => (element.bytes() as u64).is_multiple_of(item_bytes),
        Layout::Original => [element.sample_bytes, element.bytes()].contains(&(item_bytes as usize)),
    };
    let natural = (height, width) == (shape.height, shape.width) && describes_element;
    let (geometry, kind) = if natural {
        let sample_bytes = element.sample_bytes as u64;
        let geometry = Geometry::new(shape.n_frames, height, width, shape.n_components, sample_bytes)?;
        (geometry, element.kind)
    } else {
        let chunk_bytes =
            chunk_shape.iter().try_fold(element.bytes() as u64, |product, &n| product.checked_mul(n));
        let chunk_bytes = chunk_bytes
            .ok_or_else(|| bad_options!("a chunk of shape {chunk_shape:?} has over 2^64 bytes"))?;
        explicit_geometry(chunk_bytes, height, width, item_bytes)?
    };
    let options = Options {
        geometry,
        kind,
        big_endian: element.big_endian,
        preset: passed.preset,
        layout: passed.layout,
    };
    options.check_layout()?;
    let slot_2 = if natural { geometry.sample_bytes as u32 } else { item_bytes as u32 };
    // Chunk dimensions have 32 bits in HDF5, as have the user's values.
    let slots = [height as u32, width as u32, slot_2];
    Ok(Stored { options, slots, given: passed.given() }.to_cd_values())
}

/// The values to store with a dataset whose chunks are such frames, for programs that encode before there is one.
pub fn values_of_frames(
    geometry: Geometry,
    kind: SampleKind,
    big_endian: bool,
    preset: u32,
    layout: u32,
) -> Result<CdValues> {
    let Passed { preset, layout, .. } = Passed::from_cd_values(&[0, 0, 0, preset, layout])?;
    if geometry.n_components > MAX_COMPONENTS {
        return Err(bad_options!("{} components (expected at most {MAX_COMPONENTS})", geometry.n_components));
    }
    let options = Options { geometry, kind, big_endian, preset, layout };
    options.check_layout()?;
    let slots = [geometry.height, geometry.width, geometry.sample_bytes].map(|n| n as u32);
    // A dataset that gets these values looks at its own shape, as if its user had passed none.
    Ok(Stored { options, slots, given: 0 }.to_cd_values())
}

impl Options {
    /// The options for a chunk of `chunk_bytes`, from the values stored with its dataset; or from
    /// slots 0 to 2 alone where `set_local` could not run, or where the original plugin created
    /// the dataset.
    pub fn for_chunk(cd_values: &[u32], chunk_bytes: usize) -> Result<Self> {
        if Stored::is_stored(cd_values) {
            return Stored::from_cd_values(cd_values);
        }
        let passed = Passed::from_cd_values(cd_values)?;
        if !passed.describes_frames() {
            return Err(bad_options!(
                "the frame shape is not known, because the functions of the calling libhdf5 can't be found (pass \
                 height, width and bytes per sample)"
            ));
        }
        let (geometry, kind) = explicit_geometry(
            chunk_bytes as u64,
            passed.height.into(),
            passed.width.into(),
            passed.sample_bytes.into(),
        )?;
        let options =
            Self { geometry, kind, big_endian: false, preset: passed.preset, layout: passed.layout };
        options.check_layout()?;
        Ok(options)
    }

    /// The picture of the original layout: the bytes of a frame as rows of `width` bytes; those of
    /// 2-byte samples make it twice as wide, those of 4-byte samples also twice as high.
    /// Its chroma is subsampled, so both must be even.
    pub fn original_picture(&self) -> Result<(usize, usize)> {
        let Geometry { height, width, sample_bytes, .. } = self.geometry;
        let (height, width) = match sample_bytes {
            1 => (height, width),
            2 => (height, 2 * width),
            4 => (2 * height, 2 * width),
            _ => {
                return Err(bad_options!(
                    "the original layout has samples of 1, 2 or 4 bytes (found {sample_bytes})"
                ));
            }
        };
        if height % 2 != 0 || width % 2 != 0 || height.max(width) > MAX_PICTURE_SIDE {
            return Err(bad_options!(
                "the original layout has pictures of even height and width, at most {MAX_PICTURE_SIDE} (found \
                 {height} × {width})"
            ));
        }
        Ok((height, width))
    }

    fn check_layout(&self) -> Result<()> {
        match self.layout {
            Layout::H5h264 => Ok(()),
            // A decoded size of more than 32 bits can't be told from another filter's bytes.
            Layout::Original if u32::try_from(self.geometry.chunk_bytes()).is_err() => Err(bad_options!(
                "the original layout has chunks of less than 4 GiB (found {} bytes)",
                self.geometry.chunk_bytes()
            )),
            Layout::Original => self.original_picture().map(drop),
            Layout::Movie if is_movie(&self.geometry.folded()) => Ok(()),
            Layout::Movie => {
                let Geometry { height, width, n_components, sample_bytes, .. } = self.geometry;
                Err(bad_options!(
                    "plain movies have frames of bytes, of one component (or three, of at most {MAX_PICTURE_SIDE} rows and \
                     columns; found {height} × {width} × {n_components} samples of {sample_bytes} bytes)"
                ))
            }
        }
    }
}

/// The values for a chunk whose dataset `set_local` was not called for, though it could have been: HDF5 before
/// 2.1 does not for variable-length strings and sequences, but filters their chunks. These hold 16 bytes for
/// each, the length and where the heap has it. `None` if the values tell what the chunk is.
pub fn values_of_pointers(cd_values: &[u32], chunk_bytes: usize) -> Option<CdValues> {
    const POINTER_BYTES: usize = 16;
    let passed = Passed::from_cd_values(cd_values).ok()?;
    if Stored::is_stored(cd_values) || passed.describes_frames() {
        return None;
    }
    let item_bytes = if chunk_bytes.is_multiple_of(POINTER_BYTES) { POINTER_BYTES } else { 1 };
    let width = u32::try_from(chunk_bytes / item_bytes).ok()?;
    Some(vec![1, width, item_bytes as u32, passed.preset.index(), passed.layout as u32])
}

/// The decoded size that `cd_values` promise for each chunk of the dataset, if they do.
pub fn stored_chunk_bytes(cd_values: &[u32]) -> Option<usize> {
    let stored = Stored::is_stored(cd_values).then(|| Stored::from_cd_values(cd_values).ok());
    stored.flatten().map(|options| options.geometry.chunk_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const U16: Element =
        Element { kind: SampleKind::Unsigned, sample_bytes: 2, n_samples: 1, big_endian: false };
    const U8: Element = Element { sample_bytes: 1, ..U16 };
    const COMPLEX64: Element =
        Element { kind: SampleKind::Float, sample_bytes: 4, n_samples: 2, big_endian: false };
    const OPAQUE12: Element =
        Element { kind: SampleKind::Bytes, sample_bytes: 1, n_samples: 12, big_endian: false };

    fn geometry(cd_values: &[u32], shape: &[u64], element: Element) -> Geometry {
        let stored = resolve_for(cd_values, shape, element).unwrap();
        assert!(stored.len() <= 16);
        Options::for_chunk(&stored, 0).unwrap().geometry
    }

    fn error(cd_values: &[u32], shape: &[u64], element: Element) -> String {
        resolve_for(cd_values, shape, element).unwrap_err().to_string()
    }

    #[test]
    fn frames_come_from_the_last_two_dimensions_before_colour() {
        let g = |n, h, w, c, b| Geometry::new(n, h, w, c, b).unwrap();
        assert_eq!(geometry(&[], &[10, 20, 30], U16), g(10, 20, 30, 1, 2));
        assert_eq!(geometry(&[], &[2, 5, 20, 30, 3], U8), g(10, 20, 30, 3, 1));
        assert_eq!(geometry(&[], &[20, 30], U16), g(1, 20, 30, 1, 2));
        assert_eq!(geometry(&[], &[10, 20, 30, 1], U16), g(10, 20, 30, 1, 2));
        assert_eq!(geometry(&[], &[10, 20, 30, 3, 1, 1], U8), g(10, 20, 30, 3, 1));
        assert_eq!(geometry(&[], &[10, 20, 1], U16), g(1, 10, 20, 1, 2));
        assert_eq!(geometry(&[], &[20, 1], U16), g(1, 20, 1, 1, 2));
        assert_eq!(geometry(&[], &[30], U16), g(1, 1, 30, 1, 2));
        assert_eq!(geometry(&[], &[3], U16), g(1, 1, 3, 1, 2));
        assert_eq!(geometry(&[], &[10, 20, 30, 4], COMPLEX64), g(10, 20, 30, 8, 4));
        assert_eq!(geometry(&[], &[10, 20, 30], OPAQUE12), g(10, 20, 30, 12, 1));
        assert_eq!(geometry(&[], &[1; 32], U8), g(1, 1, 1, 1, 1));
    }

    #[test]
    fn the_bytes_of_records_are_components_or_rows() {
        let g = |n, h, w, c, b| Geometry::new(n, h, w, c, b).unwrap();
        let record = |n_samples| Element { n_samples, ..OPAQUE12 };
        assert_eq!(geometry(&[], &[50, 40], record(24)), g(1, 50, 40, 24, 1));
        assert_eq!(geometry(&[], &[50, 3], record(24)), g(1, 50, 3, 24, 1));
        assert_eq!(geometry(&[], &[100], record(64)), g(1, 1, 100, 64, 1));
        assert_eq!(geometry(&[], &[100], record(65)), g(1, 100, 65, 1, 1));
        assert_eq!(geometry(&[], &[7, 100], record(5000)), g(1, 700, 5000, 1, 1));
        let with_frame = Element { n_samples: 5124, ..U16 };
        assert_eq!(geometry(&[], &[4], with_frame), g(1, 4, 5124, 1, 2));
        assert_eq!(geometry(&[4, 10248, 1], &[4], with_frame), g(1, 4, 10248, 1, 1));
    }

    #[test]
    fn three_values_that_repeat_the_shape_change_nothing() {
        for (element, bytes) in [(U16, 2), (COMPLEX64, 8), (COMPLEX64, 4)] {
            assert_eq!(
                geometry(&[20, 30, bytes], &[7, 20, 30], element),
                geometry(&[], &[7, 20, 30], element)
            );
        }
        assert_eq!(geometry(&[0, 0, 0, 5], &[7, 20, 30], U16), geometry(&[], &[7, 20, 30], U16));
    }

    #[test]
    fn explicit_frames_may_describe_another_shape() {
        let f64 = Element { sample_bytes: 8, kind: SampleKind::Float, ..U16 };
        assert_eq!(geometry(&[32, 40, 4], &[2, 32, 40], f64), geometry(&[], &[2, 32, 40], f64));
        assert_eq!(geometry(&[32, 40, 4, 0, 1], &[2, 32, 40], f64), Geometry::new(4, 32, 40, 1, 4).unwrap());
        assert_eq!(geometry(&[32, 80, 4], &[2, 32, 40], f64), Geometry::new(2, 32, 80, 1, 4).unwrap());
        assert_eq!(geometry(&[8, 8, 1], &[640], U8), Geometry::new(10, 8, 8, 1, 1).unwrap());
        assert_eq!(geometry(&[2, 2, 6], &[4, 12], U8), Geometry::new(2, 2, 2, 6, 1).unwrap());
    }

    #[test]
    fn stored_values_used_for_another_dataset_keep_only_what_the_user_passed() {
        let stored = resolve_for(&[0, 0, 0, 7], &[10, 20, 30], U16).unwrap();
        let again = resolve_for(&stored, &[5, 64, 64], U8).unwrap();
        assert_eq!(again, resolve_for(&[0, 0, 0, 7], &[5, 64, 64], U8).unwrap());
        let stored = resolve_for(&[8, 8, 1], &[640], U8).unwrap();
        assert_eq!(resolve_for(&stored, &[64], U8).unwrap(), resolve_for(&[8, 8, 1], &[64], U8).unwrap());
    }

    #[test]
    fn slots_0_to_2_start_the_stored_values() {
        assert_eq!(resolve_for(&[], &[10, 20, 30], U16).unwrap()[..5], [20, 30, 2, 0, 0]);
        assert_eq!(resolve_for(&[0, 0, 0, 5, 1], &[10, 20, 30], U16).unwrap()[..5], [20, 30, 2, 5, 1]);
    }

    #[test]
    fn without_set_local_the_three_values_suffice() {
        let options = Options::for_chunk(&[20, 30, 2], 20 * 30 * 2 * 3).unwrap();
        assert_eq!(options.geometry, Geometry::new(3, 20, 30, 1, 2).unwrap());
        assert!(Options::for_chunk(&[], 1200).unwrap_err().to_string().contains("not known"));
        assert!(Options::for_chunk(&[20, 30, 2], 1201).is_err());
    }

    #[test]
    fn chunks_of_variable_length_data_are_elements_of_16_bytes() {
        let values = |cd_values: &[u32], n| values_of_pointers(cd_values, n);
        assert_eq!(values(&[], 1600), Some(vec![1, 100, 16, 0, 0]));
        assert_eq!(values(&[0, 0, 0, 5], 1601), Some(vec![1, 1601, 1, 5, 0]));
        assert_eq!(values(&[10, 10, 16], 1600), None);
        assert_eq!(values(&resolve_for(&[], &[10, 20, 30], U16).unwrap(), 12000), None);
        assert_eq!(Options::for_chunk(&values(&[], 1600).unwrap(), 1600).unwrap().geometry.n_components, 16);
    }

    #[test]
    fn errors_say_what_was_expected_and_found() {
        assert!(error(&[1], &[4, 4], U8).contains("1 option (expected none"));
        assert!(error(&[1, 2], &[4, 4], U8).contains("2 options (expected none, or 3 to 5"));
        assert!(error(&[1, 2, 3, 4, 5, 6], &[4, 4], U8).contains("6 options"));
        assert!(error(&[0, 0, 0, 10], &[4, 4], U8).contains("preset 10"));
        assert!(error(&[0, 0, 0, 0, 3], &[4, 4], U8).contains("layout 3"));
        assert!(
            error(&[5, 3, 1], &[4, 4], U8)
                .contains("height 5 × width 3 × 1 bytes do not fit the chunk of 16 bytes")
        );
        assert!(error(&[0, 0, 0, 0, 1], &[5, 6], U8).contains("found 5 × 6"));
        assert!(error(&[0, 0, 0, 0, 2], &[40, 60], U16).contains("found 40 × 60 × 1 samples of 2 bytes"));
        assert!(error(&[0, 0, 0, 0, 2], &[9, 40, 60, 4], U8).contains("40 × 60 × 4"));
        assert!(error(&[0, 0, 0, 0, 1], &[4, 4], Element { sample_bytes: 8, ..U16 }).contains("found 8"));
        assert!(error(&[0, 0, 0, 0, 1], &[1 << 16, 1 << 8, 1 << 8], U8).contains("less than 4 GiB"));
        assert!(error(&[1, 1, 20], &[4, 5], U8).contains("20 bytes per sample"));
    }

    #[test]
    fn damaged_stored_values_are_errors_not_panics() {
        let stored = resolve_for(&[], &[10, 20, 30], U16).unwrap();
        for slot in 0..stored.len() {
            for value in [0, 1, 3, 255, u32::MAX] {
                let mut damaged = stored.clone();
                damaged[slot] = value;
                let _ = Options::for_chunk(&damaged, 12000);
                let _ = stored_chunk_bytes(&damaged);
            }
        }
    }
}
