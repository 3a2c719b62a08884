#!/usr/bin/env python3
"""The table of Python's names (api.tsv), what is made of it, and the tests that it names. Made of it are the page
docs/conformance.md, and spellings.cpp, which the compiler sees, so that each spelling on the page is one.

    python3 tests/conformance/api.py --write
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ledger

HERE = Path(__file__).resolve().parent
TABLE = HERE / "api.tsv"
PAGE = HERE.parents[1] / "docs" / "conformance.md"
SPELLINGS = HERE / "spellings.cpp"
REWRITE = "python3 tests/conformance/api.py --write"

COLUMNS = ("area", "name", "introduced", "removed", "C++", "status", "tests", "note")
SHOWN = ("same", "adapted")
STATUSES = (*SHOWN, "open", "not applicable")
NOTHING = "-"

HEADING = """\
# Conformance with CPython, name by name

<!-- Made of tests/conformance/api.tsv: change that, then {rewrite} -->

Every name of Python's generators, coroutines, `contextlib`, `contextvars`, exception groups and `asyncio`, from the versions
that had it, and what segue has for it. `./dev conformance` runs the tests that are named here, and sees to it that this page
says what its table does ([contributing](contributing.md#a-row-of-the-page-of-names-from-start-to-green)).

| status | names | what it means |
| --- | --- | --- |
| same | {same} | The same name and behaviour. A module's functions are in a namespace of its name, attributes are functions without arguments, and keyword arguments are a struct of options. |
| adapted | {adapted} | The same for C++: another spelling or another shape, and the last column says which. |
| open | {open} | Not there yet. |
| not applicable | {not_applicable} | About what C++ does not have, or Python itself has given up. |

What is alike everywhere is not repeated in each row: [differences](differences.md) has it, with the reasons.
"""
TABLE_HEADING = """\
| Python | C++ | status | since (until) | shown by | what differs |
| --- | --- | --- | --- | --- | --- |
"""

SPELLINGS_HEADING = """\
// Each name that docs/conformance.md spells with a namespace. Made of api.tsv: {rewrite}
#include <segue/segue.hpp>

// clang-format off
"""


@dataclass(frozen=True)
class Name:
    """A name of Python's, and what stands for it here."""

    line: int
    area: str
    name: str
    introduced: str
    removed: str
    spelling: str
    status: str
    tests: tuple[str, ...]
    note: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}"

    def row(self) -> str:
        versions = f"{self.introduced} ({self.removed})" if self.removed else self.introduced
        shown = "<br>".join(map(_code, self.tests))
        cells = [_code(self.name), _code(self.spelling), self.status, versions, shown, self.note.replace("|", r"\|")]
        return "| " + " | ".join(cells) + " |\n"


def read(table: Path = TABLE) -> list[Name]:
    names: dict[str, Name] = {}
    lines = [
        (number, tuple(line.split("\t")))
        for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines or lines[0][1] != COLUMNS:
        raise ValueError(f"{table.name}: the first line has to be the header {' | '.join(COLUMNS)}")
    for number, columns in lines[1:]:
        try:
            name = _name(number, columns)
            if before := names.get(name.name):
                raise ValueError(f"{name.name} has a row already, in line {before.line}")
        except ValueError as error:
            raise ValueError(f"{table.name}: line {number}: {error}") from None
        names[name.name] = name
    return list(names.values())


def _name(number: int, columns: tuple[str, ...]) -> Name:
    if len(columns) != len(COLUMNS) or not all(column.strip() for column in columns):
        raise ValueError(f"{len(COLUMNS)} columns that are not empty are wanted, not {list(columns)}")
    area, name, introduced, removed, spelling, status, tests, note = (
        "" if column == NOTHING else column for column in columns
    )
    if not (area and name and introduced):
        raise ValueError("a row has an area, a name and the version that introduced it")
    for version in filter(None, (introduced, removed)):
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
            raise ValueError(f"'{version}' is no version")
    if status not in STATUSES:
        raise ValueError(f"the status '{status}' is none of: {', '.join(STATUSES)}")
    if (status in SHOWN) != bool(spelling):
        raise ValueError(f"{name}: what is {status} has {'no' if spelling else 'a'} C++ spelling")
    if (status in SHOWN) != bool(tests):
        raise ValueError(f"{name}: what is {status} has {'no tests' if tests else 'a test that shows it'}")
    if status in ("adapted", "not applicable") and not note:
        raise ValueError(f"{name}: what is {status} has a note that says {'what differs' if spelling else 'why'}")
    shown = ledger.tests_in(tests) if tests else ()
    return Name(number, area, name, introduced, removed, spelling, status, shown, note)


def page(names: Sequence[Name]) -> str:
    counts = Counter(name.status for name in names)
    text = HEADING.format(rewrite=REWRITE, **{status.replace(" ", "_"): counts[status] for status in STATUSES})
    for area in dict.fromkeys(name.area for name in names):
        text += f"\n## {area[0].upper()}{area[1:]}\n\n{TABLE_HEADING}"
        text += "".join(name.row() for name in names if name.area == area)
    return text


def spellings(names: Iterable[Name]) -> str:
    """A source that compiles where each name is there that is spelled with a namespace."""
    qualified = {match for name in names for match in re.findall(r"(?<![\w:])(?!std::)[a-z_]+::\w+", name.spelling)}
    lines = (f"namespace {name.replace('::', '_')} {{ using segue::{name}; }}\n" for name in sorted(qualified))
    return SPELLINGS_HEADING.format(rewrite=REWRITE) + "".join(lines)


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def summary(names: Iterable[Name]) -> str:
    counts = Counter(name.status for name in names)
    return f"names: {', '.join(f'{counts[status]} {status}' for status in STATUSES)}"


def check(
    build_dir: Path, table: Path = TABLE, committed: Path = PAGE, compiled: Path = SPELLINGS
) -> tuple[list[str], str]:
    """Runs every test that the table names. What speaks against it and what is made of it, and the counts."""
    try:
        names = read(table)
    except ValueError as error:
        return [str(error)], summary([])
    complaints = [
        f"{made.name} does not say what {table.name} does: {REWRITE}"
        for made, text in ((committed, page(names)), (compiled, spellings(names)))
        if not made.exists() or made.read_text(encoding="utf-8") != text
    ]
    faults = ledger.faults_of((test for name in names for test in name.tests), build_dir)
    complaints += [f"{table.name}: {name}: {test} {faults[test]}" for name in names for test in name.tests if test in faults]
    return complaints, summary(names)


def main(
    arguments: Sequence[str] | None = None, table: Path = TABLE, written: Path = PAGE, compiled: Path = SPELLINGS
) -> int:
    parser = argparse.ArgumentParser(description="Makes docs/conformance.md and spellings.cpp of tests/conformance/api.tsv.")
    parser.add_argument("--write", action="store_true", required=True, help="write them")
    parser.parse_args(arguments)
    try:
        names = read(table)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    written.write_text(page(names), encoding="utf-8")
    compiled.write_text(spellings(names), encoding="utf-8")
    print(f"{written.name}: {summary(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
