"""An HTTP server, asked by curl and by clients that misbehave: found, not found, not in time, not HTTP; two requests on a
connection, fifty at once; one that leaves while it is answered, one that is idle; wrk for a second; and SIGTERM with work
under way.

The figures are what a request costs the server in CPU time, with eight connections that ask one after the other, and how
many requests a second wrk gets answered, with eight connections that all ask at once.
"""

import contextlib
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from kit import check, cpu_seconds, fail, peaks

CONNECTIONS = 8
ROUNDS = 5  # of which the fastest counts: the machine has others to serve


def prepare(folder: Path, small: bool) -> int:
    """The number of requests that are measured."""
    return 200 if small else 4000


@contextlib.contextmanager
def running(program: Path):
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def curl(*arguments: str) -> str:
    return subprocess.run(["curl", "--silent", "--no-progress-meter", "--max-time", "20", *arguments], text=True, check=True,
                          stdout=subprocess.PIPE).stdout


def ask(connection: socket.socket, name: str) -> bytes:
    connection.sendall(f"GET /{name} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\n"):
        piece = connection.recv(65536)
        if not piece:
            break
        answer += piece
    return answer


def measured(pid: int, clients: list[socket.socket], requests: int) -> float:
    """What a request costs, in microseconds."""
    begun = cpu_seconds(pid)
    for number in range(requests):
        answer = ask(clients[number % len(clients)], str(number))
        if not answer.endswith(b"the value of %d\n" % number):
            fail(f"request {number} is answered")
    return (cpu_seconds(pid) - begun) * 1e6 / requests


def wrk(url: str) -> tuple[int, float]:
    """How many requests were answered, all of them well, and how many a second."""
    printed = subprocess.run(["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", "1s", url],
                             text=True, check=True, stdout=subprocess.PIPE).stdout
    check("Socket errors" not in printed and "Non-2xx" not in printed, "wrk has no socket errors, and no errors of HTTP")
    return (int(re.search(r"(\d+) requests in", printed)[1]), float(re.search(r"Requests/sec:\s*([\d.]+)", printed)[1]))


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def test(program: Path, requests: int) -> str:
    with running(program) as server:
        port = int(re.fullmatch(r"listening on (\d+)\n", server.stdout.readline())[1])
        url = f"http://127.0.0.1:{port}"
        status = ["--write-out", "%{http_code}"]
        check(curl(*status, f"{url}/a") == "the value of a\n200", "a value is found")
        check(curl(*status, f"{url}/missing") == "not there\n404", "another one is not there")
        check(curl(*status, f"{url}/slow") == "no answer in time\n504", "an answer that does not come in time is given up")
        check(curl(*status, "--request", "POST", f"{url}/a") == "not a request\n400", "what is no request is refused")
        twice = curl("--write-out", "%{num_connects}\n", f"{url}/a", f"{url}/slow", f"{url}/b")
        check(twice == "the value of a\n1\nno answer in time\n0\nthe value of b\n0\n", "a connection takes several requests")
        closed = curl("--write-out", "%{num_connects}\n", "--header", "Connection: close", f"{url}/a", f"{url}/b")
        check(closed == "the value of a\n1\nthe value of b\n1\n", "and one, where it is asked to close")
        many = curl("--parallel", "--parallel-max", "50", f"{url}/key[1-50]")
        check(sorted(many.splitlines()) == sorted(f"the value of key{i}" for i in range(1, 51)), "fifty at once are answered")

        with connect(port) as leaver:
            leaver.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        with connect(port) as idle:
            check(idle.recv(1) == b"", "an idle connection is closed")
        check(curl(f"{url}/connections") == "1\n", "and nothing is left of it, nor of one that went away while it asked")

        answered, a_second = wrk(f"{url}/a")
        check(answered > 0, f"which were {answered} requests")

        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(port)) for _ in range(CONNECTIONS)]
            cpu = min(measured(server.pid, clients, requests // ROUNDS) for _ in range(ROUNDS))
            memory, threads = peaks(server.pid)

            busy = stack.enter_context(connect(port))
            busy.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
            time.sleep(0.05)
            server.send_signal(signal.SIGTERM)
            rest = server.stdout.read()
            check(server.wait(timeout=20) == 0, "SIGTERM ends it with work under way")
        served = int(re.fullmatch(r"served (\d+) requests\n", rest)[1])
        # The one that left may have been answered or not, and so may what wrk was waiting for when its time was over.
        check(served - requests - answered - 60 in range(2 + CONNECTIONS), f"which says that it served {served}")
    return f"{cpu:.0f} us of CPU a request, {a_second:.0f} requests/s, {threads} threads, {memory / 1024:.1f} MiB"
