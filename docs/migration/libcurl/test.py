"""A thousand transfers of two requests each from a local server, twenty at once: most are fine, some lead to a page that is not
there, and some to one that is not answered in time.

The figure is the time that all take, without those that wait for nothing.
"""

import contextlib
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kit import check, run

SECONDS = 2  # that a request may take


class Handler(BaseHTTPRequestHandler):
    """/fetch/N names a page; /fetch/page-N is one of N % 100 kB."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self):
        with contextlib.suppress(ConnectionError):  # who has what it wants may leave at any time
            super().handle()

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if name.isdigit():
            self.answer(200, page_of(int(name)).encode())
        elif name.startswith("page-"):
            self.answer(200, b"x" * page_size(int(name[5:])))
        elif name == "never":
            self.server.ended.wait()
        else:
            self.answer(404, b"not there")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def page_of(number: int) -> str:
    if number in (300, 700):
        return "never"
    return "missing" if number % 50 == 49 else f"page-{number}"


def page_size(number: int) -> int:
    return number % 100 * 1000


@dataclass
class Data:
    server: ThreadingHTTPServer
    count: int
    url: str


def prepare(folder: Path, small: bool) -> Data:
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.ended = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Data(server, 200 if small else 1000, f"http://127.0.0.1:{server.server_address[1]}/fetch/")


def expected(count: int) -> str:
    pages = [page_of(number) for number in range(count)]
    fine = [int(page[5:]) for page in pages if page.startswith("page-")]
    return f"{len(fine)} of {count} are fine, {sum(map(len, pages)) + sum(map(page_size, fine))} bytes"


def test(program: Path, data: Data) -> str:
    done = run(program, data.url, data.count, SECONDS)
    check(done.lines == [expected(data.count)], done.lines[0])
    few = run(program, data.url, 200, SECONDS)
    check(few.lines == [expected(200)], f"the first 200 take {few.seconds:.2f} s")
    return f"{few.seconds:.2f} s, {few.memory / 1024:.1f} MiB"
