//! How players are asked to turn the video track of an MP4 or QuickTime file (ISO/IEC 14496-12, section 8.3.2).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Boxes in a file that is no attack.
const MOST_BOXES: usize = 10_000;
/// Behind the fields of a track's header whose length depends on its version.
const MATRIX_AT: [usize; 2] = [40, 52];

/// Where the axes of the picture go, as numbers of 16 bits behind the point; `None` if the file does not say.
pub fn display_matrix(path: &Path) -> Option<[[i32; 2]; 2]> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let mut found = None;
    Boxes { file: &mut file, n_left: MOST_BOXES }.tracks(0, end, &mut found);
    found
}

/// Whether a file begins as an MP4 does, and lacks the box that says what is in it: programs write that last.
pub(crate) fn is_cut_off(path: &Path) -> bool {
    let whole = || -> Option<bool> {
        let mut file = BufReader::new(File::open(path).ok()?);
        let end = file.seek(SeekFrom::End(0)).ok()?;
        let mut boxes = Boxes { file: &mut file, n_left: MOST_BOXES };
        let (mut at, mut is_first) = (0, true);
        while at + 8 <= end {
            let [_, _, _, _, kind @ ..] = boxes.bytes::<8>(at)?;
            if is_first && &kind != b"ftyp" || &kind == b"moov" {
                return Some(true);
            }
            is_first = false;
            (_, _, at) = boxes.next(at, end)?;
        }
        Some(is_first)
    };
    // A box that reaches beyond the end is none.
    let begins_as_mp4 = || {
        let mut start = [0; 8];
        File::open(path)
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok_and(|()| &start[4..] == b"ftyp")
    };
    !whole().unwrap_or_else(|| !begins_as_mp4())
}

struct Boxes<'f> {
    file: &'f mut BufReader<File>,
    n_left: usize,
}

/// What is known of a track so far.
#[derive(Default)]
struct Track {
    matrix: Option<[[i32; 2]; 2]>,
    is_video: bool,
}

impl Boxes<'_> {
    /// The next box: its kind, where its content begins, and where it ends.
    fn next(&mut self, at: u64, end: u64) -> Option<([u8; 4], u64, u64)> {
        self.n_left = self.n_left.checked_sub(1)?;
        let header = self.bytes::<8>(at)?;
        let [a, b, c, d, kind @ ..] = header;
        let (start, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (at + 8, end - at),
            1 => (at + 16, u64::from_be_bytes(self.bytes(at + 8)?)),
            size => (at + 8, size.into()),
        };
        let behind = at.checked_add(size).filter(|behind| *behind <= end && *behind >= start)?;
        Some((kind, start, behind))
    }

    fn bytes<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Looks for the matrix of the first track that is a video.
    fn tracks(&mut self, mut at: u64, end: u64, found: &mut Option<[[i32; 2]; 2]>) {
        while at + 8 <= end && found.is_none() {
            let Some((kind, start, behind)) = self.next(at, end) else { return };
            match &kind {
                b"moov" => self.tracks(start, behind, found),
                b"trak" => {
                    let mut track = Track::default();
                    self.track(start, behind, &mut track);
                    *found = track.matrix.filter(|_| track.is_video);
                }
                _ => (),
            }
            at = behind;
        }
    }

    fn track(&mut self, mut at: u64, end: u64, track: &mut Track) {
        while at + 8 <= end {
            let Some((kind, start, behind)) = self.next(at, end) else { return };
            match &kind {
                b"tkhd" => track.matrix = self.matrix(start),
                b"mdia" => self.track(start, behind, track),
                b"hdlr" => {
                    track.is_video |= self.bytes::<12>(start).is_some_and(|bytes| bytes.ends_with(b"vide"))
                }
                _ => (),
            }
            at = behind;
        }
    }

    fn matrix(&mut self, start: u64) -> Option<[[i32; 2]; 2]> {
        let [version] = self.bytes(start)?;
        let at = start + *MATRIX_AT.get(usize::from(version))? as u64;
        let bytes = self.bytes::<20>(at)?;
        let number = |i: usize| i32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        Some([[number(0), number(4)], [number(12), number(16)]])
    }
}
