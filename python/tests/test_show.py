"""`show` in a notebook of a real kernel, and where there is none."""

import contextlib
import io
import json
import re
import urllib.error
import urllib.request

import av
import h5h264
import h5py
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient


@pytest.fixture
def frames(path):
    """A file with frames in a group, and the frames."""
    data = np.random.default_rng(1).poisson(100, (12, 40, 60)).astype("u2")
    with h5py.File(path, "w") as file:
        file.create_dataset("group/frames", data=data, chunks=(4, 40, 60), **h5h264.H264())
    return data


@contextlib.contextmanager
def notebook(path):
    """Runs a cell and returns what it shows, as often as wanted."""
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=60)
    start = f"import os, h5h264, h5py\nfile = h5py.File({str(path)!r})\n"

    def run(code):
        client.nb.cells = [nbformat.v4.new_code_cell(start + code)]
        client.execute_cell(client.nb.cells[0], 0)
        outputs = client.nb.cells[0].outputs
        assert len(outputs) == 1, outputs
        return outputs[0]["data"]["text/html"]

    with client.setup_kernel():
        yield run


def source_of(html):
    return re.search(r'<iframe src="([^"]+)"', html)[1].replace("&amp;", "&")


def test_a_notebook_has_the_player_until_its_kernel_ends(path, frames):
    with notebook(path) as run:
        source = source_of(run("h5h264.show(file['group/frames'])"))
        address, fragment = source.split("#")
        assert fragment == f"file={path.name}&path=%2Fgroup%2Fframes&view=play"
        with urllib.request.urlopen(address) as response:
            assert b"<html" in response.read()
            assert "frame-ancestors" not in str(response.headers.get_all("Content-Security-Policy"))
        with urllib.request.urlopen(f"{address}api/frames?file={path.name}&path=/group/frames&start=3") as response:
            assert response.read() == frames[3].tobytes()
        # A proxy keeps its own name.
        request = urllib.request.Request(f"{address}api/files", headers={"Host": "hub.example.org"})
        assert json.load(urllib.request.urlopen(request)) == [path.name]
        wrong = address[:-2] + ("0/" if address[-2] != "0" else "1/")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{wrong}api/files")
        # There is one server for a file.
        assert source_of(run("h5h264.show(file['group/frames'])")) == source
        proxied = re.sub("http://127.0.0.1:", "/user/me/proxy/", source)
        run_in_hub = "os.environ['JUPYTERHUB_SERVICE_PREFIX'] = '/user/me/'\nh5h264.show(file['group/frames'])"
        assert source_of(run(run_in_hub)) == proxied
        assert source_of(run("h5h264.show(file['group/frames'], proxy=False)")) == source
        elsewhere = source_of(run("h5h264.show(file['group/frames'], proxy='https://hub.example.org/user/you')"))
        assert elsewhere == proxied.replace("/user/me", "https://hub.example.org/user/you")
        memory = """memory = h5py.File('x', 'w', driver='core', backing_store=False)
memory['frames'] = file['group/frames'][...]
h5h264.show(memory['frames'])"""
        picture = run(memory)
        assert "is not a file on this machine" in picture and "data:image/png;base64," in picture
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


def picture_of(strip):
    with av.open(io.BytesIO(strip._repr_png_())) as container:
        (picture,) = container.decode(video=0)
    return picture.to_ndarray(format="rgb24")


def test_a_plain_program_gets_a_picture(path, frames):
    with h5py.File(path) as file:
        strip = h5h264.show(file["group/frames"], n_frames=3)
        assert isinstance(strip, h5h264.Strip) and strip.indices == [0, 6, 11]
        assert "The player is for notebooks" in repr(strip) and str(path) in repr(strip)
    picture = picture_of(strip)
    assert picture.shape == (40, 3 * 60 + 2 * 4, 3)
    shown = frames[[0, 6, 11]].astype("f8")
    low, high = np.percentile(shown, [0.5, 99.5])
    expected = (255 * np.clip((shown - low) / (high - low), 0, 1)).round()
    np.testing.assert_allclose(picture[:, 64:124, 0], expected[1], atol=1)
    assert (picture[:, 60:64] == 255).all()


@pytest.mark.parametrize(
    "data",
    [np.zeros((3, 4, 5, 3), "u1"), np.full((2, 3, 4), np.nan, "f4"), np.ones((700, 3)), np.eye(4, dtype=bool), np.ones((2, 4, 5, 3), "u2")],
)  # fmt: skip
def test_pictures_are_of_all_frames(data):
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        strip = h5h264.show(file.create_dataset("frames", data=data))
        assert picture_of(strip).ndim == 3 and "frames 0" in repr(strip)


def test_what_has_no_frames_is_an_error():
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        for data in np.arange(5), np.zeros((0, 4, 4)), np.array([[b"a"]]):
            with pytest.raises(ValueError, match="has no frames"):
                h5h264.show(file.create_dataset(f"x{len(file)}", data=data))
        with pytest.raises(TypeError, match=r"expected an h5py\.Dataset"):
            h5h264.show(np.zeros((3, 4, 5)))
