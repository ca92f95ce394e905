"""Lossless video: what is read is what was written, by this package, the `ffmpeg` program and PyAV."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import h5py
import numpy as np
import pytest

import h5h264
from h5h264 import video

KINDS = {
    "gray8": ("u1", (), "gray", ["mp4", "mkv"]),
    "rgb24": ("u1", (3,), "rgb24", ["mp4", "mkv"]),
    "gray16": ("u2", (), "gray16le", ["mkv"]),
}
CASES = [(kind, extension) for kind, row in KINDS.items() for extension in row[3]]


def make_frames(kind, n=20, height=48, width=64):
    """Gradients that move, of all values, with some noise."""
    dtype, components = np.dtype(KINDS[kind][0]), KINDS[kind][1]
    rng = np.random.default_rng(n * height + width)
    t, y, x = np.ogrid[:n, :height, :width]
    levels = (3 * x + 5 * y + 7 * t) * (1 if dtype.itemsize == 1 else 101)
    if components:
        levels = levels[..., None] + 85 * np.arange(3)
    return (levels + rng.integers(0, 5, (n, height, width, *components))).astype(dtype)


def ffmpeg_read(path, pixel_format, shape, dtype):
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", pixel_format, "-"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(output, np.dtype(dtype)).reshape(-1, *shape)


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("kind, extension", CASES)
@pytest.mark.parametrize("n, height, width", [(20, 48, 64), (5, 33, 17), (1, 48, 64), (1, 1, 1), (3, 1, 300)])
def test_everyone_reads_what_was_written(tmp_path, kind, extension, n, height, width):
    path = tmp_path / f"video.{extension}"
    frames = make_frames(kind, n, height, width)
    video.mimwrite(path, frames, fps=25, preset="medium")
    assert names_in(tmp_path) == [path.name]

    found = video.mimread(path)
    assert found.dtype == frames.dtype
    np.testing.assert_array_equal(found, frames)

    pixel_format = KINDS[kind][2]
    np.testing.assert_array_equal(ffmpeg_read(path, pixel_format, frames.shape[1:], frames.dtype), frames)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 25
        decoded = [frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)]
    np.testing.assert_array_equal(np.stack(decoded), frames)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_colours_keep_their_order(tmp_path, extension):
    path = tmp_path / f"video.{extension}"
    frame = np.zeros((16, 32, 3), "u1")
    frame[:, :10, 0], frame[:, 10:20, 1], frame[:, 20:, 2] = 200, 150, 100
    video.mimwrite(path, [frame])
    np.testing.assert_array_equal(video.mimread(path)[0], frame)
    with av.open(str(path)) as container:
        decoded = next(container.decode(video=0))
    assert decoded.format.name == "gbrp"
    np.testing.assert_array_equal(decoded.to_ndarray(format="rgb24"), frame)


def test_libx264rgb_of_others_is_read(tmp_path):
    frames = make_frames("rgb24")
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-i", "-"]
    command = ["ffmpeg", "-v", "error", *raw, "-c:v", "libx264rgb", "-qp", "0", tmp_path / "a.mkv"]
    subprocess.run(command, check=True, input=frames.tobytes())
    np.testing.assert_array_equal(video.mimread(tmp_path / "a.mkv"), frames)


@pytest.mark.parametrize("fps", [1, 29.97, Fraction(30000, 1001), np.float32(12.5), 1000])
def test_frame_rates_are_kept(tmp_path, fps):
    for extension in "mp4", "mkv":
        path = tmp_path / f"video.{extension}"
        frames = make_frames("gray8", 30, 16, 16)
        video.mimwrite(path, frames, fps=fps)
        with video.VideoReader(path) as reader:
            assert float(reader.fps) == pytest.approx(float(fps), rel=1e-4)
            assert (reader.shape, reader.dtype) == ((16, 16), np.uint8)
        np.testing.assert_array_equal(ffmpeg_read(path, "gray", (16, 16), "u1"), frames)


def test_frames_may_come_from_anywhere(tmp_path):
    frames = make_frames("gray16")
    path = tmp_path / "video.mkv"
    for given in [
        list(frames),
        (frame for frame in frames),
        frames.astype(">u2"),
        np.asfortranarray(frames),
        np.stack([frames, frames], axis=-1)[..., 0],
    ]:
        video.mimwrite(path, given)
        np.testing.assert_array_equal(video.mimread(path), frames)


def test_a_writer_takes_frames_one_by_one(tmp_path):
    frames = make_frames("rgb24", 7)
    path = tmp_path / "video.mp4"
    with video.LosslessVideoWriter(path, shape=frames.shape[1:], fps=10, preset="ultrafast") as writer:
        writer.write(frames[0])
        assert not path.exists()
        writer.mimwrite(frames[1:])
    np.testing.assert_array_equal(list(video.imiter(path)), frames)
    with pytest.raises(ValueError, match="closed"):
        writer.write(frames[0])



def test_a_writer_can_be_opened_again(tmp_path):
    writer = video.LosslessVideoWriter(tmp_path / "video.mkv")
    for frames in make_frames("gray8"), make_frames("rgb24", 3, 20, 30):
        writer.open()
        writer.open()
        writer.write(frames[0])
        writer.close()
        writer.close()
        np.testing.assert_array_equal(video.mimread(tmp_path / "video.mkv"), frames[:1])


def test_an_exception_leaves_what_was_there(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"before")

    def frames():
        yield np.zeros((16, 16), "u1")
        yield np.zeros((16, 17), "u1")

    with pytest.raises(ValueError, match=r"\(16, 17\) \(expected \(16, 16\)\)"):
        video.mimwrite(path, frames())
    assert names_in(tmp_path) == [path.name]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize(
    "frames, says",
    [
        (np.zeros((2, 16, 16), "i4"), "int32"),
        (np.zeros((2, 16, 16), "f4"), "float32"),
        (np.zeros((2, 16, 16), bool), "bool"),
        (np.zeros((2, 16, 16, 3), "u2"), "uint16"),
        (np.zeros((2, 16, 16, 4), "u1"), "4"),
        (np.zeros((16, 16), "u1"), "n × height × width"),
        (np.zeros((2, 0, 16), "u1"), "0 × 16"),
        (np.zeros((1, 1, 16385), "u1"), "16385"),
        (np.zeros((0, 16, 16), "u1"), "no frames"),
        ([], "no frames"),
        ([np.zeros((16, 16), "u1"), np.zeros((16, 16), "u2")], "uint16"),
        ([["a"]], "shape"),
    ],
)
def test_wrong_frames_are_value_errors(tmp_path, frames, says):
    with pytest.raises(ValueError, match=says):
        video.mimwrite(tmp_path / "video.mkv", frames)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "name, options",
    [
        ("video.avi", {}),
        ("video", {}),
        ("video.mp4", {"fps": 0}),
        ("video.mp4", {"fps": float("nan")}),
        ("video.mp4", {"fps": "fast"}),
        ("video.mkv", {"fps": 1001}),
        ("video.mp4", {"preset": "best"}),
    ],
)
def test_wrong_options_are_value_errors(tmp_path, name, options):
    with pytest.raises(ValueError):
        video.mimwrite(tmp_path / name, make_frames("gray8"), **options)
    with pytest.raises(ValueError, match="expected .mkv"):
        video.mimwrite(tmp_path / "video.mp4", make_frames("gray16"))
    assert names_in(tmp_path) == []


def test_a_missing_folder_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        video.mimwrite(tmp_path / "nowhere" / "video.mkv", make_frames("gray8"))
    assert names_in(tmp_path) == []


def test_a_failing_encoder_says_why(tmp_path):
    (tmp_path / "video.mkv").mkdir()
    with pytest.raises(OSError, match="video.mkv is a folder"):
        video.mimwrite(tmp_path / "video.mkv", make_frames("gray8", 100, 200, 200))


@pytest.fixture
def full_disk(tmp_path):
    """A folder with room for 100 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", folder]
    if sys.platform != "linux" or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("file systems can't be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_says_so(full_disk):
    frames = np.random.default_rng(0).integers(0, 256, (50, 100, 100), "u1")
    for extension in "mp4", "mkv":
        with pytest.raises(OSError, match="No space left"):
            video.mimwrite(full_disk / f"video.{extension}", frames, preset="ultrafast")
        assert names_in(full_disk) == []


def test_a_killed_writer_leaves_no_file(tmp_path):
    code = f"""
        import os, signal
        import numpy as np
        from h5h264 import video
        writer = video.LosslessVideoWriter({str(tmp_path / "video.mp4")!r})
        writer.write(np.zeros((64, 64), "u1"))
        print(writer._child.process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert killed.returncode == -signal.SIGKILL
    pid = int(killed.stdout)
    for _ in range(1000):
        if not os.path.exists(f"/proc/{pid}"):
            break
        subprocess.run(["sleep", "0.01"], check=True)
    assert names_in(tmp_path) == []


def test_what_is_no_video_can_not_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.mp4"):
        video.mimread(tmp_path / "nowhere.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(OSError, match="^h5h264: .*text.mp4.*$"):
        video.mimread(tmp_path / "text.mp4")


def test_damage_is_an_error(tmp_path):
    path = tmp_path / "video.mkv"
    frames = make_frames("gray16", 10, 200, 200)
    video.mimwrite(path, frames)
    stored = bytearray(path.read_bytes())
    stored[len(stored) // 2] ^= 0x10
    path.write_bytes(stored)
    with pytest.raises(OSError, match="damaged|decoded"):
        video.mimread(path)


def test_a_long_video_needs_memory_for_some_frames_only(tmp_path):
    path = tmp_path / "video.mp4"
    frame = make_frames("gray8", 1, 1024, 1024)[0]
    video.mimwrite(path, (np.roll(frame, t) for t in range(300)), preset="ultrafast")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    n = 0
    for found in video.imiter(path):
        assert found[0, 0] == np.roll(frame, n)[0, 0]
        n += 1
    assert n == 300
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000 * (1024 if sys.platform == "darwin" else 1)


def test_reading_may_stop_early(tmp_path):
    path = tmp_path / "video.mp4"
    frames = make_frames("gray8", 50, 256, 256)
    video.mimwrite(path, frames, preset="ultrafast")
    first = next(video.imiter(path))
    np.testing.assert_array_equal(first, frames[0])
    with video.VideoReader(path) as reader:
        next(iter(reader))
        process = reader._child.process
    assert process.poll() is not None
    assert list(reader) == []


class Interrupt(Exception):
    """What a signal raises here, as Ctrl-C raises KeyboardInterrupt."""


@pytest.fixture
def interrupt_soon():
    def interrupt(*_):
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.02)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_writer_that_was_interrupted_writes_no_file(tmp_path, interrupt_soon):
    path = tmp_path / "video.mkv"
    frame = np.zeros((4000, 4000), "u1")
    writer = video.LosslessVideoWriter(path, preset="medium")
    writer.write(frame)
    with pytest.raises(Interrupt):
        interrupt_soon()
        for _ in range(100):
            writer.write(frame)
    for step in (lambda: writer.write(frame), writer.close):
        with pytest.raises(OSError, match="interrupted"):
            step()
    assert names_in(tmp_path) == []
    writer.open()
    writer.write(frame[:2, :2])
    writer.close()
    assert video.mimread(path).shape == (1, 2, 2)


def test_a_reader_that_was_interrupted_gives_no_frames(tmp_path, interrupt_soon):
    path = tmp_path / "video.mkv"
    video.mimwrite(path, np.random.default_rng(0).integers(0, 255, (60, 1000, 1000), "u1"), preset="ultrafast")
    with video.VideoReader(path) as reader:
        with pytest.raises(Interrupt):
            interrupt_soon()
            for _ in reader:
                pass
            time.sleep(1)
        with pytest.raises(OSError, match="interrupted"):
            list(reader)


def test_a_writer_that_has_failed_stays_closed(tmp_path):
    path = tmp_path / "video.mp4"
    frames = make_frames("gray8", 12)
    writer = video.LosslessVideoWriter(path)
    writer.write(frames[0])
    writer._child.process.kill()
    writer._child.process.wait()
    with pytest.raises(OSError):
        writer.write(frames[1])
    for step in (lambda: writer.write(frames[2]), writer.close):
        with pytest.raises(OSError, match="status -9"):
            step()
    assert not path.exists()


def test_what_nobody_closes_is_not_written(tmp_path):
    path = tmp_path / "video.mp4"
    video.mimwrite(path, make_frames("gray8", 5))
    before = path.read_bytes()
    writer = video.LosslessVideoWriter(path)
    writer.write(make_frames("gray8", 1)[0])
    with pytest.warns(ResourceWarning, match="not closed"):
        del writer
    assert path.read_bytes() == before and names_in(tmp_path) == [path.name]


def test_threads_may_write_to_one_video(tmp_path):
    frames = make_frames("gray8", 40)
    for i in range(5):
        path = tmp_path / f"{i}.mkv"
        with video.LosslessVideoWriter(path, preset="ultrafast") as writer, ThreadPoolExecutor(8) as pool:
            list(pool.map(writer.write, frames))
        found = video.mimread(path)
        assert sorted(map(bytes, found)) == sorted(map(bytes, frames))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_leaves_the_video_alone(tmp_path):
    path = tmp_path / "video.mkv"
    frames = make_frames("gray8", 12)
    writer = video.LosslessVideoWriter(path)
    for frame in frames[:6]:
        writer.write(frame)
    reader_path = tmp_path / "other.mkv"
    video.mimwrite(reader_path, frames)
    reader = video.VideoReader(reader_path)
    child = os.fork()
    if child == 0:
        try:
            writer.write(frames[6])
        except ValueError:
            writer.close()
            reader.close()
            del writer, reader
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    for frame in frames[6:]:
        writer.write(frame)
    writer.close()
    np.testing.assert_array_equal(video.mimread(path), frames)
    np.testing.assert_array_equal(list(reader), frames)


@pytest.mark.parametrize("shape", [5, (None, 8), "ab", (8, 8, 4), (0, 8)])
def test_shapes_that_are_none_are_value_errors(tmp_path, shape):
    with pytest.raises(ValueError, match="expected"):
        video.LosslessVideoWriter(tmp_path / "video.mp4", shape=shape)


def test_datasets_bytes_paths_and_masks(tmp_path):
    frames = make_frames("gray16", 12)
    path = os.fsencode(tmp_path / "video.mkv")
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        dataset = file.create_dataset("frames", data=frames, chunks=(5, 48, 64), compression=h5h264.H264())
        video.mimwrite(path, dataset)
    np.testing.assert_array_equal(video.mimread(path), frames)
    with pytest.raises(ValueError, match="masked"):
        video.mimwrite(path, np.ma.masked_less(frames, 100))
    np.testing.assert_array_equal(video.mimread(path), frames)
