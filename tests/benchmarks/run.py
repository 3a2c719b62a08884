#!/usr/bin/env python3
"""Measures segue and its peers in one run and prints one table: `./dev bench`.

Every executable bench_*, CPython's workloads and the echo servers run several times in turn; what counts is the fastest
time of each, for noise only ever adds. Memory and calls are measured once. A line of the table is a workload beside one peer, or beside what it has to
reach.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))
from echo import measure as echo  # noqa: E402
from interpreters import Interpreter, find_interpreters, newest  # noqa: E402

SEGUE = "segue"
CPYTHON = "CPython"
BEST_ECHO = "the best of the other servers"
HOST = "the host alone"
PEERS = ["raw fcontext", "Coroutine2", "Coroutine2 pooled", "Coroutine2 guarded", "Asio", "Asio tuned", "bare C++", CPYTHON,
         BEST_ECHO, HOST]


@dataclass(frozen=True)
class Limit:
    """At most `most` times `against`; in the workload's unit where it is against nothing, or `above` it.

    `against` is a peer, or another workload of segue's. `compiler` begins the name of the one that it is for.
    """

    most: float
    against: str = ""
    compiler: str = ""
    above: bool = False

    def text(self, unit: str) -> str:
        if self.above:
            return f"<= {self.most:g} {unit} more"
        if not self.against:
            return f"<= {self.most:g} {unit}"
        return f"<= {self.most:.3g}x"


@dataclass(frozen=True)
class Workload:
    """What is measured, by the benchmark of the same name. A figure other than time is a counter of the benchmark's.

    Its key is then BENCHMARK.UNIT, and the counter's name the unit.
    """

    key: str
    title: str
    limits: Sequence[Limit] = ()
    unit: str = "ns"

    @property
    def benchmark(self) -> str:
        return self.key if self.unit == "ns" else self.key.removesuffix(f".{self.unit}")

    def figure(self, entry: dict[str, Any]) -> float:
        return 1e9 / entry["items_per_second"] if self.unit == "ns" else entry[self.unit]


WORKLOADS = [
    Workload(
        "generator.next",
        "generator: next()",
        [
            Limit(1.25, "raw fcontext"),
            Limit(0.5, "Coroutine2", compiler="g++"),
            Limit(1, "Coroutine2", compiler="clang"),
            Limit(1, CPYTHON),
        ],
    ),
    Workload("generator.iterate", "generator: a value in a loop over 1,000"),
    Workload("generator.send", "generator: send()", [Limit(1.1, "generator.next")]),
    Workload("generator.run", "generator: make, one value, end", [Limit(60)]),
    Workload(
        "generator.abandon",
        "generator: make, one value, destroy while suspended",
        [Limit(1 / 3, "Coroutine2"), Limit(1, CPYTHON)],
    ),
    Workload(
        "generator.abandon_object", "generator: the same, with an object to destroy", [Limit(1 / 3, "Coroutine2")]
    ),
    Workload("yield_from.1", "yield from, depth 1", [Limit(16)]),
    Workload("yield_from.10", "yield from, depth 10"),
    Workload("yield_from.100", "yield from, depth 100"),
    Workload("yield_from.1000", "yield from, depth 1,000", [Limit(1.1, "yield_from.1"), Limit(16)]),
    Workload("task.switch.2", "task switch, 2 tasks", [Limit(0.1, "Asio")]),
    Workload("task.switch.10000", "task switch, 10,000 tasks", [Limit(0.1, "Asio")]),
    Workload("coroutine.child", "await a coroutine that returns at once", [Limit(9)]),
    Workload("fiber.switch.2", "the same, 2 generator-based coroutines", [Limit(12)]),
    Workload("fiber.switch.10000", "the same, 10,000 generator-based coroutines", [Limit(20)]),
    Workload("task.spawn_join.1000", "spawn and join 1,000 tasks, each", [Limit(30)]),
    Workload("task.spawn_join.100000", "spawn and join 100,000 tasks, each", [Limit(60)]),
    Workload("task.spawn_join", "spawn and join a million tasks, each", [Limit(100)]),
    Workload("task_group.1000", "a task in a group of 1,000", [Limit(45)]),
    Workload("task.parked.bytes", "a parked task: memory", [Limit(250)], "bytes"),
    Workload("sleep.100000.s", "100,000 sleeps of 1 to 100 ms: CPU", [Limit(0.075)], "s"),
    Workload("timer.cancel", "start and cancel a timer beside 10,000", [Limit(50)]),
    Workload("thread.round_trip", "to_thread() and back, on one core", [Limit(5000)]),
    Workload("future.wake", "complete a future, wake the task that waits"),
    Workload("error.await", "await a coroutine that fails", [Limit(1.1, "bare C++"), Limit(1, CPYTHON)]),
    Workload("error.task", "make a task that fails, and await it", [Limit(1.5, "bare C++"), Limit(1, CPYTHON)]),
    Workload("error.task_group", "a task that fails in a group", [Limit(1, CPYTHON)]),
    Workload("context.copy", "a copy of the current context", [Limit(5), Limit(1, CPYTHON)]),
    Workload("context.get", "look a context variable up", [Limit(5), Limit(1, CPYTHON)]),
    Workload("context.set", "set a context variable"),
    Workload("async_generator.next", "anext() of an async generator", [Limit(1.5, "coroutine.child")]),
    Workload("task.one", "make a task that returns at once, await it"),
    Workload("task.one_in_context", "the same, in a context with two variables", [Limit(1.1, "task.one")]),
    Workload("task.one_eager", "… begun eagerly", [Limit(0.5, "task.one")]),
    Workload("run.nothing", "run() of an empty coroutine", [Limit(15_000)]),
    Workload("queue.item", "an item through a queue of 100", [Limit(8)]),
    Workload("lock.handover", "hand a lock over, held for an iteration", [Limit(20)]),
    Workload("event.wake", "set an event, wake the task that waits", [Limit(15)]),
    Workload("callback.at_once", "await a callback that is called at once", [Limit(40)]),
    Workload("callback.later", "await a callback in the next iteration", [Limit(60)]),
    Workload("callback.c.at_once", "the same of a C function and its void*, called at once", [Limit(40)]),
    Workload("callback.c.later", "the same in the next iteration", [Limit(60)]),
    Workload("callback.many", "a value of a callback that is called many times, in batches of 100"),
    Workload("guest.libuv", "an iteration of libuv, with a guest", [Limit(100, HOST, above=True)]),
    Workload("guest.glib", "an iteration of GLib, with a guest", [Limit(100, HOST, above=True)]),
    Workload("guest.asio", "an iteration of Asio, with a guest", [Limit(100, HOST, above=True)]),
    Workload("asio.read_at_once", "await Asio's read of what is there", [Limit(1.1, "Asio")]),
    Workload("asio.read_suspended", "await Asio's read, and what comes later", [Limit(1, "Asio")]),
    Workload("asio.post", "await Asio's post()"),
    Workload("chain.co_await.1", "wake a co_await frame alone"),
    Workload("chain.co_await.1000", "wake a co_await frame below 999 of both styles", [Limit(1.5, "chain.co_await.1")]),
    Workload("chain.yield_from.1", "wake a generator-based frame alone"),
    Workload(
        "chain.yield_from.1000", "wake a generator-based frame below 999", [Limit(1.5, "chain.yield_from.1")]
    ),
    Workload("crossing.await_generator_based", "co_await a fresh generator-based coroutine", [Limit(80)]),
    Workload("crossing.yield_from_co_await", "yield_from a fresh co_await coroutine"),
    Workload("crossing.portal", "co_await a fresh portal, and await_() in it",
             [Limit(15, "crossing.generator_based_waits", above=True)]),
    Workload("crossing.generator_based_waits", "the same of a generator-based coroutine and yield_from"),
    Workload("crossing.async_generator", "anext() of an async generator on a fiber"),
    Workload("crossing.to_callback", "call a coroutine function by a callback API, and wait for the call"),
    Workload("crossing.listener", "await a listener that is called at once"),
    Workload("crossing.ensure_future", "ensure_future() of a callback that is called at once, and await it"),
    Workload("crossing.into_queue", "a value of a callback into a queue, in batches of 100"),
    Workload("crossing.portal_generator", "next() of a generator below a portal that awaits each value"),
    Workload("crossing.from_pull", "next() of a generator made of a Coroutine2 pull_type"),
    Workload("crossing.to_pull", "a value of a pull_type made of a generator"),
    Workload("crossing.from_asio", "await an Asio awaitable that returns at once"),
    Workload("crossing.co_spawn", "co_spawn() a coroutine that returns at once, and await that"),
    Workload("crossing.from_std_future.ready", "await a std::future that is ready"),
    Workload("crossing.from_std_future", "await a std::future that is not, on one core"),
    Workload("crossing.to_std_future", "a std::future of a coroutine, until it is ready"),
    Workload("crossing.from_thread", "from_thread::run() a coroutine that returns at once, on one core"),
    Workload("crossing.threadsafe", "the same by run_coroutine_threadsafe(), on one core"),
    Workload("crossing.blocking_portal", "the same by a blocking portal, on one core"),
    Workload("suspended.KiB", "a million suspended generators: memory, each", [Limit(4.5)], "KiB"),
    Workload("suspended.maps", "a million suspended generators: mappings", [Limit(99)], "maps"),
    Workload("suspended_protect.generators", "as many as mprotect can guard", unit="generators"),
]

# What echo/measure.py measures.
ECHO = [
    Workload(
        f"echo.{style}.{case.key}",
        f"echo by {style}, {case}: server CPU a request",
        [Limit(1.05 if style == "protocol" else 1.25 if case.key == "1000.16KiB" else 1.15, BEST_ECHO)],
        "µs",
    )
    for style in echo.STYLES
    for case in echo.CASES
]
# A protocol answers where it is called. Streams wake a task, which runs an iteration later, and read() gives a string.
ECHO_CALLS = [
    Workload(f"echo.{style}.{call}", f"echo by {style}: {call} a round trip", [Limit(most + 0.01)], "calls")
    for style, mosts in {"protocol": (1, 0, 0), "streams": (2, 0, 1)}.items()
    for call, most in zip(echo.CALLS, mosts)
]
WORKLOADS += [*ECHO, *ECHO_CALLS]

# {workload: {peer: its figure in the workload's unit}}
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Row:
    workload: Workload
    own: float
    peer: str
    other: float | None = None
    limit: Limit | None = None

    @property
    def ratio(self) -> float | None:
        return self.own / self.other if self.other else None

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        if self.limit.above:
            return self.own - self.other <= self.limit.most
        return (self.ratio if self.other else self.own) <= self.limit.most

    def cells(self) -> list[str]:
        unit = self.workload.unit
        target = f"{self.limit.text(unit)}: {'ok' if self.holds else 'MISSED'}" if self.limit else ""
        figures = figure(self.own, unit), self.peer, figure(self.other, unit)
        return [self.workload.title, *figures, times(self.ratio), target]


def figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    decimals = {"ns": 1, "KiB": 1, "µs": 2, "calls": 2, "s": 3}.get(unit, 0) if value < 1000 else 0
    number = f"{value:,.{decimals}f}"
    return number if unit == "ns" else f"{number} {unit}"


def times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def rows_of(workload: Workload, compiler: str, measured: Figures) -> list[Row]:
    """A row a peer, with its limit where there is one, then one for each other limit."""
    own = measured[workload.key][SEGUE]
    peers = {peer: measured[workload.key][peer] for peer in PEERS if peer in measured[workload.key]}
    limits = {limit.against: limit for limit in workload.limits if compiler.startswith(limit.compiler)}
    rows = [Row(workload, own, peer, other, limits.pop(peer, None)) for peer, other in peers.items()]
    titles = {each.key: each.title for each in WORKLOADS}
    for against, limit in limits.items():
        if not against:
            rows.append(Row(workload, own, "", None, limit))
        elif against in titles and against in measured:
            rows.append(Row(workload, own, f"segue, {titles[against]}", measured[against][SEGUE], limit))
    return rows or [Row(workload, own, "")]


def table(rows: Iterable[Row]) -> str:
    head = ["workload", "segue ns", "beside", "ns", "segue/it", "target"]
    lines = [head, *(row.cells() for row in rows)]
    for previous, line in reversed(list(zip(lines[1:], lines[2:]))):
        if line[0] == previous[0]:
            line[0] = line[1] = ""
    widths = [max(map(len, column)) for column in zip(*lines)]
    right = {1, 3, 4}
    text = [
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "-" * max(map(len, text)), *text[1:]])


def keep_least(measured: Figures, workload: str, peer: str, value: float) -> None:
    peers = measured.setdefault(workload, {})
    peers[peer] = min(value, peers.get(peer, value))


def run_executable(
    executable: Path, wanted: Sequence[Workload], seconds: float, measured: Figures, errors: dict[str, str]
) -> None:
    names = "|".join(re.escape(name) for name in {each.benchmark for each in wanted})
    done = subprocess.run(
        [
            executable,
            f"--benchmark_filter=^({names})/",
            f"--benchmark_min_time={seconds}",
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_format=json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{executable} failed (exit code {done.returncode}); run it alone to see why")
    if not done.stdout.strip():  # the filter leaves nothing of this one
        return
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry.get("error_occurred"):
            raise SystemExit(f"{executable}: {entry['run_name']}: {entry['error_message']}")
        benchmark, peer = re.sub("/(iterations:[0-9]+|process_time)$", "", entry["run_name"]).split("/", 1)
        for workload in wanted:
            if workload.benchmark == benchmark:
                keep_least(measured, workload.key, peer, workload.figure(entry))
                if entry.get("label"):
                    errors[f"{workload.title}, {peer}"] = entry["label"]


def run_python(python: Interpreter, wanted: Sequence[Workload], measured: Figures) -> None:
    keys = [each.key for each in wanted]
    done = subprocess.run([python.path, HERE / "workloads.py", *keys], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{python} failed in {HERE / 'workloads.py'} (above)")
    for workload, value in json.loads(done.stdout).items():
        keep_least(measured, workload, CPYTHON, value)


def run_echo(build_dir: Path, chosen: Sequence[Workload], rounds: int, measured: Figures) -> str:
    """The servers' own tables, and what could not be measured."""
    servers = echo.Servers(build_dir)
    chosen_keys = {each.key for each in chosen}
    cases = [case for case in echo.CASES if chosen_keys & {f"echo.{style}.{case.key}" for style in echo.STYLES}]
    figures = servers.measure(cases, rounds)
    for style in echo.STYLES:
        for case in cases:
            of_case = figures[case.key]
            own = of_case[echo.segue(style)].cpu
            measured[f"echo.{style}.{case.key}"] = {SEGUE: own, BEST_ECHO: echo.best_peer(of_case)}
        keys = {f"echo.{style}.{call}": call for call in echo.CALLS}
        if chosen_keys & keys.keys():
            counts = servers.count(style)
            measured |= {key: {SEGUE: counts[call]} for key, call in keys.items()}
    texts = [echo.tables(figures, cases)] if cases else []
    return "\n\n".join([*texts, *(f"echo, skipped: {each}" for each in servers.skipped)])


def compiler_of(build_dir: Path) -> str:
    """The first line of what the compiler says of itself; it begins with its name."""
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (build_dir / "CMakeCache.txt").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit(f"{build_dir / 'CMakeCache.txt'} names no CMAKE_CXX_COMPILER")
    done = subprocess.run([found[1], "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[0].removeprefix("Debian ")


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only the workloads whose key contains one of these")
    parser.add_argument("--build-dir", type=Path, default=Path("build/release"))
    parser.add_argument("--rounds", type=int, help="how often everything is measured (default: 5; echo: 3)")
    parser.add_argument("--seconds", type=float, default=0.1, help="a measurement's least length (default: 0.1)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--list", action="store_true", help="list the workloads' keys and stop")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = [each for each in WORKLOADS if not options.names or any(name in each.key for name in options.names)]
    if options.list or not chosen:
        print("\n".join(f"{each.key:32}{each.title}" for each in WORKLOADS))
        return 0 if options.list else f"no workload's key contains any of: {' '.join(options.names)}"
    executables = sorted((options.build_dir / "bin").glob("bench_*"))
    if not executables:
        return f"no executable bench_* in {options.build_dir / 'bin'}: build the target `benchmarks` of the preset release"

    compiler = compiler_of(options.build_dir)

    # What a target compares with is measured, too.
    compared = {limit.against for each in chosen for limit in each.limits}
    echoes = [each for each in chosen if each in ECHO + ECHO_CALLS]
    wanted = [each for each in WORKLOADS if (each in chosen or each.key in compared) and each not in echoes]
    python = newest(find_interpreters())
    measured: Figures = {}
    errors: dict[str, str] = {}
    rounds = options.rounds or 5
    for turn in range(rounds):
        if turn == 1:  # what is not a time comes out the same again
            wanted = [each for each in wanted if each.unit == "ns"]
        if not wanted:
            break
        print(f"\rround {turn + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
        for executable in executables:
            run_executable(executable, wanted, options.seconds, measured, errors)
        if python is not None:
            run_python(python, wanted, measured)
    print(file=sys.stderr)
    echo_rounds = options.rounds or 3
    echo_tables = run_echo(options.build_dir, echoes, echo_rounds, measured) if echoes else ""

    reached = [each for each in chosen if SEGUE in measured.get(each.key, {})]
    rows = [row for workload in reached for row in rows_of(workload, compiler, measured)]
    versions = f"{compiler}; {python or 'no CPython 3.11 or newer found'}"
    print(f"{processor()}; {versions}; the fastest of {rounds} rounds (echo: {echo_rounds})\n")
    print(table(rows))
    if echo_tables:
        print(f"\n{echo_tables}")
    for title, error in errors.items():
        print(f"\n{title}: then it throws {error!r}")
    missed = [row for row in rows if not row.holds]
    targets = sum(row.limit is not None for row in rows)
    print(f"\ntargets: {targets - len(missed)} of {targets} hold")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
