//! What has to be known of an access unit in the byte stream format (ITU-T H.264, Annex B).

use std::ops::Range;

/// nal_unit_type (table 7-1).
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const PICTURE_PARAMETER_SET: u8 = 8;

/// The NAL units before the first slice, and that slice: type, and where header byte and body are.
fn units_before_slices(access_unit: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> {
    let start_code = |from: usize| {
        let rest = access_unit.get(from..)?;
        rest.windows(3).position(|three| three == [0, 0, 1]).map(|position| from + position)
    };
    let mut next = start_code(0);
    let mut is_done = false;
    std::iter::from_fn(move || {
        let start = next.filter(|_| !is_done)? + 3;
        let unit_type = access_unit.get(start)? & 0x1f;
        is_done = (1..=IDR_SLICE).contains(&unit_type);
        // What is in a slice need not be searched.
        next = if is_done { None } else { start_code(start) };
        Some((unit_type, start..next.unwrap_or(access_unit.len())))
    })
}

/// Whether a decoder may start with it.
pub(crate) fn is_key_frame(access_unit: &[u8]) -> bool {
    units_before_slices(access_unit).any(|(unit_type, _)| unit_type == IDR_SLICE)
}

/// Parts an access unit into the parameter sets that it starts with, and the rest. x264 puts nothing
/// else before the slices once its SEI messages are gone.
pub(crate) fn split_parameter_sets(access_unit: &[u8]) -> (&[u8], &[u8]) {
    let is_wanted = |unit_type| matches!(unit_type, SEQUENCE_PARAMETER_SET | PICTURE_PARAMETER_SET);
    let other = units_before_slices(access_unit).find(|(unit_type, _)| !is_wanted(*unit_type));
    let end = other.map_or(access_unit.len(), |(_, unit)| {
        let start_code = unit.start - 3;
        // A zero byte before a start code belongs to it.
        start_code - usize::from(access_unit[..start_code].last() == Some(&0))
    });
    access_unit.split_at(end)
}

/// Whether a stream has no chroma, by its sequence parameter set (7.3.2.1.1): `extradata` has it in Annex
/// B format or as .mp4 and .mkv keep it (ISO/IEC 14496-15, 5.3.3.1).
pub(crate) fn is_gray(extradata: &[u8]) -> bool {
    // After the version, four bytes of profile and sizes, the number of sets and the size of the first.
    const MP4_HEAD: usize = 8;
    let unit = match extradata.first() {
        Some(1) => extradata.get(MP4_HEAD..),
        _ => units_before_slices(extradata)
            .find(|(unit_type, _)| *unit_type == SEQUENCE_PARAMETER_SET)
            .map(|(_, unit)| &extradata[unit]),
    };
    unit.and_then(chroma_format_idc) == Some(0)
}

/// `None` if the profile does not say: 4:2:0.
fn chroma_format_idc(sequence_parameter_set: &[u8]) -> Option<u32> {
    /// Those of table 7-1's profiles that have chroma_format_idc.
    const PROFILES: [u8; 12] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134];
    let [_, profile, _, _, bits @ ..] = sequence_parameter_set else { return None };
    if !PROFILES.contains(profile) {
        return None;
    }
    // Two numbers of at most 11 and 5 bits. Emulation prevention comes later: the id is small.
    let mut bits = bits.iter().flat_map(|byte| (0..8).rev().map(move |i| u32::from(byte >> i & 1)));
    // ue(v), 9.1.
    let mut unsigned = || {
        let mut n_zeros = 0;
        while bits.next()? == 0 {
            n_zeros += 1;
        }
        let rest = (0..n_zeros).try_fold(0u32, |number, _| Some(number << 1 | bits.next()?))?;
        (n_zeros < 6).then(|| (1u32 << n_zeros) - 1 + rest)
    };
    let _seq_parameter_set_id = unsigned()?;
    unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_streams_are_told_apart() {
        // ue(0) ue(0) …; ue(0) ue(1) …; ue(31) ue(0).
        let unit = |profile, bits: &[u8]| [&[0x67, profile, 0, 10], bits].concat();
        for (unit, expected) in [
            (unit(244, &[0b1100_0000]), true),
            (unit(100, &[0b1010_0000]), false),
            (unit(244, &[0b1001_0000]), false),
            (unit(244, &[0b0000_0100, 0b0001_0000]), true),
            (unit(66, &[0b1100_0000]), false),
            (unit(244, &[]), false),
            (unit(244, &[0, 0]), false),
        ] {
            assert_eq!(is_gray(&[&[0, 0, 0, 1][..], &unit].concat()), expected, "{unit:?}");
            assert_eq!(
                is_gray(&[&[1, 244, 0, 10, 0xff, 0xe1, 0, 5][..], &unit].concat()),
                expected,
                "{unit:?}"
            );
        }
        assert!(!is_gray(&[]));
        assert!(!is_gray(&[1, 2]));
    }

    #[test]
    fn parameter_sets_are_what_comes_first() {
        let sets = [0, 0, 0, 1, 0x67, 9, 8, 0, 0, 0, 1, 0x68, 7];
        for slice in [&[0, 0, 1, 0x65, 0, 0, 1, 0x67, 2][..], &[0, 0, 0, 1, 0x65, 0, 0, 1, 0x67, 2]] {
            let unit = [&sets[..], slice].concat();
            assert_eq!(split_parameter_sets(&unit), (&sets[..], slice));
            assert!(is_key_frame(&unit));
        }
        let other = [0, 0, 1, 0x61, 0, 0, 1, 0x65];
        assert_eq!(split_parameter_sets(&other), (&[][..], &other[..]));
        assert!(!is_key_frame(&other));
        for len in 0..sets.len() {
            split_parameter_sets(&sets[..len]);
            is_key_frame(&sets[..len]);
        }
    }
}
