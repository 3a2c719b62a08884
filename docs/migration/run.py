#!/usr/bin/env python3
"""Runs a migration case's two programs on data made for it, and checks that what the pages say of them is true.

    python3 docs/migration/run.py expat|sqlite --build-dir build/dev [--megabytes 50] [--rows 100000] [--no-memory]

Both print the same, for all of the data and for an early exit; the early exit reads a small part of the data; and the
peak of the memory stays at a few MiB, however large the data. The data lives in a temporary folder, and goes with it.
"""

from __future__ import annotations

import argparse
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY_LIMIT = 8 * 1024  # in KiB, the program with its libraries included
WANTED = 5


def run(program: Path, *arguments: str) -> tuple[list[str], int]:
    """The lines that the program prints, and its peak resident size in KiB, looked at as it runs: what wait4() tells
    counts the process that started it, too."""
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        if found := re.search(r"VmHWM:\s*(\d+) kB", status):
            peak = int(found[1])
        time.sleep(0.001)
    with process.stdout as output:
        lines = output.read().splitlines()
    if process.returncode != 0:
        sys.exit(f"{program.name} {' '.join(arguments)}: exit code {process.returncode}")
    return lines, peak


def check(fine: bool, what: str) -> None:
    print(("ok: " if fine else "FAILED: ") + what)
    if not fine:
        sys.exit(1)


def amount(lines: list[str]) -> int:
    """What the last line says was read."""
    return int(re.fullmatch(r"read (\d+) \w+", lines[-1]).group(1))


def make_orders(path: Path, size: int) -> tuple[int, int]:
    """An XML file of about `size` bytes; the number of its orders and their sum."""
    chance = random.Random(1)
    count = cents = written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("<?xml version='1.0'?>\n<orders>\n")
        while written < size:
            count += 1
            items = [(chance.randint(1, 9), chance.randint(100, 9999)) for _ in range(chance.randint(1, 5))]
            cents += sum(quantity * price for quantity, price in items)
            text = f"<order id='{count}'><customer>Smith &amp; Sons {chance.randint(1, 500)}</customer>"
            text += "".join(f"<item quantity='{quantity}' price='{price}'/>" for quantity, price in items)
            written += file.write(text + "</order>\n")
        file.write("</orders>\n")
    return count, cents


def make_table(path: Path, rows: int) -> tuple[int, int]:
    """A table of orders, about a hundred a customer; the number of its customers and their sum."""
    chance = random.Random(1)
    orders = [(row, f"customer {row // 100}", chance.randint(100, 19999)) for row in range(rows)]
    database = sqlite3.connect(path)
    database.execute("create table orders (id integer primary key, customer text not null, cents integer not null)")
    database.executemany("insert into orders values (?, ?, ?)", orders)
    database.commit()
    database.close()
    return (rows + 99) // 100, sum(cents for _, _, cents in orders)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=["expat", "sqlite"])
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--megabytes", type=int, default=50, help="size of the XML file")
    parser.add_argument("--rows", type=int, default=100_000, help="size of the table")
    parser.add_argument("--no-memory", action="store_true", help="do not check the peak of the memory")
    options = parser.parse_args()
    before, after = (options.build_dir / "bin" / f"migration_{options.case}_{side}" for side in ("before", "after"))

    with tempfile.TemporaryDirectory(prefix="segue-migration-") as folder:
        data = Path(folder, "data")
        if options.case == "expat":
            count, cents = make_orders(data, options.megabytes * 1_000_000)
            most, unit = 64 * 1024, "bytes"
        else:
            count, cents = make_table(data, options.rows)
            most, unit = 32, "pages"

        lines, peak = run(after, str(data))
        check(lines == run(before, str(data))[0], f"both say: {lines[0]}")
        check(lines[0].startswith(f"{count} ") and f", {cents} in all" in lines[0], "it is what is in the data")
        if not options.no_memory:
            size = data.stat().st_size // 1024
            check(peak < MEMORY_LIMIT, f"the peak of its memory is {peak} KiB, for {size} KiB of data")

        first, _ = run(after, str(data), str(WANTED))
        check(len(first) == WANTED + 1, f"an early exit gives {WANTED}")
        check(first == run(before, str(data), str(WANTED))[0], "and both give the same")
        check(amount(first) <= most and 10 * amount(first) < amount(lines),
              f"for which {amount(first)} {unit} of {amount(lines)} were read")


if __name__ == "__main__":
    main()
