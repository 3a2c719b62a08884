"""A real redis-server, on a free port: scores are set and asked for, all at once, an error of the server is told, and a
channel brings three messages.

The figure is what the program costs in CPU time for a command.
"""

import resource
import socket
import subprocess
import time
from pathlib import Path

from kit import check, fail


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(folder: Path, small: bool) -> tuple[Path, int]:
    """Where the server lives, and the number of players."""
    return folder, 200 if small else 20000


class Server:
    def __init__(self, folder: Path):
        self.port = free_port()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                         "--dir", str(folder)], stdout=subprocess.DEVNULL)

    def __enter__(self) -> int:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self.port
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    fail("redis-server starts")
                time.sleep(0.01)

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()


def test(program: Path, data: tuple[Path, int]) -> str:
    folder, players = data
    with Server(folder) as port:
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([program, "127.0.0.1", str(port), str(players)], capture_output=True, text=True, timeout=60)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    expected = [f"sum {sum(i * 7 % 1000 for i in range(players))}", "refused: WRONGTYPE Operation against a key holding the "
                "wrong kind of value", "winner Ada", "winner Grace", "winner Edsger"]
    check(done.returncode == 0 and not done.stderr, f"ends well {done.stderr}")
    check(done.stdout.splitlines() == expected, f"prints the sum, the error and the winners: {done.stdout.splitlines()}")
    seconds = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    return f"{seconds * 1e6 / (2 * players):.2f} us of CPU a command"
