"""A file is copied, clients are echoed to and a command runs, at the same time; errors are told; SIGTERM ends it with all of
these under way.

The figures are the program's CPU time for a piece of the file and for a short text there and back, and its peak of memory.
"""

from __future__ import annotations

import filecmp
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from kit import check, cpu_seconds, peaks


def prepare(folder: Path, small: bool) -> tuple[Path, int]:
    """Where the files are, and the number of short texts."""
    with open(folder / "source", "wb") as source:
        for _ in range(4 if small else 64):
            source.write(os.urandom(1 << 20))
    (folder / "numbers").write_text("\n".join(str(number * 7 % 5000) for number in range(5000)))
    return folder, 100 if small else 2000


class Running:
    """The program, from when it listens; killed where it does not end."""

    def __init__(self, program: Path, *arguments: object):
        self.process = subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.watchdog = threading.Timer(120, self.process.kill)
        self.watchdog.start()
        self.port = int(self.process.stdout.readline().rpartition(" ")[2] or 0)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self.watchdog.cancel()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def lines_until(self, *prefixes: str) -> list[str]:
        """What it prints until each of these has begun a line."""
        lines: list[str] = []
        missing = set(prefixes)
        while missing and (line := self.process.stdout.readline()):
            lines.append(line.rstrip("\n"))
            missing -= {prefix for prefix in missing if line.startswith(prefix)}
        return lines

    def end(self) -> tuple[int, str, str]:
        """Its exit code, and the rest of what it prints. (communicate() would miss what readline() has read ahead.)"""
        printed, errors = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(), printed, errors


def received(client: socket.socket, size: int) -> bytes:
    text = b""
    while len(text) < size:
        part = client.recv(size - len(text))
        if not part:
            break
        text += part
    return text


def is_echoed(running: Running, text: bytes) -> bool:
    """Whether it comes back, being read while it is sent."""
    with running.connect() as client, ThreadPoolExecutor() as pool:
        coming = pool.submit(received, client, len(text))
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        return coming.result() == text and client.recv(1) == b""


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def send_without_reading(client: socket.socket) -> None:
    """Until the buffers of both ends are full."""
    client.setblocking(False)
    while select.select([], [client], [], 0.05)[1]:
        client.send(b"." * 65536)


def cpu_of_a_round_trip(running: Running, times: int) -> float:
    """The least of five measurements, as the machine may be busy."""
    with running.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seconds = []
        for _ in range(5):
            before = cpu_seconds(running.process.pid)
            for _ in range(times):
                client.sendall(b"there and back")
                received(client, 14)
            seconds.append((cpu_seconds(running.process.pid) - before) / times)
        return min(seconds)


def test_all_at_once(program: Path, folder: Path) -> None:
    sort = ("sh", "-c", 'sort -n "$0"; exit 7', folder / "numbers")
    texts = [bytes([letter]) * 300000 for letter in b"abcdefghijkl"]
    with (Running(program, folder / "source", folder / "copy", *sort) as running, running.connect() as idle,
          running.connect() as stalled, ThreadPoolExecutor(len(texts)) as pool):
        echoed = [pool.submit(is_echoed, running, text) for text in texts]
        for _ in range(8):
            leaving = running.connect()
            leaving.sendall(b"." * 300000)
            reset(leaving)
        check(all(text.result() for text in echoed), "clients hear what they say, while others leave half-way")
        lines = running.lines_until("copied", "child:")
        size = (folder / "source").stat().st_size
        check(f"copied {size} bytes" in lines and filecmp.cmp(folder / "source", folder / "copy", shallow=False),
              "the file is copied")
        lines.remove(f"copied {size} bytes")
        check(lines[:-1] == sorted((folder / "numbers").read_text().split(), key=int), "the command's output is all there")
        check(lines[-1] == "child: status 7, signal 0", f"and how it ended: {lines[-1]}")
        send_without_reading(stalled)
        check(running.process.poll() is None, "it goes on until it is told to end")
        running.process.send_signal(signal.SIGTERM)
        check(running.end() == (0, "closed\n", ""), "ends at SIGTERM with connections open, all handles closed")
        check(idle.recv(1) == b"", "clients see the end")


def check_end(running: Running, life: BinaryIO) -> None:
    end = running.end()
    check(end == (0, "closed\n", ""), f"it ends, all handles closed {end}")
    check(life.read() == b"", "so has the command")


def test_ends_in_the_middle(program: Path, folder: Path) -> None:
    """While an open or a read waits in libuv's threads, which nothing cancels, and the command runs."""
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "life")
    arguments = (folder / "pipe", folder / "copy", "sh", "-c", 'exec sleep 600 > "$0"', folder / "life")
    with (Running(program, *arguments) as running, running.connect() as client, open(folder / "life", "rb") as life):
        running.process.send_signal(signal.SIGINT)
        check(client.recv(1) == b"", "SIGINT while an open waits: clients see the end at once")
        with open(os.open(folder / "pipe", os.O_RDWR), "rb"):
            check_end(running, life)
    with (Running(program, *arguments) as running, running.connect() as client, open(folder / "life", "rb") as life):
        with open(folder / "pipe", "wb", buffering=0) as pipe:
            pipe.write(b"begun")
            while (folder / "copy").read_bytes() != b"begun":
                time.sleep(0.001)
            running.process.send_signal(signal.SIGTERM)
            check(client.recv(1) == b"", "SIGTERM while a read waits: clients see the end at once")
        check_end(running, life)


def test_errors(program: Path, folder: Path) -> None:
    source, copy = folder / "source", folder / "copy"
    for wrong, arguments, expected in [
        ("a source that is not there", (folder / "none", copy, "sleep", 600), f"{folder}/none: no such file or directory"),
        ("a target that is a folder", (source, folder, "sleep", 600), f"{folder}: illegal operation on a directory"),
        ("a full disk", (source, "/dev/full", "sleep", 600), "/dev/full: no space left on device"),
        ("a source that cannot be read", (folder, copy, "sleep", 600), f"{folder}: illegal operation on a directory"),
        ("a command that is not there", ("/dev/zero", copy, folder / "none"), f"{folder}/none: no such file or directory"),
    ]:
        with Running(program, *arguments) as running:
            end = running.end()
            check(end == (1, "closed\n", expected + "\n"), f"tells of {wrong} {end}")


def cpu_of_a_piece(program: Path, source: Path) -> float:
    pieces = source.stat().st_size / 65536
    seconds = []
    for _ in range(5):
        with Running(program, source, "/dev/null", "true") as running:
            begun = cpu_seconds(running.process.pid)
            running.lines_until("copied")
            seconds.append((cpu_seconds(running.process.pid) - begun) / pieces)
    return min(seconds)


def measured(program: Path, folder: Path, times: int) -> str:
    piece = cpu_of_a_piece(program, folder / "source") * 1e6
    with Running(program, folder / "source", folder / "copy", "true") as running:
        running.lines_until("copied", "child:")
        round_trip = cpu_of_a_round_trip(running, times) * 1e6
        memory = peaks(running.process.pid)[0] / 1024
    return f"{piece:.0f} us of CPU a piece of 64 KiB, {round_trip:.0f} us an echo, {memory:.1f} MiB"


def test(program: Path, data: tuple[Path, int]) -> str:
    folder, times = data
    test_all_at_once(program, folder)
    test_errors(program, folder)
    test_ends_in_the_middle(program, folder)
    for made in ("pipe", "life", "copy"):
        (folder / made).unlink()
    return measured(program, folder, times)
