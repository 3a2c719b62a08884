"""Finds the CPython interpreters of a machine: on PATH, and in pyenv's folder.

A name on PATH proves nothing (a shim of pyenv fails for a version that is not switched on), so each one is asked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 7)
MODERN = (3, 11)

_NAME = re.compile(r"python3(\.\d+)?")
_QUESTION = (
    "import sys; v = sys.version_info; "
    "print(sys.implementation.name, v[3], v[0], v[1], v[2], sys.executable)"
)


@dataclass(frozen=True, order=True)
class Interpreter:
    version: tuple[int, int, int]
    path: str

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    def __str__(self) -> str:
        return f"CPython {self.version_text}"


@dataclass(frozen=True)
class Era:
    """The versions that suit a program. It names them near its top: `# python: <=3.10` or `# python: >=3.8, <=3.10`."""

    lowest: tuple[int, int] = MODERN
    highest: tuple[int, int] | None = None

    @classmethod
    def of(cls, source: str) -> Era:
        for line in source.splitlines()[:10]:
            if found := re.fullmatch(r"#\s*python:\s*(.+)", line.strip()):
                return cls._parse(found[1])
        return cls()

    @classmethod
    def _parse(cls, text: str) -> Era:
        lowest, highest = None, None
        for part in text.split(","):
            found = re.fullmatch(r"(<=|>=)\s*(\d+)\.(\d+)", part.strip())
            if not found:
                raise ValueError(f"cannot read the version '{part.strip()}': write <=3.10 or >=3.8")
            version = (int(found[2]), int(found[3]))
            if found[1] == "<=":
                highest = version
            else:
                lowest = version
        return cls(lowest or (OLDEST if highest else MODERN), highest)

    def __contains__(self, interpreter: Interpreter) -> bool:
        version = interpreter.version[:2]
        return version >= self.lowest and (self.highest is None or version <= self.highest)

    def __str__(self) -> str:
        if self.highest is None:
            return f"{self.lowest[0]}.{self.lowest[1]} or newer"
        return f"{self.highest[0]}.{self.highest[1]} or older"


def newest(interpreters: Iterable[Interpreter], era: Era = Era()) -> Interpreter | None:
    return max((each for each in interpreters if each in era), default=None)


def find_interpreters(folders: Sequence[Path] | None = None) -> list[Interpreter]:
    """The interpreters that work, newest first, one a version. Looks into `folders`, or where they usually are."""
    candidates = list(dict.fromkeys(_candidates(folders)))
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = [answer for answer in pool.map(_ask, candidates) if answer]
    by_version = {answer.version: answer for answer in reversed(answers)}
    return sorted(by_version.values(), reverse=True)


def _candidates(folders: Sequence[Path] | None) -> Iterator[Path]:
    if folders is None:
        yield Path(sys.executable)
        folders = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        folders += sorted(pyenv.glob("versions/*/bin"))
    for folder in folders:
        for path in sorted(folder.glob("python3*")):
            if _NAME.fullmatch(path.name) and os.access(path, os.X_OK):
                yield path


def _ask(path: Path) -> Interpreter | None:
    try:
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _QUESTION], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.strip().split(" ", 5)
    if answer.returncode != 0 or len(words) != 6 or words[:2] != ["cpython", "final"]:
        return None
    version = (int(words[2]), int(words[3]), int(words[4]))
    return Interpreter(version, words[5]) if version >= OLDEST else None
