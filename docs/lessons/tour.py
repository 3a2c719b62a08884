#!/usr/bin/env python3
"""The tour: runs each lesson's Python program and its C++ twin, and shows their outputs side by side.

    python3 docs/lessons/tour.py --build-dir build/dev [NAME…]

Each lesson is a folder with lesson.py, lesson.cpp, lesson.md, and lesson.out: what lesson.py prints, recorded for
machines that have no interpreter of the lesson's era (python3 lesson.py > lesson.out). Both programs run in the
lesson's folder.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LESSONS = Path(__file__).resolve().parent
ROOT = LESSONS.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "conformance"))

from interpreters import Era, Interpreter, find_interpreters, newest  # noqa: E402
from twins import Output, PythonOutput, python_output, run_program, select  # noqa: E402

TIMEOUT = 30


@dataclass(frozen=True)
class Visit:
    """What came of one lesson."""

    name: str
    python: PythonOutput
    twin: Output

    @property
    def verdict(self) -> str:
        if self.python.problem or self.twin.problem:
            return "failed"
        if self.python.lines != self.twin.lines:
            return "disagree"
        return "out of date" if self.python.stale_record else "agree"


def visit(folder: Path, executable: Path, interpreters: Sequence[Interpreter]) -> Visit:
    script = folder / "lesson.py"
    interpreter = newest(interpreters, Era.of(script.read_text(encoding="utf-8")))
    python = python_output(script, interpreter, folder / "lesson.out", TIMEOUT)
    return Visit(folder.name, python, run_program([executable], folder, TIMEOUT))


def pairs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Both outputs with equal lines beside each other: left, mark (blank where equal), right."""
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for kind, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        for offset in range(max(left_to - left_from, right_to - right_from)):
            yield (
                left[left_from + offset] if left_from + offset < left_to else "",
                " " if kind == "equal" else "≠",
                right[right_from + offset] if right_from + offset < right_to else "",
            )


def columns(rows: Sequence[tuple[str, str, str]], width: int) -> Iterator[str]:
    """The rows as text, at most `width` wide in all; a longer line is wrapped within its column."""
    widest = max((len(left) for left, _, _ in rows), default=0)
    column = max(20, min(widest, (width - 5) // 2))
    for left, mark, right in rows:
        left_parts = textwrap.wrap(left, column, drop_whitespace=False) or [""]
        right_parts = textwrap.wrap(right, max(20, width - column - 5), drop_whitespace=False) or [""]
        for row in range(max(len(left_parts), len(right_parts))):
            left_part = left_parts[row] if row < len(left_parts) else ""
            right_part = right_parts[row] if row < len(right_parts) else ""
            yield f"{left_part:{column}} {mark}│ {right_part}".rstrip()


def show(result: Visit, title: str, width: int) -> None:
    print(f"── {result.name}: {title}")
    rows = list(pairs(result.python.lines, result.twin.lines))
    heading = (f"Python {result.python.origin}", " ", "C++")
    for line in columns([heading, ("", " ", ""), *rows], width):
        print(line)
    for note in (result.python.remark, result.python.problem, result.twin.problem):
        if note:
            print(f"! {note}")
    differing = sum(mark != " " for _, mark, _ in rows)
    if result.python.problem or result.twin.problem:
        print("=> nothing to compare: a program failed")
    elif differing:
        print(f"=> the outputs differ in {differing} lines")
    else:
        print("=> the outputs agree line by line")
    print()


def table(results: Sequence[Visit]) -> Iterator[str]:
    rows = [("lesson", "Python", "lines", "result")]
    rows += [(each.name, each.python.origin, str(len(each.python.lines)), each.verdict) for each in results]
    widths = [max(len(row[index]) for row in rows) for index in range(4)]
    for row in rows:
        yield f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}"


def title_of(script: Path) -> str:
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def main(
    arguments: Sequence[str] | None = None,
    lessons: Path = LESSONS,
    interpreters: Sequence[Interpreter] | None = None,
) -> int:
    parser = argparse.ArgumentParser(description="Runs each lesson in Python and in C++, side by side.")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build" / "dev")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a number, a lesson's name, or a part of one")
    options = parser.parse_args(arguments)
    try:
        names = select(sorted(path.parent.name for path in lessons.glob("*/lesson.py")), options.names)
    except LookupError as error:
        parser.error(str(error))

    if interpreters is None:
        interpreters = find_interpreters()
    executables = options.build_dir.resolve() / "bin"
    width = shutil.get_terminal_size((120, 0)).columns
    results = []
    for name in names:
        results.append(visit(lessons / name, executables / f"lesson_{name.partition('-')[0]}", interpreters))
        show(results[-1], title_of(lessons / name / "lesson.py"), width)

    for line in table(results):
        print(line)
    agreed = sum(each.verdict == "agree" for each in results)
    print(f"tour: {agreed} of {len(results)} lessons agree")
    return 0 if results and agreed == len(results) else 1


if __name__ == "__main__":
    # A shell's background has it ignored, which the programs would inherit: one of them waits for it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
