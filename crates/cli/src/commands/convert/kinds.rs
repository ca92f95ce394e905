//! What a file is, by how it begins, as names can be wrong.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use image::ImageFormat;

/// Bytes that tell.
const MOST_START: u64 = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Tiff,
    Dicom,
    Image(ImageFormat),
    /// What it is, and who makes a file of it that is read here.
    Foreign {
        what: &'static str,
        help: &'static str,
    },
    /// A video, perhaps.
    Other,
}

const FABIO: &str = "pip install fabio reads it, and h5py writes its frames";
const BIO_FORMATS: &str = "Bio-Formats' bfconvert, and Fiji, write OME-TIFF from it";
const IMAGECODECS: &str = "pip install imagecodecs reads it, and writes PNG or TIFF";

/// How files begin that others convert: where, with what, what they are, and with what help.
const FOREIGN: [(usize, &[u8], &str, &str); 26] = [
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "h5h264 repack compresses it"),
    (0, b"###CBF:", "a CBF file of a detector", FABIO),
    (0, b"_array_data", "a CBF file of a detector", FABIO),
    (0, b"SIMPLE  =", "a FITS file", "pip install astropy reads it, and h5py writes its frames"),
    (16, b"ND2 FILE SIGNATURE", "an ND2 file of Nikon", BIO_FORMATS),
    (0, b"\x0a\xbe\xce\xda", "an ND2 file of Nikon", BIO_FORMATS),
    (0, b"\xda\xce\xbe\x0a", "an ND2 file of Nikon", BIO_FORMATS),
    (0, b"ZISRAWFILE", "a CZI file of Zeiss", BIO_FORMATS),
    (0, b"\x70\0\0\0", "a LIF file of Leica", BIO_FORMATS),
    (0, b"\xd0\xcf\x11\xe0", "a file of Olympus, Zeiss or another microscope (OIB, ZVI)", BIO_FORMATS),
    (0, b"\0\0\0\x03", "a DM3 file of Gatan", BIO_FORMATS),
    (0, b"\0\0\0\x04", "a DM4 file of Gatan", BIO_FORMATS),
    (0, b"Andor Technology", "a SIF file of Andor", BIO_FORMATS),
    (208, b"MAP ", "an MRC file", "pip install mrcfile reads it, and h5py writes its frames"),
    (344, b"n+1\0", "a NIfTI file", "pip install nibabel reads it, and h5py writes its frames"),
    (0, b"NRRD", "an NRRD file", "pip install pynrrd reads it, and h5py writes its frames"),
    (0, b"\x93NUMPY", "a NumPy array", "numpy.load reads it, and h5py writes it"),
    (0, b"LUCAM-RECORDER", "an SER file of an astronomer's camera", "PIPP and Siril write TIFF from it"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 file", IMAGECODECS),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file", IMAGECODECS),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL file", IMAGECODECS),
    (0, b"\xff\x0a", "a JPEG XL file", IMAGECODECS),
    (4, b"ftypheic", "an HEIC file", "pip install pillow-heif reads it, and writes PNG"),
    (4, b"ftypavif", "an AVIF file", "pip install pillow reads it, and writes PNG"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR file", "pip install imageio reads it, and writes TIFF"),
    (0, b"8BPS", "a file of Photoshop", "pip install psd-tools reads it, and writes PNG"),
];

impl FileKind {
    pub fn of(path: &Path) -> Result<Self> {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MOST_START).read_to_end(&mut start));
        read.with_context(|| path.display().to_string())?;
        Ok(Self::of_start(&start, &extension(path)))
    }

    fn of_start(start: &[u8], extension: &str) -> Self {
        if matches!(start, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..]) {
            return Self::Tiff;
        }
        if start.get(128..132) == Some(b"DICM") {
            return Self::Dicom;
        }
        if let Ok(format) = image::guess_format(start)
            && format.reading_enabled()
        {
            return Self::Image(format);
        }
        let begins = |at: usize, with: &[u8]| start.get(at..at + with.len()) == Some(with);
        if let Some((_, _, what, help)) = FOREIGN.iter().find(|(at, with, _, _)| begins(*at, with)) {
            return Self::Foreign { what, help };
        }
        let is_edf = start.starts_with(b"{") && (extension == "edf" || contains(start, b"Dim_1"));
        match extension {
            _ if is_edf => Self::Foreign { what: "an EDF file of a detector", help: FABIO },
            "spe" => Self::Foreign { what: "an SPE file of Princeton Instruments", help: BIO_FORMATS },
            _ => Self::Other,
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// In lower case.
pub fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        let of = |start: &[u8]| FileKind::of_start(start, "");
        assert_eq!(of(b"II*\0"), FileKind::Tiff);
        assert_eq!(of(b"MM\0+"), FileKind::Tiff);
        assert_eq!(of(&[&[0; 128][..], b"DICM"].concat()), FileKind::Dicom);
        assert_eq!(of(b"P5\n2 2\n255\n"), FileKind::Image(ImageFormat::Pnm));
        assert_eq!(of(b"GIF89a"), FileKind::Image(ImageFormat::Gif));
        assert!(matches!(of(b"###CBF: VERSION"), FileKind::Foreign { help, .. } if help.contains("fabio")));
        assert!(
            matches!(of(b"{\nHeaderID = 1;\nDim_1 = 5;"), FileKind::Foreign { what, .. } if what.contains("EDF"))
        );
        assert!(matches!(of(b"\0\0\0\x18ftypisom"), FileKind::Other));
        assert!(matches!(of(b""), FileKind::Other));
    }
}
