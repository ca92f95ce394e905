"""`h5h264 view` reads the files that it was given, whatever links, virtual datasets and views lead to."""

import h5py
import numpy as np
import views
from viewer import Server


def write_virtual(file, name, target, source, shape, dtype):
    """A virtual dataset that is all of another one."""
    layout = h5py.VirtualLayout(shape, dtype)
    layout[:] = h5py.VirtualSource(target, source, shape)
    file.create_virtual_dataset(name, layout)


def test_values_in_other_files_are_not_read(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"secret!!")
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["inside"] = np.arange(8, dtype="u1")
    with h5py.File(tmp_path / "outer.h5", "w") as file:
        file.create_dataset("raw", (8,), "u1", external=[(str(secret), 0, 8)])
        write_virtual(file, "virtual", "source.h5", "inside", (8,), "u1")
        file["hop"] = h5py.ExternalLink("source.h5", "/inside")
        write_virtual(file, "through a link", ".", "hop", (8,), "u1")
    with Server(tmp_path / "outer.h5") as server:
        for path in "raw", "virtual":
            status, _ = server.failure("data", file="outer.h5", path=path)
            assert status == 403
        assert server.get("data", file="outer.h5", path="through a link")[0] != 200
    with Server(tmp_path / "outer.h5", tmp_path / "source.h5") as server:
        assert server.json("data", file="outer.h5", path="virtual") == list(range(8))


def test_views_of_values_in_other_files_are_not_read(tmp_path):
    secret = b"values of another file, of which none may be read"[:48]
    (tmp_path / "secret.bin").write_bytes(secret)
    shape = (1, 4, 12)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["raw"] = np.frombuffer(secret, "u1").reshape(shape)
    with h5py.File(tmp_path / "views.h5", "w") as file:
        file.create_dataset("stored outside", shape, "u1", external=[(str(tmp_path / "secret.bin"), 0, 48)])
        file["linked"] = h5py.ExternalLink("secret.h5", "/raw")
        write_virtual(file, "virtual", "secret.h5", "raw", shape, "u1")
        file["calib"] = np.zeros(shape, "f4")
        for raw in "stored outside", "linked", "virtual":
            views.calib.create_processed(
                file, shape, name=f"view, {raw}", raw=f"/{raw}", calib_alg="pedestal_v1", n_cells=1
            )
        write_virtual(file, "virtual view, linked", ".", "view, linked", shape, "f4")
    with Server(tmp_path / "views.h5") as server:
        for view in "view, stored outside", "view, linked", "view, virtual", "virtual view, linked":
            for name in "frames", "data", "stats":
                assert server.failure(name, file="views.h5", path=view)[0] == 403, view
    with Server(tmp_path / "views.h5", tmp_path / "secret.h5") as server:
        for view in "view, linked", "view, virtual":
            status, body = server.get("frames", file="views.h5", path=view)
            assert status == 200 and np.frombuffer(body, "f4").astype("u1").tobytes() == secret
        assert server.failure("frames", file="views.h5", path="view, stored outside")[0] == 403


def test_a_view_is_read_whatever_another_file_has(tmp_path):
    shape = (1, 4, 12)
    for name in "good.h5", "bad.h5":
        with h5py.File(tmp_path / name, "w") as file:
            if name == "good.h5":
                file["raw"] = np.arange(48, dtype="u1").reshape(shape)
            else:
                file["raw"] = h5py.ExternalLink("missing.h5", "/raw")
            file["calib"] = np.zeros(shape, "f4")
            views.calib.create_processed(file, shape, name="view", raw="/raw", calib_alg="pedestal_v1", n_cells=1)
    with Server(tmp_path / "good.h5", tmp_path / "bad.h5") as server:
        status, body = server.get("frames", file="good.h5", path="view")
        assert status == 200 and np.frombuffer(body, "f4").tolist() == list(range(48))
        assert server.failure("frames", file="bad.h5", path="view")[0] == 403


def test_links_between_folders_lead_to_no_other_file(tmp_path):
    for folder, value in ("a", 99), ("b", 1):
        (tmp_path / folder).mkdir()
        with h5py.File(tmp_path / folder / "C.h5", "w") as file:
            file["x"] = np.full(4, value, "u1")

    def lead(path, target, name):
        with h5py.File(tmp_path / path, "w") as file:
            write_virtual(file, "v", target, name, (4,), "u1")

    lead("b/B.h5", "C.h5", "x")
    (tmp_path / "a/link.h5").symlink_to("../b/B.h5")
    lead("a/A.h5", "link.h5", "v")
    lead("a/D.h5", "../b/B.h5", "v")
    # The kernel goes up from where a link leads, not from where it is.
    (tmp_path / "other/deep").mkdir(parents=True)
    (tmp_path / "a/sub").symlink_to("../other/deep")
    (tmp_path / "other/B.h5").symlink_to("../b/B.h5")
    (tmp_path / "a/B.h5").write_bytes((tmp_path / "b/B.h5").read_bytes())
    (tmp_path / "other/C.h5").write_bytes((tmp_path / "a/C.h5").read_bytes())
    lead("a/E.h5", "sub/../B.h5", "v")
    (tmp_path / "a/folder").symlink_to("../b")
    lead("a/F.h5", "folder/C.h5", "x")
    names = ["a/A.h5", "a/D.h5", "a/E.h5", "a/F.h5", "b/B.h5", "b/C.h5"]
    with Server(*(tmp_path / name for name in names)) as server:
        # HDF5 looks for C.h5 beside the link, where another file has that name.
        for name in "A.h5", "E.h5":
            assert server.failure("data", file=name, path="v")[0] == 403
        for name in "D.h5", "F.h5":
            assert server.json("data", file=name, path="v") == [1] * 4


def test_a_virtual_dataset_that_changes_is_looked_at_again(tmp_path):
    for name, value in ("given.h5", 1), ("secret.h5", 2):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = [value]

    def lead_to(name):
        with h5py.File(tmp_path / "outer.h5", "w") as file:
            write_virtual(file, "virtual", name, "x", (1,), "i8")

    lead_to("given.h5")
    with Server(tmp_path / "outer.h5", tmp_path / "given.h5") as server:
        for _ in range(2):
            assert server.json("data", file="outer.h5", path="virtual") == [1]
        lead_to("secret.h5")
        assert server.failure("data", file="outer.h5", path="virtual")[0] == 403


def test_names_that_hdf5_changes_are_not_read(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"secret!!")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.frombuffer(b"secret!!", "u1")
    with h5py.File(tmp_path / "outer.h5", "w") as file:
        file.create_dataset("p%", (8,), "u1", external=[(str(secret), 0, 8)])
        file["e%"] = h5py.ExternalLink("secret.h5", "/x")
        for name in "p%%", "e%%":
            write_virtual(file, "virtual " + name.replace("%", "_"), ".", name, (8,), "u1")
    with Server(tmp_path / "outer.h5") as server:
        for name in "p__", "e__":
            assert server.failure("data", file="outer.h5", path=f"virtual {name}")[0] == 403


def test_not_even_the_length_of_another_files_dataset_is_found_out(tmp_path):
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file.create_dataset("growing", data=np.arange(8), maxshape=(None,), chunks=(4,))
    with h5py.File(tmp_path / "outer.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout((3,), "i8", maxshape=(None,))
        source = h5py.VirtualSource("source.h5", "growing", (8,), maxshape=(None,))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        file.create_virtual_dataset("virtual", layout)
    for files, shape in ([], [3]), (["source.h5"], [8]):
        with Server(tmp_path / "outer.h5", *(tmp_path / name for name in files)) as server:
            for path in "virtual", "/":
                found = server.json("meta", file="outer.h5", path=path)
                assert found.get("children", [found])[0]["shape"] == shape
