"""What verify, info and bench say of files."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
from program import frames, in_a_folder_of_its_own, run, write_everything  # noqa: F401
from support import FILTER_ID, check_stored, create, run_python


def damage(path, name, index):
    with h5py.File(path) as file:
        info = file[name].id.get_chunk_info(index)
    with open(path, "r+b") as file:
        file.seek(info.byte_offset + info.size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 255]))
    return info.chunk_offset


def test_verify_finds_nothing_in_whole_files():
    write_everything("in.h5")
    run("repack", "in.h5", "out.h5")
    assert "not checked" not in run("verify", "in.h5", "out.h5").stdout


def test_verify_goes_on_at_what_can_not_be_opened():
    with h5py.File("a.h5", "w") as file:
        file["bad/inner"] = 1
        file["bad_too"] = np.arange(10)
        create(file, frames(), chunks=(5, 64, 80))
        places = [h5py.h5o.get_info(file[name].id).addr for name in ("bad", "bad_too")]
    with open("a.h5", "r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes(8))
    found = run("verify", "none.h5", "a.h5", status=1)
    assert "none.h5: " in found.stdout and "a.h5:/bad: " in found.stdout and "a.h5:/bad_too: " in found.stdout
    assert found.stdout.endswith("4 chunks of 1 dataset decoded\n") and "3 places" in found.stderr
    assert "can't be read" in run("info", "a.h5").stdout
    run("repack", "a.h5", "b.h5", status=1)


def test_verify_names_each_damaged_chunk():
    with h5py.File("a.h5", "w") as file:
        create(file, frames(), chunks=(5, 64, 80), name="ours")
        create(file, frames(), chunks=(5, 64, 80), name="checked", fletcher32=True)
        file.create_dataset("gzip", data=frames(), chunks=(5, 64, 80), compression="gzip")
    places = {name: damage("a.h5", name, 2) for name in ("ours", "checked", "gzip")}
    found = run("verify", "a.h5", status=1)
    for name, place in places.items():
        assert f"a.h5:/{name} {place}: " in found.stdout
    assert "checksum" in found.stdout and found.stderr == "h5h264: damage in 3 places\n"
    report = json.loads(run("verify", "a.h5", "--json", status=1).stdout)
    assert [d["chunk"] for d in report["damaged"]] == [list(places[n]) for n in ("checked", "gzip", "ours")]
    assert (report["n_datasets"], report["n_chunks"]) == (3, 12)
    message = run("repack", "a.h5", "b.h5", status=1).stderr
    assert "checksum" in message and not list(Path().glob("*b.h5*"))


def test_verify_says_what_it_cannot_check():
    with h5py.File("a.h5", "w") as file:
        dataset = file.create_dataset("frames", (5, 64, 80), "u2", chunks=(5, 64, 80), compression="gzip")
        dataset[...] = frames(5)
    content = Path("a.h5").read_bytes()
    # gzip's id and name, as the creation properties have them, become those of nobody.
    gzip = b"\x01\x00\x08\x00\x01\x00\x01\x00deflate\0"
    assert content.count(gzip) == 1
    Path("a.h5").write_bytes(content.replace(gzip, b"\xfe\x7e" + gzip[2:8] + b"unknown\0"))
    found = run("verify", "a.h5").stdout
    assert "a.h5:/frames: not checked: unknown (32510) is not available here" in found


def test_chunks_that_were_stored_without_the_filter_are_reported_and_mended():
    arrays = {"images": frames(), "line": frames().reshape(-1)[:10_000]}
    with h5py.File("a.h5", "w") as file:
        for name, values in arrays.items():
            n = len(values) // 4
            dataset = create(file, values, chunks=(n, *values.shape[1:]), name=name)
            for start in 0, 2 * n:
                raw = values[start : start + n].tobytes()
                dataset.id.write_direct_chunk((start, *[0] * (values.ndim - 1)), raw, filter_mask=1)
        create(file, frames(), chunks=(5, 64, 80), name="whole")
    sentence = "2 chunks of 102.40 kB were stored without h5h264"
    found = run("verify", "a.h5").stdout
    assert f"a.h5:/images: {sentence}" in found and "/whole" not in found and found.count("without") == 2
    report = json.loads(run("verify", "a.h5", "--json").stdout)
    assert report["damaged"] == []
    assert [(d["dataset"], d["n_chunks"], d["n_bytes"]) for d in report["unfiltered"]] == [
        ("/images", 2, 2 * 5 * 64 * 80 * 2),
        ("/line", 2, 10_000),
    ]
    assert sentence in run("info", "a.h5").stdout
    objects = {o["path"]: o for o in json.loads(run("info", "--json", "a.h5").stdout)["objects"]}
    assert objects["/images"]["h5h264"]["unfiltered"] == {"n_chunks": 2, "n_bytes": 102_400}
    assert objects["/whole"]["h5h264"]["unfiltered"] == {"n_chunks": 0, "n_bytes": 0}
    run("repack", "a.h5", "b.h5")
    assert "without" not in run("verify", "b.h5").stdout
    with h5py.File("a.h5") as before, h5py.File("b.h5") as after:
        for name in before:
            check_stored(after[name])
            assert np.array_equal(before[name][()], after[name][()])


def arrays_of_all_kinds():
    """Forty elements of each."""
    record = np.dtype([("n", "<i4"), ("x", ">f8"), ("image", "u2", (16, 20))])
    records = np.zeros(40, record)
    records["n"], records["x"] = np.arange(40), np.linspace(0, 1, 40)
    records["image"] = frames(40)[:, :16, :20]
    return {
        "records": records,
        "strings": np.array([f"text {i}" for i in range(40)], "S12"),
        "opaque": np.arange(40).astype("V8"),
        "booleans": np.arange(40) % 3 == 0,
        "complex": np.arange(40) + 1j,
        "frames": records["image"].copy(),
    }


def test_repack_mends_chunks_of_every_type():
    arrays = arrays_of_all_kinds()
    with h5py.File("a.h5", "w") as file:
        for name, values in arrays.items():
            dataset = create(file, values, chunks=(10, *values.shape[1:]), name=name)
            dataset.id.write_direct_chunk((10, *[0] * (values.ndim - 1)), values[10:20].tobytes(), filter_mask=1)
        kind = np.dtype(("u2", (16, 20)))
        dataset = file.create_dataset("array type", (40,), kind, chunks=(10,), compression=FILTER_ID)
        dataset[...] = arrays["frames"]
        dataset.id.write_direct_chunk((10,), arrays["frames"][10:20].tobytes(), filter_mask=1)
        # HDF5 keeps the filter optional for these, so that nobody keeps a program without it from writing.
        file.create_dataset("texts", (40,), h5py.string_dtype(), chunks=(10,), compression=FILTER_ID)
        file.create_dataset("sequences", (40,), h5py.vlen_dtype("i4"), chunks=(10,), compression=FILTER_ID)
    script = """
        import h5py
        with h5py.File("a.h5", "r+") as file:
            file["texts"][...] = [f"text {i}" for i in range(40)]
            for i in range(40):
                file["sequences"][i] = list(range(i % 7))
    """
    run_python(script, HDF5_PLUGIN_PATH="")
    assert run("verify", "a.h5").stdout.count("stored without h5h264") == len(arrays) + 3
    run("repack", "a.h5", "b.h5")
    assert "without" not in run("verify", "b.h5").stdout
    with h5py.File("a.h5") as before, h5py.File("b.h5") as after:
        for name in before:
            check_stored(after[name])
            assert before[name].id.get_type().equal(after[name].id.get_type())
            x, y = before[name][()], after[name][()]
            assert str(x) == str(y) if x.dtype.hasobject else x.tobytes() == y.tobytes()


def test_info_shows_how_datasets_are_stored():
    write_everything("in.h5")
    run("repack", "in.h5", "out.h5", "--preset", "superfast")
    text = run("info", "out.h5").stdout
    assert "/zebra/images  20 × 64 × 80  uint16, " in text
    assert "h5h264 superfast" in text and "bits noise" in text
    assert "/soft  → /zebra/images" in text and "/external  → other.h5:/x" in text
    assert run("info", "out.h5:/zebra/images").stdout.count("chunks of") == 1
    objects = {o["path"]: o for o in json.loads(run("info", "--json", "out.h5").stdout)["objects"]}
    images = objects["/zebra/images"]
    assert images["h5h264"]["preset"] == "superfast"
    assert images["h5h264"]["kinds"][0]["format_version"] == 3
    assert images["raw_bytes"] == 20 * 64 * 80 * 2
    with h5py.File("out.h5") as file:
        assert images["stored_bytes"] == file["zebra/images"].id.get_storage_size()
    assert "No such file" in run("info", "none.h5", status=1).stderr
    assert "nowhere" in run("info", "out.h5:/nowhere", status=1).stderr


def test_bench_compares_filters():
    with h5py.File("in.h5", "w") as file:
        file["frames"] = frames()
    assert "h5h264 superfast" in run("bench", "in.h5:/frames").stdout
    report = json.loads(run("bench", "--json", "in.h5:/frames").stdout)
    ratios = {outcome["filter"]: outcome["ratio"] for outcome in report["filters"]}
    assert ratios["h5h264 ultrafast"] > ratios["shuffle, gzip 4"] > 1
    assert "Suggestion: h5h264" in report["suggestion"]
