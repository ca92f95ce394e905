"""convert reads the TIFF files that tifffile, and libtiff in Pillow, write: every pixel is theirs."""

import itertools
import struct
import subprocess

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import PROGRAM, movie, same_bytes


def converted(*inputs, options=(), stderr=None):
    done = run("convert", *inputs, "--output", "out.h5", *options)
    if stderr is not None:
        assert stderr in done.stderr
    with h5py.File("out.h5") as file:
        return file["frames"][:]


def check(array, options=(), **kwargs):
    """What convert makes of what tifffile has written is what tifffile reads."""
    tifffile.imwrite("a.tif", array, **kwargs)
    assert same_bytes(converted("a.tif", options=options)[0], array)


NOISE = np.random.default_rng(5)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tile", [None, (32, 48)])
def test_all_types(dtype, order, tile):
    array = movie((50, 70), "f8") * 50
    array = (array + 1j * array[::-1]).astype(dtype) if dtype[0] == "c" else array.astype(dtype)
    check(array, byteorder=order, tile=tile, rowsperstrip=None if tile else 7)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f4"])
@pytest.mark.parametrize(
    "compression, predictor",
    [("packbits", False), *itertools.product(["lzw", "zlib", "lzma", "zstd"], [False, True])],
)
def test_compression_without_loss(compression, dtype, predictor):
    array = movie((50, 70, 3), "u2").astype(dtype)
    for order in "<>":
        check(array, photometric="rgb", compression=compression, predictor=predictor, byteorder=order, rowsperstrip=9)
        check(array[..., 0], compression=compression, predictor=predictor, byteorder=order, tile=(16, 16))


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("n", [1, 3])
def test_packed_bits(bits, n):
    """tifffile and libtiff differ in what they write, so the bits are put together here."""
    array = NOISE.integers(0, 1 << bits, (21, 13, n))
    rows = ["".join(f"{sample:0{bits}b}" for sample in row.ravel()) for row in array]
    content = b"".join(int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big") for row in rows)
    entries = [
        (256, 3, 1, 13), (257, 3, 1, 21), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, 2 if n == 3 else 1),
        (273, 4, 1, 8), (277, 3, 1, n), (278, 3, 1, 21), (279, 4, 1, len(content)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    with open("a.tif", "wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, 8 + len(content)) + content + directory + bytes(4))
    found = converted("a.tif")[0]
    assert found.dtype == ("u1" if bits <= 8 else "u2")
    assert np.array_equal(found, array if n == 3 else array[..., 0])
    if n == 1:
        assert np.array_equal(found, tifffile.imread("a.tif"))


@pytest.mark.parametrize("compression", [None, "packbits", "group3", "group4", "tiff_ccitt"])
def test_bits_of_pillow(compression):
    array = NOISE.integers(0, 2, (40, 61), bool)
    array[10:20] = True
    array[20:25] = False
    Image.fromarray(array).save("a.tif", compression=compression)
    assert np.array_equal(converted("a.tif")[0], tifffile.imread("a.tif"))


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("n", [2, 5])
def test_channels_are_a_dimension(n, tile):
    planes = movie((n, 50, 70), "u2")
    tifffile.imwrite("together.tif", planes.transpose(1, 2, 0), photometric="minisblack", planarconfig="contig", tile=tile)
    tifffile.imwrite("planes.tif", planes, photometric="minisblack", planarconfig="separate", tile=tile)
    for name in "together.tif", "planes.tif":
        assert same_bytes(converted(name)[0], planes)
        assert same_bytes(converted(name, options=["--channel", "1"])[0], planes[1])
        assert f"expected one of 0 to {n - 1}" in run("convert", name, "-o", "x", "--channel", str(n), status=1).stderr


def test_planes_of_colour_in_tiles():
    planes = movie((3, 50, 70), "u2")
    tifffile.imwrite("a.tif", planes, photometric="rgb", planarconfig="separate", tile=(32, 16))
    assert same_bytes(converted("a.tif")[0], planes.transpose(1, 2, 0))
    assert same_bytes(converted("a.tif", options=["--channel", "2"])[0], planes[2])


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_become_colour(bits):
    palette = NOISE.integers(0, 256, (3, 256), "u2") * (257 if bits == 8 else 200)
    indices = NOISE.integers(0, 256, (40, 60), "u1")
    tifffile.imwrite("a.tif", indices, photometric="palette", colormap=palette)
    found = converted("a.tif")[0]
    assert same_bytes(found, np.moveaxis((palette >> 8).astype("u1") if bits == 8 else palette, 0, -1)[indices])
    gray = np.stack([np.arange(256, dtype="u2")[::-1] * 257] * 3)
    tifffile.imwrite("a.tif", indices, photometric="palette", colormap=gray)
    assert same_bytes(converted("a.tif")[0], 255 - indices)


def test_inks_become_colour():
    inks = NOISE.integers(0, 256, (40, 60, 4), "u1")
    Image.fromarray(inks, "CMYK").save("a.tif")
    wanted = np.asarray(Image.open("a.tif").convert("RGB"))
    assert np.abs(converted("a.tif")[0].astype(int) - wanted).max() <= 1
    tifffile.imwrite("b.tif", inks.astype("u2") * 257, photometric="separated")
    assert np.abs((converted("b.tif")[0] >> 8).astype(int) - wanted).max() <= 1


def test_lab_becomes_colour():
    # Without the colours at the edge of the range, for which steps of CIELab of 8 bits are coarse.
    steps = np.linspace(60, 220, 24).astype("u1")
    rgb = np.stack(np.meshgrid(steps, steps[::3], steps[::-2]), -1).reshape(48, -1, 3)
    lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    ImageCms.applyTransform(Image.fromarray(rgb), lab).save("a.tif")
    assert np.abs(converted("a.tif")[0].astype(int) - rgb).max() <= 6


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg(subsampling):
    y, x = np.mgrid[:64, :96]
    rgb = np.stack([x * 2, y * 3, 255 - x - y], -1).astype("u1")
    Image.fromarray(rgb).save("a.tif", compression="jpeg", quality=95)
    wanted = tifffile.imread("a.tif").astype(int)
    assert np.abs(converted("a.tif")[0] - wanted).max() <= 3
    options = {"subsampling": tuple(map(int, {"4:4:4": "11", "4:2:2": "21", "4:2:0": "22"}[subsampling]))}
    tifffile.imwrite("b.tif", rgb, photometric="rgb", compression="jpeg", tile=(32, 32), **options)
    assert np.abs(converted("b.tif")[0] - tifffile.imread("b.tif").astype(int)).max() <= 6
    gray = rgb[..., 0]
    tifffile.imwrite("c.tif", gray, compression="jpeg")
    assert np.abs(converted("c.tif")[0] - tifffile.imread("c.tif").astype(int)).max() <= 3


def test_webp():
    rgb = movie((64, 80, 3), "u1")
    tifffile.imwrite("a.tif", rgb, photometric="rgb", compression="webp", compressionargs={"level": -1})
    assert same_bytes(converted("a.tif")[0], tifffile.imread("a.tif"))


@pytest.mark.parametrize("compression, name", [("jpeg2000", "JPEG 2000"), ("jpegxl", "JPEG XL"), ("lerc", "LERC")])
def test_what_is_not_read_is_named(compression, name):
    tifffile.imwrite("a.tif", movie((64, 80), "u1"), compression=compression)
    error = run("convert", "a.tif", "-o", "x", status=1).stderr
    assert f"{name} is not supported (pip install tifffile imagecodecs" in error


def test_reduced_pages_are_left_out():
    array = movie((3, 64, 80), "u2")
    with tifffile.TiffWriter("pages.tif") as file:
        for frame in array:
            file.write(frame, photometric="minisblack", metadata=None)
            file.write(frame[::2, ::2], subfiletype=1, photometric="minisblack", metadata=None)
    assert same_bytes(converted("pages.tif", stderr="3 pages of reduced size, or masks, left out"), array)
    with tifffile.TiffWriter("pyramid.ome.tif", bigtiff=True) as file:
        file.write(array, subifds=2, tile=(32, 32), metadata={"axes": "ZYX"})
        file.write(array[:, ::2, ::2], subfiletype=1, tile=(32, 32))
        file.write(array[:, ::4, ::4], subfiletype=1, tile=(16, 16))
    assert same_bytes(converted("pyramid.ome.tif", stderr="6 pages of reduced size, or masks, left out"), array)


def test_slides_have_one_picture():
    array = movie((64, 80, 3), "u1")
    with tifffile.TiffWriter("a.svs") as file:
        file.write(array, tile=(32, 32), photometric="rgb", description="Aperio Image Library v1", metadata=None)
        file.write(array[::4, ::4], photometric="rgb", metadata=None)
        file.write(array[::2, ::2], tile=(16, 16), photometric="rgb", metadata=None)
    assert same_bytes(converted("a.svs")[0], array)


@pytest.mark.parametrize("axes, shape", [("TZCYX", (3, 4, 2)), ("ZYX", (5,)), ("TCYX", (4, 3)), ("CTYX", (2, 3)), ("ZTCYX", (2, 3, 2))])
def test_ome_has_its_dimensions(axes, shape):
    array = movie((*shape, 40, 50), "u2", seed=1)
    metadata = {"axes": axes, "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 250,
                "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 1.5, "PhysicalSizeZUnit": "µm", "TimeIncrement": 500,
                "TimeIncrementUnit": "ms"}
    tifffile.imwrite("a.ome.tif", array, metadata=metadata)
    run("convert", "a.ome.tif", "-o", "out.h5")
    names = [axis for axis in "TZC" if axis in axes]
    wanted = array.transpose([*[axes.index(name) for name in names], -2, -1])
    with h5py.File("out.h5") as file:
        dataset = file["frames"]
        assert same_bytes(dataset[:], wanted)
        assert [dim.label for dim in dataset.dims] == [*"".join(names).lower(), "y", "x"]
        assert np.allclose(dataset.attrs["element_size_um"], [1.5, 0.25, 0.25])
        assert dataset.attrs["time_step_s"] == 0.5


def test_imagej_has_its_dimensions():
    array = movie((3, 4, 2, 40, 50), "u2", seed=1)
    metadata = {"axes": "TZCYX", "unit": "um", "spacing": 1.5, "finterval": 0.5}
    tifffile.imwrite("a.tif", array, imagej=True, resolution=(4, 5), metadata=metadata)
    run("convert", "a.tif", "-o", "out.h5")
    with h5py.File("out.h5") as file:
        dataset = file["frames"]
        assert same_bytes(dataset[:], array)
        assert [dim.label for dim in dataset.dims] == ["t", "z", "c", "y", "x"]
        assert np.allclose(dataset.attrs["element_size_um"], [1.5, 0.2, 0.25])
        assert dataset.attrs["time_step_s"] == 0.5
    run("convert", "a.tif", "-o", "chunks.h5", "--chunk-frames", "1")
    with h5py.File("chunks.h5") as file:
        assert file["frames"].chunks == (1, 1, 1, 40, 50) and same_bytes(file["frames"][:], array)


@pytest.mark.parametrize("number", range(1, 9))
def test_pages_are_turned(number):
    array = movie((40, 60, 3), "u1")
    tifffile.imwrite("a.tif", array, photometric="rgb", extratags=[(274, "H", 1, number, True)])
    assert same_bytes(converted("a.tif", options=["--no-rotate"])[0], array)
    Image.fromarray(array).save("b.jpg", quality=100, exif=bytes(_exif(number)))
    assert same_bytes(converted("a.tif")[0], np.asarray(ImageOps.exif_transpose(Image.open("a.tif"))))
    wanted = np.asarray(ImageOps.exif_transpose(Image.open("b.jpg"))).astype(int)
    assert np.abs(converted("b.jpg")[0] - wanted).max() <= 3
    assert converted("b.jpg", options=["--no-rotate"]).shape == (1, 40, 60, 3)


def _exif(number):
    exif = Image.Exif()
    exif[274] = number
    return exif.tobytes()


def test_damaged_files_are_errors():
    tifffile.imwrite("a.tif", movie((40, 60), "u2"), compression="zlib", rowsperstrip=10)
    content = bytearray(open("a.tif", "rb").read())
    for length in range(0, len(content), max(1, len(content) // 40)):
        open("short.tif", "wb").write(content[:length])
        done = run("convert", "short.tif", "-o", "x.h5", status=1)
        assert "panicked" not in done.stderr
    for i in range(0, 400, 3):
        damaged = bytearray(content)
        damaged[i] ^= 0xFF
        open("damaged.tif", "wb").write(damaged)
        done = subprocess.run([PROGRAM, "convert", "damaged.tif", "-o", "x.h5"], capture_output=True, text=True)
        assert done.returncode in (0, 1) and "panicked" not in done.stderr, done.stderr
