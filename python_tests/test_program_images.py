"""The program h5h264 takes what images there are, and writes such that others take."""

import importlib.util
import os
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from program import ROOT, frames, in_a_folder_of_its_own, run  # noqa: F401
from support import create, movie


def converted(*inputs, name="frames"):
    run("convert", *inputs, "--output", "out.h5")
    with h5py.File("out.h5") as file:
        return file[name][:]


def assert_same(a, b):
    assert a.dtype == b.dtype and np.array_equal(a, b)


def test_convert_chooses_the_chunks_that_python_advises():
    spec = importlib.util.spec_from_file_location("chunks", ROOT / "python/h5h264/_chunks.py")
    advice = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(advice)
    for shape in (37, 64, 80), (11, 600, 500), (200, 32, 16):
        tifffile.imwrite("stack.tif", movie(shape, "u2"))
        run("convert", "stack.tif", "--output", "stack")
        with h5py.File("stack.h5") as file:
            assert file["frames"].chunks == tuple(advice.chunks(shape, "u2"))
            assert np.array_equal(file["frames"], movie(shape, "u2"))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i2", "f4"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"rowsperstrip": 7}])
def test_planes_of_a_tiff_become_colour(dtype, options):
    planes = movie((3, 50, 80), "u2").astype(dtype)
    order = ">" if dtype.startswith(">") else "<"
    tifffile.imwrite("planar.tif", planes, photometric="rgb", planarconfig="separate", byteorder=order, **options)
    tifffile.imwrite("alpha.tif", np.concatenate([planes, planes[:1]]), photometric="rgb", planarconfig="separate",
                     extrasamples=["unassalpha"], **options)
    wanted = planes.transpose(1, 2, 0).astype(np.dtype(dtype).newbyteorder("="))
    found = converted("planar.tif", "alpha.tif")
    assert_same(found, np.stack([wanted, wanted]))


@pytest.mark.parametrize("options", [{"imagej": True, "truncate": True}, {"truncate": True}, {"imagej": True}])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_stacks_with_one_page_have_all_frames(options, dtype):
    gray, colour = movie((30, 64, 80), dtype), movie((7, 64, 80, 3), "u1")
    tifffile.imwrite("gray.tif", gray, byteorder=">", **options)
    tifffile.imwrite("colour.tif", colour, photometric="rgb", **options)
    assert_same(converted("gray.tif"), gray)
    assert_same(converted("colour.tif"), colour)


def test_colour_has_the_attributes_that_viewers_look_for():
    tifffile.imwrite("gray.tif", movie((2, 64, 80), "u1"))
    tifffile.imwrite("colour.tif", movie((2, 64, 80, 3), "u1"), photometric="rgb")
    for name in "gray", "colour":
        run("convert", f"{name}.tif", "-o", name)
    with h5py.File("gray.h5") as gray, h5py.File("colour.h5") as colour:
        assert not gray["frames"].attrs
        assert dict(colour["frames"].attrs) == {
            "CLASS": b"IMAGE",
            "IMAGE_VERSION": b"1.2",
            "IMAGE_SUBCLASS": b"IMAGE_TRUECOLOR",
            "INTERLACE_MODE": b"INTERLACE_PIXEL",
        }


def test_stacks_that_are_not_all_there_are_an_error():
    tifffile.imwrite("stack.tif", frames(30), imagej=True, truncate=True)
    content = Path("stack.tif").read_bytes()
    Path("short.tif").write_bytes(content[:-1])
    tifffile.imwrite("packed.tif", frames(1), description="ImageJ=1.11a\nimages=30\n", compression="zlib", metadata=None)
    with tifffile.TiffWriter("pages.tif") as file:
        for i in range(3):
            file.write(frames(1)[0], description="ImageJ=1.11a\nimages=30\n" if i == 0 else None, metadata=None)
    for name, message in [
        ("short.tif", "it has one page for 30 images: and the file ends"),
        ("packed.tif", "it has one page for 30 images: which is compressed"),
        ("pages.tif", "its description says 30 images, and it has 3 pages"),
    ]:
        assert message in run("convert", name, "-o", "x", status=1).stderr
    assert not Path("x.h5").exists()


def test_samples_stay_what_they_are_where_0_is_white():
    for dtype in "u1", "u2", "u4", "f4":
        image = movie((64, 80), "u2").astype(dtype)
        tifffile.imwrite("white.tif", image, photometric="miniswhite", rowsperstrip=9)
        assert_same(converted("white.tif")[0], image)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"])
def test_all_types_can_be_scaled(dtype):
    ramp = np.linspace(-100, 100, 40) if dtype[0] != "u" else np.linspace(0, 200, 40)
    if dtype[0] == "f":
        ramp *= 1e6
    image = np.broadcast_to(ramp, (30, 40)).astype(dtype)
    tifffile.imwrite("image.tif", image)
    run("convert", "image.tif", "-o", "out", "--size", "20x10")
    with h5py.File("out.h5") as file:
        scaled = file["frames"][0]
    assert scaled.dtype == dtype and np.allclose(scaled, scaled[0], rtol=1e-12)
    wanted = (image[0, ::2].astype("f8") + image[0, 1::2]) / 2
    assert np.abs(scaled[0, 3:-3] - wanted[3:-3]).max() <= (1 if dtype[0] != "f" else 1e-5 * np.abs(ramp).max())


def test_nan_is_no_reason_to_stop():
    image = np.full((30, 40), -7.5, "f4")
    image[0, 0] = np.nan
    tifffile.imwrite("image.tif", image)
    run("convert", "image.tif", "-o", "out", "--dim", "20")
    with h5py.File("out.h5") as file:
        assert np.isnan(file["frames"][0, 0, 0]) and file["frames"][0, -1, -1] == -7.5


def png(width, height, bit_depth, colour_type, content=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def test_images_are_known_by_what_is_in_them():
    image = frames(1, "u1")[0]
    Path("wrong.tif").write_bytes(png(80, 64, 8, 0, b"".join(b"\0" + row.tobytes() for row in image)))
    tifffile.imwrite("image.tif", image + 1)
    Path("image.tif").rename("wrong.png")
    assert_same(converted("wrong.tif", "wrong.png"), np.stack([image, image + 1]))


def test_what_does_not_fit_is_an_error_at_once():
    Path("bomb.png").write_bytes(png(60000, 60000, 16, 2))
    assert "it says that it has an image of 21.60 GB" in run("convert", "bomb.png", "-o", "a/x", status=1).stderr
    tifffile.imwrite("image.tif", frames(1)[0])
    for options in ["--dim", "4000000000"], ["--size", "4000000000x1"], ["--chunk-frames", "1000000"]:
        error = run("convert", "image.tif", "-o", "a/x", *options, status=1).stderr
        assert "HDF5 can have up to 4.29 GB" in error
    for name in "names", "labels", "a/names", ".", "a/.", "":
        error = run("convert", "bomb.png", "-o", "a/x", "--dataset", name, status=1).stderr
        assert "can't be the name of a dataset" in error or "is the name of another dataset" in error
    assert not Path("a").exists()


def test_large_frames_come_whole():
    image = np.zeros((9000, 8200), "u1")
    image[-1, -1] = 7
    tifffile.imwrite("image.tif", image)
    assert_same(converted("image.tif")[0], image)


def test_links_that_lead_back_are_not_followed():
    for folder in "a", "b":
        Path("in", folder).mkdir(parents=True)
        Path("in", folder, "x.png").write_bytes(png(1, 1, 8, 0, b"\0\7"))
    os.symlink("..", "in/a/loop")
    os.symlink("../b", "in/a/other")
    assert len(converted("in")) == 3
    with h5py.File("out.h5") as file:
        assert list(file["labels"].asstr()) == ["a/other", "a", "b"]
