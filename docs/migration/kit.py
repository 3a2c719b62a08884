"""What the cases' tests share: running a program and watching it, and saying what was checked."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Run:
    """What a program printed and took: its peaks of memory (KiB, with its libraries) and of threads, as seen while it
    ran, since what wait4() tells counts the process that started it, too."""

    lines: list[str]
    seconds: float
    memory: int
    threads: int


def run(program: Path, *arguments: object, text: str = "") -> Run:
    """Runs it to its end with `text` as its input. It has to end with 0."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given, tempfile.TemporaryFile("w+") as printed:
        given.write(text)
        given.seek(0)
        begun = time.monotonic()
        process = subprocess.Popen([program, *map(str, arguments)], stdin=given, stdout=printed)
        memory = threads = 0
        try:
            while process.poll() is None:
                now_memory, now_threads = peaks(process.pid)
                memory, threads = max(memory, now_memory), max(threads, now_threads)
                if time.monotonic() - begun > 120:
                    fail(f"{program.name} does not end")
                time.sleep(0.001)
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - begun
        printed.seek(0)
        lines = printed.read().splitlines()
    if process.returncode != 0:
        fail(f"{program.name} {' '.join(map(str, arguments))}: exit code {process.returncode}")
    return Run(lines, seconds, memory, threads)


def peaks(pid: int) -> tuple[int, int]:
    """The peak resident size in KiB, and the threads of now. Zeros where the process has gone meanwhile."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0, 0
    memory = re.search(r"VmHWM:\s*(\d+) kB", status)
    threads = re.search(r"Threads:\s*(\d+)", status)
    return int(memory[1]) if memory else 0, int(threads[1]) if threads else 0


def cpu_seconds(pid: int) -> float:
    """Of all its threads, as the scheduler counts them (proc(5))."""
    return sum(int(thread.read_text().split()[0]) for thread in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def check(fine: bool, what: str) -> None:
    print(("  ok: " if fine else "  FAILED: ") + what)
    if not fine:
        sys.exit(1)


def fail(what: str) -> None:
    check(False, what)
