"""What `h5h264 view` refuses: requests that would take all memory or time."""

import signal
import socket
import subprocess
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import view_files
from support import PROGRAM
from viewer import Server


def test_links_in_a_circle_lead_nowhere(tmp_path):
    with h5py.File(tmp_path / "circle.h5", "w") as file:
        file["circle"] = h5py.SoftLink("/circle")
        file["group/up"] = h5py.SoftLink("/group")
        file.create_group("group/loop")["again"] = file["group"]
    with Server(tmp_path / "circle.h5") as server:
        children = server.json("meta", file="circle.h5", path="/")["children"]
        assert {"kind": "soft_link", "name": "circle", "target_path": "/circle"} in children
        assert server.failure("meta", file="circle.h5", path="/circle/x")[0] == 404
        assert server.json("meta", file="circle.h5", path="/group/up/up/loop/again/up")["kind"] == "group"
        assert len(server.json("paths", file="circle.h5")) == 6


def test_types_within_types_do_not_end_the_server(tmp_path):
    kind = h5py.h5t.NATIVE_INT8
    for _ in range(7000):
        kind = h5py.h5t.vlen_create(kind)
    with h5py.File(tmp_path / "deep.h5", "w", libver="latest") as file:
        h5py.h5d.create(file.id, b"deep", kind, h5py.h5s.create_simple((1,)))
        file["fine"] = [1]
    with Server(tmp_path / "deep.h5") as server:
        assert server.get("meta", file="deep.h5", path="/")[0] == 200
        assert server.json("data", file="deep.h5", path="fine") == [1]


def test_members_of_types_are_counted(tmp_path):
    kind = h5py.h5t.enum_create(h5py.h5t.STD_I32LE)
    for i in range(2000):
        kind.enum_insert(b"%d" % i, i)
    with h5py.File(tmp_path / "enum.h5", "w") as file:
        kind.commit(file.id, b"0")
        for i in range(1, 1000):
            file[str(i)] = file["0"]
    with Server(tmp_path / "enum.h5") as server:
        start = time.monotonic()
        assert server.failure("meta", file="enum.h5", path="/")[0] == 413
        assert time.monotonic() - start < 60
        assert server.json("meta", file="enum.h5", path="/0")["kind"] == "datatype"


def test_links_that_multiply_come_to_an_end(tmp_path):
    with h5py.File(tmp_path / "laugh.h5", "w") as file:
        file["l0"] = file["/"]
        for i in range(1, 30):
            file[f"l{i}"] = h5py.SoftLink("/".join([f"/l{i - 1}"] + [f"l{i - 1}"] * 50))
    with Server(tmp_path / "laugh.h5") as server:
        start = time.monotonic()
        assert server.json("meta", file="laugh.h5", path="/")["kind"] == "group"
        server.get("meta", file="laugh.h5", path="/l29")
        assert time.monotonic() - start < 60


def test_clients_that_send_nothing_make_room(tmp_path):
    with h5py.File(tmp_path / "small.h5", "w") as file:
        file["x"] = [1]
    server = Server(tmp_path / "small.h5")
    idle = []
    try:
        for _ in range(200):
            client = socket.create_connection(("127.0.0.1", server.url.port))
            client.sendall(b"GET /api/files HTTP/1.1\r\nHost:")
            idle.append(client)
        assert server.json("data", file="small.h5", path="x") == [1]
    finally:
        for client in idle:
            client.close()
        server.close()


def test_empty_lists_and_odd_types_are_errors_or_values(tmp_path):
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.create_dataset("empty", (2**40, 0), "u1")
        for i, (tag, size) in enumerate([("NUMPY:éi", 4), ("NUMPY:<i4", 3)]):
            kind = h5py.h5t.create(h5py.h5t.OPAQUE, size)
            kind.set_tag(tag.encode())
            space = h5py.h5s.create_simple((3,))
            h5py.h5d.create(file.id, f"opaque{i}".encode(), kind, space)
    with Server(tmp_path / "odd.h5") as server:
        assert server.failure("data", file="odd.h5", path="empty")[0] == 413
        for i in range(2):
            for wanted in dict(format="npy"), dict(format="csv"):
                assert server.failure("data", file="odd.h5", path=f"opaque{i}", **wanted)[0] == 422
            assert server.failure("stats", file="odd.h5", path=f"opaque{i}")[0] == 422


def test_answers_are_bounded(tmp_path):
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("huge", (2**40, 1024), "f8", chunks=(128, 128))
        file.create_dataset("huge chunks", (2**18, 2**18), "u1", chunks=(2**16, 2**15), compression="gzip")
    with Server(tmp_path / "huge.h5") as server:
        for name in "data", "stats":
            status, message = server.failure(name, file="huge.h5", path="huge")
            assert status == 413 and "select fewer" in message
        assert server.failure("data", file="huge.h5", path="huge chunks", selection="0,0:10")[0] == 413
        assert server.failure("chunks", file="huge.h5", path="huge")[0] == 413
        assert server.json("data", file="huge.h5", path="huge", selection="123456789,5:8") == [0, 0, 0]


def test_a_file_that_changes_is_read_again(tmp_path):
    path = tmp_path / "changing.h5"
    for value in 1, 2:
        with h5py.File(path, "w") as file:
            file.create_dataset("frames", data=np.full((4, 8, 8), value, "u2"), chunks=(2, 8, 8), compression="gzip")
        if value == 1:
            server = Server(path)
        assert server.json("data", file="changing.h5", path="frames", selection="0,0,0") == value
    server.close()


def test_what_is_no_file_of_hdf5_is_an_error_before_there_is_a_page(tmp_path):
    (tmp_path / "text.h5").write_text("something else")
    (tmp_path / "folder.h5").mkdir()
    for name, says in ("text.h5", "not an HDF5 file"), ("folder.h5", "a folder"), ("missing.h5", "No such file"):
        command = [PROGRAM, "view", "--no-open", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert name in done.stderr and says in done.stderr


def test_slow_selections_touch_only_what_they_need(tmp_path):
    with h5py.File(tmp_path / "sparse.h5", "w") as file:
        file.create_dataset("far", (2**50, 2), "u1", chunks=(1, 2), compression="gzip")
        file["far"][2**49] = [1, 2]
        file.create_dataset("dots", data=np.zeros(2**22, "u1"), chunks=(2**22,))
        file.create_dataset("tiny chunks", (2**24,), "u1", chunks=(1,), compression="gzip")
        file.create_dataset("no pixels", (2**50, 0, 8), "u1", maxshape=(None, None, 8), chunks=(1, 1, 8))
        file.create_dataset("unwritten", (2**19, 8, 8), "u2", chunks=(1, 8, 8), compression=view_files.FILTER_ID)
    with Server(tmp_path / "sparse.h5") as server:
        assert server.json("data", file="sparse.h5", path="far", selection=f"::{2**49}") == [[0, 0], [1, 2]]
        assert server.json("data", file="sparse.h5", path="dots", selection="::4194303") == [0, 0]
        status, message = server.failure("data", file="sparse.h5", path="tiny chunks")
        assert status == 413 and "chunks" in message
        assert server.failure("frames", file="sparse.h5", path="no pixels", start=0, count=2**49)[0] == 413
        assert server.failure("chunks/check", file="sparse.h5", path="far")[0] == 413
        checked = server.json("chunks/check", file="sparse.h5", path="unwritten")
        assert checked["chunks"] == [] and 0 < checked["next"] < 2**19


def test_elements_that_share_what_they_point_to_do_not_fill_the_memory(tmp_path):
    path = tmp_path / "shared.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("sequences", (5000,), h5py.vlen_dtype("u1"))
        dataset[0] = np.zeros(1 << 20, "u1")
        dataset[1] = np.zeros(3, "u1")
        offset = dataset.id.get_offset()
    stored = bytearray(path.read_bytes())
    stored[offset : offset + 16 * 5000] = bytes(stored[offset : offset + 16]) * 5000
    path.write_bytes(stored)
    with Server(path) as server:
        status, message = server.failure("data", file="shared.h5", path="sequences")
        assert status == 500 and "expected at most" in message
        assert len(server.json("data", file="shared.h5", path="sequences", selection="7")) == 1 << 20
        assert server.peak_memory() < 600
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(server.get, "data", file="shared.h5", path="sequences", selection=":90") for _ in range(6)]
            assert all(one.result()[0] == 200 for one in asked)
        assert server.peak_memory() < 900


def zlib_bomb(n_bytes):
    packer = zlib.compressobj()
    zeros = bytes(1 << 24)
    return b"".join(packer.compress(zeros) for _ in range(n_bytes >> 24)) + packer.flush()


def test_a_chunk_does_not_expand_beyond_its_size(tmp_path):
    bomb = zlib_bomb(1 << 28)
    shape = {"shape": (2, 512, 512), "dtype": "u1", "chunks": (1, 512, 512), "compression": "gzip"}
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("frames", **shape).id.write_direct_chunk((0, 0, 0), bomb)
        with_checksum = file.create_dataset("checked", **shape, fletcher32=True)
        # The filter mask says that there is no checksum.
        with_checksum.id.write_direct_chunk((0, 0, 0), bomb, 0b10)
        small = file.create_dataset("small", (2, 64, 64), "u1", chunks=(1, 64, 64), compression="gzip")
        small.id.write_direct_chunk((0, 0, 0), bomb)
        # HDF5 decodes these.
        sequences = file.create_dataset("sequences", (1,), h5py.vlen_dtype("i1"), chunks=(1,), compression="gzip")
        sequences.id.write_direct_chunk((0,), zlib_bomb(2 << 30))
    with Server(tmp_path / "bomb.h5") as server:
        for path in "frames", "checked", "small":
            status, message = server.failure("frames", file="bomb.h5", path=path)
            assert status == 500 and "damaged chunk" in message
        assert server.peak_memory() < 200
        assert server.failure("data", file="bomb.h5", path="sequences")[0] == 500
        assert server.peak_memory() < 700


def test_virtual_datasets_of_virtual_datasets_end(tmp_path):
    with h5py.File(tmp_path / "deep.h5", "w", libver="latest") as file:
        file["0/a"] = file["0/b"] = np.arange(2)
        for level in range(1, 20):
            for name in "a", "b":
                layout = h5py.VirtualLayout((2,), "i8")
                for i, source in enumerate("ab"):
                    layout[i] = h5py.VirtualSource(".", f"/{level - 1}/{source}", (2,))[i]
                file.create_virtual_dataset(f"{level}/{name}", layout)
    with Server(tmp_path / "deep.h5") as server:
        assert server.json("data", file="deep.h5", path="/2/a") == [0, 1]
        status, message = server.failure("data", file="deep.h5", path="/19/a")
        assert status == 413 and "sources" in message


def test_ctrl_c_ends_it_whoever_is_being_answered(tmp_path):
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file.create_dataset("zeros", (1 << 26,), "u1")
    server = Server(tmp_path / "large.h5")
    with socket.create_connection((server.url.hostname, server.url.port)) as slow:
        target = "/api/data?file=large.h5&path=zeros&format=bin"
        request = f"GET {target} HTTP/1.1\r\nHost: {server.url.netloc}\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        slow.sendall(request.encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=20) == 0
    server.process.stdout.close()
