"""`write` and `read` of the Python package against plain h5py."""

from . import memory_file, worker
from .codecs import CHUNK_FRAMES, H5H264, PRESETS
from .section import Section, Target, geometric_mean, number, table
from .sequences import made_frames
from .timing import Effort, Stopwatch

# Small frames are coded by one thread in HDF5, larger ones by all (docs/design.md).
SHAPES = {"small": (1000, 128, 128), "medium": (240, 256, 256), "large": (20, 1024, 1024)}
LIMIT = 1.5
ONE_THREAD = {"H5H264_THREADS": "1"}


def speeds(shape, preset, in_parallel, effort):
    """MB/s of writing and of reading made frames."""
    # It registers the filter, too: both ways have the same.
    import h5h264

    frames = made_frames(*shape)
    chunks = (CHUNK_FRAMES, *shape[1:])
    image = None

    def store():
        nonlocal image
        with memory_file.new() as file:
            with Stopwatch() as watch:
                if in_parallel:
                    h5h264.write(file, "frames", frames, preset=preset, chunks=chunks)
                else:
                    options = h5h264.H264(preset)
                    file.create_dataset("frames", data=frames, chunks=chunks, compression=options)
                file.flush()
            image = file.id.get_file_image()
        return watch.seconds

    def load():
        with memory_file.opened(image) as file, Stopwatch() as watch:
            dataset = file["frames"]
            loaded = h5h264.read(dataset) if in_parallel else dataset[()]
        assert memory_file.same_bits(frames, loaded)
        return watch.seconds

    effort = Effort(**effort)
    return [frames.nbytes / 1e6 / min(effort.times(step)) for step in (store, load)]


def section(effort, say):
    say("the Python package in parallel")
    rows, gains = [], {preset: [] for preset in PRESETS}
    for preset in PRESETS:
        for name, shape in SHAPES.items():
            arguments = {"shape": shape, "preset": preset, "effort": effort.asdict()}
            one, plain, ours = (
                worker.run(speeds, variables, in_parallel=in_parallel, **arguments)
                for variables, in_parallel in ((ONE_THREAD, False), ({}, False), ({}, True))
            )
            gain = [parallel / single for parallel, single in zip(ours, one)]
            gains[preset].append(gain)
            columns = [f"{number(w)} / {number(r)}" for w, r in (one, plain, ours, gain)]
            rows.append([preset, f"{name}, {' × '.join(map(str, shape))}", *columns])
    targets = [
        Target.at_least(
            f"the package {direction}s ≥ {LIMIT} × as fast as plain h5py on one core, {preset}",
            geometric_mean([gain[column] for gain in gains[preset]]),
            LIMIT,
        )
        for preset in list(PRESETS)[1:]
        for column, direction in enumerate(("write", "read"))
    ]
    head = ["preset", "frames", "h5py, one thread", "h5py, all threads", "package", "× one thread"]
    return Section({"package": table(head, rows)}, targets)
