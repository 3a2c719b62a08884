"""The ledger of CPython's own test methods: which tests here check what each of them is about, and whether they pass.

A row of cpython.tsv names its tests as CTest does: `legacy.Generator.KeepsItsArguments` is the test
`Generator.KeepsItsArguments` of the executable tests/legacy_tests in the build folder.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twins import run_program

COLUMNS = ("file", "method", "kind", "status", "tests or reason")
STATUSES = ("covered", "open", "not applicable")
# Of how many per cent of the methods of a kind the tests have to pass here.
FLOORS = {"direct": 100, "adapted": 80, "rule": 100}
KINDS = (*FLOORS, "not portable")
TIMEOUT = 300


@dataclass(frozen=True)
class Row:
    """A test method of CPython's, or a rule; with its tests, if it is covered."""

    line: int
    file: str
    method: str
    kind: str
    status: str
    tests: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.file} {self.method}"


@dataclass
class Count:
    """Which methods of each file are covered, by their kind, and what speaks against the others."""

    name: str
    rows: list[tuple[Row, bool]]
    complaints: list[str]

    def lines(self) -> list[str]:
        """What is open, the covered of each file, and at last those of all."""
        files = dict.fromkeys(row.file for row, _ in self.rows)
        return [
            *(f"{self.name}: open: {row.file} {row.method}: {row.reason}" for row, _ in self.rows if row.status == "open"),
            *(f"{self.name}: {file}: {self._text(file)}" for file in files),
            f"{self.name}: {self._text()} covered",
        ]

    def failures(self) -> list[str]:
        below = []
        for kind, floor in FLOORS.items():
            covered, total = self.of(kind)
            if covered * 100 < total * floor:
                below.append(f"{self.name}: {floor}% of the {kind} rows have to be covered, not {covered} of {total}")
        return self.complaints + below

    def of(self, kind: str, file: str | None = None) -> tuple[int, int]:
        """How many of that kind are covered, and how many there are."""
        those = [covered for row, covered in self.rows if row.kind == kind and file in (None, row.file)]
        return sum(those), len(those)

    def _text(self, file: str | None = None) -> str:
        kinds = [kind for kind in FLOORS if self.of(kind)[1]]
        return ", ".join("{0} of {1} {kind}".format(*self.of(kind, file), kind=kind) for kind in kinds) or "nothing"


def read(ledger: Path) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    lines = [
        (number, tuple(line.split("\t")))
        for number, line in enumerate(ledger.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines or lines[0][1] != COLUMNS:
        raise ValueError(f"{ledger.name}: the first line has to be the header {' | '.join(COLUMNS)}")
    for number, columns in lines[1:]:
        try:
            row = _row(number, columns)
            if before := rows.get((row.file, row.method)):
                raise ValueError(f"{row.file} {row.method} has a row already, in line {before.line}")
        except ValueError as error:
            raise ValueError(f"{ledger.name}: line {number}: {error}") from None
        rows[row.file, row.method] = row
    return list(rows.values())


def _row(number: int, columns: tuple[str, ...]) -> Row:
    if len(columns) != len(COLUMNS) or not all(column.strip() for column in columns):
        raise ValueError(f"{len(COLUMNS)} columns that are not empty are wanted, not {list(columns)}")
    file, method, kind, status, last = columns
    if kind not in KINDS:
        raise ValueError(f"the kind '{kind}' is none of: {', '.join(KINDS)}")
    if status not in STATUSES:
        raise ValueError(f"the status '{status}' is none of: {', '.join(STATUSES)}")
    if status != "covered":
        return Row(number, file, method, kind, status, reason=last)
    tests = tests_in(last)
    if kind == "rule" and not any(f".{method.replace(' ', '_')}_" in test for test in tests):
        raise ValueError(f"none of the tests of {method} is named after it")
    return Row(number, file, method, kind, status, tests)


def tests_in(column: str) -> tuple[str, ...]:
    """The tests that a column names; one with parameters as GoogleTest lists it, `modern.On/Suite.name/Parameter`."""
    tests = tuple(column.split("; "))
    for test in tests:
        if not re.fullmatch(r"\w+\.[\w/]+\.[\w/]+", test):
            raise ValueError(f"'{test}' is no test: write room.Suite.name, several separated by '; '")
    return tests


def count(
    ledger: Path, build_dir: Path, wanted: Iterable[str] = (), sizes: Mapping[str, int] | None = None
) -> Count:
    """Runs every test that the ledger names. Each method in `wanted` has to have a row; each file, as many as `sizes` says."""
    try:
        rows = read(ledger)
    except ValueError as error:
        return Count(ledger.stem, [], [str(error)])
    methods = {row.method for row in rows}
    missing = [f"{ledger.name}: {method} has no row" for method in wanted if method not in methods]
    if sizes is not None:
        found = Counter(row.file for row in rows)
        missing += [
            f"{ledger.name}: {file} has {found[file]} rows, not {sizes.get(file, 0)}"
            for file in sorted({*found, *sizes})
            if found[file] != sizes.get(file, 0)
        ]
    faults = faults_of((test for row in rows for test in row.tests), build_dir)
    complaints = [f"{ledger.name}: {row}: {test} {faults[test]}" for row in rows for test in row.tests if test in faults]
    covered = [(row, row.status == "covered" and not any(test in faults for test in row.tests)) for row in rows]
    return Count(ledger.stem, covered, missing + complaints)


def faults_of(tests: Iterable[str], build_dir: Path) -> dict[str, str]:
    """Runs those tests; says of each that does not pass, why."""
    faults: dict[str, str] = {}
    rooms: dict[str, set[str]] = {}
    for test in tests:
        room, name = test.split(".", 1)
        rooms.setdefault(room, set()).add(name)
    for room, names in rooms.items():
        found = _run(build_dir / "tests" / f"{room}_tests", names)
        faults |= {f"{room}.{name}": fault for name, fault in found.items()}
    return faults


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
