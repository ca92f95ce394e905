//! Planes in which something repeats, as zstd frames (RFC 8878): the bits of each number as whole bytes,
//! least significant first, number by number in the order of (frame, component, row, column).

use std::io::{self, Read, Write};

use h5filter::OutOfMemory;
use zstd::stream::{read, write};

use crate::error::{Error, Result, damaged, filled};
use crate::geometry::Geometry;
use crate::transform::{Sample, Transform};

/// What a decoder has to remember: 2 to the power of this, in bytes. RFC 8878 recommends that all
/// decoders can.
const MAX_WINDOW_LOG: u32 = 23;

/// Bytes whose allocation may fail without an abort.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_reserve(bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Codes the zstd planes of a chunk, frame by frame.
pub struct PlanesEncoder {
    planes: Vec<PlaneEncoder>,
    /// The bytes of a frame.
    bytes: Vec<u8>,
}

struct PlaneEncoder {
    shift: u32,
    bits: u32,
    encoder: write::Encoder<'static, Bytes>,
}

impl PlanesEncoder {
    /// At a compression level of zstd.
    pub fn new(geometry: &Geometry, transform: &Transform, level: i32) -> Result<Self> {
        let mut planes = Vec::new();
        for (shift, bits) in transform.zstd_planes() {
            let n_bytes = (geometry.chunk_samples() * bytes_of(bits)) as u64;
            let start = || {
                let mut encoder = write::Encoder::new(Bytes::default(), level)?;
                encoder.set_pledged_src_size(Some(n_bytes))?;
                encoder.window_log(n_bytes.max(1 << 10).next_power_of_two().ilog2().min(MAX_WINDOW_LOG))?;
                io::Result::Ok(encoder)
            };
            planes.push(PlaneEncoder { shift, bits, encoder: start().map_err(|e| failed(&e))? });
        }
        Ok(Self { planes, bytes: filled(frame_bytes(geometry, transform))? })
    }

    /// Codes the next frame.
    pub fn encode<S: Sample>(&mut self, numbers: &[S]) -> Result<()> {
        for PlaneEncoder { shift, bits, encoder } in &mut self.planes {
            let bytes = &mut self.bytes[..numbers.len() * bytes_of(*bits)];
            write_bytes(numbers, *shift, *bits, bytes);
            encoder.write_all(bytes).map_err(|e| failed(&e))?;
        }
        Ok(())
    }

    /// The zstd frame of each plane.
    pub fn finish(self) -> Result<Vec<Vec<u8>>> {
        let finish = |plane: PlaneEncoder| Ok(plane.encoder.finish().map_err(|e| failed(&e))?.0);
        self.planes.into_iter().map(finish).collect()
    }
}

/// Decodes the zstd planes of a chunk, frame by frame.
pub struct PlanesDecoder<'a> {
    planes: Vec<PlaneDecoder<'a>>,
    /// The bytes of a frame.
    bytes: Vec<u8>,
}

struct PlaneDecoder<'a> {
    shift: u32,
    bits: u32,
    decoder: read::Decoder<'static, &'a [u8]>,
}

impl<'a> PlanesDecoder<'a> {
    /// `stored` has a zstd frame for each plane.
    pub fn new(
        geometry: &Geometry,
        transform: &Transform,
        stored: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self> {
        let mut planes = Vec::new();
        for ((shift, bits), stored) in transform.zstd_planes().zip(stored) {
            let start = || {
                let mut decoder = read::Decoder::with_buffer(stored)?.single_frame();
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                io::Result::Ok(decoder)
            };
            planes.push(PlaneDecoder { shift, bits, decoder: start().map_err(|e| not_read(&e))? });
        }
        Ok(Self { planes, bytes: filled(frame_bytes(geometry, transform))? })
    }

    /// Adds the zstd planes of the next frame to its numbers.
    pub fn decode<S: Sample>(&mut self, numbers: &mut [S]) -> Result<()> {
        for PlaneDecoder { shift, bits, decoder } in &mut self.planes {
            let bytes = &mut self.bytes[..numbers.len() * bytes_of(*bits)];
            decoder.read_exact(bytes).map_err(|e| not_read(&e))?;
            read_bytes(bytes, *shift, *bits, numbers);
        }
        Ok(())
    }

    /// An error unless all was read, and no more.
    pub fn finish(self) -> Result<()> {
        for mut plane in self.planes {
            let more = plane.decoder.read(&mut [0]).map_err(|e| not_read(&e))?;
            if more > 0 || !plane.decoder.finish().is_empty() {
                return Err(damaged!("a zstd plane that does not end where its numbers end"));
            }
        }
        Ok(())
    }
}

/// Bytes that a plane takes of a number.
fn bytes_of(bits: u32) -> usize {
    bits.div_ceil(8) as usize
}

/// Bytes of the widest plane of a frame.
fn frame_bytes(geometry: &Geometry, transform: &Transform) -> usize {
    let widest = transform.zstd_planes().map(|(_, bits)| bytes_of(bits)).max();
    geometry.frame_samples() * widest.unwrap_or(0)
}

/// The bytes of a plane of some numbers.
pub fn write_bytes<S: Sample>(numbers: &[S], shift: u32, bits: u32, bytes: &mut [u8]) {
    let mask = u64::MAX >> (64 - bits);
    match bytes_of(bits) {
        1 => bytes
            .iter_mut()
            .zip(numbers)
            .for_each(|(byte, number)| *byte = (number.byte_at(shift)) & mask as u8),
        n => bytes.chunks_exact_mut(n).zip(numbers).for_each(|(bytes, number)| {
            bytes.copy_from_slice(&(number.widen() >> shift & mask).to_le_bytes()[..n]);
        }),
    }
}

fn read_bytes<S: Sample>(bytes: &[u8], shift: u32, bits: u32, numbers: &mut [S]) {
    // Bits beyond the plane's are an error of whoever wrote it; they never reach other planes.
    let mask = u64::MAX >> (64 - bits);
    let n = bytes_of(bits);
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(n)) {
        let mut word = [0; 8];
        word[..n].copy_from_slice(bytes);
        *number = number.or(S::truncate((u64::from_le_bytes(word) & mask) << shift));
    }
}

fn failed(e: &io::Error) -> Error {
    // zstd tells its errors by their text only.
    let has_no_memory = e.kind() == io::ErrorKind::OutOfMemory || e.to_string().contains("not enough memory");
    match has_no_memory {
        true => OutOfMemory { bytes: 1 << MAX_WINDOW_LOG }.into(),
        false => Error::Codec(format!("zstd: {e}")),
    }
}

fn not_read(e: &io::Error) -> Error {
    match failed(e) {
        Error::OutOfMemory(e) => e.into(),
        _ => damaged!("a zstd plane that can't be decoded ({e})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::{Coding, Mapping, Plane};

    const ZSTD: Coding = Coding::Zstd;

    fn example() -> (Geometry, Transform, Vec<u64>) {
        let geometry = Geometry::new(3, 5, 7, 2, 8).unwrap();
        let planes = vec![
            Plane { bits: 3, coding: Coding::Raw },
            Plane { bits: 8, coding: ZSTD },
            Plane { bits: 45, coding: ZSTD },
            Plane { bits: 5, coding: ZSTD },
        ];
        let transform = Transform { mapping: Mapping::Integer { offset: 0 }, table: None, planes };
        let numbers =
            (0..geometry.chunk_samples() as u64).map(|i| (i % 50).wrapping_mul(0x0123_4567_89ab_cdef) >> 3);
        (geometry, transform, numbers.collect())
    }

    fn decode(geometry: &Geometry, transform: &Transform, stored: &[Vec<u8>]) -> Result<Vec<u64>> {
        let mut decoder = PlanesDecoder::new(geometry, transform, stored.iter().map(|plane| &plane[..]))?;
        let mut numbers = vec![0; geometry.chunk_samples()];
        for frame in numbers.chunks_exact_mut(geometry.frame_samples()) {
            decoder.decode(frame)?;
        }
        decoder.finish()?;
        Ok(numbers)
    }

    #[test]
    fn planes_come_back() {
        let (geometry, transform, numbers) = example();
        let mut encoder = PlanesEncoder::new(&geometry, &transform, 9).unwrap();
        for frame in numbers.chunks_exact(geometry.frame_samples()) {
            encoder.encode(frame).unwrap();
        }
        let stored = encoder.finish().unwrap();
        assert_eq!(stored.len(), 3);
        assert!(stored[1].len() < 3 * numbers.len());
        let expected: Vec<u64> = numbers.iter().map(|number| number & 0x1fff_ffff_ffff_fff8).collect();
        assert_eq!(decode(&geometry, &transform, &stored).unwrap(), expected);

        for plane in 0..3 {
            let mut longer = stored.clone();
            longer[plane].push(0);
            assert!(decode(&geometry, &transform, &longer).is_err());
            for len in 0..stored[plane].len() {
                let mut shorter = stored.clone();
                shorter[plane].truncate(len);
                assert!(decode(&geometry, &transform, &shorter).is_err(), "{len}");
            }
        }
    }

    #[test]
    fn what_a_decoder_must_remember_is_bounded() {
        let (geometry, transform, _) = example();
        let mut encoder = write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(MAX_WINDOW_LOG + 1).unwrap();
        encoder.write_all(&[0; 1000]).unwrap();
        let large = encoder.finish().unwrap();
        let error = decode(&geometry, &transform, &[large.clone(), large.clone(), large]).unwrap_err();
        assert!(error.to_string().contains("can't be decoded"), "{error}");
    }
}
