"""export writes files that Fiji, napari and browsers open, and convert makes the same dataset of them."""

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageSequence
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import movie, same_bytes


def write(array, labels=(), **attributes):
    with h5py.File("a.h5", "w") as file:
        dataset = file.create_dataset("frames", data=array, chunks=(1,) * (array.ndim - 2) + array.shape[-2:])
        for dim, label in zip(dataset.dims, labels):
            dim.label = label
        dataset.attrs.update(attributes)


def check_back(path, array):
    """convert makes the dataset and its attributes again."""
    run("convert", path, "-o", "back.h5")
    with h5py.File("a.h5") as file, h5py.File("back.h5") as back:
        before, after = file["frames"], back["frames"]
        assert same_bytes(after[:], array)
        assert [dim.label for dim in after.dims] == [dim.label for dim in before.dims]
        for name in "element_size_um", "time_step_s", "channels":
            assert (name in after.attrs) == (name in before.attrs)
            if name == "channels":
                assert list(after.attrs.get(name, [])) == list(before.attrs.get(name, []))
            elif name in before.attrs:
                assert np.allclose(after.attrs[name], before.attrs[name], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"])
def test_ome_tiff_has_axes_and_sizes(dtype):
    array = movie((3, 4, 2, 40, 50), "u2", seed=1).astype(dtype)
    sizes = {"element_size_um": [1.5, 0.25, 0.125], "time_step_s": 0.5, "channels": ["DAPI", "a <b> & \"c\" é"]}
    write(array, "tzcyx", **sizes)
    run("export", "a.h5:/frames", "a.ome.tif")
    with tifffile.TiffFile("a.ome.tif") as file:
        assert file.is_ome and file.series[0].axes == "TZCYX" and same_bytes(file.asarray(), array)
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert pixels["PhysicalSizeX"] == 0.125 and pixels["PhysicalSizeZ"] == 1.5 and pixels["TimeIncrement"] == 0.5
        assert pixels["Channel"][1]["Name"] == sizes["channels"][1]
    check_back("a.ome.tif", array)


@pytest.mark.parametrize("labels, axes", [("zcyx", "ZCYX"), ("tcyx", "TCYX"), ("tzyx", "TZYX"), ("", "TZYX")])
def test_ome_tiff_of_other_dimensions(labels, axes):
    array = movie((3, 4, 40, 50), "u2", seed=1)
    write(array, labels)
    run("export", "a.h5:/frames", "a.ome.tif")
    with tifffile.TiffFile("a.ome.tif") as file:
        assert file.series[0].axes == axes and same_bytes(file.asarray(), array)
    if labels:
        check_back("a.ome.tif", array)


def test_ome_tiff_of_channels_first():
    array = movie((2, 5, 40, 50), "u2", seed=1)
    write(array, "ctyx")
    run("export", "a.h5:/frames", "a.ome.tif")
    with tifffile.TiffFile("a.ome.tif") as file:
        assert file.series[0].axes == "CTYX" and same_bytes(file.asarray(), array)
    error = run("export", "a.h5:/frames", "a.tif", "--imagej", status=1).stderr
    assert "ImageJ has frames in the order t, z, c" in error


def test_ome_tiff_in_colour():
    array = movie((5, 40, 50, 3), "u1", seed=1)
    write(array)
    run("export", "a.h5:/frames", "a.ome.tif", "--fps", "4")
    with tifffile.TiffFile("a.ome.tif") as file:
        assert file.series[0].axes == "TYXS" and same_bytes(file.asarray(), array)
    run("convert", "a.ome.tif", "-o", "back.h5")
    with h5py.File("back.h5") as file:
        assert same_bytes(file["frames"][:], array) and file["frames"].attrs["time_step_s"] == 0.25


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_imagej_hyperstacks(dtype):
    array = movie((3, 4, 2, 40, 50), "u2", seed=1).astype(dtype)
    write(array, "tzcyx", element_size_um=[1.5, 0.25, 0.125], time_step_s=0.5)
    run("export", "a.h5:/frames", "a.tif", "--imagej")
    with tifffile.TiffFile("a.tif") as file:
        assert file.is_imagej and file.series[0].axes == "TZCYX" and same_bytes(file.asarray(), array)
        assert file.imagej_metadata["spacing"] == 1.5 and file.imagej_metadata["finterval"] == 0.5
        n, d = file.pages[0].tags["XResolution"].value
        assert abs(n / d - 8) < 1e-6
    check_back("a.tif", array)
    write(movie((3, 40, 50), "i4"))
    error = run("export", "a.h5:/frames", "b.tif", "--imagej", status=1).stderr
    assert "ImageJ has frames of uint8, uint16 and float32" in error


def test_bigtiff_if_the_name_says_so():
    """So are files of more than 4 GB, whatever their name."""
    array = movie((5, 40, 50), "u2")
    write(array, "tyx")
    run("export", "a.h5:/frames", "a.ome.btf")
    with tifffile.TiffFile("a.ome.btf") as file:
        assert file.is_bigtiff and file.series[0].axes == "TYX" and same_bytes(file.asarray(), array)
    check_back("a.ome.btf", array)


def test_gif_is_for_slides():
    gray = movie((5, 40, 50), "u1")
    write(gray)
    assert "lossy" not in run("export", "a.h5:/frames", "a.gif", "--fps", "10").stderr
    with Image.open("a.gif") as image:
        shown = np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)])
        assert same_bytes(shown, gray) and image.info["duration"] == 100
    run("convert", "a.gif", "-o", "back.h5")
    with h5py.File("back.h5") as file:
        assert same_bytes(file["frames"][:], gray)
    counts = movie((5, 40, 50), "u2")
    write(counts)
    message = run("export", "a.h5:/frames", "b.gif").stderr
    assert f"the GIF is lossy: values from {counts.min()} to {counts.max()} become 0 to 255" in message
    with Image.open("b.gif") as image:
        shown = np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)]).astype(float)
    wanted = (counts - counts.min()) / (int(counts.max()) - int(counts.min())) * 255
    assert np.abs(shown - wanted).max() <= 0.5
    write(movie((5, 40, 50, 3), "u1"))
    assert "at most 256 colours" in run("export", "a.h5:/frames", "c.gif").stderr
