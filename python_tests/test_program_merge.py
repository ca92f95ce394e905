"""Merged files have the frames of all files, as they were stored."""

import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import FILTER_ID, create, movie


def write_parts(lengths, chunk=5, dtype="u2"):
    for name, n in lengths.items():
        with h5py.File(name, "w") as file:
            dataset = file.create_dataset(
                "g/frames", data=movie((n, 64, 80), dtype, seed=n), chunks=(chunk, 64, 80), compression=FILTER_ID,
                maxshape=(None, 64, 80),
            )
            dataset.attrs["unit"] = "ADU"
            file["names"] = [f"{name} {i}" for i in range(n)]
            file["energy"] = np.arange(n) / 7
            file["only " + name] = 1


def chunks_of(path):
    with h5py.File(path) as file:
        dataset = file["g/frames"]
        offsets = [dataset.id.get_chunk_info(i).chunk_offset for i in range(dataset.id.get_num_chunks())]
        return {offset[0]: dataset.id.read_direct_chunk(offset)[1] for offset in offsets}


@pytest.mark.parametrize("lengths, n_copied", [([10, 15, 7], 7), ([10, 7, 15], 3), ([3, 4, 5], 0)])
def test_merge_puts_frames_one_after_the_other(lengths, n_copied):
    names = ["a.h5", "b.h5", "c.h5"]
    write_parts(dict(zip(names, lengths)))
    run("merge", "--inputs", ",".join(names), "--output", "merged")
    with h5py.File("merged.h5") as merged:
        parts = [h5py.File(name) for name in names]
        for name in "g/frames", "energy", "names":
            assert np.array_equal(merged[name], np.concatenate([part[name][:] for part in parts]))
        assert merged["g/frames"].attrs["unit"] == "ADU" and "only a.h5" not in merged
        assert list(merged["source"]) == sum(([i] * n for i, n in enumerate(lengths)), [])
        assert list(merged["source"].attrs["files"]) == names
    stored = [list(chunks_of(name).values()) for name in names]
    chunks = chunks_of("merged.h5").values()
    assert sum(any(chunk in part for part in stored) for chunk in chunks) == n_copied
    run("verify", "merged.h5")


def test_merge_names_what_does_not_fit():
    write_parts({"a.h5": 5})
    for name, shape, dtype in ("b.h5", (5, 64, 90), "u2"), ("c.h5", (5, 64, 80), "f4"):
        with h5py.File(name, "w") as file:
            file["g/frames"] = np.zeros(shape, dtype)
    error = run("merge", "--inputs", "a.h5,b.h5", "--output", "m.h5", status=1).stderr
    assert "/g/frames is 5 × 64 × 80 in a.h5, 5 × 64 × 90 in b.h5" in error
    error = run("merge", "--inputs", "a.h5,c.h5", "--output", "m.h5", status=1).stderr
    assert "/g/frames is uint16 in a.h5, float32 in c.h5" in error
    assert "the output is the input" in run("merge", "--inputs", "a.h5,a.h5", "--output", "a.h5", status=1).stderr
    assert not Path("m.h5").exists()


def test_merge_copies_chunks_of_any_filter_and_refuses_to_change_numbers():
    for name, n in [("a.h5", 20), ("b.h5", 10)]:
        with h5py.File(name, "w") as file:
            lossy = frames(n, "f4") / 7
            file.create_dataset("lossy", data=lossy, chunks=(5, 64, 80), scaleoffset=1)
            file.create_dataset("lzf", data=frames(n), chunks=(5, 64, 80), compression="lzf")
            file.create_dataset("integers", data=frames(n), chunks=(5, 64, 80), scaleoffset=0)
    run("merge", "--inputs", "a.h5", "b.h5", "--output", "m")
    with h5py.File("a.h5") as a, h5py.File("b.h5") as b, h5py.File("m.h5") as merged:
        for name in a:
            assert np.array_equal(merged[name], np.concatenate([a[name], b[name]])), name
            chunk = merged[name].id.read_direct_chunk((20, 0, 0))
            assert chunk == b[name].id.read_direct_chunk((0, 0, 0))
    for name, n in [("c.h5", 7), ("d.h5", 8)]:
        with h5py.File(name, "w") as file:
            file.create_dataset("integers", data=frames(n), chunks=(5, 64, 80), scaleoffset=0)
    run("merge", "--inputs", "c.h5,d.h5", "--output", "n")
    with h5py.File("n.h5") as merged:
        assert np.array_equal(merged["integers"], np.concatenate([frames(7), frames(8)]))
    with h5py.File("e.h5", "w") as file:
        file.create_dataset("lossy", data=frames(7, "f4") / 7, chunks=(5, 64, 80), scaleoffset=1)
    message = run("merge", "--inputs", "e.h5,e.h5", "--output", "o", status=1).stderr
    assert "scaleoffset may change numbers" in message and not Path("o.h5").exists()
    with h5py.File("f.h5", "w") as file:
        file.create_dataset("lzf", data=frames(7), chunks=(5, 64, 80), compression="lzf")
    run("merge", "--inputs", "f.h5,f.h5", "--output", "p")
    with h5py.File("p.h5") as merged:
        assert np.array_equal(merged["lzf"], np.concatenate([frames(7)] * 2))


def test_merge_keeps_links_groups_scales_and_names_with_commas():
    for name, n in [("a,1.h5", 20), ("b.h5", 10)]:
        with h5py.File(name, "w") as file:
            images = create(file, frames(n), chunks=(5, 64, 80))
            file["again"] = images
            file["soft"] = h5py.SoftLink("/frames")
            file["external"] = h5py.ExternalLink("other.h5", "/x")
            file.create_group("empty").attrs["why"] = "for later"
            file["type"] = np.dtype("i4")
            for axis, scale in enumerate("tyx"):
                file[scale] = np.arange(images.shape[axis])
                file[scale].make_scale(scale)
                images.dims[axis].attach_scale(file[scale])
    printed = run("merge", "--inputs", "a,1.h5", "b.h5", "--output", "m").stdout
    assert "/type was left out: a datatype with a name" in printed
    with h5py.File("m.h5") as file:
        assert file["again"] == file["frames"] and file.get("soft", getlink=True).path == "/frames"
        assert file.get("external", getlink=True).filename == "other.h5"
        assert file["empty"].attrs["why"] == "for later"
        assert [dim[0].name for dim in file["frames"].dims] == ["/t", "/y", "/x"]
        assert [len(file[name]) for name in "tyx"] == [30, 64, 80]
        assert list(file["source"]) == [0] * 20 + [1] * 10
    with h5py.File("b.h5", "r+") as file:
        file["x"][5] = 77
    assert "/x is not the same" in run("merge", "--inputs", "a,1.h5", "b.h5", "--output", "m", status=1).stderr


def test_merge_does_not_mistake_what_it_leaves_out_or_leaves_empty():
    for name, fill in ("a.h5", 1), ("b.h5", 2):
        with h5py.File(name, "w") as file:
            group = file.create_group("g")
            group.attrs["name"] = name
            dataset = group.create_dataset(
                "frames", (20, 64, 80), "u2", chunks=(5, 64, 80), compression=FILTER_ID, fillvalue=fill
            )
            dataset[10:] = frames(10)
            file["source"] = [1, 2, 3]
            file["scalar"] = 1
            file["references"] = np.array([dataset.ref], h5py.ref_dtype)
    with h5py.File("b.h5", "r+") as file:
        file["more"] = [1]
    printed = run("merge", "--inputs", "a.h5,b.h5", "--output", "m.h5").stdout
    for name in "source", "scalar", "references", "more":
        assert f"/{name} was left out: " in printed
    with h5py.File("m.h5") as merged, h5py.File("a.h5") as a, h5py.File("b.h5") as b:
        assert np.array_equal(merged["g/frames"], np.concatenate([a["g/frames"], b["g/frames"]]))
        assert sorted(merged) == ["g", "source"] and merged["g"].attrs["name"] == "a.h5"


def test_merge_of_more_files_than_a_process_may_open():
    names = [f"part{i:04}.h5" for i in range(300)]
    for i, name in enumerate(names):
        with h5py.File(name, "w") as file:
            # Some frames are copied, some share chunks.
            create(file, np.full((2 + i % 2, 16, 16), i, "u2"), chunks=(2, 16, 16))
            file["energy"] = [i] * 2
    Path("list").write_text("\n".join(names) + "\n\n")
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))  # noqa: E731
    run("merge", "--inputs", "@list", "--output", "merged", preexec_fn=limit)
    with h5py.File("merged.h5") as merged:
        expected = np.concatenate([[i] * (2 + i % 2) for i in range(300)])
        assert np.array_equal(merged["frames"][:, 0, 0], expected) and np.array_equal(merged["source"], expected)
        assert np.array_equal(merged["energy"], np.repeat(np.arange(300), 2))
        assert list(merged["source"].attrs["files"]) == names
    assert "none: No such file" in run("merge", "--inputs", "@none", "--output", "m", status=1).stderr
