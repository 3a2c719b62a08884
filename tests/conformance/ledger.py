"""Ledgers: which tests here check what CPython's own test methods (cpython.tsv), or the rules of its semantics
(rules.tsv), are about, and whether they pass.

A row names its tests as CTest does: `legacy.Generator.KeepsItsArguments` is the test `Generator.KeepsItsArguments` of the
executable tests/legacy_tests in the build folder.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from twins import run_program

COLUMNS = ("file", "method", "status", "tests or reason")
RULE_COLUMNS = ("rule", "tests")
TIMEOUT = 300


@dataclass(frozen=True)
class Row:
    """What has to be checked: a test method of CPython's, or a rule; without tests, if it has no meaning in C++."""

    line: int
    name: str
    tests: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}"


@dataclass(frozen=True)
class Count:
    """How many portable rows are covered, and what speaks against the others."""

    covered: int
    portable: int
    complaints: list[str]


def read(ledger: Path) -> list[Row]:
    rows: dict[str, Row] = {}
    lines = [
        (number, tuple(line.split("\t")))
        for number, line in enumerate(ledger.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    header = lines[0][1] if lines else ()
    if header not in (COLUMNS, RULE_COLUMNS):
        headers = " or ".join(" | ".join(columns) for columns in (COLUMNS, RULE_COLUMNS))
        raise ValueError(f"{ledger.name}: the first line has to be the header {headers}")
    for number, columns in lines[1:]:
        try:
            if len(columns) != len(header) or not all(column.strip() for column in columns):
                raise ValueError(f"{len(header)} columns that are not empty are wanted, not {list(columns)}")
            row = _method(number, *columns) if header == COLUMNS else _rule(number, *columns)
            if before := rows.get(row.name):
                raise ValueError(f"{row.name} has a row already, in line {before.line}")
        except ValueError as error:
            raise ValueError(f"{ledger.name}: line {number}: {error}") from None
        rows[row.name] = row
    return list(rows.values())


def _method(number: int, file: str, method: str, status: str, last: str) -> Row:
    if status == "not applicable":
        return Row(number, f"{file} {method}")
    if status != "covered":
        raise ValueError(f"the status '{status}' is neither 'covered' nor 'not applicable'")
    return Row(number, f"{file} {method}", _tests(last))


def _rule(number: int, rule: str, tests: str) -> Row:
    row = Row(number, f"rule {rule}", _tests(tests))
    if not any(re.search(rf"\.rule_{rule}_", test) for test in row.tests):
        raise ValueError(f"none of the tests of {row.name} is named after it")
    return row


def _tests(column: str) -> tuple[str, ...]:
    tests = tuple(column.split("; "))
    for test in tests:
        if not re.fullmatch(r"\w+\.\w+\.\w+", test):
            raise ValueError(f"'{test}' is no test: write room.Suite.name, several separated by '; '")
    return tests


def count(ledger: Path, build_dir: Path, wanted: Iterable[str] = ()) -> Count:
    """Runs every test that the ledger names. Each name in `wanted` has to have a row."""
    try:
        rows = [row for row in read(ledger) if row.tests]
    except ValueError as error:
        return Count(0, 0, [str(error)])
    names = {row.name for row in rows}
    missing = [f"{ledger.name}: {name} has no row" for name in wanted if name not in names]
    faults: dict[str, str] = {}
    rooms: dict[str, set[str]] = {}
    for test in (test for row in rows for test in row.tests):
        room, name = test.split(".", 1)
        rooms.setdefault(room, set()).add(name)
    for room, tests in rooms.items():
        found = _run(build_dir / "tests" / f"{room}_tests", tests)
        faults |= {f"{room}.{name}": fault for name, fault in found.items()}
    complaints = [f"{ledger.name}: {row}: {test} {faults[test]}" for row in rows for test in row.tests if test in faults]
    covered = sum(not any(test in faults for test in row.tests) for row in rows)
    return Count(covered, len(rows) + len(missing), missing + complaints)


def _run(executable: Path, names: Iterable[str]) -> dict[str, str]:
    """Runs those tests of an executable; says of each that did not run and pass, why."""
    listed = run_program([executable, "--gtest_list_tests"], executable.parent, TIMEOUT)
    if listed.problem:
        return dict.fromkeys(names, f"cannot be looked for: {listed.problem}")
    existing = _listed_tests(listed.lines)
    faults = {name: f"does not exist in {executable.name}" for name in names if name not in existing}
    wanted = [name for name in sorted(names) if name in existing]
    if not wanted:
        return faults
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        done = run_program(
            [executable, f"--gtest_filter={':'.join(wanted)}", f"--gtest_output=json:{results}", "--gtest_brief=1"],
            executable.parent,
            TIMEOUT,
        )
        outcomes = _outcomes(json.loads(results.read_text(encoding="utf-8"))) if results.exists() else {}
    for name in wanted:
        outcome = outcomes.get(name, f"did not run: {executable.name} {done.problem or 'left it out'}")
        if outcome != "passed":
            faults[name] = outcome
    return faults


def _listed_tests(lines: Iterable[str]) -> set[str]:
    tests, suite = set(), ""
    for line in lines:
        name = line.split("#")[0].rstrip()
        if name.startswith("  "):
            tests.add(suite + name.strip())
        elif name.endswith("."):
            suite = name
    return tests


def _outcomes(results: dict) -> dict[str, str]:
    outcomes = {}
    for suite in results["testsuites"]:
        for test in suite["testsuite"]:
            if test.get("failures"):
                outcome = "failed:\n" + "\n".join(failure["failure"] for failure in test["failures"])
            elif test["status"] == "RUN" and test["result"] == "COMPLETED":
                outcome = "passed"
            else:
                outcome = "was skipped"
            outcomes[f"{suite['name']}.{test['name']}"] = outcome
    return outcomes
