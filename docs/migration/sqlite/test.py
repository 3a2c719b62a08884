"""Subtotals out of a table: of all customers, and an early exit after the first large ones.

What is printed is what is in the table; the early exit reads a small part of it; the peak of the memory stays at a few
MiB; and where there is a loop, it is not blocked.
"""

import random
import re
import sqlite3
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from kit import check, run

MEMORY_LIMIT = 10 * 1024  # KiB
WANTED = 5
LARGE = 1_000_000
PAGES = 32
TICKS = 3  # of a millisecond, at least, while all of the table is read


@dataclass
class Data:
    file: Path
    small: bool
    totals: str
    first: list[str]


def prepare(folder: Path, small: bool) -> Data:
    chance = random.Random(1)
    file = folder / "orders.db"
    rows = 20_000 if small else 100_000
    orders = [(row, f"customer {row // 100}", chance.randint(100, 19999)) for row in range(rows)]
    database = sqlite3.connect(file)
    database.execute("create table orders (id integer primary key, customer text not null, cents integer not null)")
    database.executemany("insert into orders values (?, ?, ?)", orders)
    database.commit()
    database.close()

    customers = []
    for name, group in groupby(orders, lambda order: order[1]):
        amounts = [cents for _, _, cents in group]
        customers.append((sum(amounts), f"{name}: {len(amounts)} orders, {sum(amounts)}"))
    total = sum(cents for cents, _ in customers)
    _, largest = max(customers, key=lambda customer: customer[0])
    first = [line for cents, line in customers if cents > LARGE][:WANTED]
    return Data(file, small, f"{len(customers)} customers, {total} in all; the largest: {largest}", first)


def test(program: Path, data: Data) -> str:
    whole = run(program, data.file)
    check(whole.lines[0] == data.totals, f"the totals: {whole.lines[0]}")
    for line in whole.lines[1:-1]:
        ticks = int(re.fullmatch(r"ticked (\d+) times", line)[1])
        check(ticks >= TICKS, f"the loop ticks meanwhile: {ticks} times")
    check(data.small or whole.memory < MEMORY_LIMIT, f"the peak of its memory is {whole.memory} KiB")

    early = run(program, data.file, WANTED)
    check(early.lines[:-1] == data.first, f"an early exit gives {WANTED}")
    read, all_of_them = (int(re.fullmatch(r"read (\d+) pages", lines[-1])[1]) for lines in (early.lines, whole.lines))
    check(read <= PAGES and 10 * read < all_of_them, f"for which {read} pages of {all_of_them} were read")
    return f"{whole.seconds:.2f} s, {whole.memory / 1024:.1f} MiB"
