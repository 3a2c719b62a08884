#!/usr/bin/env python3
"""Compares random programs in CPython and in C++: as many as asked for, from a seed.

    python3 tests/random/run.py --build-dir build/dev [--seed N | --seed new] [--programs N]

Without --seed, the seed is that of the environment variable SEGUE_RANDOM_SEED, or always the same: a change is judged
by the programs that the one before it was judged by. `new` looks for differences that nobody has met.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from interpreters import MODERN, find_interpreters, newest  # noqa: E402

SKIPPED = 77
USUAL_SEED = "2791719858"


def seed(text: str) -> int:
    return random.getrandbits(32) if text == "new" else int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares random programs in CPython and in C++.")
    parser.add_argument("--build-dir", type=Path, default=HERE.parents[1] / "build" / "dev")
    parser.add_argument("--seed", type=seed, default=os.environ.get("SEGUE_RANDOM_SEED", USUAL_SEED))
    parser.add_argument("--programs", type=int, default=10_000)
    options = parser.parse_args()

    interpreter = newest(find_interpreters())
    if interpreter is None or interpreter.version < MODERN:
        print(f"skipped: there is no CPython {'.'.join(map(str, MODERN))} or newer here")
        return SKIPPED
    print(f"random: {options.programs} programs from seed {options.seed}, beside {interpreter}", flush=True)
    executable = options.build_dir.resolve() / "bin" / "random_programs"
    close_returns = int(interpreter.version >= (3, 13))
    arguments = [interpreter.path, HERE / "harness.py", close_returns, options.seed, options.programs]
    return subprocess.run([executable, *map(str, arguments)]).returncode


if __name__ == "__main__":
    sys.exit(main())
