"""Frames that are no photographs, as they lie beside those in files: each a few hundred kilobytes."""

import numpy as np

SIZE = 256
Y, X = np.mgrid[:SIZE, :SIZE].astype("float64")


def labels():
    """Cells of a segmentation, numbered."""
    centres = _rng().uniform(8, SIZE - 8, (200, 2))
    frames = np.zeros((4, SIZE, SIZE), "uint16")
    for number, (row, column) in enumerate(centres, 1):
        radius = 4 + number % 5
        frames[:, (Y - row) ** 2 + (X - column) ** 2 < radius**2] = number
    return frames


def random_ids():
    return _rng().integers(0, 2**31, 256).astype("uint32")[labels() % 256]


def sparse_events():
    frames = np.zeros((8, SIZE, SIZE), "uint16")
    rng = _rng()
    frames.flat[rng.integers(0, frames.size, 800)] = rng.integers(1, 4000, 800)
    return frames


def checkerboard():
    return _repeated((X + Y) % 2 * 255, 8, "uint8")


def counting_numbers():
    return np.arange(8 * SIZE * SIZE, dtype="uint32").reshape(8, SIZE, SIZE)


def repeated_noise():
    """The same noise in each frame."""
    return _repeated(_rng().integers(0, 2**16, (SIZE, SIZE)), 8, "uint16")


def smooth_waves():
    return np.stack([np.sin(X / 23 + t / 5) * np.cos(Y / 31 - t / 7) for t in range(8)])


def one_bit_of_noise():
    return _rng().integers(0, 2, (8, SIZE, SIZE)).astype("uint8")


def menus_and_text():
    """A screen: lines of letters that scroll, beside a menu that stays."""
    rng = _rng()
    glyphs = np.pad(rng.random((26, 12, 6)) < 0.4, ((0, 1), (2, 2), (1, 1)))
    # The last glyph is a space.
    letters = np.where(rng.random((24, 32)) < 0.2, 26, rng.integers(0, 26, (24, 32)))
    page = np.where(glyphs[letters].swapaxes(1, 2).reshape(24 * 16, SIZE), 20, 240)
    frames = np.stack([page[8 * t :][:SIZE] for t in range(8)]).astype("uint8")
    frames[:, :, :64] = 200
    frames[:, 20::24, 8:56] = 90
    return frames


def depth_maps():
    """A floor and balls in millimetres, seen from a camera that moves; 0 where nothing is measured."""
    frames = np.empty((8, SIZE, SIZE), "uint16")
    for t, frame in enumerate(frames):
        depth = 8000 - 20 * Y
        for row, column, distance in ((90, 80, 2500), (150, 170, 1800), (60, 200, 4000)):
            squared = 40**2 - (Y - row) ** 2 - (X - column - 3 * t) ** 2
            depth = np.where(squared > 0, distance - 10 * np.sqrt(np.maximum(squared, 0)), depth)
        # Stereo cameras measure disparity, in eighths of a pixel.
        disparity = np.round(8 * 60000 / depth)
        frame[:] = np.where(np.abs(np.diff(disparity, axis=1, prepend=0)) > 40, 0, 8 * 60000 / disparity)
    return frames


def line_art():
    """Curves of even width, with soft edges, on white."""
    frames = np.full((8, SIZE, SIZE), 255.0)
    for t, frame in enumerate(frames):
        for i in range(12):
            curve = 20 * i + 12 * np.sin(X / (15 + 2 * i) + t / 4)
            np.minimum(frame, 255 * np.clip(np.abs(Y - curve) - 0.5, 0, 1), out=frame)
    return frames.astype("uint8")


def masks_with_holes():
    """Good regions, with bad pixels and columns, most of them for all frames."""
    rng = _rng()
    good = np.sin(X / 30) + np.sin(Y / 41 + X / 90) > -0.5
    good &= rng.random((SIZE, SIZE)) > 0.005
    good[:, rng.integers(0, SIZE, 6)] = False
    frames = _repeated(good, 8, "uint8")
    frames[rng.random(frames.shape) < 0.0005] = 0
    return frames


def tables_of_constants():
    """Calibration: for each of 16 readout chips its own few numbers, and some of each row's and column's."""
    rng = _rng()
    chips = rng.normal(900, 30, (6, 4, 4)).repeat(SIZE // 4, 1).repeat(SIZE // 4, 2)
    rows, columns = rng.normal(0, 2, (6, SIZE, 1)), rng.normal(0, 2, (6, 1, SIZE))
    rows[3:], columns[:3] = 0, 0
    return np.round(chips + rows + columns, 1).astype("float32")


def simulated_fields():
    """Heat that spreads from random sources and sinks, as a simulation in single precision writes it."""
    frequencies = np.fft.fftfreq(SIZE)
    squared = frequencies[:, None] ** 2 + frequencies**2
    sources = np.fft.fft2(_rng().normal(0, 1000, (SIZE, SIZE)))
    times = 400 + 20 * np.arange(8)
    fields = [np.fft.ifft2(sources * np.exp(-4 * np.pi**2 * squared * time)).real for time in times]
    return (300 + np.stack(fields)).astype("float32")


def _rng():
    return np.random.default_rng(3)


def _repeated(frame, n_frames, dtype):
    return np.repeat(np.asarray(frame, dtype)[None], n_frames, axis=0)


KINDS = {
    "labels": labels,
    "labels with random numbers": random_ids,
    "sparse events": sparse_events,
    "checkerboard": checkerboard,
    "counting numbers": counting_numbers,
    "the same noise in each frame": repeated_noise,
    "smooth waves": smooth_waves,
    "one bit of noise": one_bit_of_noise,
    "menus and text": menus_and_text,
    "depth maps": depth_maps,
    "line art": line_art,
    "masks with holes": masks_with_holes,
    "tables of constants": tables_of_constants,
    "simulated fields": simulated_fields,
}
# Floats without noise.
SMOOTH = ("smooth waves", "simulated fields")
