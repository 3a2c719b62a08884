"""Echo servers under one load: processor time a request and requests a second, for segue and its peers.

One server process on the last core, the load (load.cpp) on the first; every measurement has a fresh server, which is ended
after it. The processor time is the server's own, of a fixed number of requests after a warm-up.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
# uvloop is built for Debian's own Python; asyncio's servers are run by the same one.
PYTHON = Path("/usr/bin/python3")
SECONDS_AT_MOST = 120
STYLES = ["protocol", "streams"]
CALLS = ["epoll_wait", "epoll_ctl", "allocations"]


@dataclass(frozen=True)
class Case:
    connections: int
    size: int
    requests: int
    warm_up: int = 3_000

    @property
    def key(self) -> str:
        return f"{self.connections}.{self._size.replace(' ', '')}"

    @property
    def _size(self) -> str:
        return f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"

    def __str__(self) -> str:
        return f"{self.connections:,} x {self._size}"


CASES = [
    Case(1, 64, 4_000),
    Case(1, 16384, 4_000),
    Case(64, 64, 20_000),
    Case(64, 16384, 15_000),
    Case(1000, 64, 20_000),
    Case(1000, 16384, 15_000),
]
COUNTED = Case(1, 64, 20_000, warm_up=0)


@dataclass(frozen=True)
class Server:
    name: str
    command: Sequence[str | Path]


@dataclass(frozen=True)
class Figures:
    """Microseconds of the server's processor time, and how many requests were answered in a second."""

    cpu: float
    rate: float

    def better(self, other: Figures) -> Figures:
        return Figures(min(self.cpu, other.cpu), max(self.rate, other.rate))


# {case's key: {server's name: its best figures}}
Measured = dict[str, dict[str, Figures]]


class Servers:
    """Those that can be run here, in the order of the tables. `skipped` says which cannot, and why."""

    def __init__(self, build_dir: Path) -> None:
        self._bin = build_dir / "bin"
        self.skipped: list[str] = []
        self.all: list[Server] = [self._built("epoll")]
        if (self._bin / "echo_libuv").exists():
            self.all.append(self._built("libuv"))
        else:
            self.skipped.append("libuv: it was not there when the servers were built (libuv1-dev)")
        self.all += [self._built("Asio callbacks"), self._built("Asio awaitable")]
        self.all += [Server(f"{loop} {style}", self._python(loop, style)) for loop in self._loops() for style in STYLES]
        self.all += [self._built(segue(style)) for style in STYLES]
        self._load = self._bin / "echo_load"

    def _built(self, name: str) -> Server:
        return Server(name, [self._bin / f"echo_{name.lower().replace(' ', '_')}"])

    def _python(self, loop: str, style: str) -> Sequence[str | Path]:
        return [PYTHON, HERE / "python_server.py", loop, style]

    def _loops(self) -> list[str]:
        if not PYTHON.exists():
            self.skipped.append(f"asyncio and uvloop: there is no {PYTHON}")
            return []
        if subprocess.run([PYTHON, "-c", "import uvloop"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipped.append(f"uvloop: {PYTHON} has no module of this name (python3-uvloop)")
            return ["asyncio"]
        return ["asyncio", "uvloop"]

    def measure(self, cases: Sequence[Case], rounds: int) -> Measured:
        measured: Measured = {}
        for turn in range(rounds):
            for case in cases:
                step = f"echo, round {turn + 1} of {rounds}: {case}"
                print(f"\r{step:50}", end="", file=sys.stderr, flush=True)
                for server in self.all:
                    with self._running(server) as process:
                        figures = self._figures(process, case)
                    kept = measured.setdefault(case.key, {})
                    kept[server.name] = figures.better(kept.get(server.name, figures))
        print(file=sys.stderr)
        return measured

    def count(self, style: str) -> dict[str, float]:
        """How often segue's server makes each of CALLS for a request of its only connection."""
        with self._running(self._built(f"{segue(style)} counted")) as process:
            self._figures(process, COUNTED)
            process.terminate()
            counts = [int(each) for each in process.stdout.read().split()]
        if len(counts) != len(CALLS) or counts[0] == 0:
            raise SystemExit(f"segue's echo server by {style} does not wait in a counted call: {counts}")
        return {call: count / COUNTED.requests for call, count in zip(CALLS, counts)}

    @contextmanager
    def _running(self, server: Server) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(server.command, stdout=subprocess.PIPE, text=True, preexec_fn=_alone_on(-1))
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    def _figures(self, server: subprocess.Popen[str], case: Case) -> Figures:
        port = server.stdout.readline().strip()
        if not port:
            raise SystemExit(f"{server.args[0]} ended before it listened; run it alone to see why")
        numbers = port, server.pid, case.connections, case.size, case.warm_up, case.requests
        command = [self._load, *map(str, numbers)]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, timeout=SECONDS_AT_MOST, preexec_fn=_alone_on(0), check=True
            )
        except subprocess.SubprocessError as error:
            raise SystemExit(f"\n{' '.join(map(str, server.args))}, {case}: {error}") from None
        seconds, cpu = map(float, done.stdout.split())
        return Figures(cpu / case.requests * 1e6, case.requests / seconds)


def segue(style: str) -> str:
    return f"segue {style}"


def best_peer(figures: dict[str, Figures]) -> float:
    return min(each.cpu for name, each in figures.items() if not name.startswith(segue("")))


def tables(measured: Measured, cases: Sequence[Case]) -> str:
    """A line a server, a column a case: first the processor time, then the rate."""
    names = list(measured[cases[0].key])
    kinds: list[tuple[str, Callable[[Figures], str]]] = [
        ("echo: server CPU a request, µs", lambda each: f"{each.cpu:.2f}"),
        ("echo: requests a second", lambda each: f"{each.rate:,.0f}"),
    ]
    texts = []
    for title, text in kinds:
        lines = [[title, *map(str, cases)]]
        lines += [[name, *(text(measured[case.key][name]) for case in cases)] for name in names]
        widths = [max(map(len, column)) for column in zip(*lines)]
        texts.append("\n".join(
            "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])
            for line in lines
        ))
    return "\n\n".join(texts)


def _alone_on(position: int) -> Callable[[], None]:
    """What a child does before it runs: takes one core, and as many descriptors as it may.

    Where it is allowed to (as root), it also goes before all that is not in real time, so that the machine's other
    work does not come between the two ends. (A nice value would not do: it only counts within a session.)
    """
    core = sorted(os.sched_getaffinity(0))[position]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except PermissionError:
            pass

    return prepare
