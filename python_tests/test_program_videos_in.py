"""convert reads videos of cameras: turned ones, ones of more than 8 bits, and says what is no video."""

import wave
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import create, movie, same_bytes


def converted(name, *options):
    run("convert", name, "-o", "out.h5", *options)
    with h5py.File("out.h5") as file:
        return file["frames"][:]


def encode(path, codec, arrays, source, pixel_format, **options):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = arrays.shape[1:3]
        stream.pix_fmt = pixel_format
        for array in arrays:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, source)))
        container.mux(stream.encode())


def turned(content, matrix):
    """An MP4 whose video asks to be turned."""
    at = content.index(b"tkhd") + 4 + (52 if content[content.index(b"tkhd") + 4] else 40)
    [a, b], [c, d] = matrix
    numbers = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    return content[:at] + b"".join(n.to_bytes(4, "big", signed=True) for n in numbers) + content[at + 36 :]


@pytest.mark.parametrize(
    "matrix, turn",
    [
        ([[0, 1], [-1, 0]], lambda array: np.rot90(array, -1, (1, 2))),
        ([[-1, 0], [0, -1]], lambda array: array[:, ::-1, ::-1]),
        ([[0, -1], [1, 0]], lambda array: np.rot90(array, 1, (1, 2))),
        ([[1, 0], [0, 1]], lambda array: array),
    ],
)
def test_videos_are_turned(matrix, turn):
    array = movie((5, 40, 60, 3), "u1")
    with h5py.File("a.h5", "w") as file:
        create(file, array)
    run("export", "a.h5:/frames", "a.mp4")
    Path("b.mp4").write_bytes(turned(Path("a.mp4").read_bytes(), matrix))
    assert np.array_equal(converted("b.mp4"), turn(array))
    assert same_bytes(converted("b.mp4", "--no-rotate"), array)


def test_colour_of_more_than_8_bits_stays():
    array = movie((4, 48, 64, 3), "u2") & 1023
    # Green, blue and red, one after the other.
    planes = np.ascontiguousarray(array[..., [1, 2, 0]])
    encode("rgb.mkv", "ffv1", planes, "gbrp10le", "gbrp10le")
    with av.open("rgb.mkv") as file:
        wanted = np.stack([frame.to_ndarray()[..., :] for frame in file.decode(video=0)])
    found = converted("rgb.mkv")
    assert found.dtype == "u2" and found.shape == (4, 48, 64, 3)
    assert np.array_equal(np.sort(found, axis=-1), np.sort(wanted.reshape(found.shape), axis=-1))


def test_yuv_of_10_bits_becomes_16():
    ramp = np.broadcast_to(np.linspace(64, 940, 64).astype("u2"), (3, 48, 64))
    encode("yuv.mkv", "ffv1", ramp, "gray10le", "yuv420p10le")
    found = converted("yuv.mkv")
    assert found.dtype == "u2" and found.shape == (3, 48, 64, 3)
    levels = found[0, 20, :, 1].astype(int)
    # PyAV takes gray levels for those of full range.
    assert np.abs(levels - ramp[0, 0].astype(float) * 65535 / 1023).max() <= 300 and (np.diff(levels) > 0).all()


def test_an_error_says_what_a_video_lacks():
    with wave.open("sound.wav", "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
        file.writeframes(bytes(16000))
    with av.open("sound.mp4", "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), "f4"), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert "sound.mp4: it has sound and no pictures" in run("convert", "sound.mp4", "-o", "x", status=1).stderr
    array = movie((9, 64, 80), "u1")
    with h5py.File("a.h5", "w") as file:
        create(file, array)
    run("export", "a.h5:/frames", "a.mp4")
    content = Path("a.mp4").read_bytes()
    Path("short.mp4").write_bytes(content[: len(content) // 2])
    error = run("convert", "short.mp4", "-o", "x", status=1).stderr
    assert "cut off" in error
    Path("noise.xyz").write_bytes(np.random.default_rng(0).bytes(5000))
    error = run("convert", "noise.xyz", "-o", "x", status=1).stderr
    assert "it is no image and no video that is known here" in error
    encode("one.h264", "libx264", movie((3, 64, 80, 3), "u1"), "rgb24", "yuv420p", bf="0")
    encode("two.h264", "libx264", movie((3, 48, 80, 3), "u1"), "rgb24", "yuv420p", bf="0")
    Path("both.h264").write_bytes(Path("one.h264").read_bytes() + Path("two.h264").read_bytes())
    error = run("convert", "both.h264", "-o", "x", status=1).stderr
    assert "frame 3 has 48 × 80 pixels of rgb24 (expected 64 × 80 pixels of rgb24, as before it)" in error
