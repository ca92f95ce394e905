"""`write` and `read`: what plain h5py does, in less time and memory."""

import itertools
import sys
import time

import h5h264
import h5py
import numpy as np
import pytest
from h5h264 import H264

from support import check_stored, filters, movie, noise, run_python, same_bytes, start_python, stored_chunks

SHAPE = (25, 50, 70)


@pytest.fixture(scope="module")
def frames():
    return movie(SHAPE, "<u2")


def plain(group, name, array, chunks, preset="ultrafast", **kwargs):
    return group.create_dataset(name, data=array, chunks=chunks, compression=H264(preset), **kwargs)


@pytest.mark.parametrize(
    "shape, chunks, dtype, kwargs",
    [
        (SHAPE, (10, 50, 70), "<u2", {}),
        (SHAPE, (5, 50, 70), ">i4", {"preset": "medium"}),
        (SHAPE, (4, 23, 33), "u1", {}),  # chunks at every edge
        (SHAPE, (4, 23, 33), "<f4", {"fillvalue": -1.5}),
        (SHAPE, (4, 23, 33), "<c8", {}),
        (SHAPE, (4, 23, 33), "?", {"fillvalue": True}),
        ((50, 70), (50, 70), "<u2", {}),
        ((5000,), (999,), "<f8", {}),
        ((3, 4, 40, 60, 3), (2, 3, 40, 60, 3), "u1", {}),
        (SHAPE, (10, 50, 70), "<u2", {"maxshape": (None, 50, 70)}),
        # Here HDF5 does the work.
        (SHAPE, (4, 23, 33), "<u2", {"shuffle": True}),
        (SHAPE, (4, 23, 33), "<u2", {"fletcher32": True}),
        (SHAPE, (4, 23, 33), "<u2", {"dtype": "<f4"}),
    ],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_stored_bytes_are_those_of_plain_h5py(path, shape, chunks, dtype, kwargs, threads):
    array = movie(shape, dtype)
    with h5py.File(path, "w") as file:
        expected = plain(file, "expected", array, chunks, **kwargs)
        written = h5h264.write(file, "written", array, chunks=chunks, threads=threads, **kwargs)
        assert filters(written) == filters(expected)
        assert (written.shape, written.maxshape, written.dtype) == (
            expected.shape,
            expected.maxshape,
            expected.dtype,
        )
        assert sorted(stored_chunks(written)) == sorted(stored_chunks(expected))
    with h5py.File(path) as file:
        assert same_bytes(file["written"][()], file["expected"][()])
        assert same_bytes(h5h264.read(file["written"], threads=threads), file["expected"][()])


@pytest.mark.parametrize("dtype", ["<u2", "u1"])
@pytest.mark.parametrize("chunk_length", [1, 2, 6])
def test_frames_that_one_thread_codes_here_and_several_in_hdf5(path, dtype, chunk_length):
    array = movie((6, 540, 620), dtype)
    chunks = (chunk_length, 540, 620)
    with h5py.File(path, "w") as file:
        expected = plain(file, "expected", array, chunks)
        written = h5h264.write(file, "written", array, chunks=chunks)
        assert sorted(stored_chunks(written)) == sorted(stored_chunks(expected))


@pytest.mark.parametrize(
    "kind", ["memory map", "hdf5", "generator", "list", "iterator of lists", "dask", "strided", "virtual"]
)
def test_frames_come_from_anywhere(path, frames, kind):
    with h5py.File(path, "w") as file:
        source = frames_from(kind, frames, file, path)
        dataset = h5h264.write(file, "frames", source, chunks=(10, 50, 70))
        check_stored(dataset)
        assert dataset.maxshape[0] == (None if kind in ("generator", "list", "iterator of lists") else 25)
        expected = frames.astype("i8") if kind == "iterator of lists" else frames
        assert same_bytes(dataset[()], expected)


def frames_from(kind, frames, file, path):
    if kind == "memory map":
        frames.tofile(path.with_suffix(".raw"))
        return np.memmap(path.with_suffix(".raw"), frames.dtype, "r", shape=frames.shape)
    if kind == "hdf5":
        return file.create_dataset("source", data=frames)
    if kind == "dask":
        import dask.array

        return dask.array.from_array(frames, chunks=(7, 20, 70))
    if kind == "virtual":
        layout = h5py.VirtualLayout(SHAPE, "<u2")
        layout[:] = h5py.VirtualSource(file.create_dataset("source", data=frames))
        return file.create_virtual_dataset("virtual", layout)
    return {
        "generator": (frame for frame in frames),
        "list": list(frames),
        "iterator of lists": (frame.tolist() for frame in frames),
        "strided": np.asfortranarray(np.concatenate([frames, frames], axis=2))[..., :70],
    }[kind]


@pytest.mark.parametrize("n_before", [0, 1, 10, 13])
@pytest.mark.parametrize("generator", [True, False])
@pytest.mark.parametrize("chunks", [(10, 50, 70), (10, 23, 33)])
def test_appending(path, frames, n_before, generator, chunks):
    with h5py.File(path, "w") as file:
        for part in np.split(frames, [n_before, n_before + 4]):
            source = iter(part) if generator and len(part) else part
            written = h5h264.write(file, "frames", source, chunks=chunks, append=True, preset="superfast")
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)
        assert H264.from_dataset(file["frames"]) == H264("superfast")
    assert not written


def test_a_failing_write_leaves_nothing_behind(path, frames):
    def failing():
        yield from frames
        raise RuntimeError("the camera is gone")

    def of_another_shape():
        yield from frames
        yield frames[0, 1:]

    with h5py.File(path, "w") as file:
        file["other"] = 7
        for source, error, sentence in [
            (failing(), RuntimeError, "the camera is gone"),
            (
                of_another_shape(),
                ValueError,
                r"frame 25 has the shape \(49, 70\) \(expected \(50, 70\), as frame 0\)",
            ),
            ([frames[0], frames[1].astype("i4")], ValueError, "frame 1 has the type int32 .expected uint16"),
            ([], ValueError, "frames is empty"),
            (np.array(["text"]), TypeError, "<U4"),
            (5, TypeError, "frames is a int"),
            ("frames.tif", TypeError, "frames is a str"),
        ]:
            with pytest.raises(error, match=sentence):
                h5h264.write(file, "frames", source, chunks=None)
            assert list(file) == ["other"]
        with pytest.raises(ValueError, match="name already exists"):
            h5h264.write(file, "other", frames)
        assert file["other"][()] == 7


def test_a_failing_append_leaves_the_old_frames(path, frames):
    def failing():
        yield from frames
        raise KeyboardInterrupt

    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", iter(frames[:13]), chunks=(5, 50, 70))
        with pytest.raises(KeyboardInterrupt):
            h5h264.write(file, "frames", failing(), append=True)
        assert same_bytes(dataset[()], frames[:13])
        for source, sentence in [
            (frames[:, 1:], r"frames of shape \(49, 70\) \(expected \(50, 70\), as in /frames\)"),
            (frames.astype("i4"), r"frames of type int32 \(expected uint16, as in /frames\)"),
        ]:
            with pytest.raises(ValueError, match=sentence):
                h5h264.write(file, "frames", source, append=True)
        fixed = h5h264.write(file, "fixed", frames)
        with pytest.raises(ValueError, match=r"50 frames do not fit /fixed \(expected at most 25\)"):
            h5h264.write(file, "fixed", frames, append=True)
        assert same_bytes(fixed[()], frames)


SELECTIONS = [
    np.s_[...],
    (),
    3,
    -1,
    np.int64(4),
    np.s_[2:20:3],
    np.s_[:, 5],
    np.s_[..., 7],
    np.s_[3, ..., 7],
    np.s_[3, 4, 5],
    np.s_[5:25, 10:40:7, ::3],
    np.s_[-5:-2, -30:],
    np.s_[10:5],
    np.s_[:1000],
    np.s_[[0, 4, 9], ::7],
    np.s_[:, [1, 2]],
]


@pytest.mark.parametrize("chunks", [(10, 50, 70), (4, 23, 33)])
def test_selections(path, frames, chunks):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames, chunks=chunks)
        for selection in SELECTIONS:
            found, expected = h5h264.read(dataset, selection), dataset[selection]
            assert type(found) is type(expected) and same_bytes(np.asarray(found), np.asarray(expected)), (
                selection
            )
            out = np.full(np.shape(expected), 7, "<u2")
            assert h5h264.read(dataset, selection, out=out) is out
            assert same_bytes(out, np.asarray(expected)), selection
        assert same_bytes(h5h264.read(dataset, frames > 33_000), frames[frames > 33_000])


@pytest.mark.parametrize(
    "selection",
    [
        25,
        -26,
        np.s_[0, 0, 0, 0],
        np.s_[::-1],
        np.s_[..., 0, ...],
        "name",
        1.5,
        None,
        np.s_[[99]],
        np.s_[[4, 3]],
    ],
)
def test_selections_that_h5py_refuses_raise_its_errors(path, frames, selection):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames)
        with pytest.raises(Exception) as expected:
            dataset[selection]
        with pytest.raises(expected.type) as found:
            h5h264.read(dataset, selection)
        assert str(found.value).endswith(str(expected.value))


def test_reading_into_arrays(path, frames):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames)
        out = np.zeros((50, 70, 25), "<u2").transpose(2, 0, 1)
        assert same_bytes(h5h264.read(dataset, out=out), frames)
        out = np.zeros(SHAPE, "f8")
        assert same_bytes(h5h264.read(dataset, out=out), frames.astype("f8"))
        clipped = np.zeros(SHAPE, "u1")
        assert (h5h264.read(dataset, out=clipped) == dataset.astype("u1")[()]).all()
        for dtype in ("<u2", "f8"):
            with pytest.raises(ValueError, match=r"out has the shape \(3, 4\) \(expected \(50, 70\)"):
                h5h264.read(dataset, 0, out=np.zeros((3, 4), dtype))
        with pytest.raises(TypeError, match="out is a list"):
            h5h264.read(dataset, out=[])
        constant = np.zeros(SHAPE, "<u2")
        constant.flags.writeable = False
        with pytest.raises(ValueError, match="out can't be written to"):
            h5h264.read(dataset, out=constant)


def test_what_is_not_on_disk(path, frames):
    """Chunks that were never written, that HDF5 has in its cache still, and that were stored without
    the filter."""
    with h5py.File(path, "w", rdcc_nbytes=2**26) as file:
        dataset = file.create_dataset("a", SHAPE, "<u2", chunks=(5, 50, 70), compression=H264(), fillvalue=9)
        dataset[6:8] = frames[6:8]
        dataset.id.write_direct_chunk((15, 0, 0), frames[15:20].tobytes(), 1)
        expected = np.full(SHAPE, 9, "<u2")
        expected[6:8], expected[15:20] = frames[6:8], frames[15:20]
        assert same_bytes(h5h264.read(dataset), expected)
        dataset[16] = 3
        expected[16] = 3
        assert same_bytes(h5h264.read(dataset), expected)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_what_other_filters_and_types_need_hdf5_for(path, libver):
    array = movie((6, 40, 60), "<u2")
    records = np.zeros((6, 40, 60), [("a", "<u2"), ("b", "<u2")])
    records["a"] = array
    with h5py.File(path, "w", libver=libver) as file:
        datasets = {
            "contiguous": file.create_dataset("contiguous", data=array),
            "gzip": file.create_dataset("gzip", data=array, compression="gzip"),
            "shuffle": h5h264.write(file, "shuffle", array, shuffle=True),
            "records": h5h264.write(file, "records", records, chunks=(2, 40, 60)),
            "of arrays": file.create_dataset(
                "of arrays", (6, 40), ("<u2", (2,)), chunks=(3, 40), compression=H264()
            ),
            "scalar": file.create_dataset("scalar", data=7),
            "text": file.create_dataset("text", data="text"),
        }
        for dataset in datasets.values():
            assert np.array_equal(h5h264.read(dataset, ()), dataset[()])
        assert isinstance(h5h264.read(file.create_dataset("empty", data=h5py.Empty("f4")), ()), h5py.Empty)


def test_partial_chunks_that_hdf5_leaves_unfiltered(path, frames):
    """A C program can ask for that (H5Pset_chunk_opts): then reading goes through HDF5, and appending,
    too."""
    script = """
        import ctypes, sys, h5py, h5h264
        import numpy as np
        from support import movie, same_bytes
        with open("/proc/self/maps") as maps:
            (name,) = {line.split()[-1] for line in maps if "libhdf5-" in line or "libhdf5.so" in line}
        hdf5 = ctypes.CDLL(name)
        frames = movie((25, 50, 70), "<u2")
        with h5py.File(sys.argv[1], "w", libver="latest") as file:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_chunk((10, 50, 40))
            plist.set_filter(32010, h5py.h5z.FLAG_OPTIONAL, ())
            assert hdf5.H5Pset_chunk_opts(ctypes.c_int64(plist.id), 2) >= 0
            space = h5py.h5s.create_simple((0, 50, 70), (h5py.h5s.UNLIMITED, 50, 70))
            dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, dcpl=plist))
            h5h264.write(file, "frames", frames[:7], append=True)
            h5h264.write(file, "frames", frames[7:], append=True)
            assert same_bytes(h5h264.read(dataset), frames)
        with h5py.File(sys.argv[1]) as file:
            assert same_bytes(file["frames"][()], frames)
            assert same_bytes(h5h264.read(file["frames"], np.s_[3:22:2, ::3]), frames[3:22:2, ::3])
    """
    assert run_python(script, path) == ""


def test_damage_is_reported_as_by_h5py(path, frames):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames, chunks=(5, 50, 70))
        stored = dataset.id.read_direct_chunk((10, 0, 0))[1]
        dataset.id.write_direct_chunk((10, 0, 0), stored[:-1])
        with pytest.raises(OSError) as expected:
            dataset[10]
        with pytest.raises(OSError) as found:
            h5h264.read(dataset)
        assert str(found.value).endswith(str(expected.value))
        with pytest.raises(OSError) as described:
            h5h264.info(dataset)
        for error in (found, described):
            assert str(error.value).startswith("/frames, chunk at (10, 0, 0): ")
            assert "h5h264: damaged chunk: its" in str(error.value)
        assert same_bytes(h5h264.read(dataset, np.s_[:10]), frames[:10])


def test_arguments_of_the_wrong_kind(path, frames):
    with h5py.File(path, "w") as file:
        with pytest.raises(TypeError, match="group is a str"):
            h5h264.write(str(path), "frames", frames)
        with pytest.raises(TypeError, match="dataset is a File"):
            h5h264.read(file)
        for threads, error in [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)]:
            with pytest.raises(error, match="threads is"):
                h5h264.write(file, "frames", frames, threads=threads)
        assert list(file) == []


def test_progress_is_shown_if_asked_for(path, frames, capfd):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames)
        h5h264.read(dataset)
        assert capfd.readouterr() == ("", "")
        h5h264.write(file, "shown", iter(frames), progress=True)
        h5h264.read(dataset, progress=True)
    output = capfd.readouterr()
    assert output.out == "" and "writing /shown" in output.err and "reading /frames" in output.err


def test_the_number_of_threads(path, monkeypatch):
    from h5h264 import _parallel

    assert _parallel.n_threads(3) == 3
    monkeypatch.setenv("H5H264_THREADS", "5")
    assert _parallel.n_threads(None) == 5
    monkeypatch.setenv("H5H264_THREADS", "nonsense")
    assert _parallel.n_threads(None) >= 1


def test_texts_are_left_to_hdf5(path):
    texts = np.array([["a", "b"], ["c", "de"]], object)
    with h5py.File(path, "w") as file:
        options = {"chunks": (1, 2), "dtype": h5py.string_dtype(), "maxshape": (None, 2)}
        written = h5h264.write(file, "texts", texts, preset=H264(frame=(1, 2), sample_bytes=8), **options)
        h5h264.write(file, "texts", written, append=True)
    with h5py.File(path) as file:
        assert h5h264.read(file["texts"]).tolist() == 2 * [[b"a", b"b"], [b"c", b"de"]]


def test_a_dataset_is_appended_to_itself(path, frames):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", iter(frames), chunks=(10, 50, 70))
        h5h264.write(file, "frames", dataset, append=True)
        assert same_bytes(dataset[()], np.concatenate([frames, frames]))


@pytest.mark.parametrize("lie", [lambda slab: slab[:-1], lambda slab: slab[:, 1:], lambda slab: slab.astype("i4")])
def test_arrays_that_give_other_slices_than_they_say_are_refused(path, frames, lie):
    class Liar:
        shape, dtype = frames.shape, frames.dtype

        def __getitem__(self, key):
            return lie(frames[key])

    with h5py.File(path, "w") as file:
        with pytest.raises(ValueError, match="frames 0 to 10 have come as .*expected uint16 × "):
            h5h264.write(file, "frames", Liar(), chunks=(10, 50, 70))
        assert list(file) == []


def test_records_with_gaps_and_datasets_that_are_not_filled(path):
    records = np.zeros((5, 40, 50), np.dtype([("a", "u1"), ("b", "<u4")], align=True))
    records["a"], records["b"] = movie((5, 40, 50), "u1"), movie((5, 40, 50), "<u4")
    with h5py.File(path, "w") as file:
        # HDF5 itself leaves anything in the gaps of the chunks at the edges.
        for chunks in [(1, 20, 50), (2, 23, 50)]:
            for name, array, options in [("gaps", records, {}), ("bare", records["b"], {"fill_time": "never"})]:
                expected = plain(file, f"expected {name} {chunks}", array, chunks, **options)
                written = h5h264.write(file, f"{name} {chunks}", array, chunks=chunks, **options)
                if name == "bare" or chunks == (1, 20, 50):
                    assert sorted(stored_chunks(written)) == sorted(stored_chunks(expected))
                assert np.array_equal(h5h264.read(written), array)
                streamed = h5h264.write(file, f"streamed {name} {chunks}", iter(array), chunks=chunks, **options)
                assert np.array_equal(h5h264.read(streamed), array)


def test_there_is_room_for_so_many_frames(path, frames):
    with h5py.File(path, "w") as file:
        for name, kwargs in [("new", {}), ("old", {"append": True})]:
            if kwargs:
                h5h264.write(file, name, frames[:5], maxshape=(20, 50, 70))
            with pytest.raises(ValueError, match=r"25 frames do not fit|30 frames do not fit"):
                h5h264.write(file, name, iter(frames), chunks=(5, 50, 70), maxshape=(20, 50, 70), **kwargs)
        assert list(file) == ["old"] and same_bytes(file["old"][()], frames[:5])
    with h5py.File(path) as file:
        with pytest.raises(ValueError, match="/old can't be appended to: its file is open for reading"):
            h5h264.write(file, "old", frames[:1], append=True)


def test_a_failing_write_leaves_nothing(path, frames):
    def failing():
        yield from frames
        raise OSError("no camera")

    with h5py.File(path, "w") as file:
        file.create_group("there")
        for name in ("there/new/frames", "/new/frames", "frames", None):
            with pytest.raises(OSError, match="no camera"):
                h5h264.write(file, name, failing())
        assert list(file) == ["there"] and list(file["there"]) == []
        assert h5h264.write(file, None, frames).name is None


def test_what_h5py_is_told_by_write_itself(path, frames):
    with h5py.File(path, "w") as file:
        with pytest.raises(TypeError, match="compression is not an argument"):
            h5h264.write(file, "frames", frames, compression="gzip")
        with pytest.raises(ValueError, match=r"frames of shape \(0, 7\) have no pixels"):
            h5h264.write(file, "frames", np.zeros((5, 0, 7)))
        assert h5h264.write(file, "frames", frames, chunks=True).chunks == h5h264.chunks(frames.shape, "u2")


STREAM = """
    import resource, sys, h5py, h5h264
    import numpy as np
    tile = np.random.default_rng(0).poisson(100, (1024, 512)).astype("<u2")
    n = int(sys.argv[2])

    def frames():
        for t in range(n):
            yield tile[t % 512:][:512]

    def peak_mib():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    with h5py.File(sys.argv[1], "w") as file:
        before = peak_mib()
        dataset = h5h264.write(file, "frames", frames(), threads=2)
        print(peak_mib() - before, len(dataset))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
def test_a_stream_takes_no_more_memory_when_it_is_longer(path):
    peaks = []
    for n in (200, 800):  # 100 and 400 MiB
        peak, n_frames = run_python(STREAM, path, n).split()
        assert int(n_frames) == n
        peaks.append(float(peak))
    assert peaks[1] < peaks[0] + 30 and peaks[1] < 200, peaks


def test_incompressible_frames(path):
    array = noise((8, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        check_stored(h5h264.write(file, "frames", array, chunks=(3, 40, 60)))
        assert same_bytes(h5h264.read(file["frames"]), array)


def test_every_combination_of_slices(path):
    array = movie((4, 9, 10), "<u2")
    keys = [slice(None), slice(1, None, 2), slice(2, 3), 1, -1]
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", array, chunks=(3, 4, 4))
        for selection in itertools.product(keys, repeat=3):
            assert same_bytes(np.asarray(h5h264.read(dataset, selection)), np.asarray(array[selection])), (
                selection
            )


def test_stored_chunks_of_the_wrong_size(path, frames):
    """HDF5 has the say on what somebody has made up."""
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames, chunks=(5, 50, 70))
        dataset.id.write_direct_chunk((5, 0, 0), h5h264.encode(frames[5:9]))
        with pytest.raises(OSError) as expected:
            dataset[5]
        with pytest.raises(OSError) as found:
            h5h264.read(dataset, 5)
        assert str(found.value).endswith(str(expected.value))
        assert same_bytes(h5h264.read(dataset, np.s_[10:]), frames[10:])


READER = """
    import sys, h5py, h5h264
    import numpy as np
    from support import movie
    frames = movie((47, 50, 70), "<u2")
    with h5py.File(sys.argv[1], swmr=True) as file:
        for _ in sys.stdin:
            file["frames"].refresh()
            n = len(file["frames"])
            assert np.array_equal(file["frames"][()], frames[:n])
            print(n, flush=True)
"""


@pytest.mark.parametrize("chunks, options", [((10, 50, 70), {}), ((10, 23, 70), {}), ((10, 50, 70), {"shuffle": True})])
def test_swmr_readers_see_a_chunk_while_the_next_is_waited_for(path, chunks, options):
    frames = movie((47, 50, 70), "<u2")
    seen = []

    def look(n):
        """How long it takes until a reader sees so many frames."""
        start = time.monotonic()
        while True:
            reader.stdin.write("look\n")
            reader.stdin.flush()
            if int(reader.stdout.readline()) >= n:
                return time.monotonic() - start
            assert time.monotonic() - start < 10, n

    def camera(start):
        for t in range(start, 47):
            yield frames[t]
            if (t + 1) % 10 == 0:
                seen.append(look(t + 1))

    with h5py.File(path, "w", libver="latest") as file:
        dataset = h5h264.write(file, "frames", iter(frames[:3]), chunks=chunks, **options)
        file.swmr_mode = True
        with start_python(READER, path) as reader:
            h5h264.write(file, "frames", camera(3), append=True)
            look(47)
            reader.stdin.close()
            assert reader.wait() == 0, reader.stderr.read()
        assert len(seen) == 4
        assert same_bytes(dataset[()], frames)


def test_what_was_flushed_stays(path, frames):
    def failing():
        yield from frames
        raise RuntimeError("the camera is gone")

    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", iter(frames[:10]), chunks=(10, 50, 70))
        with pytest.raises(RuntimeError, match="the camera is gone"):
            h5h264.write(file, "frames", failing(), append=True, flush="chunk")
        assert same_bytes(dataset[()], np.concatenate([frames[:10], frames[:20]]))
        with pytest.raises(ValueError, match="flush is 'always'"):
            h5h264.write(file, "other", frames, flush="always")
        written = h5h264.write(file, "flushed", frames, chunks=(10, 23, 33), flush="chunk")
        expected = plain(file, "expected", frames, (10, 23, 33))
        assert sorted(stored_chunks(written)) == sorted(stored_chunks(expected))
        with pytest.raises(ValueError, match="expected uint16"):
            h5h264.write(file, "new", [frames[0], frames[1].astype("i4")], flush="chunk")
        assert "new" not in file
