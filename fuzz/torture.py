"""Runs many tries of the program `torture`, several at a time; see scripts/torture."""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import time
from pathlib import Path

BATCH = 20_000
FOLDER = Path("target/torture")


class Failure(Exception):
    """A try that went wrong."""


def run(program, seed, first, n):
    """What came of some tries, by kind of chunk: numbers as `torture` prints them."""
    tries = subprocess.run([program, str(seed), str(first), str(n)], capture_output=True, text=True)
    if tries.returncode == 0:
        lines = (line.split("\t") for line in tries.stdout.splitlines())
        return {kind: [int(number) for number in numbers] for kind, *numbers in lines}
    if n == 1 or tries.returncode > 0:
        raise Failure(tries.stdout + tries.stderr or f"try {first} of seed {seed}: ended with {tries.returncode}")
    # Which of them ended the process?
    for start, length in ((first, n // 2), (first + n // 2, n - n // 2)):
        run(program, seed, start, length)
    raise Failure(f"tries {first} to {first + n - 1} of seed {seed}: ended with {tries.returncode}, but not one by one")


def merge(total, batch):
    for kind, numbers in batch.items():
        if kind == "memory":
            total[kind] = max(total.get(kind, numbers), numbers)
            continue
        plain, repaired, intact, slowest = total.get(kind, [0, 0, 0, 0])
        total[kind] = [plain + numbers[0], repaired + numbers[1], intact + numbers[2], max(slowest, numbers[3])]


def report(state):
    kinds = {kind: numbers for kind, numbers in sorted(state["kinds"].items()) if kind != "memory"}
    print("| chunk | damaged | behind a repaired checksum | harmless | slowest call |")
    print("|---|---|---|---|---|")
    for kind, (plain, repaired, intact, slowest) in kinds.items():
        print(f"| {kind} | {plain:,} | {repaired:,} | {intact:,} | {slowest / 1000:.1f} ms |")
    plain, repaired, intact = (sum(numbers[i] for numbers in kinds.values()) for i in range(3))
    print(f"| all | {plain:,} | {repaired:,} | {intact:,} | {max(n[3] for n in kinds.values()) / 1000:.1f} ms |")
    memory, largest = state["kinds"]["memory"]
    print(f"\nThe largest chunk has {largest / 2**20:.1f} MiB, and no process took more than {memory / 2**20:.0f} MiB.")


def main():
    parser = argparse.ArgumentParser(prog="scripts/torture", description="Damages stored chunks, and decodes them.")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="other seeds give other damage (default: 1)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at a time (default: one a core)")
    parser.add_argument("--only", type=int, metavar="TRY", help="this try again")
    options = parser.parse_args()
    if options.only is not None:
        run(options.program, options.seed, options.only, 1)
        return
    path = FOLDER / f"{options.seed}.json"
    state = json.loads(path.read_text()) if path.exists() else {"next": 0, "kinds": {}}
    end = time.monotonic() + 60 * options.minutes
    FOLDER.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(options.processes) as pool:
        while time.monotonic() < end:
            firsts = [state["next"] + i * BATCH for i in range(options.processes)]
            # A state is whole batches: what is interrupted is tried again.
            for batch in pool.map(lambda first: run(options.program, options.seed, first, BATCH), firsts):
                merge(state["kinds"], batch)
            state["next"] += BATCH * options.processes
            path.write_text(json.dumps(state))
            print(f"{state['next']:,} tries", file=sys.stderr)
    report(state)


try:
    main()
except Failure as failure:
    sys.exit(str(failure).rstrip())
except KeyboardInterrupt:
    sys.exit(130)
