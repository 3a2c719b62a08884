"""A server of sums, asked by clients that keep several sessions open; a sum may fail, a client may leave in the middle of
one, and SIGTERM comes with sessions open.

The figure is what a line costs the server in CPU time, asked by eight clients at once.
"""

import contextlib
import re
import signal
import socket
import subprocess
from pathlib import Path

from kit import check, cpu_seconds, fail, peaks

CLIENTS = 8
ROUNDS = 5  # of which the fastest counts: the machine has others to serve


def prepare(folder: Path, small: bool) -> int:
    """The lines of a round, a client."""
    return 20 if small else 100


class Client:
    def __init__(self, stack: contextlib.ExitStack, port: int) -> None:
        self.socket = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        self.file = stack.enter_context(self.socket.makefile("rw"))

    def send(self, line: str) -> None:
        self.file.write(line + "\n")
        self.file.flush()

    def ask(self, line: str) -> str:
        self.send(line)
        return self.file.readline().rstrip("\n")


def measured(pid: int, clients: list[Client], lines: int) -> float:
    begun = cpu_seconds(pid)
    for number in range(lines):
        for client in clients:
            client.send(f"{number} apple 1")
        for client in clients:
            if (answer := client.file.readline()) != f"{number + 501}\n":
                fail(f"{answer!r} is the sum of {number}, 500 and 1")
    return (cpu_seconds(pid) - begun) * 1e6 / (lines * len(clients))


def test(program: Path, lines: int) -> str:
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    with contextlib.ExitStack() as stack:
        stack.callback(process.stdout.close)
        stack.callback(process.wait)
        stack.callback(process.kill)
        port = int(re.fullmatch(r"listening on (\d+)\n", process.stdout.readline())[1])
        client = Client(stack, port)
        check(client.ask("1 2 3") == "6", "numbers are summed")
        check(client.ask("pear 1 fig") == "701", "and names, which the store knows")
        check(client.ask("1 nothing 2") == "error: nothing is not there", "a name that it does not know is an error")
        check(client.ask("") == "0", "after which the session goes on")
        client.send("1\n2")
        check([client.file.readline(), client.file.readline()] == ["1\n", "2\n"], "two lines may come at once")

        with contextlib.ExitStack() as leaving:
            Client(leaving, port).send("some names that the store is asked for one after the other")
        client.send("quit")
        check(client.file.readline() == "", "a session ends when it is asked to")

        clients = [Client(stack, port) for _ in range(CLIENTS)]
        cpu = min(measured(process.pid, clients, lines) for _ in range(ROUNDS))
        memory, threads = peaks(process.pid)
        clients[0].send("still working on it")
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        check(process.wait(timeout=20) == 0, "SIGTERM ends it with sessions open")
        served = int(re.fullmatch(r"served (\d+) lines\n", rest)[1])
        # The one that left may have been answered or not, and the last one, too.
        check(served - ROUNDS * CLIENTS * lines - 6 in (0, 1, 2), f"which says that it served {served} lines")
    return f"{cpu:.0f} us of CPU a line, {threads} threads, {memory / 1024:.1f} MiB"
