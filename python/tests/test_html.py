"""`info` and views in a notebook."""

from xml.etree import ElementTree

import h5h264
import h5py
import numpy as np
import pytest

from support import movie, noise


def parsed(html):
    """Well-formed HTML is XML here: nothing in it is left open."""
    return ElementTree.fromstring(html)


def test_a_bar_for_each_chunk_as_high_as_its_ratio(path):
    frames = np.concatenate([movie((4, 40, 60), "<u2"), noise((2, 40, 60), "<u2")])
    with h5py.File(path, "w") as file:
        info = h5h264.info(h5h264.write(file, "frames", frames, chunks=(2, 40, 60)))
    html = parsed(info._repr_html_())
    bars = html.findall(".//rect")
    heights = np.array([float(bar.get("height")) for bar in bars])
    ratios = np.array([chunk.ratio for chunk in info.chunks])
    assert np.allclose(heights / heights.max(), ratios / ratios.max(), atol=1e-4)
    assert [bar.find("title").text.split(":")[0] for bar in bars] == [
        f"chunk at {chunk.offset}" for chunk in info.chunks
    ]
    # The noise is stored in another way than the movie, and looks so.
    assert bars[0].get("fill") == bars[1].get("fill") != bars[2].get("fill")
    assert f"{info.ratio:.2f} for all" in html.find(".//svg").get("aria-label")
    text = "".join(html.itertext())
    assert all(line.strip() in text for line in repr(info).split("\n"))


def test_many_chunks_share_bars(path):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", movie((450, 8, 8), "u1"), chunks=(1, 8, 8))
        info = h5h264.info(dataset)
    bars = parsed(info._repr_html_()).findall(".//rect")
    assert len(bars) == 150
    assert bars[0].find("title").text.startswith("chunk at (0, 0, 0) to (2, 0, 0): ratio ")


@pytest.mark.parametrize("name", ["<b>&\"'</b>", "two\nlines"])
def test_names_are_texts(path, name):
    with h5py.File(path, "w") as file:
        info = h5h264.info(h5h264.write(file, name, movie((2, 40, 60), "u1")))
    assert name in "".join(parsed(info._repr_html_()).itertext())


def test_a_dataset_without_chunks(path):
    with h5py.File(path, "w") as file:
        empty = file.create_dataset("frames", (0, 8, 8), "u1", chunks=(1, 8, 8), maxshape=(None, 8, 8), **h5h264.H264())
        html = parsed(h5h264.info(empty)._repr_html_())
    assert html.find(".//svg") is None and "0 chunks" in "".join(html.itertext())


def test_views_have_a_bar_for_each_header(path):
    with h5py.File(path, "w") as file:
        view = h5h264.calib.create_processed(file, (6, 4, 5), calib_alg="pedestal_v1", chunks=2)
        described = h5h264.calib.describe(view)
        html = parsed(described._repr_html_())
        assert len(html.findall(".//rect")) == 3
        ratio = 3 * 2 * 4 * 5 * 4 / view.id.get_storage_size()
    assert f"{ratio:.2f} for all" in html.find(".//svg").get("aria-label")
    text = "".join(html.itertext())
    assert "view of /raw, calibrated by pedestal_v1 with /calib" in text and "3 × header" in text
