"""A Python program and its C++ twin: run both, and compare what they print.

Where no fitting interpreter is found, a recorded output beside the program takes its place.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interpreters import Interpreter


@dataclass(frozen=True)
class Output:
    """What a program printed, and what went wrong with it, if anything did."""

    lines: list[str]
    problem: str = ""
    timed_out: bool = False


@dataclass(frozen=True)
class PythonOutput:
    """What the Python program prints, where that is known from, and what the reader should know about it."""

    lines: list[str]
    origin: str
    problem: str = ""
    remark: str = ""
    timed_out: bool = False
    stale_record: bool = False


def run_program(command: Sequence[str | Path], folder: Path, timeout: float) -> Output:
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        return Output(_lines(late.stdout), f"timed out after {timeout:g} s", timed_out=True)
    except FileNotFoundError:
        return Output([], f"{command[0]} is missing")
    except OSError as error:
        return Output([], f"{command[0]} does not start: {error.strerror}")
    if done.returncode == 0:
        return Output(_lines(done.stdout))
    end = f"ended with {done.returncode}" if done.returncode > 0 else f"was killed by signal {-done.returncode}"
    last_words = "\n".join(_lines(done.stderr)[-20:])
    return Output(_lines(done.stdout), f"{end}\n{last_words}".rstrip())


def run_python(interpreter: Interpreter, script: Path, timeout: float) -> Output:
    """Runs `script` in its own folder, away from the user's settings."""
    return run_program([interpreter.path, "-I", "-B", "-X", "utf8", script.name], script.parent, timeout)


def python_output(script: Path, interpreter: Interpreter | None, record: Path, timeout: float) -> PythonOutput:
    """Runs `script`, and checks its record by it; or reads the record, where there is no interpreter."""
    if interpreter is None:
        return recorded_output(record, "no fitting interpreter was found")
    output = run_python(interpreter, script, timeout)
    version = interpreter.version_text
    if output.problem:
        return PythonOutput(output.lines, version, f"{script.name} {output.problem}", timed_out=output.timed_out)
    if not record.exists():
        return PythonOutput(output.lines, version, remark=f"{record.name} is not there yet", stale_record=True)
    if _read(record) != output.lines:
        return PythonOutput(
            output.lines, version, remark=f"{record.name} differs from what {interpreter} prints", stale_record=True
        )
    return PythonOutput(output.lines, version)


def recorded_output(record: Path, reason: str) -> PythonOutput:
    if not record.exists():
        return PythonOutput([], "none", f"{reason}, and there is no {record.name}")
    return PythonOutput(_read(record), "recorded", remark=f"{reason}: {record.name} stands for it")


def select(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Those of `names` (`01-generator`, `05_yield_from`) that are meant by a number, a whole name, or a part."""
    if not wanted:
        return list(names)
    chosen = set()
    for word in wanted:
        if word.isdigit():
            found = [name for name in names if name[:2].isdigit() and int(name[:2]) == int(word)]
        else:
            found = [name for name in names if name == word] or [name for name in names if word in name]
        if not found:
            raise LookupError(f"nothing is called '{word}'; there are: {', '.join(names)}")
        chosen.update(found)
    return [name for name in names if name in chosen]


def _read(record: Path) -> list[str]:
    return _lines(record.read_bytes())


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode("utf-8", errors="replace")
    return text.removesuffix("\n").split("\n") if text else []
