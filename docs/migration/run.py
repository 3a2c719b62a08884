#!/usr/bin/env python3
"""Tests the migration cases: each rung of a case, from callbacks to co_await, passes the case's one test.

    python3 docs/migration/run.py [CASE...] --build-dir build/dev [--small]

A case is a folder here with a test.py: `prepare(folder, small)` makes its data once, `test(program, data)` runs one rung
on it, ends the process where something is wrong, and returns the figures that the table at the end shows, beside the
lines of code and how many of them went and came. The programs of a case whose library is not there were not built; it is
left out. --small is for sanitizers: less data, and no check of what a sanitizer itself takes.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def code(rung: Path) -> list[str]:
    """The lines of a rung, a file or a folder of files, that are neither empty nor comments."""
    files = sorted(rung.rglob("*.[ch]pp")) if rung.is_dir() else [rung]
    lines = [line.strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("//")]


def changed(before: list[str], after: list[str]) -> str:
    """How many lines went and came, as `diff` counts them."""
    counts = [line[0] for line in difflib.ndiff(before, after)]
    return f"-{counts.count('-')} +{counts.count('+')}"


def run_case(case: Path, build_dir: Path, small: bool) -> None:
    rungs = [(rung, build_dir / "bin" / f"migration_{case.name}_{rung.stem}")
             for rung in sorted(case.glob("[0-9]-*")) if rung.suffix in (".cpp", "")]
    if not any(program.exists() for _, program in rungs):
        print(f"{case.name}: left out, since it was not built")
        return
    spec = importlib.util.spec_from_file_location("test", case / "test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = []
    with tempfile.TemporaryDirectory(prefix="segue-migration-") as folder:
        data = module.prepare(Path(folder), small)
        for rung, program in rungs:
            print(f"{case.name}, {rung.stem}", flush=True)
            table.append((rung.stem, code(rung), module.test(program, data)))
    print(f"\n{case.name}:")
    former = None
    for name, lines, figures in table:
        diff = changed(former, lines) if former else ""
        print(f"  {name:18}{len(lines):4} lines {diff:>9}   {figures}")
        former = lines
    print(flush=True)


def main() -> None:
    cases = sorted(test.parent for test in HERE.glob("*/test.py"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help=", ".join(case.name for case in cases) + " (all of them)")
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.case) - {case.name for case in cases}:
        parser.error(f"no case {', '.join(sorted(unknown))}")
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    for case in cases:
        if not options.case or case.name in options.case:
            run_case(case, options.build_dir, options.small)


if __name__ == "__main__":
    main()
