#!/usr/bin/env python3
"""Compares random programs of tasks in CPython's asyncio and in segue's: as many as asked for, from a seed.

    python3 tests/random/tasks/run.py --build-dir build/dev [--seed N | --seed new] [--programs N]

Without --seed, the seed is that of the environment variable SEGUE_RANDOM_SEED, or always the same. --first N begins
with program N of the seed, so that one that disagrees is found at once.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "conformance"))

from interpreters import find_interpreters, newest  # noqa: E402

SKIPPED = 77
USUAL_SEED = "2791719858"
NEEDED = (3, 13)  # Queue.shutdown(), as_completed() as an asynchronous iterator


def seed(text: str) -> int:
    return random.getrandbits(32) if text == "new" else int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares random programs of tasks in CPython and in C++.")
    parser.add_argument("--build-dir", type=Path, default=HERE.parents[2] / "build" / "dev")
    parser.add_argument("--seed", type=seed, default=os.environ.get("SEGUE_RANDOM_SEED", USUAL_SEED))
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()

    interpreter = newest(find_interpreters())
    if interpreter is None or interpreter.version < NEEDED:
        print(f"skipped: there is no CPython {'.'.join(map(str, NEEDED))} or newer here")
        return SKIPPED
    print(f"random: {options.programs} programs of tasks from seed {options.seed}, beside {interpreter}", flush=True)
    executable = options.build_dir.resolve() / "bin" / "random_tasks"
    arguments = [interpreter.path, HERE / "harness.py", options.seed, options.programs, options.first]
    return subprocess.run([executable, *map(str, arguments)]).returncode


if __name__ == "__main__":
    sys.exit(main())
