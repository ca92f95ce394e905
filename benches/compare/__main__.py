"""Runs every experiment, prints the tables, and puts them into docs/benchmarks.md."""

import argparse
import platform
import re
import sys
import tempfile
from pathlib import Path

import h5py

from . import comparison, frame_loop, growth, memory, package, picture, sequences, small_chunks, threads, worker
from .section import replace_between_markers, targets_table
from .timing import FULL, QUICK

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT.parent / "shared" / "data" / "sequences"
DOCUMENT = "benchmarks.md"
PICTURE = "benchmarks.svg"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("folder", nargs="?", help="HDF5 files with a dataset `frames` (frames, height, width)")
    parser.add_argument("--quick", action="store_true", help="few repetitions and sizes; only prints")
    parser.add_argument("--only", default="", metavar="NAME", help="sequences with it in their names; only prints")
    parser.add_argument("--output", metavar="FOLDER", help="where to write the document in any case, not docs")
    return parser.parse_args()


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine(is_quick):
    """Processor, cores and versions, in a line."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return (
        f"{cpu[1] if cpu else platform.machine()}, {worker.n_threads()} cores; "
        f"{platform.system()}, Python {platform.python_version()}, "
        f"h5py {h5py.version.version}, HDF5 {h5py.version.hdf5_version}."
        + (" **A quick run: the fastest of few repetitions, fewer sizes; speeds are rough.**" if is_quick else "")
    )


def measure(found, is_quick):
    effort = QUICK if is_quick else FULL
    results = comparison.measure(found, effort, say)
    sections = [
        comparison.section(found, results),
        threads.section(found, effort, say),
        small_chunks.section(effort, ROOT, say),
        package.section(effort, say),
        frame_loop.section(is_quick, say),
        memory.section(say),
        growth.section(effort, is_quick, say),
    ]
    targets = [target for section in sections for target in section.targets]
    tables = {"machine": machine(is_quick), "targets": targets_table(targets)}
    for section in sections:
        tables.update(section.tables)
    return results, tables, targets


def write_document(folder, results, tables):
    folder.mkdir(parents=True, exist_ok=True)
    picture.draw(results, folder / PICTURE)
    link = {"picture": f"![Ratio against encode speed and against decode speed]({PICTURE})"}
    text = (ROOT / "docs" / DOCUMENT).read_text(encoding="utf-8")
    for name, content in {**tables, **link}.items():
        text = replace_between_markers(text, name, content)
    (folder / DOCUMENT).write_text(text, encoding="utf-8")


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder or DEFAULT_FOLDER
        if not args.folder and not DEFAULT_FOLDER.is_dir():
            say("no folder given: measuring the images of scripts/demo")
            sequences.make_folder(made)
            folder = made
        found = sequences.in_folder(folder, args.only)
        if not found:
            sys.exit(f"bench: no sequences in {folder}")
        results, tables, targets = measure(found, args.quick)
    for name, content in tables.items():
        print(f"\n{name}\n\n{content}")
    if args.output or not (args.quick or args.only):
        write_document(Path(args.output or ROOT / "docs"), results, tables)
    # Missed speeds are for the reader to judge; a round trip that is not exact is a failure.
    return 0 if targets[0].is_met else 1


if __name__ == "__main__":
    sys.exit(main())
