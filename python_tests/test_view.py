"""`h5h264 view`: its answers are those of h5grove, whose protocol H5Web speaks."""

import gzip
import json

import h5py
import numpy as np
import pytest
import tifffile
import view_files
import views
from h5grove.content import get_content_from_file, get_list_of_paths
from h5grove.encoders import encode
from viewer import Server


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    view_files.write_types(folder)
    view_files.write_movies(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with Server(*(folder / name for name in ("types.h5", "other.h5", "movie.h5", "damaged.h5"))) as server:
        yield server


@pytest.fixture
def alone(folder):
    with Server(folder / "types.h5") as server:
        yield server


def all_paths(folder):
    with h5py.File(folder / "types.h5") as file:
        paths = ["/"]
        file.visit_links(lambda name: paths.append(f"/{name}"))
    return paths


def all_datasets(folder):
    with h5py.File(folder / "types.h5") as file:
        paths = []
        file.visititems(lambda name, item: paths.append(f"/{name}") if isinstance(item, h5py.Dataset) else None)
    return paths


def of_h5grove(folder, path, ask, resolve_links="only_valid", file="types.h5"):
    def create_error(status, message):
        return RuntimeError(message)

    with get_content_from_file(folder / file, path, create_error, resolve_links) as content:
        return json.loads(encode(ask(content), "json").content)


def assert_same(found, expected, place="answer"):
    """Equal, but for the digits of floats."""
    if isinstance(expected, float) and isinstance(found, (int, float)):
        assert found == pytest.approx(expected, rel=1e-6), place
    elif isinstance(expected, dict):
        assert list(found) == list(expected) or set(found) == set(expected), place
        for key in expected:
            assert_same(found[key], expected[key], f"{place}.{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list) and len(found) == len(expected), place
        for i, (one, other) in enumerate(zip(found, expected)):
            assert_same(one, other, f"{place}[{i}]")
    else:
        assert found == expected and type(found) is type(expected), place


def test_objects_are_described_as_h5grove_does(server, folder):
    for path in all_paths(folder):
        if path == "/links/external":
            continue  # h5grove gives the name in the other file to nobody, either
        for resolve_links in "only_valid", "none":
            found = server.json("meta", file="types.h5", path=path, resolve_links=resolve_links)
            assert_same(found, of_h5grove(folder, path, lambda c: c.metadata(), resolve_links), path)


def test_what_cant_be_told_of_an_object_does_not_hide_the_others(tmp_path):
    with h5py.File(tmp_path / "odd.h5", "w", libver="latest") as file:
        kind = h5py.h5t.NATIVE_INT8
        for _ in range(50):
            kind = h5py.h5t.vlen_create(kind)
        h5py.h5d.create(file.id, b"deep", kind, h5py.h5s.create_simple((1,)))
        file[b"\xff\xfe"] = [1]
        file["fine"] = [2]
        h5py.h5a.create(file["fine"].id, b"\xb0C", h5py.h5t.NATIVE_INT32, h5py.h5s.create(h5py.h5s.SCALAR))
        file["fine"].attrs["unit"] = "K"
    with Server(tmp_path / "odd.h5") as server:
        children = {child["name"]: child for child in server.json("meta", file="odd.h5", path="/")["children"]}
        assert set(children) == {"deep", "fine"} and children["deep"]["kind"] == "other"
        assert [attribute["name"] for attribute in children["fine"]["attributes"]] == ["unit"]
        assert server.json("attr", file="odd.h5", path="/fine") == {"unit": "K"}


def test_links_are_followed_to_files_that_were_given_only(server, alone, folder):
    expected = of_h5grove(folder, "/links/external", lambda c: c.metadata())
    assert_same(server.json("meta", file="types.h5", path="/links/external"), expected)
    values = server.json("data", file="types.h5", path="/links/external")
    assert values == [[0, 1, 2], [3, 4, 5]]
    found = alone.json("meta", file="types.h5", path="/links/external")
    assert found == of_h5grove(folder, "/links/external", lambda c: c.metadata(), "none")
    status, message = alone.failure("data", file="types.h5", path="/links/external")
    assert status == 403 and "not one of the files given" in message
    status, message = alone.failure("meta", file="types.h5", path="/links/broken", resolve_links="all")
    assert status == 404 and "Cannot resolve" in message


def test_paths_are_those_of_h5grove(server, folder):
    found = server.json("paths", file="types.h5", path="/")
    with get_list_of_paths(folder / "types.h5", "/", RuntimeError) as paths:
        assert sorted(found) == sorted(paths)


def test_attributes_are_those_of_h5grove(server, folder):
    for path in "/", "/attributes":
        found = server.json("attr", file="types.h5", path=path)
        assert_same(found, of_h5grove(folder, path, lambda c: c.attributes()), path)
    found = server.json("attr", file="types.h5", path="/attributes", attr_keys=["int", "text"])
    assert found == {"int": 1, "text": "ü"}


@pytest.mark.parametrize("flatten", [False, True])
def test_values_as_json_are_those_of_h5grove(server, folder, flatten):
    # h5grove has no JSON for bytes that are no text, nor for numbers of the other byte order.
    for path in set(all_datasets(folder)) - {"/others/opaque"}:
        if ">" in path:
            continue
        found = server.json("data", file="types.h5", path=path, flatten=str(flatten).lower())
        assert_same(found, of_h5grove(folder, path, lambda c: c.data(flatten=flatten)), path)


@pytest.mark.parametrize("dtype", ["origin", "safe"])
def test_values_as_bytes_are_those_of_h5grove(server, folder, dtype):
    n_compared = 0
    for path in all_datasets(folder):
        if not path.startswith(("/numbers", "/stored")) or path == "/numbers/empty":
            continue
        with get_content_from_file(folder / "types.h5", path, RuntimeError) as content:
            expected = encode(content.data(dtype=dtype), "bin").content
        status, found = server.get("data", file="types.h5", path=path, format="bin", dtype=dtype)
        assert status == 200, found
        assert found == expected, path
        n_compared += 1
    assert n_compared > 20
    assert server.get("data", file="types.h5", path="/others/opaque", format="bin")[1] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("name", ["gzip", "checked", "ours", "cut", "unwritten", "contiguous"])
@pytest.mark.parametrize("selection", ["3", "2:5", "::2,:,3", "-1,5:20:3", "1:2,:,::7", "6,29,39", "0:0"])
def test_selections_are_those_of_h5grove(server, folder, name, selection):
    path = f"/stored/{name}"
    found = server.json("data", file="types.h5", path=path, selection=selection)
    assert_same(found, of_h5grove(folder, path, lambda c: c.data(selection)))
    found = server.json("stats", file="types.h5", path=path, selection=selection)
    assert_same(found, of_h5grove(folder, path, lambda c: c.data_stats(selection)))


def test_numbers_of_the_other_byte_order_are_numbers(server, folder):
    with h5py.File(folder / "types.h5") as file:
        for name in "int >i2", "int >i8", "int >u4", "int >12 of 16 bits from 3", "float >f2", "float >f4", "float >f8":
            expected = [x if np.isfinite(x) else None for x in file["numbers"][name][()].ravel().tolist()]
            found = server.json("data", file="types.h5", path=f"/numbers/{name}", flatten="true")
            assert_same(found, expected, name)


def test_floats_of_another_bias_are_numbers(tmp_path):
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(100)
    with h5py.File(tmp_path / "bias.h5", "w") as file:
        h5py.Dataset(h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((2,))))[:] = [1.5, -2.5]
    with Server(tmp_path / "bias.h5") as server:
        assert server.json("data", file="bias.h5", path="x") == [1.5, -2.5]
        status, body = server.get("data", file="bias.h5", path="x", format="bin", dtype="safe")
        assert status == 200 and np.frombuffer(body, "<f4").tolist() == [1.5, -2.5]


def test_statistics_leave_out_what_is_not_finite(server, folder):
    for name in "float <f4", "float >f4", "float <f8", "int >i2", "int <i8", "largest", "scalar":
        found = server.json("stats", file="types.h5", path=f"/numbers/{name}")
        assert_same(found, of_h5grove(folder, f"/numbers/{name}", lambda c: c.data_stats()))


def test_files_to_download_can_be_read(server, folder, tmp_path):
    with h5py.File(folder / "types.h5") as file:
        expected = file["stored/ours"][3]
    for kind, read in ("npy", np.load), ("tiff", tifffile.imread), ("csv", lambda p: np.loadtxt(p, delimiter=",")):
        status, body = server.get("data", file="types.h5", path="/stored/ours", selection="3", format=kind)
        assert status == 200
        (tmp_path / f"data.{kind}").write_bytes(body)
        assert np.array_equal(read(tmp_path / f"data.{kind}"), expected), kind


def test_frames_come_as_they_are(server, folder):
    data = view_files.frames()
    stack = server.json("stack", file="movie.h5", path="/entry/frames")
    assert (stack["n_frames"], stack["height"], stack["width"], stack["dtype"]) == (60, 64, 96, "<u2")
    assert stack["chunk_frames"] == 10
    assert stack["per_frame"] == [
        {"is_not_time": False, "path": "/entry/timestamps", "units": "s", "dtype": "<f8"},
        {"is_not_time": False, "path": "/entry/timestamps_ns", "units": "ns", "dtype": "<i8"},
    ]
    for start, count in (0, 1), (9, 2), (57, 3):
        status, body = server.get("frames", file="movie.h5", path="/entry/frames", start=start, count=count)
        assert status == 200
        found = np.frombuffer(body, "<u2").reshape(count, *data.shape[1:])
        assert np.array_equal(found, data[start : start + count])
    status, message = server.failure("frames", file="movie.h5", path="/entry/frames", start=58, count=3)
    assert status == 422 and "the dataset has 60" in message


def test_a_damaged_chunk_is_told_and_the_others_are_there(server):
    status, message = server.failure("frames", file="damaged.h5", path="/entry/frames", start=25)
    assert status == 500 and "(20, 0, 0)" in message and "checksum" in message
    assert server.failure("data", file="damaged.h5", path="/entry/frames", selection="25")[0] == 500
    for start in 19, 30:
        assert server.get("frames", file="damaged.h5", path="/entry/frames", start=start)[0] == 200
    checked = server.json("chunks/check", file="damaged.h5", path="/entry/frames")["chunks"]
    assert [chunk["index"] for chunk in checked if "damage" in chunk] == [view_files.DAMAGED_CHUNK]


def test_storage_is_that_of_the_file(server, folder):
    found = server.json("chunks", file="movie.h5", path="/entry/frames")
    with h5py.File(folder / "movie.h5") as file:
        dataset = file["entry/frames"]
        stored = [dataset.id.get_chunk_info(i).size for i in range(dataset.id.get_num_chunks())]
        assert found["uncompressed_bytes"] == dataset.nbytes
        assert found["stored_bytes"] == dataset.id.get_storage_size()
    assert found["stored"] == stored
    checked = server.json("chunks/check", file="movie.h5", path="/entry/frames")
    assert checked["next"] is None and len(checked["chunks"]) == 6
    for chunk, n_bytes in zip(checked["chunks"], stored):
        assert chunk["content"] == "coded" and 0.9 * n_bytes < sum(chunk["frame_bytes"]) <= n_bytes


def test_only_who_knows_the_token_gets_answers(server):
    wanted = "/api/files"
    assert server.request(wanted)[0].status == 200
    for token in None, "Bearer ", "Bearer " + "0" * 48, f"Basic {server.token}":
        assert server.request(wanted, Authorization=token)[0].status == 403
    response, _ = server.request(f"/?token={server.token}", Authorization=None)
    assert response.status == 303 and response.headers["Location"] == "/"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert server.request(wanted, Authorization=None, Cookie=cookie.split(";")[0])[0].status == 200
    assert server.request("/?token=x", Authorization=None)[0].status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", ""])
def test_only_the_servers_own_name_is_answered(server, host):
    assert server.request("/api/files", Host=host)[0].status in (400, 403)


def test_files_are_only_read(server):
    for method in "POST", "PUT", "DELETE", "PATCH":
        response, body = server.request("/api/files", method)
        assert response.status == 405 and json.loads(body)["message"]


@pytest.mark.parametrize("file", ["/etc/passwd", "../types.h5", "types.h5/../types.h5", "", "missing.h5"])
def test_no_other_file_is_read(server, folder, file):
    status, message = server.failure("meta", file=file, path="/")
    assert status == 404 and "File not found" in message
    assert server.request("/../../etc/passwd")[0].status == 404
    assert server.request(f"/api/meta?file={folder}/types.h5&path=/")[0].status == 404


def test_what_makes_no_sense_is_an_error_with_a_status(server):
    dataset = {"file": "types.h5", "path": "/stored/ours"}
    for parameters in (
        {"selection": "7"},
        {"selection": "::0"},
        {"selection": "x"},
        {"selection": "0,0,0,0"},
        {"format": "exe"},
        {"dtype": "huge"},
    ):
        assert server.failure("data", **dataset, **parameters)[0] == 422, parameters
    assert server.failure("data", file="types.h5", path="/texts/variable", format="bin")[0] == 422
    assert server.failure("data", file="types.h5", path="/texts")[0] == 422
    assert server.failure("data", file="types.h5", path="/nowhere")[0] == 404
    assert server.failure("stack", file="types.h5", path="/numbers/scalar")[0] == 422
    assert server.failure("frames", file="types.h5", path="/texts/table")[0] == 422
    assert server.failure("frames", **dataset, start=2**63, count=2**63)[0] == 422
    assert server.failure("nothing")[0] == 404
    assert server.get("data", file="types.h5")[0] >= 400


def test_views_show_calibrated_frames(tmp_path):
    views.make(tmp_path / "view.h5", "AGIPD_v2")
    expected = views.expected("AGIPD_v2")
    with Server(tmp_path / "view.h5") as server:
        stack = server.json("stack", file="view.h5", path="/processed")
        assert (stack["n_frames"], stack["dtype"]) == (views.N, "<f4")
        for start in range(views.N):
            status, body = server.get("frames", file="view.h5", path="/processed", start=start)
            assert status == 200, body
            assert views.same(np.frombuffer(body, "<f4").reshape(expected.shape[1:]), expected[start])


@pytest.mark.parametrize("name", ["int >i2", "int <i8", "int >12 of 16 bits from 3", "float <f2", "float >f8", "bool", "enum"])
def test_downloads_have_the_values_of_any_type(server, folder, tmp_path, name):
    with h5py.File(folder / "types.h5") as file:
        expected = file["numbers"][name][()]
    for dtype in "origin", "safe":
        for kind, read in ("npy", np.load), ("csv", lambda p: np.loadtxt(p, delimiter=",")):
            status, body = server.get("data", file="types.h5", path=f"numbers/{name}", format=kind, dtype=dtype)
            assert status == 200, body
            (tmp_path / "download").write_bytes(body)
            with open(tmp_path / "download", "rb") as file:
                assert np.array_equal(read(file), expected, equal_nan=expected.dtype.kind == "f"), (kind, dtype)


def test_what_cant_be_read_of_an_address_is_an_error_like_others(server):
    for name, parameters in (("frames", {"start": "x"}), ("data", {"flatten": "2"}), ("chunks/check", {"start": -1})):
        status, message = server.failure(name, file="movie.h5", path="/entry/frames", **parameters)
        assert status == 400 and message
    assert server.failure("meta")[0] == 400


def test_the_page_is_sent_compressed_to_who_takes_that(server):
    response, packed = server.request("/", **{"Accept-Encoding": "gzip, br"})
    assert response.headers["Content-Encoding"] == "gzip"
    response, plain = server.request("/", **{"Accept-Encoding": "identity"})
    assert response.headers["Content-Encoding"] is None
    assert gzip.decompress(packed) == plain and b"<html" in plain
    assert response.headers["Content-Type"].startswith("text/html")


def test_what_is_read_in_several_parts_is_whole(tmp_path):
    data = np.arange(2 * 3 * 4 * 300 * 300, dtype="i4").reshape(2, 3, 4, 300, 300)
    with h5py.File(tmp_path / "parts.h5", "w") as file:
        file["contiguous"] = data
        file["texts"] = np.arange(2 * 3 * 4 * 300).astype("S").astype(object).reshape(2, 3, 4, 300)
    with Server(tmp_path / "parts.h5") as server:
        status, body = server.get("data", file="parts.h5", path="contiguous", format="bin")
        assert status == 200 and body == data.tobytes()
        status, body = server.get("data", file="parts.h5", path="contiguous", format="bin", selection=":,:,1:,::3")
        assert status == 200 and body == data[:, :, 1:, ::3].tobytes()
        texts = np.array(server.json("data", file="parts.h5", path="texts"))
        assert np.array_equal(texts.astype(int).ravel(), np.arange(texts.size)) and texts.shape == (2, 3, 4, 300)
