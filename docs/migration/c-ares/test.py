"""A hundred names at once from a small DNS server: most have an address that goes back to them; one is not there, one has an
address without a name, one so many addresses that the server must be asked again by TCP, and one is never answered.

The figure is the time that all take, without the one that is never answered.
"""

import socket
import socketserver
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from kit import check, run

MILLISECONDS = 2000  # that a query may take
COUNT = 100
MANY = 60  # addresses, too many for 512 bytes
A, PTR = 1, 12
TRUNCATED, NOT_THERE = 0x0200, 3


def name_of(number: int) -> str:
    kinds = {7: "missing", 23: "never", 61: "unnamed", 90: "many"}
    return f"{kinds.get(number % 100, 'host')}{number}.test"


def address_of(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250}"


def expected(number: int) -> str:
    name = name_of(number)
    if name.startswith(("missing", "unnamed")):
        return f"{name}: Domain name not found"
    if name.startswith("never"):
        return f"{name}: no answer in time"
    return f"{name}: {MANY if name.startswith('many') else 1}, {address_of(number)} is {name}"


def labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def records(name: str, kind: int) -> list[bytes] | None:
    """The data of its records; nothing where it is not there."""
    if kind == PTR:
        high, low = name.split(".")[1::-1]
        number = int(high) * 250 + int(low)
        return None if name_of(number).startswith("unnamed") else [labels(name_of(number))]
    if name.startswith("missing"):
        return None
    number = int(name.removesuffix(".test").lstrip("abcdefghijklmnopqrstuvwxyz"))
    rest = [f"10.9.0.{i}" for i in range(1, MANY)] if name.startswith("many") else []
    return [socket.inet_aton(address) for address in [address_of(number), *rest]]


def answer(query: bytes, limit: int) -> bytes | None:
    at, parts = 12, []
    while query[at]:
        parts.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    name, (kind,) = ".".join(parts), struct.unpack_from("!H", query, at + 1)
    if name.startswith("never"):
        return None
    found = records(name, kind)
    flags = 0x8180 | (NOT_THERE if found is None else 0)  # an answer, recursion wanted and available
    data = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(record)) + record for record in found or [])
    question = query[12:at + 5]
    if 12 + len(question) + len(data) > limit:
        return query[:2] + struct.pack("!HHHHH", flags | TRUNCATED, 1, 0, 0, 0) + question
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(found or []), 0, 0) + question + data


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sender = self.request
        if reply := answer(query, 512):
            sender.sendto(reply, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            reply = answer(self.rfile.read(int.from_bytes(size)), 65535)
            self.server.asked += 1
            self.wfile.write(len(reply).to_bytes(2) + reply)


@dataclass
class Data:
    address: str
    tcp: socketserver.ThreadingTCPServer


def servers() -> tuple[socketserver.UDPServer, socketserver.ThreadingTCPServer]:
    """Of one port, which has to be free for both."""
    while True:
        udp = socketserver.UDPServer(("127.0.0.1", 0), Udp)
        try:
            return udp, socketserver.ThreadingTCPServer(udp.server_address, Tcp)
        except OSError:
            udp.server_close()


def prepare(folder: Path, small: bool) -> Data:
    udp, tcp = servers()
    tcp.daemon_threads = True
    tcp.asked = 0
    for server in udp, tcp:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = udp.server_address
    return Data(f"{host}:{port}", tcp)


def test(program: Path, data: Data) -> str:
    def ask(numbers):
        asked = data.tcp.asked
        done = run(program, data.address, MILLISECONDS, text="".join(f"{name_of(number)}\n" for number in numbers))
        check(done.lines == [expected(number) for number in numbers], f"{len(numbers)} names take {done.seconds:.2f} s")
        return done, data.tcp.asked - asked

    everything, by_tcp = ask(range(COUNT))
    check(by_tcp == 1, "what was truncated was asked for again by TCP")
    check(everything.seconds >= MILLISECONDS / 1000, "what is never answered is given up, and all else is there")
    quick, _ = ask([number for number in range(COUNT) if not name_of(number).startswith("never")])
    return f"{quick.seconds * 1000:.0f} ms, {everything.memory / 1024:.1f} MiB"
