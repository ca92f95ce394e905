"""What verify says of virtual datasets, of whose missing sources HDF5 says nothing."""

import json
import os
import resource
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import PROGRAM, create, run_python
from test_program_info import damage

SHAPE = (4, 5)


def write_source(path, value=1, name="x"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "a") as file:
        file[name] = np.full(SHAPE, value, "u2")


def write_virtual(path, sources, **kwargs):
    """One block for each source: file, and path in it."""
    layout = h5py.VirtualLayout((len(sources), *SHAPE), "u2")
    for i, (file, name) in enumerate(sources):
        layout[i] = h5py.VirtualSource(file, name, SHAPE)
    with h5py.File(path, "a", libver="latest") as file:
        file.create_virtual_dataset("virtual", layout, **kwargs)


def write_numbered(path, *mappings):
    """Blocks of one frame for file and path with %b in them, side by side."""
    with h5py.File(path, "a", libver="latest") as file:
        rows = SHAPE[0] * len(mappings)
        space = h5py.h5s.create_simple((1, rows, SHAPE[1]), (h5py.h5s.UNLIMITED, rows, SHAPE[1]))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_fill_value(np.array(0, "u2"))
        source = h5py.h5s.create_simple(SHAPE)
        for i, (name, dataset) in enumerate(mappings):
            start, block = (0, i * SHAPE[0], 0), (1, *SHAPE)
            space.select_hyperslab(start, (h5py.h5s.UNLIMITED, 1, 1), (1, 1, 1), block)
            plist.set_virtual(space, name.encode(), dataset.encode(), source)
        space.select_all()
        h5py.h5d.create(file.id, b"virtual", h5py.h5t.NATIVE_UINT16, space, plist)


def findings(*arguments, status=1, **kwargs):
    """What is wrong with sources: file, dataset, cause. And how many sources there are."""
    report = json.loads(run("verify", "--json", *arguments, status=status, **kwargs).stdout)
    found = [(d["source"]["file"], d["source"]["dataset"], d["cause"]) for d in report["damaged"]]
    return found, report["n_sources"]


def test_numbered_files_that_are_all_the_same_are_no_end():
    # What is not found where an absolute name says is looked for by its last part, which has no number.
    write_source("real.h5")
    write_numbered("v.h5", ("/nowhere%b/real.h5", "x"))
    ((file, dataset, cause),), _ = findings("v.h5", timeout=20)
    assert file.endswith("real.h5") and dataset == "x" and "the source of the block before" in cause


def test_sources_that_are_missing_are_named():
    write_source("a.h5")
    write_source("sub/b.h5")
    sources = [("a.h5", "x"), ("sub/b.h5", "x"), ("none.h5", "x"), ("a.h5", "y"), ("a.h5", "none/x"), ("a.h5", "/x")]
    write_virtual("v.h5", sources)
    found = run("verify", "v.h5", status=1)
    assert found.stdout.splitlines() == [
        "v.h5:/virtual: source a.h5:none/x: the dataset is missing",
        "v.h5:/virtual: source a.h5:y: the dataset is missing",
        "v.h5:/virtual: source none.h5:x: the file is missing",
        "0 chunks of 1 dataset decoded, 6 sources of virtual datasets",
    ]
    assert found.stderr == "h5h264: damage in 3 places\n"
    found, n_sources = findings("v.h5")
    assert n_sources == 6 and ("none.h5", "x", "the file is missing") in found
    # HDF5 itself.
    with h5py.File("v.h5") as file:
        assert not file["virtual"][2:4].any() and file["virtual"][:2].all()


def test_sources_that_can_not_be_used_are_named():
    write_source("a.h5")
    Path("text.h5").write_text("no HDF5 file")
    Path("folder.h5").mkdir()
    with h5py.File("other.h5", "w") as file:
        file["text"] = np.full(SHAPE, b"text")
        file["short"] = np.zeros((2, 5), "u2")
        file["line"] = np.zeros(20, "u2")
        file.create_group("group")
    names = ["text", "short", "line", "group"]
    write_virtual("v.h5", [("a.h5", "x"), ("text.h5", "x"), ("folder.h5", "x"), *[("other.h5", name) for name in names]])
    causes = {(file, name): cause for file, name, cause in findings("v.h5")[0]}
    assert len(causes) == 5
    assert "not an HDF5 file" in causes["text.h5", "x"] and "a folder" in causes["folder.h5", "x"]
    assert "string of 4 bytes (expected uint16)" in causes["other.h5", "text"]
    assert "2 × 5 (expected 20 elements)" in causes["other.h5", "short"]
    assert "not a dataset" in causes["other.h5", "group"]


def test_a_source_that_is_too_small_for_the_part_that_is_wanted_is_named():
    """HDF5 reads what is behind the dataset, or crashes."""
    write_source("a.h5")
    with h5py.File("v.h5", "w") as file:
        for name, part in [
            ("long", h5py.VirtualSource("a.h5", "x", (8, 5))[6:7]),
            ("deep", h5py.VirtualSource("a.h5", "x", (3, 4, 5))[2, 3:4]),
        ]:
            layout = h5py.VirtualLayout((1, 5), "u2")
            layout[:] = part
            file.create_virtual_dataset(name, layout)
    found, n_sources = findings("v.h5")
    assert n_sources == 2
    assert [cause for *_, cause in found] == [
        "its shape is 4 × 5 (expected 3 dimensions)",
        "its shape is 4 × 5 (expected 7 × 5 or more)",
    ]


def test_damaged_chunks_of_sources_are_named_as_far_as_the_virtual_dataset_has_them():
    for name in "ab":
        with h5py.File(f"{name}.h5", "w") as file:
            create(file, frames(), chunks=(5, 64, 80))
            file.create_dataset("gzip", data=frames(), chunks=(5, 64, 80), compression="gzip", fletcher32=True)
            file["plain"] = frames()
    place = damage("a.h5", "frames", 2)
    damage("a.h5", "gzip", 3)
    damage("b.h5", "frames", 0)
    layout = h5py.VirtualLayout((50, 64, 80), "u2")
    for i, name in enumerate(["frames", "gzip", "plain"]):
        layout[i * 15 : i * 15 + 15] = h5py.VirtualSource("a.h5", name, (20, 64, 80))[:15]
    layout[45:] = h5py.VirtualSource("b.h5", "frames", (20, 64, 80))[10:15]
    with h5py.File("v.h5", "w") as file:
        file.create_virtual_dataset("virtual", layout)
    found = run("verify", "v.h5", status=1).stdout.splitlines()
    assert found[0].startswith(f"v.h5:/virtual: source a.h5:frames {place}: damaged chunk")
    # Three of each in a.h5, one in b.h5.
    assert found[1:] == ["7 chunks of 1 dataset decoded, 4 sources of virtual datasets"]
    # What is verified anyway is not decoded twice.
    report = json.loads(run("verify", "--json", "v.h5", "a.h5", "b.h5", status=1).stdout)
    assert report["n_chunks"] == 16 and [d["file"] for d in report["damaged"]] == ["a.h5", "a.h5", "b.h5"]


def test_sources_are_found_where_hdf5_finds_them(tmp_path):
    for folder in "run", "raw", "run/near", "elsewhere":
        Path(folder).mkdir()
    write_source("run/beside.h5")
    write_source("here.h5")
    write_source("raw/prefixed.h5")
    write_source("run/near/origin.h5")
    write_source("elsewhere/resolved.h5")
    write_source("elsewhere/absolute.h5")
    write_source("run/100%.h5")
    write_source("run/v.h5", name="own")
    write_source("run/moved.h5")
    names = ["beside", "here", "prefixed", "origin", "resolved", "100%%"]
    sources = [(f"{name}.h5", "x") for name in names]
    sources += [(".", "own"), (f"{tmp_path}/elsewhere/absolute.h5", "x"), ("/was/there/moved.h5", "x")]
    write_virtual("run/v.h5", sources)
    os.rename("run/v.h5", "elsewhere/v.h5")
    os.symlink("../elsewhere/v.h5", "run/v.h5")

    def missing(path, **kwargs):
        status = 1 if kwargs.pop("is_missing", True) else 0
        return [file for file, *_ in findings(path, status=status, **kwargs)[0]]

    def hdf5_misses(path):
        with h5py.File(path) as file:
            return [sources[i][0].replace("%%", "%") for i in range(len(sources)) if not file["virtual"][i].any()]

    assert sorted(missing("run/v.h5")) == sorted(hdf5_misses("run/v.h5")) == ["origin.h5", "prefixed.h5"]
    env = {**os.environ, "HDF5_VDS_PREFIX": "none:raw:run/near"}
    assert missing("run/v.h5", env=env, is_missing=False) == []
    env["HDF5_VDS_PREFIX"] = "${ORIGIN}/near"
    assert missing("run/v.h5", env=env) == ["prefixed.h5"]
    os.remove("run/v.h5")
    assert sorted(missing("elsewhere/v.h5")) == sorted(hdf5_misses("elsewhere/v.h5"))


@pytest.mark.parametrize("name, dataset", [("%b.h5", "x"), ("all.h5", "x%b"), ("s%b/%b.h5", "%b/x")])
def test_numbered_sources_end_at_a_gap(name, dataset):
    def write(block):
        write_source(name.replace("%b", str(block)), name=dataset.replace("%b", str(block)))

    write_numbered("v.h5", (name, dataset))
    found, n_sources = findings("v.h5")
    assert n_sources == 1 and found[0][:2] == (name.replace("%b", "0"), dataset.replace("%b", "0"))
    for block in 0, 1, 2, 4:
        write(block)
    assert findings("v.h5", status=0) == ([], 3)
    with h5py.File("v.h5") as file:
        assert file["virtual"].shape == (3, *SHAPE) and file["virtual"][()].all()


def test_numbered_sources_that_can_not_be_opened_come_to_an_end():
    """What is not there is not the only error that a system may have for every number."""
    write_numbered("v.h5", (f"{'x' * 300}%b.h5", "x"))
    found, n_sources = findings("v.h5", timeout=20)
    assert n_sources == 1 and len(found) == 1 and "too long" in found[0][2]


def test_a_gap_in_one_row_of_numbered_sources_is_named():
    """The longest row decides how long the dataset is; HDF5 fills the others."""
    for block in range(5):
        write_source(f"a{block}.h5")
    for block in 0, 1, 2, 4:
        write_source(f"b{block}.h5")
    write_numbered("v.h5", ("a%b.h5", "x"), ("b%b.h5", "x"))
    assert findings("v.h5") == ([("b3.h5", "x", "the file is missing")], 9)
    with h5py.File("v.h5") as file:
        assert file["virtual"].shape[0] == 5 and not file["virtual"][3:, SHAPE[0] :].any()


def test_a_dataset_that_grows_with_its_source():
    layout = h5py.VirtualLayout((1, *SHAPE), "u2", maxshape=(None, *SHAPE))
    source = h5py.VirtualSource("a.h5", "x", (1, *SHAPE), maxshape=(None, *SHAPE))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    with h5py.File("v.h5", "w", libver="latest") as file:
        file.create_virtual_dataset("virtual", layout)
    assert findings("v.h5") == ([("a.h5", "x", "the file is missing")], 1)
    with h5py.File("a.h5", "w") as file:
        create(file, np.ones((7, *SHAPE), "u2"), chunks=(2, *SHAPE), maxshape=(None, *SHAPE), name="x")
    assert run("verify", "v.h5").stdout == "4 chunks of 1 dataset decoded, 1 source of virtual datasets\n"


def test_sources_may_be_virtual():
    write_source("sub/a.h5")
    write_virtual("sub/inner.h5", [("a.h5", "x"), ("b.h5", "x")])
    with h5py.File("v.h5", "w") as file:
        layout = h5py.VirtualLayout((2, *SHAPE), "u2")
        layout[:] = h5py.VirtualSource("sub/inner.h5", "virtual", (2, *SHAPE))
        file.create_virtual_dataset("outer", layout)
    assert findings("v.h5") == ([("b.h5", "x", "the file is missing")], 3)
    write_source("sub/b.h5")
    assert findings("v.h5", status=0) == ([], 3)


def test_virtual_datasets_in_a_circle_are_told():
    for name, other in [("a", "b"), ("b", "a")]:
        layout = h5py.VirtualLayout(SHAPE, "u2")
        layout[:] = h5py.VirtualSource(f"{other}.h5", other, SHAPE)
        with h5py.File(f"{name}.h5", "w") as file:
            file.create_virtual_dataset(name, layout)
    assert "in a circle" in run("verify", "a.h5", status=1).stdout


def limited_to(n_files):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files))


def write_thirty():
    for i in range(30):
        write_source(f"{i}.h5", i + 1)
    write_virtual("v.h5", [(f"{i}.h5", "x") for i in range(30)])


def test_sources_that_a_limit_keeps_closed_are_named():
    write_thirty()
    causes, n_named = set(), set()
    # Three are its input and output.
    for n_files in range(4, 12):
        arguments = [PROGRAM, "verify", "--json", "v.h5"]
        done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limited_to(n_files))
        report = json.loads(done.stdout)
        assert done.returncode == (1 if report["damaged"] else 0)
        named = [d["cause"] for d in report["damaged"] if "source" in d]
        causes.update(named)
        n_named.add(len(named))
        assert report["damaged"] or report["n_sources"] == 30
    assert n_named == {0, 30} and len(causes) == 30
    assert all("Too many open files" in cause for cause in causes)
    # One source at a time is enough, if verify is allowed to open it.
    assert not report["damaged"]
    assert [(d["dataset"], d["n_files"], d["most_open_files"]) for d in report["too_many_files"]] == [
        ("/virtual", 30, n_files)
    ]


def test_verify_tells_that_hdf5_fills_what_a_limit_keeps_closed():
    write_thirty()
    script = """
        import h5py, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        with h5py.File("v.h5") as file:
            print((file["virtual"][:, 0, 0] == 0).sum())
    """
    assert int(run_python(script)) > 10
    assert "20 (ulimit -n)" in run("verify", "v.h5", preexec_fn=limited_to(20)).stdout


def peak_kb(*arguments):
    """The most memory that the program has had."""
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_sources_that_are_opened():
    """But with HDF5's own list of them, which info has read as well."""
    write_source("0.h5")
    for i in range(1, 10_000):
        os.link("0.h5", f"{i}.h5")
    write_virtual("v.h5", [(f"{i}.h5", "x") for i in range(10_000)])
    assert peak_kb("verify", "v.h5") < peak_kb("info", "v.h5") + 16_000
