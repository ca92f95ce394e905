"""Round trips over random types, shapes, chunks, options and contents."""

import h5py
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import FILTER_ID, check_stored, movie, noise, same_bytes

DTYPES = [
    order + kind
    for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
    for order in "<>"
]
DTYPES += ["<c8", ">c16", "?", "V3", "V7", "V16"]

# A chunk has few bytes, so that many are tried.
MAX_BYTES = 1 << 17


def fold(value, shape, dtype):
    """Integers of any size, as values of a dtype whatever it is: their low bytes."""
    dtype = np.dtype(dtype)
    if dtype.kind in "fc":
        with np.errstate(over="ignore"):
            return value.astype(dtype)
    n_bytes = min(dtype.itemsize, 8)
    padded = np.zeros((*shape, dtype.itemsize), "u1")
    low = value.astype("<u8")[..., np.newaxis].view("u1")[..., :n_bytes]
    padded[..., :n_bytes] = low[..., ::-1] if dtype.byteorder == ">" else low
    if dtype.kind == "b":
        padded &= 1
    return padded.view(dtype)[..., 0]


@st.composite
def contents(draw, shape, dtype):
    """A smooth movie, noise of some bits, few values, a ramp, …, or two of these mixed."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    kind = draw(
        st.sampled_from(["movie", "noise", "bits", "values", "ramp", "constant", "gain", "special", "mixed"])
    )
    if kind == "movie":
        return fold(
            (movie(shape, "f8", seed) * draw(st.sampled_from([3, 100, 1e4, 1e9])) + 2e9).astype("i8"),
            shape,
            dtype,
        )
    if kind == "noise":
        return noise(shape, dtype, seed) if dtype != "?" else noise(shape, "u1", seed) % 2 == 1
    if kind == "bits":
        n_bits, shift = draw(st.integers(1, 40)), draw(st.integers(0, 30))
        return fold(random.integers(0, 1 << n_bits, shape) << shift, shape, dtype)
    if kind == "values":
        values = random.integers(0, 2**62, draw(st.sampled_from([2, 3, 17, 200, 3000])))
        return fold(random.choice(values, shape), shape, dtype)
    if kind == "ramp":
        return fold(np.arange(np.prod(shape)).reshape(shape) * draw(st.integers(1, 1 << 20)), shape, dtype)
    if kind == "constant":
        return fold(np.full(shape, draw(st.integers(0, 2**63 - 1))), shape, dtype)
    if kind == "gain":
        # Two gain bits on top of a pedestal and a little noise: what detectors send.
        counts = random.integers(0, 4, shape) << 14 | random.poisson(1000, shape)
        return fold(counts, shape, dtype)
    if kind == "special" and np.dtype(dtype).kind == "f":
        special = np.array(
            [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1, -1, np.finfo(dtype).tiny / 4], dtype
        )
        return random.choice(special, shape)
    first, second = draw(contents(shape, dtype)), draw(contents(shape, dtype))
    return np.where(random.random(shape) < draw(st.sampled_from([0.001, 0.5])), first, second).astype(dtype)


@st.composite
def cases(draw):
    dtype = draw(st.sampled_from(DTYPES))
    rank = draw(st.integers(1, 5))
    sides = st.one_of(st.integers(1, 5), st.integers(1, 70), st.sampled_from([16, 17, 255, 640]))
    shape, n_bytes = [], np.dtype(dtype).itemsize
    for _ in range(rank):
        shape.append(min(draw(sides), max(1, MAX_BYTES // n_bytes)))
        n_bytes *= shape[-1]
    if draw(st.booleans()) and n_bytes <= MAX_BYTES // 4:
        shape.append(draw(st.sampled_from([3, 4])))
    shape = tuple(shape)
    if draw(st.booleans()):
        chunks = shape
    else:
        # At most four chunks along an axis.
        chunks = tuple(draw(st.integers(-(-n // 4), n)) for n in shape)
    options = draw(st.sampled_from([None, (0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 5, 0), (0, 0, 0, 8)]))
    return draw(contents(shape, dtype)), chunks, options


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_whatever_goes_in_comes_out(case):
    array, chunks, options = case
    with h5py.File.in_memory() as file:
        dataset = file.create_dataset(
            "frames", data=array, chunks=chunks, compression=FILTER_ID, compression_opts=options
        )
        file.flush()
        check_stored(dataset)
        stored = file.id.get_file_image()
    with h5py.File.in_memory(stored) as file:
        assert same_bytes(file["frames"][()], array)
        index = tuple(n // 2 for n in array.shape[:-1])
        assert file["frames"][index].tobytes() == array[index].tobytes()
