"""Made the files beside it, once, with the libraries that it is about. They need old companions:

    pip install numpy==1.23.5 tables==3.8.0 scipy==1.10.1 pandas==1.5.3 flammkuchen==1.0.3 deepdish==0.3.7
"""

import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import deepdish
import flammkuchen
import numpy as np
import pandas
from scipy import sparse

SHARED = np.arange(6.0)
PLAIN = {
    "frames": np.arange(4 * 16 * 16, dtype="u2").reshape(4, 16, 16),
    "float": 2.5,
    "int": -3,
    "bool": True,
    "complex": np.complex128(1 + 2j),
    "float32": np.float32(0.5),
    "zero_dimensions": np.array(7, "i2"),
    "text": "größer",
    "no_text": "",
    "bytes": b"a\xff",
    "none": None,
    "bools": np.array([True, False, True]),
    "complexes": np.array([1j, 2]),
    "empty": np.zeros((0, 3), "f4"),
    "texts": np.array(["one", "zwölf", ""]),
    "ascii": np.array([b"one", b"two"]),
    "list": [1, "two", np.arange(3), [4.0, None]],
    "tuple": (1, {"a": 2}),
    "nothing": [],
    "nested": {"deeper": {"deepest": np.eye(3, dtype="f4")}},
    "first": SHARED,
    "second": SHARED,
    "namespace": SimpleNamespace(a=1, b=np.arange(2)),
}
SPARSE = {
    format: sparse.random(5, 7, 0.3, format=format, random_state=1) for format in ("csr", "csc", "coo", "dia")
}

warnings.simplefilter("ignore")
for library, name in (flammkuchen, "flammkuchen"), (deepdish.io, "deepdish"):
    library.save(f"{name}.h5", {**PLAIN, **SPARSE}, compression="zlib")
    library.save(f"{name}_array.h5", np.arange(5), compression=None)
    library.save(f"{name}_number.h5", 5, compression=None)
    library.save(
        f"{name}_refused.h5",
        {
            "pickled": library.ForcePickle({1: 2}),
            "large": 2**80,
            "table": pandas.DataFrame({"x": [1, 2]}),
            "fine": np.arange(3),
        },
        compression=None,
    )

# Smaller, as HDF5 makes room for much more than one pickle.
with zipfile.ZipFile("flammkuchen_and_deepdish.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(Path().glob("*.h5")):
        archive.write(path)
        path.unlink()
