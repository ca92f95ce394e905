"""A measurement in a process of its own, with its own environment: nothing is left of the one before."""

import importlib
import json
import os
import subprocess
import sys


def n_threads():
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def environment(**changes):
    """All that can use threads uses as many; chunks are decoded each time. None removes a variable."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("H5H264_")}
    threads = str(n_threads())
    ours = {"H5H264_THREADS": threads, "H5H264_CACHE_MIB": "0", "BLOSC_NTHREADS": threads}
    merged = {**inherited, **ours, **changes}
    return {name: value for name, value in merged.items() if value is not None}


class Failed(Exception):
    """The process ended early."""


def run(function, variables=None, **arguments):
    """What a function of this package returns, called in a new process."""
    result = subprocess.run(
        [sys.executable, "-m", __name__, function.__module__, function.__name__],
        input=json.dumps(arguments),
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        raise Failed(f"{function.__name__} {arguments}: {reason}")
    # Before it may be what libraries print.
    return json.loads(result.stdout.splitlines()[-1])


def main(module, function):
    result = getattr(importlib.import_module(module), function)(**json.load(sys.stdin))
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
