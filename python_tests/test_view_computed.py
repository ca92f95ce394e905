"""`h5h264 view`: what the server computes of many frames is what NumPy says, of bad pixels nothing."""

import io
import time

import av
import h5py
import numpy as np
import pytest
import view_files
from viewer import Server

STACKS = ("detector/frames", "holes", "deep", "colours", "bytes", "contiguous", "big endian")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("computed")
    view_files.write_movies(folder)
    view_files.write_stacks(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with Server(*(folder / name for name in ("stacks.h5", "movie.h5", "damaged.h5"))) as server:
        yield server


@pytest.fixture(scope="module")
def stacks(folder):
    with h5py.File(folder / "stacks.h5") as file:
        yield file


def flat(dataset):
    """Frames, one after the other, each height × width × components."""
    data = dataset[...]
    n_axes = 3 if dataset.shape[-1] == 3 else 2
    height, width = data.shape[-n_axes : data.ndim - n_axes + 2]
    return data.reshape(-1, height, width, 3 if n_axes == 3 else 1)


def region(server, **parameters):
    """All parts of an answer, as the page puts them together."""
    answer = server.json("region", **parameters)
    while answer["next"] is not None:
        more = server.json("region", **{**parameters, "start": answer["next"]})
        for columns, new in zip(answer["components"], more["components"]):
            for name, values in new.items():
                columns[name] += values
        answer = {**more, "components": answer["components"], "errors": answer["errors"] + more["errors"]}
    return answer


def projection(server, shape, **parameters):
    """The same: n, mean, standard deviation and maximum of each pixel."""
    n, mean, squares, largest = np.zeros((4, *shape))
    largest -= np.inf
    start = parameters.pop("start", 0)
    while start is not None:
        response, body = server.request("/api/projection?" + "&".join(f"{k}={v}" for k, v in {**parameters, "start": start}.items()))
        assert response.status == 200, body
        more_n, more_mean, more_squares, more_largest = np.frombuffer(body, "<f8").reshape(4, *shape)
        all_n = n + more_n
        apart = np.where(more_n > 0, more_mean - mean, 0)
        part = np.divide(more_n, all_n, out=np.zeros(shape), where=all_n > 0)
        squares = squares + more_squares + apart**2 * n * part
        mean, n, largest = mean + apart * part, all_n, np.maximum(largest, more_largest)
        start = response.headers["h5h264-next"]
    with np.errstate(invalid="ignore"):
        return n, mean, np.sqrt(squares / n), largest


@pytest.mark.parametrize("path", STACKS)
@pytest.mark.parametrize("rectangle", [None, (3, 4, 9, 11), (15, 0, 1, 1), (0, 15, 20, 5)])
def test_statistics_of_a_region_are_those_of_numpy(server, stacks, path, rectangle):
    data = flat(stacks[path])
    parameters = dict(file="stacks.h5", path=f"/{path}")
    if rectangle is not None:
        left, top, width, height = rectangle
        if left + width > data.shape[2] or top + height > data.shape[1]:
            assert server.failure("region", **parameters, left=left, top=top, width=width, height=height)[0] == 422
            return
        parameters |= dict(left=left, top=top, width=width, height=height)
        data = data[:, top : top + height, left : left + width]
    answer = region(server, **parameters)
    assert len(answer["components"]) == data.shape[-1] and answer["errors"] == []
    exact = data.astype("f8")
    for component, columns in enumerate(answer["components"]):
        values = exact[..., component]
        counts = np.isfinite(values).sum((1, 2))
        assert columns["n"] == counts.tolist()
        for name, of in dict(mean=np.nanmean, sum=np.nansum, min=np.nanmin, max=np.nanmax, std=np.nanstd).items():
            for frame, (found, n) in enumerate(zip(columns[name], counts)):
                expected = of(values[frame]) if n else None
                assert found == (pytest.approx(expected, rel=1e-9, abs=1e-9) if n else None), (name, frame)


def test_large_integers_are_exact(server, stacks):
    data = stacks["large"][...]
    (columns,) = region(server, file="stacks.h5", path="/large")["components"]
    assert [int(n) for n in columns["sum"]] == [sum(map(int, frame.flat)) for frame in data]
    assert [int(n) for n in columns["min"]] == [int(frame.min()) for frame in data]
    assert [int(n) for n in columns["max"]] == [int(frame.max()) for frame in data]


@pytest.mark.parametrize("path", STACKS)
def test_projections_are_those_of_numpy(server, stacks, path):
    data = flat(stacks[path]).astype("f8")
    n, mean, std, largest = projection(server, data.shape[1:], file="stacks.h5", path=f"/{path}".replace(" ", "%20"))
    is_there = np.isfinite(data).any(0)
    np.testing.assert_array_equal(n, np.isfinite(data).sum(0))
    np.testing.assert_allclose(mean[is_there], np.nanmean(data[:, is_there], 0), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(std[is_there], np.nanstd(data[:, is_there], 0), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(largest[is_there], np.nanmax(data[:, is_there], 0))


def test_frames_and_rows_are_chosen(server, stacks):
    data = flat(stacks["deep"]).astype("f8")
    # All z of t = 1 and c = 1.
    chosen = data[9:17:2, 5:12]
    parameters = dict(file="stacks.h5", path="/deep", start=9, stop=16, step=2, top=5, height=7)
    _, mean, _, largest = projection(server, chosen.shape[1:], **parameters)
    np.testing.assert_allclose(mean, chosen.mean(0))
    np.testing.assert_array_equal(largest, stacks["deep"][1, :, 1, 5:12].max(0)[..., None])
    (columns,) = region(server, **parameters)["components"]
    np.testing.assert_allclose(columns["mean"], chosen.mean((1, 2, 3)))


def test_bad_pixels_do_not_count(server, stacks):
    data = stacks["detector/frames"][...].astype("f8")
    marks = dict(mask="/detector/pixel_mask", bad_value=7777, bad_max="true")
    data[(data == 65535) | (data == 7777) | (stacks["detector/pixel_mask"][...] != 0)] = np.nan
    (columns,) = region(server, file="stacks.h5", path="/detector/frames", **marks)["components"]
    np.testing.assert_allclose(columns["mean"], np.nanmean(data, (1, 2)), rtol=1e-12)
    assert columns["max"] == np.nanmax(data, (1, 2)).tolist()
    n, mean, _, _ = projection(server, data.shape[1:], file="stacks.h5", path="/detector/frames", **marks)
    np.testing.assert_array_equal(n, np.isfinite(data).sum(0))
    np.testing.assert_allclose(mean[n > 0], np.nanmean(data[:, n > 0], 0), rtol=1e-12)
    assert (n == 0).sum() == 3


def test_a_damaged_chunk_leaves_the_other_frames_their_statistics(server, folder):
    with h5py.File(folder / "movie.h5") as file:
        means = file["entry/frames"][...].mean((1, 2)).tolist()
    answer = region(server, file="damaged.h5", path="/entry/frames")
    (columns,) = answer["components"]
    damaged = range(view_files.DAMAGED_CHUNK * 10, view_files.DAMAGED_CHUNK * 10 + 10)
    assert [frame for frame, _ in answer["errors"]] == list(damaged)
    assert all("checksum" in message for _, message in answer["errors"])
    for frame, mean in enumerate(means):
        assert columns["mean"][frame] == (None if frame in damaged else pytest.approx(mean))
    status, message = server.failure("projection", file="damaged.h5", path="/entry/frames")
    assert status == 500 and "checksum" in message
    assert server.get("projection", file="damaged.h5", path="/entry/frames", start=30)[0] == 200


def test_what_a_file_says_of_its_frames_is_told(server):
    stack = server.json("stack", file="stacks.h5", path="/detector/frames")
    assert stack["fps"] == 12.5
    assert stack["masks"] == [{"is_not_called_so": False, "path": "/detector/pixel_mask", "dtype": "<u4"}]
    stack = server.json("stack", file="stacks.h5", path="/deep")
    assert (stack["leading"], stack["labels"], stack["fps"]) == ([3, 4, 2], ["t", "z", "c"], None)
    stack = server.json("stack", file="stacks.h5", path="/colours")
    assert (stack["n_components"], stack["n_frames"]) == (3, 5)


def test_the_mask_of_a_nexus_detector_is_found(tmp_path):
    with h5py.File(tmp_path / "nexus.h5", "w") as file:
        file["entry/data/data"] = np.ones((3, 4, 5), "u4")
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = np.eye(4, 5, dtype="u4")
        file["entry/instrument/beam/x"] = 1
    with Server(tmp_path / "nexus.h5") as server:
        stack = server.json("stack", file="nexus.h5", path="/entry/data/data")
        paths = [mask["path"] for mask in stack["masks"]]
        assert paths == ["/entry/instrument/detector/detectorSpecific/pixel_mask"]
        (columns,) = region(server, file="nexus.h5", path="/entry/data/data", mask=paths[0])["components"]
        assert columns["n"] == [16] * 3


@pytest.mark.parametrize(
    "wanted",
    [
        dict(start=12), dict(start=3, stop=3), dict(stop=13), dict(step=0), dict(left=50), dict(width=0), dict(top=39, height=2),
        dict(start=-1), dict(left=2**63, width=2**63), dict(mask="/holes"), dict(mask="/deep"), dict(bad_value="x"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(server, wanted):
    for name in "region", "projection":
        status, message = server.failure(name, file="stacks.h5", path="/contiguous", **wanted)
        assert status in (400, 422) and message


def test_requests_need_the_token(server):
    for name in "region", "projection", "movie":
        target = f"/api/{name}?file=stacks.h5&path=/contiguous&format=mp4"
        assert server.request(target, Authorization=None)[0].status == 403
        assert server.request(target, Host="example.org")[0].status == 403


def palette():
    """Each place has a colour of its own."""
    places = np.arange(256, dtype="u1")
    return np.stack([places, places[::-1], places * np.uint8(7)], 1).astype("u1")


def movie(server, path, format, **parameters):
    colors = palette().tobytes().hex()
    status, body = server.get("movie", file="stacks.h5", path=path, format=format, colors=colors, **parameters)
    assert status == 200, body
    return body


def pictures(body):
    with av.open(io.BytesIO(body)) as container:
        return np.array([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def places(values, low, high):
    """As the page finds colours."""
    scaled = np.clip((values - low) / (high - low) * 254 + 0.5, 0, 254)
    return np.where(np.isnan(values), 255, np.nan_to_num(scaled).astype("u1")).astype("u1")


@pytest.mark.parametrize("format", ["gif", "mp4"])
def test_movies_have_the_colours_of_the_page(server, stacks, format):
    holes = stacks["holes"][...].astype("f8")
    body = movie(server, "/holes", format, low=90, high=1500, start=1, stop=9, fps=20)
    np.testing.assert_array_equal(pictures(body), palette()[places(holes[1:9], 90, 1500)])
    upwards = movie(server, "/holes", format, low=90, high=1500, stop=2, upwards="true")
    np.testing.assert_array_equal(pictures(upwards), palette()[places(holes[:2, ::-1], 90, 1500)])


def test_movies_of_frames_in_colour_are_lossless(server, stacks):
    status, body = server.get("movie", file="stacks.h5", path="/bytes", format="mp4")
    assert status == 200
    np.testing.assert_array_equal(pictures(body), stacks["bytes"][...])
    status, body = server.get("movie", file="stacks.h5", path="/colours", format="mp4", low=0, high=65535)
    expected = (stacks["colours"][...] / 65535 * 255 + 0.5).astype("u1")
    np.testing.assert_array_equal(pictures(body), expected)


def test_movies_tell_of_their_progress(server):
    plain = movie(server, "/deep", "gif", low=0, high=1000)
    told = movie(server, "/deep", "gif", low=0, high=1000, progress="true")
    dots, _, file = told.partition(b"\n")
    assert dots == b"." * 24 and file == plain
    assert server.failure("movie", file="stacks.h5", path="/deep", format="gif", colors="00")[0] == 422
    assert server.failure("movie", file="stacks.h5", path="/bytes", format="gif")[0] == 422
    assert server.failure("movie", file="stacks.h5", path="/bytes", format="avi")[0] in (400, 422)


def test_what_is_too_large_is_refused(tmp_path):
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("wide", (2, 2**14, 2**14), "u2", chunks=(1, 2**8, 2**8), compression="gzip")
        file.create_dataset("long", (2**40, 1, 1), "u1", chunks=(2**20, 1, 1), compression="gzip")
    with Server(tmp_path / "huge.h5") as server:
        colors = "00" * 768
        for name, more in ("projection", {}), ("region", {}), ("movie", dict(format="gif", colors=colors)):
            assert server.failure(name, file="huge.h5", path="/wide", **more)[0] == 413
        stack = server.json("stack", file="huge.h5", path="/wide")
        rows = stack["projection_rows"]
        assert 0 < rows < 2**14
        assert server.get("projection", file="huge.h5", path="/wide", height=rows, stop=1)[0] == 200
        assert server.failure("movie", file="huge.h5", path="/long", format="gif", colors=colors)[0] == 413
        start = time.monotonic()
        answer = server.json("region", file="huge.h5", path="/long")
        assert 0 < answer["next"] < 2**40 and time.monotonic() - start < 30
        status, _ = server.get("projection", file="huge.h5", path="/long")
        assert status == 200 and time.monotonic() - start < 60
        assert server.peak_memory() < 900
