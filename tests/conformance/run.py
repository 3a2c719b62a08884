#!/usr/bin/env python3
"""Runs each conformance scenario in CPython and in C++, and compares the traces line by line.

    python3 tests/conformance/run.py --build-dir build/dev [NAME…]

A scenario is NAME.py with its twin NAME.cpp and the recorded output NAME.out (python3 NAME.py > NAME.out), which serves
where there is no interpreter. Without a NAME, the tests that the ledgers name are run, too, and counted: those of
CPython's own test methods (cpython.tsv), and those of the rules of its semantics (rules.tsv); and so are those that the
table of Python's names has (api.tsv), and its page is compared with it. Where versions of CPython differ, the newest
behaviour is the target: a NAME.313.out, recorded with 3.13, wins over what an older interpreter prints.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import api
import ledger
from interpreters import Interpreter, find_interpreters, newest
from twins import Output, PythonOutput, python_output, recorded_output, run_program, select

HERE = Path(__file__).resolve().parent
SCENARIOS = HERE / "scenarios"
# Those of streams and of processes have no rows yet.
RULES = [f"rule {number}" for number in (*range(32, 150), *range(157, 168)) if number != 163]
# How many methods of each file of CPython's have a row: none gets lost.
METHODS = {
    "test_asyncgen.py": 85,
    "test_asyncio/test_base_events.py": 43,
    "test_asyncio/test_context.py": 1,
    "test_asyncio/test_eager_task_factory.py": 20,
    "test_asyncio/test_events.py": 52,
    "test_asyncio/test_free_threading.py": 5,
    "test_asyncio/test_futures.py": 63,
    "test_asyncio/test_futures2.py": 4,
    "test_asyncio/test_locks.py": 75,
    "test_asyncio/test_pep492.py": 11,
    "test_asyncio/test_queues.py": 41,
    "test_asyncio/test_runners.py": 30,
    "test_asyncio/test_staggered.py": 7,
    "test_asyncio/test_taskgroups.py": 48,
    "test_asyncio/test_tasks.py": 168,
    "test_asyncio/test_threads.py": 6,
    "test_asyncio/test_timeouts.py": 34,
    "test_asyncio/test_waitfor.py": 19,
    "test_context.py": 56,
    "test_contextlib.py": 22,
    "test_contextlib_async.py": 36,
    "test_coroutines.py": 99,
    "test_exception_group.py": 52,
    "test_generator_stop.py": 2,
    "test_generators.py": 50,
    "test_yield_from.py": 43,
}
# Each ledger, and what has to have a row in it.
LEDGERS = [(HERE / "cpython.tsv", [], METHODS), (HERE / "rules.tsv", RULES)]
RECORDED_WITH = "3.13.0"

# CPython's side is done in less than a second, or hangs (13_loop_callback_order does, on 3.13.0 only).
PYTHON_TIMEOUT = 5
TWIN_TIMEOUT = 60


@dataclass(frozen=True)
class Record:
    """A recorded output, and the first version of CPython that prints it."""

    path: Path
    since: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, script: Path) -> Record:
        records = [cls(script.with_suffix(".out"))]
        for path in script.parent.glob(f"{script.stem}.*.out"):
            if found := re.fullmatch(r"(\d)(\d+)", path.name.split(".")[-2]):
                records.append(cls(path, (int(found[1]), int(found[2]))))
        return max(records, key=lambda record: record.since)


def expected(script: Path, interpreter: Interpreter | None) -> PythonOutput:
    record = Record.of(script)
    if interpreter is not None and interpreter.version[:2] < record.since:
        return recorded_output(record.path, f"{interpreter} is older than the behaviour aimed at")
    output = python_output(script, interpreter, record.path, PYTHON_TIMEOUT)
    if output.timed_out and record.path.exists():
        return recorded_output(record.path, f"{output.problem} on {interpreter}")
    return output


def compare(name: str, python: PythonOutput, twin: Output) -> list[str]:
    """What speaks against agreement: nothing, where both did the same."""
    complaints = [problem for problem in (python.problem, twin.problem) if problem]
    if python.lines != twin.lines:
        complaints += difflib.unified_diff(
            python.lines, twin.lines, f"{name}.py ({python.origin})", f"{name}.cpp", lineterm=""
        )
    return complaints


def main(
    arguments: Sequence[str] | None = None,
    scenarios: Path = SCENARIOS,
    interpreters: Sequence[Interpreter] | None = None,
    ledgers: Sequence[tuple] = LEDGERS,
    names_table: Path = api.TABLE,
    names_page: Path = api.PAGE,
    names_spelled: Path = api.SPELLINGS,
) -> int:
    parser = argparse.ArgumentParser(
        description="Compares each scenario's trace in CPython and in C++, and counts the test methods covered."
    )
    parser.add_argument("--build-dir", type=Path, default=HERE.parents[1] / "build" / "dev")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a number, a name, or a part of one")
    options = parser.parse_args(arguments)
    try:
        names = select(sorted(path.stem for path in scenarios.glob("*.py")), options.names)
    except LookupError as error:
        parser.error(str(error))

    interpreter = newest(find_interpreters() if interpreters is None else interpreters)
    executables = options.build_dir.resolve() / "bin"
    compared = agreed = stale = 0
    for name in names:
        script = scenarios / f"{name}.py"
        if not script.with_suffix(".cpp").exists():
            print(f"{name}: not yet")
            continue
        compared += 1
        python = expected(script, interpreter)
        complaints = compare(name, python, run_program([executables / f"conformance_{name}"], scenarios, TWIN_TIMEOUT))
        agreed += not complaints
        stale += python.stale_record
        print(f"{name}: {'DISAGREES' if complaints else 'agrees'} ({len(python.lines)} lines)")
        for line in complaints:
            print("    " + line.replace("\n", "\n    "))
        if python.remark:
            print(f"    {python.remark}")

    uncovered = False
    if not options.names:
        for path, *required in ledgers:
            counted = ledger.count(path, options.build_dir.resolve(), *required)
            failures = counted.failures()
            uncovered |= bool(failures)
            for line in (*failures, *counted.lines()):
                print(line.replace("\n", "\n    "))

        complaints, counts = api.check(options.build_dir.resolve(), names_table, names_page, names_spelled)
        uncovered |= bool(complaints)
        for line in (*complaints, counts):
            print(line.replace("\n", "\n    "))

    version = interpreter.version_text if interpreter else f"{RECORDED_WITH} (recorded)"
    print(f"conformance: {agreed} of {compared} scenarios agree with CPython {version}")
    return 0 if compared and agreed == compared and not stale and not uncovered else 1


if __name__ == "__main__":
    sys.exit(main())
