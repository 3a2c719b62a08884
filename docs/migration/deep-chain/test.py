"""Requests for the cheapest path through a market: what each rung answers is what Dijkstra finds here.

Some come upon an offer that was withdrawn, so that an exception starts at the bottom of the chain and leaves through C;
some upon one that is never answered, so that a deadline does. The figures are of a run with those alone that find a path.
"""

import heapq
import random
from dataclasses import dataclass
from pathlib import Path

from kit import check, run

ACCOUNTS = 40
BAD = ["withdrawn", "withdrawn", "never"]
WANTED = {"a path": 180, "timed out": 4, "was withdrawn": 10, "no path": 6}  # how requests end


@dataclass
class Data:
    market: Path
    prices: Path
    requests: str
    answers: list[str]
    good: list[bool]  # which of them find a path


def prepare(folder: Path, small: bool) -> Data:
    chance = random.Random(7)
    bad_accounts = dict(zip(chance.sample(range(ACCOUNTS), len(BAD)), BAD))
    offers, prices = [], []
    books: dict[int, list[list[tuple[object, int]]]] = {}
    withdrawn: dict[int, int] = {}
    for account in range(ACCOUNTS):
        for currency in range(chance.randint(1, 3)):
            book = []
            for price in chance.sample(range(1, 1000), chance.randint(2, 5)):
                book.append((price, chance.randrange(ACCOUNTS)))
            books.setdefault(account, []).append(book)
            for price, target in book:
                offers.append(f"{account} {currency} {target}")
                prices.append(str(price))
        if bad := bad_accounts.get(account):
            prices[-1] = bad
            withdrawn[account] = len(prices) - 1
    (folder / "market").write_text("\n".join(offers) + "\n")
    (folder / "prices").write_text("\n".join(prices) + "\n")

    def search(start: int, end: int) -> str:
        reached: set[int] = set()
        frontier = [(0, start)]
        while frontier:
            cost, account = heapq.heappop(frontier)
            if account in reached:
                continue
            reached.add(account)
            if account == end:
                return str(cost)
            if bad := bad_accounts.get(account):
                return "timed out" if bad == "never" else f"offer {withdrawn[account]} was withdrawn"
            for book in books[account]:
                price, target = min(book)
                heapq.heappush(frontier, (cost + price, target))
        return "no path"

    requests, answers, good = "", [], []
    left = {kind: count // 4 or 1 if small else count for kind, count in WANTED.items()}
    for _ in range(100_000):
        start, end = chance.randrange(ACCOUNTS), chance.randrange(ACCOUNTS)
        answer = search(start, end)
        kind = next((kind for kind in WANTED if answer.endswith(kind)), "a path")
        if left[kind]:
            left[kind] -= 1
            requests += f"{len(answers)} {start} {end}\n"
            answers.append(f"request {len(answers)}: {answer}")
            good.append(kind == "a path")
    check(not any(left.values()), "there are requests that end each way")
    return Data(folder / "market", folder / "prices", requests, answers, good)


def test(program: Path, data: Data) -> str:
    done = run(program, data.market, data.prices, text=data.requests)
    check(done.lines == data.answers, f"{len(data.answers)} requests are answered")
    for kind in list(WANTED)[1:]:
        print(f"      {sum(line.endswith(kind) for line in done.lines)} of them: {kind}")

    good = [line for line, good in zip(data.requests.splitlines(True), data.good) if good]
    done = run(program, data.market, data.prices, text="".join(good))
    check(len(done.lines) == len(good), f"{len(good)} that find a path take {done.seconds:.2f} s")
    return f"{done.seconds:.2f} s, {done.threads} threads, {done.memory / 1024:.1f} MiB"
