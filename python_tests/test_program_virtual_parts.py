"""Virtual datasets over the files of many tasks have the frames of all, and are refused where one does not fit."""

import os
import resource
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import create, movie


def part(i, n):
    return movie((n, 32, 48), "u2", seed=i)


def write_parts(lengths, folder=".", name="part{:02}.h5", **kwargs):
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [f"{folder}/{name.format(i)}" for i in range(len(lengths))]
    for i, (path, n) in enumerate(zip(paths, lengths)):
        with h5py.File(path, "w") as file:
            settings = {"chunks": (5, 32, 48), "maxshape": (None, 32, 48), "fillvalue": 7, **kwargs}
            create(file, part(i, n), name="entry/data/frames", **settings).attrs["unit"] = "ADU"
            file["entry"].attrs["NX_class"] = "NXentry"
            file["entry/energy"] = np.arange(n) / 7 + i
            file["entry/again"] = h5py.SoftLink("/entry/data/frames")
    return paths


def expected(lengths):
    return np.concatenate([part(i, n) for i, n in enumerate(lengths)])


def test_a_virtual_dataset_has_the_frames_of_all_files():
    lengths = [7, 5, 0, 12]
    paths = write_parts(lengths)
    printed = run("virtual", "--inputs", *paths, "--output", "all").stdout
    assert printed == "/entry/data/frames  24 × 32 × 48\n/entry/energy  24\n"
    with h5py.File("all.h5") as file:
        dataset = file["entry/data/frames"]
        assert dataset.is_virtual and dataset.dtype == "u2" and np.array_equal(dataset, expected(lengths))
        assert dataset.attrs["unit"] == "ADU" and dataset.fillvalue == 7
        assert file["entry"].attrs["NX_class"] == "NXentry"
        assert np.array_equal(file["entry/again"][9], expected(lengths)[9])
        assert np.array_equal(file["entry/energy"], np.concatenate([np.arange(n) / 7 + i for i, n in enumerate(lengths)]))
        assert [source.file_name for source in dataset.virtual_sources()] == ["part00.h5", "part01.h5", "part03.h5"]
    assert "4 sources" not in run("verify", "all.h5").stdout
    Path("part01.h5").rename("gone.h5")
    assert "part01.h5:/entry/data/frames: the file is missing" in run("verify", "all.h5", status=1).stdout
    with h5py.File("all.h5") as file:
        assert (file["entry/data/frames"][7:12] == 7).all()


@pytest.mark.parametrize("inputs, output", [("run/raw", "run/all.h5"), ("raw", "run/deep/all.h5"), ("run", "run/all.h5")])
def test_the_files_may_be_moved_together(inputs, output):
    lengths = [3, 4]
    paths = write_parts(lengths, folder=f"here/{inputs}")
    run("virtual", "--inputs", ",".join(str(Path(path).absolute()) for path in paths), "--output", f"here/{output}")
    Path("here").rename("there")
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    with h5py.File(f"../there/{output}") as file:
        assert np.array_equal(file["entry/data/frames"], expected(lengths))
    run("verify", f"../there/{output}")


def test_links_lead_to_the_files():
    lengths = [3, 4]
    paths = write_parts(lengths, folder="store/deep")
    Path("run").symlink_to("store/deep")
    Path("shelf").mkdir()
    Path("all.h5").symlink_to("shelf/all.h5")
    run("virtual", "--inputs", *[path.replace("store/deep", "run") for path in paths], "--output", "all.h5")
    assert Path("all.h5").is_symlink()
    for path in "all.h5", "shelf/all.h5":
        with h5py.File(path) as file:
            assert np.array_equal(file["entry/data/frames"], expected(lengths))


def test_names_are_no_patterns():
    lengths = [3, 4]
    paths = write_parts(lengths, name="100%b {}.h5")
    run("virtual", "--inputs", *paths, "--output", "all.h5")
    with h5py.File("all.h5") as file:
        assert np.array_equal(file["entry/data/frames"], expected(lengths))


def test_datasets_may_be_chosen():
    paths = write_parts([3, 4])
    with h5py.File(paths[1], "a") as file:
        del file["entry/energy"]
    refused = run("virtual", "--inputs", *paths, "--output", "all.h5", status=1).stderr
    assert "part01.h5 has no dataset /entry/energy (expected those of " in refused
    printed = run("virtual", "--inputs", *paths, "--output", "all.h5", "--dataset", "entry/data/frames").stdout
    assert printed == "/entry/data/frames  7 × 32 × 48\n"
    with h5py.File("all.h5") as file:
        assert np.array_equal(file["entry/data/frames"], expected([3, 4])) and "energy" not in file["entry"]
    for name in "entry/data", "/none":
        refused = run("virtual", "--inputs", *paths, "--output", "b.h5", "--dataset", name, status=1).stderr
        assert f"part00.h5 has no dataset /{name.strip('/')}" in refused and not Path("b.h5").exists()
    with h5py.File(paths[0], "a") as file:
        file["scalar"] = 1
    run("virtual", "--inputs", paths[0], "--output", "one.h5", "--dataset", "/scalar", status=1)


def test_what_does_not_fit_is_named_and_nothing_is_written():
    def refused(change, *more):
        paths = write_parts([3, 4, 5])
        with h5py.File(paths[1], "a") as file:
            change(file)
        Path("all.h5").write_text("before")
        error = run("virtual", "--inputs", *paths, *more, "--output", "all.h5", status=1).stderr
        assert Path("all.h5").read_text() == "before" and sorted(Path().glob(".*")) == []
        return error

    def replace(data):
        def change(file):
            del file["entry/data/frames"]
            file["entry/data/frames"] = data

        return change

    name = "/entry/data/frames"
    error = refused(replace(np.zeros((4, 32, 47), "u2")))
    assert f"{name} is 3 × 32 × 48 in ./part00.h5, 4 × 32 × 47 in ./part01.h5" in error
    assert f"{name} is uint16 in ./part00.h5, int16 in ./part01.h5" in refused(replace(np.zeros((4, 32, 48), "i2")))
    assert f"./part01.h5 has no dataset {name}" in refused(lambda file: file["entry/data"].pop("frames"))
    assert "none.h5: No such file" in refused(lambda file: None, "none.h5")
    Path("text.h5").write_text("no HDF5")
    assert "text.h5: not an HDF5 file" in refused(lambda file: None, "text.h5")
    paths = write_parts([3])
    assert "the output is the input" in run("virtual", "--inputs", *paths, "--output", paths[0], status=1).stderr
    Path("empty").write_text("\n")
    assert "there are no inputs" in run("virtual", "--inputs", "@empty", "--output", "a", status=1).stderr
    run("virtual", "--output", "all.h5", status=2)
    run("virtual", "--inputs", "a.h5", status=2)


def test_more_files_than_a_process_may_open_in_bounded_memory():
    write_parts([2])
    names = [f"part{i:05}.h5" for i in range(1000)]
    for name in names:
        shutil.copy("part00.h5", name)
    Path("list").write_text("\n".join(names))

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))

    run("virtual", "--inputs", "@list", "--output", "all", preexec_fn=limit)
    with h5py.File("all.h5") as file:
        dataset = file["entry/data/frames"]
        assert dataset.shape == (2000, 32, 48) and len(dataset.virtual_sources()) == 1000
        assert np.array_equal(dataset[1200:1202], part(0, 2))
