"""Lossless video files, from arrays and to arrays.

>>> from h5h264 import video
>>> video.mimwrite("frames.mp4", frames, fps=100)
>>> np.array_equal(video.mimread("frames.mp4"), frames)
True

8-bit gray frames (height, width) and RGB frames (height, width, 3) become lossless H.264, in `.mp4` or
`.mkv`. 16-bit gray frames become FFV1, in `.mkv`. Files of other origin are read, too: gray of up to 16 bits
with the values that were coded, everything else as 8-bit RGB.
"""

from __future__ import annotations

import operator
import os
import subprocess
import threading
import warnings
from collections.abc import Iterable, Iterator
from fractions import Fraction
from numbers import Rational
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

import h5py
import numpy as np

from ._filter import H264
from ._program import start

__all__ = ["LosslessVideoWriter", "VideoReader", "imiter", "mimread", "mimwrite"]

_Path = Union[str, "os.PathLike[str]"]

_PROTOCOL = "h5h264-frames-1"
_FORMATS = {"gray8": (np.uint8, ()), "gray16": (np.uint16, ()), "rgb24": (np.uint8, (3,))}
# Of videos that others have written.
_READ_ONLY = {"rgb48": (np.uint16, (3,))}
_MAX_SIDE = 16384
_MAX_PIXELS = 1 << 26
# With a denominator of up to 10 000, a fraction of 31-bit numbers.
_MAX_FPS = 200_000
_END = bytes(4)
_ONE_FRAME = bytes((1, 0, 0, 0))


def mimwrite(path: _Path, frames: Iterable[Any], fps: Any = 30, preset: str = "veryslow") -> None:
    """Writes a lossless video file.

    Parameters
    ----------
    path
        A file name that ends in `.mp4` or `.mkv`. The file gets this name when it is complete.
    frames
        An array (n, height, width) of uint8 or uint16 or (n, height, width, 3) of uint8 (RGB), or an
        iterable of such frames.
    fps
        Frames per second: a number or a `Fraction`.
    preset
        How hard x264 tries, by its names (`h5h264.PRESETS`). It has no effect on 16-bit frames.

    Raises ValueError, before anything is written, for a wrong shape or type, and OSError if the file
    can't be written.
    """
    with LosslessVideoWriter(path, fps=fps, preset=preset) as writer:
        writer.mimwrite(frames)


def mimread(path: _Path) -> np.ndarray:
    """All frames of a video file: (n, height, width) or (n, height, width, 3), as in `VideoReader`."""
    with VideoReader(path) as reader:
        frames = np.empty((16, *reader.shape), reader.dtype)
        n = 0
        while True:
            if n == len(frames):
                frames.resize((2 * n, *reader.shape), refcheck=False)
            if not reader._read_into(frames[n]):
                break
            n += 1
        frames.resize((n, *reader.shape), refcheck=False)
        return frames


def imiter(path: _Path) -> Iterator[np.ndarray]:
    """The frames of a video file, one after the other, as in `VideoReader`."""
    with VideoReader(path) as reader:
        yield from reader


class LosslessVideoWriter:
    """Writes a video frame by frame.

    >>> with LosslessVideoWriter("frames.mkv", fps=1000) as writer:
    ...     for frame in camera:
    ...         writer.write(frame)

    The file gets its name when the writer is closed. If an exception leaves the block, if a frame could not be
    written, or if the writer is never closed, there is no new file, and an existing one stays as it was. Several
    threads may write, but only in the process that has created the writer.

    Parameters
    ----------
    filename
        As in `mimwrite`.
    shape
        The shape of a frame: (height, width) or (height, width, 3). By default, the shape of the first frame.
    fps, preset
        As in `mimwrite`.
    """

    def __init__(
        self,
        filename: _Path,
        shape: Optional[tuple[int, ...]] = None,
        fps: Any = 30,
        preset: str = "veryslow",
    ) -> None:
        self._child: Optional[_Child] = None
        self._format: Optional[str] = None
        self._failure: Optional[str] = None
        self._lock = threading.RLock()
        self.filename = Path(os.fsdecode(filename))
        self.fps = _frame_rate(fps)
        self.preset = H264(preset).preset
        self.shape = self._given_shape = None if shape is None else _checked_shape(shape)
        if self.filename.suffix.lower() not in (".mp4", ".mkv"):
            raise ValueError(f"the extension of {str(self.filename)!r} is not that of a video (expected .mp4 or .mkv)")
        if self.filename.suffix.lower() == ".mkv" and self.fps > 1000:
            raise ValueError(f"fps is {fps} (expected at most 1000 in .mkv, whose clock has milliseconds)")
        folder = self.filename.absolute().parent
        if not folder.is_dir():  # The program would make it.
            raise FileNotFoundError(f"{folder} is not a folder: {self.filename} can't be written")
        self._is_open = True

    def open(self) -> None:
        """Starts another video of the same name after `close`. Does nothing if the writer is open, as a new one
        is."""
        with self._lock:
            if not self._is_open:
                self._is_open, self.shape, self._failure = True, self._given_shape, None

    def write(self, frame: Any) -> None:
        """Adds a frame. All frames have to have the shape and type of the first one.

        Raises ValueError for a wrong shape or type, and OSError if the file can't be written. After an OSError, and
        after any exception that interrupts writing, the writer is closed and there is no file.
        """
        if isinstance(frame, np.ma.MaskedArray):
            raise ValueError("a masked frame: a video has no mask (expected frame.filled())")
        frame = np.asarray(frame)
        with self._lock:
            self._check(frame)
            if self._child is None:
                self._start(frame)
            # In the machine's byte order, without gaps.
            frame = np.ascontiguousarray(frame, frame.dtype.newbyteorder("="))
            self._send(_ONE_FRAME, frame.reshape(-1).view(np.uint8).data)

    def mimwrite(self, frames: Iterable[Any]) -> None:
        """Adds all frames of an array (n, …) or an iterable."""
        if not self._is_open:
            raise ValueError(f"{self.filename} is closed")
        if isinstance(frames, (np.ndarray, h5py.Dataset)):
            if frames.ndim < 3:
                raise ValueError(
                    f"frames of shape {frames.shape} (expected n × height × width, or n × height × width × 3)"
                )
            _format_of(frames.shape[1:], frames.dtype)
        if isinstance(frames, h5py.Dataset):
            frames = _frames_of(frames)
        n = 0
        for frame in frames:
            self.write(frame)
            n += 1
        if n == 0 and self._child is None:
            raise ValueError("no frames (expected 1 or more)")

    def close(self) -> None:
        """Completes the file. If no frame was written, there is no file.

        Raises OSError if the file, or a frame before, can't be written.
        """
        with self._lock:
            self._is_open = False
            if self._failure is not None:
                raise OSError(self._failure)
            if self._child is not None and not self._child.is_own():
                self._abort()
            if self._child is not None:
                self._send(_END)
                self._guarded(self._child.finish)
                self._forget()

    def __enter__(self) -> LosslessVideoWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._abort()

    def __del__(self) -> None:
        child = getattr(self, "_child", None)
        if child is not None:
            if child.is_own():
                warnings.warn(f"{self.filename} was not closed: it is not written", ResourceWarning, source=self)
            self._abort()

    def _check(self, frame: np.ndarray) -> None:
        if self._failure is not None:
            raise OSError(self._failure)
        if not self._is_open:
            raise ValueError(f"{self.filename} is closed")
        format_name = _format_of(frame.shape, frame.dtype)
        if self.shape is not None and frame.shape != self.shape:
            raise ValueError(f"a frame of shape {frame.shape} (expected {self.shape})")
        if self._format is not None and format_name != self._format:
            raise ValueError(f"a frame of {frame.dtype} (expected {_FORMATS[self._format][0].__name__}, as before)")
        if format_name == "gray16" and self.filename.suffix.lower() == ".mp4":
            raise ValueError(f"{self.filename}: 16-bit frames are FFV1, which .mp4 does not hold (expected .mkv)")

    def _start(self, frame: np.ndarray) -> None:
        height, width = frame.shape[:2]
        format_name = _format_of(frame.shape, frame.dtype)
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        header = f"{_PROTOCOL} {format_name} {height} {width} {rate}\n"
        arguments = ("frames-to-video", self.filename.absolute(), "--preset", self.preset)
        self._child = _Child(start(*arguments, has_input=True), self.filename)
        self.shape, self._format = frame.shape, format_name
        self._send(header.encode())

    def _send(self, *messages: Any) -> None:
        assert self._child is not None
        if not self._child.is_own():
            raise ValueError(f"{self.filename} can be written only by the process that opened it, not by its forks")
        for message in messages:
            self._guarded(self._child.send, message)

    def _guarded(self, step: Any, *arguments: Any) -> None:
        """Closes the writer, without a file, if a step fails or is interrupted: nobody knows how much of a
        frame has arrived."""
        try:
            step(*arguments)
        except BaseException as error:
            self._failure = str(error) if isinstance(error, OSError) else f"{self.filename}: writing was interrupted"
            self._abort()
            raise

    def _abort(self) -> None:
        """Leaves no file."""
        self._is_open = False
        if self._child is not None:
            self._child.end()
        self._forget()

    def _forget(self) -> None:
        self._child, self._format = None, None


class VideoReader:
    """The frames of a video file, one at a time, in the order in which they are shown.

    >>> with VideoReader("frames.mkv") as reader:
    ...     for frame in reader:
    ...         print(reader.fps, frame.mean())

    Gray frames are arrays (height, width) of uint8 or uint16, with the values that were coded. All others are
    arrays (height, width, 3) of uint8, RGB. Each frame is a new array.

    Attributes
    ----------
    shape, dtype
        Shape and type of a frame.
    fps
        Frames per second as a `Fraction`, or None if the file does not say.

    Raises OSError if the file can't be read: when it is opened, or when a damaged frame is reached.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fps: Optional[Fraction]

    def __init__(self, path: _Path) -> None:
        self._child: Optional[_Child] = None
        self._failure: Optional[str] = None
        self._lock = threading.RLock()
        self.filename = Path(os.fsdecode(path))
        if not self.filename.exists():
            raise FileNotFoundError(f"{self.filename} does not exist")
        process = start("video-to-frames", self.filename.absolute(), has_input=False)
        self._child = _Child(process, self.filename)
        words = self._child.receive_line().decode("ascii", "replace").split()
        if len(words) != 5 or words[0] != _PROTOCOL:
            self._fail()
        dtype, components = {**_FORMATS, **_READ_ONLY}[words[1]]
        self.dtype = np.dtype(dtype)
        self.shape = (int(words[2]), int(words[3]), *components)
        numerator, denominator = map(int, words[4].split("/"))
        self.fps = Fraction(numerator, denominator) if numerator else None
        self._n_announced = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            frame = np.empty(self.shape, self.dtype)
            if not self._read_into(frame):
                return
            yield frame

    def _read_into(self, frame: np.ndarray) -> bool:
        """Reads the next frame to a C-contiguous array; false if there is none."""
        with self._lock:
            if self._failure is not None:
                raise OSError(self._failure)
            if self._child is None:
                return False
            if not self._child.is_own():
                raise ValueError(f"{self.filename} can be read only by the process that opened it, not by its forks")
            try:
                return self._receive(frame)
            except BaseException as error:
                # Nobody knows how much of a frame is still to come.
                message = f"{self.filename}: reading was interrupted"
                self._failure = str(error) if isinstance(error, OSError) else message
                self.close()
                raise

    def _receive(self, frame: np.ndarray) -> bool:
        assert self._child is not None
        if self._n_announced == 0:
            count = np.zeros(1, "<u4")
            self._child.receive(count.view(np.uint8).data) or self._fail()
            self._n_announced = int(count[0])
        if self._n_announced == 0:
            self.close()
            return False
        self._child.receive(frame.reshape(-1).view(np.uint8).data) or self._fail()
        self._n_announced -= 1
        return True

    def _fail(self) -> NoReturn:
        """Says why the program has ended."""
        child, self._child = self._child, None
        assert child is not None
        child.finish()
        raise OSError(f"{self.filename}: the decoder has ended unexpectedly")

    def close(self) -> None:
        """Ends the program that decodes. The reader gives no frames afterwards."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.end()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self.close()


class _Child:
    """The program at the other end of a pipe."""

    def __init__(self, process: subprocess.Popen[bytes], filename: Path) -> None:
        self.process = process
        self._filename = filename
        self._pipe: Any = process.stdin or process.stdout
        self._stderr: Any = process.stderr
        self._pid = os.getpid()

    def is_own(self) -> bool:
        """Whether this process has started it, not one that has forked this one."""
        return os.getpid() == self._pid

    def send(self, message: Any) -> None:
        """Raises OSError, with what the program has to say, if it is gone."""
        rest = memoryview(message)
        try:
            while rest:
                rest = rest[os.write(self._pipe.fileno(), rest) :]
        except BrokenPipeError:
            self.finish()
            raise OSError(f"{self._filename}: the encoder has ended unexpectedly") from None

    def receive_line(self) -> bytes:
        return self._pipe.readline()

    def receive(self, message: memoryview) -> bool:
        """Fills `message`; false if the program ends before."""
        n = 0
        while n < len(message):
            read = self._pipe.readinto(message[n:])
            if not read:
                return False
            n += read
        return True

    def finish(self) -> None:
        """Waits for the end of the program. Raises OSError with its message if it has failed."""
        self._pipe.close()
        message = self._stderr.read().decode("utf-8", "replace").strip()
        self._stderr.close()
        status = self.process.wait()
        if status != 0:
            raise OSError(message or f"the program for video files ended with status {status}")

    def end(self) -> None:
        """Ends the program, which leaves nothing behind; in a forked process, only what leads to it."""
        if self.is_own():
            self.process.terminate()
        for pipe in (self._pipe, self._stderr):
            pipe.close()
        if self.is_own():
            self.process.wait()


def _frames_of(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    """Reads chunk by chunk."""
    step = dataset.chunks[0] if dataset.chunks else 1
    for start_frame in range(0, len(dataset), step):
        yield from dataset[start_frame : start_frame + step]


def _format_of(shape: tuple[int, ...], dtype: np.dtype) -> str:
    """The format of a frame. Raises ValueError if there is none."""
    height, width = _checked_sides(shape)
    for name, (known, components) in _FORMATS.items():
        if shape == (height, width, *components) and dtype.newbyteorder("=") == known:
            return name
    raise ValueError(
        f"a frame of shape {shape} and type {dtype} (expected height × width of uint8 or uint16, or "
        "height × width × 3 of uint8)"
    )


def _checked_shape(shape: Any) -> tuple[int, ...]:
    try:
        checked = tuple(operator.index(n) for n in shape)
    except TypeError:
        raise ValueError(f"shape is {shape!r} (expected height × width, or height × width × 3)") from None
    _checked_sides(checked)
    return checked


def _checked_sides(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ValueError(f"a frame of shape {shape} (expected height × width, or height × width × 3)")
    height, width = shape[:2]
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE and height * width <= _MAX_PIXELS):
        raise ValueError(
            f"a frame of {height} × {width} pixels (expected 1 to {_MAX_SIDE} rows and columns, and at "
            f"most {_MAX_PIXELS} pixels)"
        )
    return height, width


def _frame_rate(fps: Any) -> Fraction:
    try:
        exact = Fraction(fps) if isinstance(fps, Rational) else Fraction(float(fps))
        rate = exact.limit_denominator(10_000)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"fps is {fps!r} (expected a number)") from None
    if not 0 < rate <= _MAX_FPS:
        raise ValueError(f"fps is {fps!r} (expected more than 0, at most {_MAX_FPS})")
    return rate
