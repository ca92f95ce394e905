"""convert reads what cameras, scanners and web pages have: animations, PNM, DICOM; and says what else a file is."""

from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image, ImageSequence
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import movie, same_bytes


def converted(*inputs, options=(), name="frames"):
    run("convert", *inputs, "--output", "out.h5", *options)
    with h5py.File("out.h5") as file:
        return file[name][:]


def pillow(path, mode):
    with Image.open(path) as image:
        return np.stack([np.asarray(frame.convert(mode)) for frame in ImageSequence.Iterator(image)])


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_animations_are_sequences(name, mode):
    array = movie((7, 40, 60, 3) if mode == "RGB" else (7, 40, 60), "u1", seed=2)
    first, *rest = [Image.fromarray(frame) for frame in array]
    options = {"lossless": True} if name == "a.webp" else {}
    first.save(name, save_all=True, append_images=rest, duration=100, **options)
    is_gray = mode == "L" and name != "a.webp"
    found, wanted = converted(name), pillow(name, "L" if is_gray else "RGB")
    assert found.shape == wanted.shape and found.dtype == "u1"
    # Decoders of WebP round differently where frames lie over each other.
    assert np.abs(found.astype(int) - wanted).max() <= (1 if name == "a.webp" else 0)
    if name != "a.webp":
        assert same_bytes(found, array) or name == "a.gif"
    with h5py.File("out.h5") as file:
        assert np.allclose(file["timestamps"], np.arange(7) / 10) and file["frames"].attrs["fps"] == 10
    folder = Path("folder")
    folder.mkdir()
    Path(name).rename(folder / name)
    first.save(folder / "b.png")
    assert len(converted(folder)) == 8
    with h5py.File("out.h5") as file:
        assert [*file["names"].asstr()] == [name] * 7 + ["b.png"]


@pytest.mark.parametrize("dtype, white", [("u1", 255), ("u1", 100), ("u2", 65535), ("u2", 4095)])
@pytest.mark.parametrize("n", [1, 3])
def test_pnm_keeps_its_levels(dtype, white, n):
    array = np.random.default_rng(4).integers(0, white + 1, (20, 31, n)).astype(dtype)
    kind = b"P5" if n == 1 else b"P6"
    content = array.astype(array.dtype.newbyteorder(">")).tobytes()
    Path("a.pnm").write_bytes(kind + b"\n# a comment\n31 20\n%d\n" % white + content)
    found = converted("a.pnm")[0]
    assert same_bytes(found, array if n == 3 else array[..., 0])


def test_pnm_of_text_and_bits():
    Path("a.pgm").write_text("P2\n3 2\n255\n1 2 3\n4 5 6\n")
    assert np.array_equal(converted("a.pgm")[0], [[1, 2, 3], [4, 5, 6]])
    bits = np.random.default_rng(4).integers(0, 2, (20, 31), bool)
    Image.fromarray(bits).save("a.pbm")
    assert np.array_equal(converted("a.pbm")[0] == 255, bits)


def dicom(path, array, photometric="MONOCHROME2", syntax=pydicom.uid.ExplicitVRLittleEndian, **attributes):
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    meta.TransferSyntaxUID = syntax
    dataset = pydicom.dataset.FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    n_components = 3 if photometric != "MONOCHROME2" else 1
    shape = array.shape[:-1] if n_components == 3 else array.shape
    dataset.Rows, dataset.Columns = shape[-2:]
    if len(shape) > 2:
        dataset.NumberOfFrames = shape[0]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = n_components, photometric
    if n_components == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * array.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.PixelData = array.tobytes()
    return dataset


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4"])
def test_dicom_of_one_frame_and_many(dtype):
    array = movie((5, 40, 60), "u2").astype(dtype)
    dicom("many.dcm", array).save_as("many.dcm", enforce_file_format=True)
    assert same_bytes(converted("many.dcm"), pydicom.dcmread("many.dcm").pixel_array)
    folder = Path("scan")
    folder.mkdir()
    for i, frame in enumerate(array):
        dicom(f"IM{i}", frame).save_as(folder / f"IM{i}", enforce_file_format=True)
    assert same_bytes(converted("scan"), array)


@pytest.mark.parametrize("syntax", [pydicom.uid.RLELossless, pydicom.uid.DeflatedExplicitVRLittleEndian])
def test_dicom_compressed(syntax):
    array = movie((3, 40, 60), "u2")
    dataset = dicom("a.dcm", array, syntax=syntax if syntax.is_deflated else pydicom.uid.ExplicitVRLittleEndian)
    if not syntax.is_deflated:
        dataset.compress(syntax)
    dataset.save_as("a.dcm", enforce_file_format=True)
    assert same_bytes(converted("a.dcm"), array)


def test_dicom_in_colour():
    array = movie((3, 40, 60, 3), "u1")
    dicom("rgb.dcm", array, "RGB").save_as("rgb.dcm", enforce_file_format=True)
    assert same_bytes(converted("rgb.dcm"), array)
    planes = dicom("planes.dcm", array, "RGB", PlanarConfiguration=1)
    planes.PixelData = np.ascontiguousarray(array.transpose(0, 3, 1, 2)).tobytes()
    planes.save_as("planes.dcm", enforce_file_format=True)
    assert same_bytes(converted("planes.dcm"), array)
    dicom("ybr.dcm", array, "YBR_FULL").save_as("ybr.dcm", enforce_file_format=True)
    wanted = pydicom.pixels.convert_color_space(array, "YBR_FULL", "RGB").astype(int)
    assert np.abs(converted("ybr.dcm") - wanted).max() <= 1


def test_bits_of_dicom():
    bits = np.random.default_rng(4).integers(0, 2, (3, 7, 5), "u1")
    dataset = dicom("a.dcm", bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes() + b"\0"
    dataset.save_as("a.dcm", enforce_file_format=True)
    assert np.array_equal(converted("a.dcm"), bits)


@pytest.mark.parametrize(
    "name, content, what",
    [
        ("a.cbf", b"###CBF: VERSION 1.5\n", "a CBF file of a detector, which is not read here (pip install fabio"),
        ("a.edf", b"{\nHeaderID = EH:1;\nDim_1 = 4;\n}", "an EDF file of a detector"),
        ("a.spe", bytes(4100), "an SPE file of Princeton Instruments"),
        ("a.nd2", b"\xda\xce\xbe\x0a" + bytes(12) + b"ND2 FILE SIGNATURE CHUNK NAME01!", "an ND2 file of Nikon"),
        ("a.czi", b"ZISRAWFILE" + bytes(100), "a CZI file of Zeiss"),
        ("a.fits", b"SIMPLE  =                    T", "a FITS file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file, which is not read here (h5h264 repack"),
    ],
)
def test_an_error_says_what_a_file_is(name, content, what):
    Path(name).write_bytes(content)
    assert what in run("convert", name, "-o", "x", status=1).stderr


def test_broken_files_stop_it_or_are_listed():
    folder = Path("in")
    folder.mkdir()
    array = movie((10, 40, 60), "u1")
    for i, frame in enumerate(array):
        Image.fromarray(frame).save(folder / f"{i}.png")
    whole = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(whole[: len(whole) // 2])
    (folder / "5.png").write_bytes(b"")
    tifffile.imwrite(folder / "7.tif", array[:4], compression="zlib", photometric="minisblack")
    (folder / "7.png").unlink()
    assert "5.png" in run("convert", "in", "-o", "x", status=1).stderr
    (folder / "5.png").unlink()
    assert "3.png" in run("convert", "in", "-o", "x", status=1).stderr
    (folder / "5.png").write_bytes(b"")
    done = run("convert", "in", "-o", "out.h5", "--skip-broken", "--chunk-frames", "3")
    listed = [line for line in done.stderr.splitlines() if line.startswith("h5h264: left out: ")]
    assert len(listed) == 2 and "5.png" in listed[0] and "3.png" in listed[1]
    with h5py.File("out.h5") as file:
        assert [*file["names"].asstr()] == ["0.png", "1.png", "2.png", "4.png", "6.png", *["7.tif"] * 4, "8.png", "9.png"]
        wanted = np.concatenate([array[[0, 1, 2, 4, 6]], array[:4], array[8:]])
        assert same_bytes(file["frames"][:], wanted)


def test_photographs_keep_16_bits_in_colour():
    array = movie((40, 60, 3), "u2")
    Path("a.png").write_bytes(imagecodecs.png_encode(array))
    assert same_bytes(converted("a.png")[0], array)
