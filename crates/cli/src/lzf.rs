//! LZF, the compression that h5py has beside gzip. No crate for it is maintained.
//!
//! A byte below 32 is followed by so many bytes and one more, as they are. Any other starts a match: its upper
//! three bits and 2 are the length, which goes on in the next byte if they are 7; the lower five bits and the byte
//! after that say how far back the match begins.

const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 264;
const MAX_DISTANCE: usize = 1 << 13;
const MAX_LITERALS: usize = 32;
/// A length that goes on in the next byte.
const LONG: u8 = 7;
const HASH_BITS: u32 = 14;

/// What was compressed; `None` if it is damaged, or has more than `most_bytes`.
pub fn decode(stored: &[u8], most_bytes: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = stored;
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        if bytes.len() > most_bytes {
            return None;
        }
        if usize::from(control) < MAX_LITERALS {
            let (literals, after) = rest.split_at_checked(usize::from(control) + 1)?;
            bytes.extend(literals);
            rest = after;
            continue;
        }
        let mut length = usize::from(control >> 5) + 2;
        if control >> 5 == LONG {
            let (more, after) = rest.split_first()?;
            length += usize::from(*more);
            rest = after;
        }
        let (low, after) = rest.split_first()?;
        rest = after;
        let distance = (usize::from(control & 31) << 8 | usize::from(*low)) + 1;
        let start = bytes.len().checked_sub(distance)?;
        // A match may reach into what it makes.
        for i in start..start + length {
            bytes.push(bytes[i]);
        }
    }
    (bytes.len() <= most_bytes).then_some(bytes)
}

/// Compresses bytes. What does not repeat becomes larger by a 32nd.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(bytes.len() / 2);
    // Behind each place at which three bytes were seen last.
    let mut seen = vec![0; 1 << HASH_BITS];
    let (mut literals_from, mut at) = (0, 0);
    while let Some(next) = bytes.get(at..at + MIN_MATCH) {
        let before = std::mem::replace(&mut seen[hash(next)], at + 1);
        let distance = at + 1 - before;
        if before == 0 || distance > MAX_DISTANCE || bytes[before - 1..][..MIN_MATCH] != *next {
            at += 1;
            continue;
        }
        push_literals(&mut stored, &bytes[literals_from..at]);
        let pairs = bytes[at..].iter().zip(&bytes[before - 1..]).take(MAX_MATCH);
        let length = pairs.take_while(|(a, b)| a == b).count();
        push_match(&mut stored, length, distance);
        at += length;
        literals_from = at;
    }
    push_literals(&mut stored, &bytes[literals_from..]);
    stored
}

fn push_literals(stored: &mut Vec<u8>, literals: &[u8]) {
    for part in literals.chunks(MAX_LITERALS) {
        stored.push(part.len() as u8 - 1);
        stored.extend(part);
    }
}

fn push_match(stored: &mut Vec<u8>, length: usize, distance: usize) {
    let (length, back) = (length - 2, distance - 1);
    let high = (back >> 8) as u8;
    match u8::try_from(length) {
        Ok(short) if short < LONG => stored.push(short << 5 | high),
        _ => stored.extend([LONG << 5 | high, (length - usize::from(LONG)) as u8]),
    }
    stored.push(back as u8);
}

/// Of three bytes.
fn hash(bytes: &[u8]) -> usize {
    let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    // Knuth's multiplicative hash.
    (number.wrapping_mul(2_654_435_761) >> (u32::BITS - HASH_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_matches_are_decoded() {
        assert_eq!(decode(b"\x02abc", 3).unwrap(), b"abc");
        // A match that reaches into what it makes, and a long one.
        assert_eq!(decode(b"\x01ab\x40\x01", 6).unwrap(), b"ababab");
        assert_eq!(decode(b"\x00a\xe0\x0a\x00", 20).unwrap(), [b'a'; 20]);
        assert_eq!(decode(b"", 0).unwrap(), b"");
    }

    #[test]
    fn damage_is_found() {
        for damaged in
            [&b"\x02ab"[..], b"\x40", b"\x20\x00", b"\x00a\x20\x01", b"\x00a\xe0", b"\x00a\xe0\x01"]
        {
            assert_eq!(decode(damaged, 100), None, "{damaged:?}");
        }
        assert_eq!(decode(b"\x02abc", 2), None);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut random = 1_u32;
        let mut noise = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        let mut bytes: Vec<u8> = (0..40_000).map(|_| noise()).collect();
        bytes.extend((0..40_000_u32).map(|i| (i / 7 % 100) as u8));
        bytes.extend([7; 1000]);
        bytes.extend((0..30_000).map(|_| noise() & 1));
        for bytes in [&bytes[..], b"", b"a", b"ab", b"aaa", &[0; 300]] {
            assert_eq!(decode(&encode(bytes), bytes.len()).unwrap(), bytes);
        }
        let stored = encode(&bytes);
        assert!(stored.len() < bytes.len() * 3 / 4 && encode(&bytes[..40_000]).len() <= 41_250);
        for i in (0..stored.len()).step_by(997) {
            let mut damaged = stored.clone();
            damaged[i] ^= 0x55;
            // Whatever comes of it.
            let _ = decode(&damaged, bytes.len());
        }
    }
}
