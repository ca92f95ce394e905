"""Runs every experiment, prints the tables, and puts them into docs/benchmarks.md."""

import argparse
import platform
import re
import sys
import tempfile
from pathlib import Path

import h5py

from . import (
    comparison,
    frame_loop,
    growth,
    incompressible,
    memory,
    package,
    picture,
    quick,
    sequences,
    single_frames,
    small_chunks,
    structured,
    threads,
    worker,
)
from .section import replace_between_markers, targets_table
from .timing import FULL

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT.parent / "shared" / "data" / "sequences"
DOCUMENT = "benchmarks.md"
PICTURE = "benchmarks.svg"


# Beside the comparison; called with the sequences.
SECTIONS = {
    "threads": lambda found: threads.section(found, FULL, say),
    "single_frames": lambda found: single_frames.section(found, FULL, say),
    "structured": lambda found: structured.section(say),
    "incompressible": lambda found: incompressible.section(FULL, say),
    "small_chunks": lambda found: small_chunks.section(FULL, ROOT, say),
    "package": lambda found: package.section(FULL, say),
    "frame_loop": lambda found: frame_loop.section(say),
    "memory": lambda found: memory.section(say),
    "growth": lambda found: growth.section(FULL, say),
}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("folder", nargs="?", help="HDF5 files with a dataset `frames` (frames, height, width)")
    parser.add_argument("--quick", action="store_true", help=f"{quick.__doc__} Half a minute; only prints")
    parser.add_argument("--section", choices=SECTIONS, help="this section alone; only prints")
    parser.add_argument("--only", default="", metavar="NAME", help="sequences with it in their names; only prints")
    parser.add_argument("--output", metavar="FOLDER", help="where to write the document in any case, not docs")
    return parser.parse_args()


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine():
    """Processor, cores and versions, in a line."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return (
        f"{cpu[1] if cpu else platform.machine()}, {worker.n_threads()} cores; "
        f"{platform.system()}, Python {platform.python_version()}, "
        f"h5py {h5py.version.version}, HDF5 {h5py.version.hdf5_version}."
    )


def report(sections):
    """Every table by the name of its markers, and the targets."""
    targets = [target for section in sections for target in section.targets]
    tables = {"machine": machine(), "targets": targets_table(targets)}
    for section in sections:
        tables.update(section.tables)
    for name, content in tables.items():
        print(f"\n{name}\n\n{content}")
    return tables, targets


def measure(args, folder):
    """Whether every round trip was exact."""
    found = sequences.in_folder(folder, args.only)
    if not found:
        sys.exit(f"bench: no sequences in {folder}")
    if args.quick or args.section:
        section = quick.section(found, say) if args.quick else SECTIONS[args.section](found)
        _, targets = report([section])
        return not args.quick or targets[0].is_met
    results = comparison.measure(found, FULL, say)
    sections = [comparison.section(found, results), *(section(found) for section in SECTIONS.values())]
    tables, targets = report(sections)
    if args.output or not args.only:
        write_document(Path(args.output or ROOT / "docs"), results, tables)
    # Missed speeds are for the reader to judge; a round trip that is not exact is a failure.
    return targets[0].is_met


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
        return 0 if measure(args, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
