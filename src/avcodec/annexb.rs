//! The byte stream format of ITU-T H.264, Annex B: NAL units, each after a start code 00 00 01.

use std::ops::RangeInclusive;

/// nal_unit_type of slices (table 7-1).
pub(super) const SLICES: RangeInclusive<u8> = 1..=5;
/// nal_unit_type of supplemental enhancement information, which precedes the slices (7.4.1.2.3).
pub(super) const SEI: u8 = 6;

/// Where the next start code is.
pub(super) fn find_start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| three == [0, 0, 1])
}

/// The nal_unit_type of the NAL unit whose header byte comes first.
pub(super) fn unit_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1f)
}

/// Whether there is an SEI message in an access unit.
pub(super) fn has_sei(access_unit: &[u8]) -> bool {
    let mut rest = access_unit;
    while let Some(start_code) = find_start_code(rest) {
        rest = &rest[start_code + 3..];
        if unit_type(rest) == SEI {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sei_is_found_wherever_it_is() {
        assert!(has_sei(&[0, 0, 0, 1, 0x67, 9, 0, 0, 1, 6, 5]));
        assert!(has_sei(&[0, 0, 1, 0x65, 9, 0, 0, 1, 0x26]));
        assert!(!has_sei(&[0, 0, 1, 0x65, 6, 0, 0, 3, 6]));
        assert!(!has_sei(&[0, 0, 1]));
    }
}
