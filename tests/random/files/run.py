#!/usr/bin/env python3
"""Compares random operations on files in CPython and in segue: as many sequences as asked for, from a seed.

    python3 tests/random/files/run.py --build-dir build/dev [--seed N | --seed new] [--sequences N]

A sequence is a list of lines: `make TEXT` (the file that is there to start with), `open MODE`, `read 3`, `seek -1 2`, …
Newlines in texts are written `\\n`. `drop` forgets the file without closing it, `end` the loop that it belongs to. Each
line leaves a line in the trace: what the operation gives, and the file's contents where it has to be up to date. When
two traces differ, lines are left out as long as they do, and what is left is shown.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "conformance"))

from interpreters import MODERN, find_interpreters, newest  # noqa: E402

SKIPPED = 77
USUAL_SEED = "2791719858"
END = "\f"
BUFFER = 64 * 1024  # segue's: what has to be in the file is the same anyway, what is there early is not

Sequence = list[str]
Trace = list[str]
Got = TypeVar("Got")


# --- making sequences ---


def text(rng: random.Random, at_most: int) -> str:
    return "".join(rng.choice("abcdef\n") for _ in range(rng.randrange(at_most + 1)))


def length(rng: random.Random, large: bool) -> int:
    return rng.choice([rng.randrange(30), rng.randrange(30), BUFFER - 1, BUFFER, BUFFER + 1, 150_000] if large else
                      [0, 1, rng.randrange(10), rng.randrange(40)])


def data(rng: random.Random, large: bool) -> str:
    if large and rng.random() < 0.4:
        return escaped(text(rng, 40) + rng.choice("xyz") * length(rng, True))
    return escaped(text(rng, rng.choice([3, 20])))


def mode(rng: random.Random) -> str:
    if rng.random() < 0.03:
        return rng.choice(["", "q", "rr", "rw", "rbt", "+", "wa", "r++", "U", "b"])
    letters = [rng.choice("rrrwax"), *rng.choice(["", "+", "+"]), *rng.choice(["", "b", "t"])]
    rng.shuffle(letters)
    return "".join(letters)


def operation(rng: random.Random, large: bool) -> str:
    kinds: dict[str, Callable[[], str]] = {
        "read": lambda: f"read {rng.choice([-1, length(rng, large), length(rng, large)])}",
        "readline": lambda: f"readline {rng.choice([-1, -1, length(rng, large)])}",
        "next": lambda: "next",
        "write": lambda: f"write {data(rng, large)}",
        "seek": lambda: seek(rng, large),
        "tell": lambda: "tell",
        "truncate": lambda: rng.choice(["truncate", f"truncate {length(rng, large)}", "truncate -1"]),
        "flush": lambda: "flush",
        "readlines": lambda: "readlines",
        "writelines": lambda: " ".join(["writelines", *(data(rng, large) for _ in range(rng.randrange(3)))]),
        "close": lambda: "close",
        "open": lambda: f"open {mode(rng)}",
    }
    weights = [6, 4, 2, 7, 5, 4, 3, 2, 1, 2, 1, 1]
    return rng.choices(list(kinds.values()), weights)[0]()


def seek(rng: random.Random, large: bool) -> str:
    return f"seek {rng.choice([1, 1, -1]) * length(rng, large)} {rng.randrange(3)}"


def sequence(rng: random.Random) -> Sequence:
    large = rng.random() < 0.1
    lines = [f"make {data(rng, large)}"] if rng.random() < 0.9 else []
    lines.append(f"open {mode(rng)}")
    lines += [operation(rng, large) for _ in range(rng.randrange(1, 15))]
    return lines + rng.choice([["close"], ["drop"], ["end", "drop"], []])


# --- CPython ---


def escaped(text: str) -> str:
    return text.replace("\n", "\\n").replace("\0", "\\0")


def unescaped(text: str) -> bytes:
    return text.replace("\\n", "\n").encode()


def shown(data: bytes) -> str:
    return f"'{escaped(data.decode())}'"


class Performer:
    """Performs a sequence with io, which is binary, and has the errors of text where it makes a difference."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: io.IOBase | None = None
        self.appends = False

    def run(self, lines: Sequence) -> Trace:
        self.path.unlink(missing_ok=True)
        self.file = None
        trace = [f"{line[:60]} -> {self.attempt(line)}" for line in lines]
        self.file = None
        return [*trace, f"left: {self.contents()}"]

    def contents(self) -> str:
        return shown(self.path.read_bytes()) if self.path.exists() else "none"

    def attempt(self, line: str) -> str:
        try:
            what, *words = line.split()
            return getattr(self, what)(*words)
        except StopIteration:
            return "None"
        except (OSError, ValueError, RuntimeError) as error:
            code = f" {error.errno}" if isinstance(error, OSError) and error.errno else ""
            return type(error).__name__ + code

    @property
    def opened(self) -> io.IOBase:
        if self.file is None:
            raise RuntimeError("segue's empty File")
        if self.file.closed:
            raise ValueError("I/O operation on closed file.")  # before anything else: as text has it
        return self.file

    @property
    def readable(self) -> io.IOBase:
        if not self.opened.readable():
            raise io.UnsupportedOperation("not readable")  # also to read nothing: as text has it
        return self.opened

    def make(self, text: str = "") -> str:
        self.path.write_bytes(unescaped(text))
        return "None"

    def open(self, mode: str = "") -> str:
        binary = mode.replace("t", "b") if "b" not in mode else mode
        binary += "b" if "b" not in binary and set(mode) & set("rwax") else ""
        if self.file is not None:
            self.file.close()
        self.file = open(self.path, binary, BUFFER)
        self.appends = "a" in mode
        return "None"

    def read(self, count: str) -> str:
        return shown(self.forget_read_ahead(self.readable.read(int(count))))

    def readline(self, limit: str) -> str:
        return shown(self.forget_read_ahead(self.readable.readline(int(limit))))

    def readlines(self) -> str:
        return " ".join(["lines", *map(shown, self.forget_read_ahead(self.readable.readlines()))])

    def next(self) -> str:
        return shown(self.forget_read_ahead(next(self.readable)))

    def forget_read_ahead(self, got: Got) -> Got:
        """Appending, CPython goes on in what it has read ahead, as if it had written there: see docs/differences.md."""
        if got and self.appends:
            self.opened.flush()
        return got

    def write(self, text: str = "") -> str:
        return str(self.opened.write(unescaped(text)))

    def writelines(self, *texts: str) -> str:
        self.opened.writelines(map(unescaped, texts))
        return "None"

    def seek(self, offset: str, whence: str) -> str:
        try:
            return str(self.opened.seek(int(offset), int(whence)))
        except OSError:
            self.opened.flush()  # else CPython 3.13 may give a wrong position for the next one
            raise

    def tell(self) -> str:
        return str(self.opened.tell())

    def truncate(self, size: str | None = None) -> str:
        return str(self.opened.truncate(None if size is None else int(size)))

    def flush(self) -> str:
        self.opened.flush()
        return self.contents()

    def close(self) -> str:
        if self.file is None:
            raise RuntimeError("segue's empty File")
        self.file.close()
        return self.contents()

    def drop(self) -> str:
        self.file = None
        return "None"

    def end(self) -> str:
        return "None"


# --- comparing ---


class Comparison:
    def __init__(self, executable: Path, folder: Path) -> None:
        self.executable = executable
        self.folder = folder
        self.python = Performer(folder / "python")

    def segue(self, sequences: list[Sequence]) -> list[Trace]:
        lines = "".join(line + "\n" for each in sequences for line in [*each, END])
        done = subprocess.run([self.executable, self.folder], input=lines, capture_output=True, text=True)
        traces = [trace.splitlines() for trace in done.stdout.split(END + "\n")]
        if done.returncode == 0 and not done.stderr:
            return traces[:-1]
        return [*traces[:-1], [*traces[-1], f"ended with {done.returncode}", *done.stderr.splitlines()]]

    def differences(self, sequences: list[Sequence]) -> Iterator[tuple[Sequence, Trace, Trace]]:
        for each, trace in zip(sequences, self.segue(sequences)):
            expected = self.python.run(each)
            if trace != expected:
                yield each, expected, trace

    def smallest(self, found: Sequence) -> tuple[Sequence, Trace, Trace]:
        while True:
            shorter = [found[:i] + found[i + 1 :] for i in range(len(found))]
            smaller = next(self.differences(shorter), None)
            if smaller is None:
                return next(self.differences([found]))
            found = smaller[0]


def show(expected: Trace, actual: Trace) -> None:
    print("\n# in Python and in segue:")
    for i in range(max(len(expected), len(actual))):
        left = expected[i] if i < len(expected) else ""
        right = actual[i] if i < len(actual) else ""
        print("    " if left == right else "  ! ", left[:90].ljust(60), right[:90])


def compare(executable: Path, seed: int, count: int, all_of_them: bool) -> int:
    rng = random.Random(seed)
    sequences = [sequence(rng) for _ in range(count)]
    with tempfile.TemporaryDirectory(prefix="segue-random-") as folder:
        comparison = Comparison(executable, Path(folder))
        differ = 0
        for found, *_ in comparison.differences(sequences):
            differ += 1
            show(*comparison.smallest(found)[1:])
            if not all_of_them:
                break
    if differ:
        print(f"random: sequences disagree (seed {seed})")
        return 1
    print(f"random: {count} sequences agree (seed {seed})")
    return 0


def seed(text: str) -> int:
    return random.getrandbits(32) if text == "new" else int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares random operations on files in CPython and in segue.")
    parser.add_argument("--build-dir", type=Path, default=HERE.parents[2] / "build" / "dev")
    parser.add_argument("--seed", type=seed, default=os.environ.get("SEGUE_RANDOM_SEED", USUAL_SEED))
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--all", action="store_true", help="show all that disagree, not only the first")
    parser.add_argument("--here", action="store_true", help="in this interpreter instead of the newest")
    options = parser.parse_args()

    if not options.here:
        interpreter = newest(find_interpreters())
        if interpreter is None or interpreter.version < MODERN:
            print(f"skipped: there is no CPython {'.'.join(map(str, MODERN))} or newer here")
            return SKIPPED
        print(f"random: {options.sequences} sequences from seed {options.seed}, beside {interpreter}", flush=True)
        arguments = [*sys.argv[1:], "--here", "--seed", str(options.seed)]
        return subprocess.run([interpreter.path, __file__, *arguments]).returncode
    executable = options.build_dir.resolve() / "bin" / "random_files"
    return compare(executable, options.seed, options.sequences, options.all)


if __name__ == "__main__":
    sys.exit(main())
