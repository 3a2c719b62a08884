"""Orders out of an XML file: the sum of all, and an early exit after the first large ones.

What is printed is what is in the file; the early exit reads a small part of it; and the peak of the memory stays at a
few MiB, however large the file. The rung that awaits has the same from a server that sends it in awkward pieces.
"""

import contextlib
import itertools
import queue
import random
import re
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from kit import check, run

MEMORY_LIMIT = 8 * 1024  # KiB
WANTED = 5
LARGE = 100_000
PIECES = 64 * 1024
SENT = (1, 4093, 2, 16385, 13, 65521)  # bytes at a time


@dataclass
class Data:
    file: Path
    small: bool
    totals: str
    first: list[str]
    address: str
    sent: queue.Queue  # how many bytes each connection has taken


def serve(listener: socket.socket, file: Path, sent: queue.Queue) -> None:
    while True:
        connection, _ = listener.accept()
        size = 0
        with connection, file.open("rb") as source, contextlib.suppress(ConnectionError):
            for piece in itertools.cycle(SENT):
                data = source.read(piece)
                if not data:
                    break
                connection.sendall(data)
                size += len(data)
        sent.put(size)


def prepare(folder: Path, small: bool) -> Data:
    chance = random.Random(1)
    file = folder / "orders.xml"
    count = total = written = largest = 0
    largest_order = ""
    first = []
    with file.open("w", encoding="utf-8") as out:
        out.write("<?xml version='1.0'?>\n<orders>\n")
        while written < (5_000_000 if small else 50_000_000):
            count += 1
            items = [(chance.randint(1, 9), chance.randint(100, 9999)) for _ in range(chance.randint(1, 5))]
            cents = sum(quantity * price for quantity, price in items)
            customer = chance.randint(1, 500)
            line = f"order {count}, Smith & Sons {customer}: {cents}"
            total += cents
            if cents > largest:
                largest, largest_order = cents, line
            if cents > LARGE and len(first) < WANTED:
                first.append(line)
            text = f"<order id='{count}'><customer>Smith &amp; Sons {customer}</customer>"
            text += "".join(f"<item quantity='{quantity}' price='{price}'/>" for quantity, price in items)
            written += out.write(text + "</order>\n")
        out.write("</orders>\n")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    sent = queue.Queue()
    threading.Thread(target=serve, args=(listener, file, sent), daemon=True).start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    return Data(file, small, f"{count} orders, {total} in all; the largest: {largest_order}", first, address, sent)


def test(program: Path, data: Data) -> str:
    size = data.file.stat().st_size
    from_net = program.name.endswith("await")
    source = data.address if from_net else data.file
    whole = run(program, source)
    check(whole.lines == [data.totals, f"read {size} bytes"], f"the totals: {whole.lines[0]}")
    check(data.small or whole.memory < MEMORY_LIMIT,
          f"the peak of its memory is {whole.memory} KiB, for {size // 1024} KiB of data")

    if from_net:
        check(data.sent.get(timeout=20) == size, "which the server has sent")

    early = run(program, source, WANTED)
    check(early.lines[:-1] == data.first, f"an early exit gives {WANTED}")
    read = int(re.fullmatch(r"read (\d+) bytes", early.lines[-1])[1])
    check(read <= PIECES and 10 * read < size, f"for which {read} bytes of {size} were read")
    if from_net:
        sent = data.sent.get(timeout=20)
        check(2 * sent < size, f"and {sent} sent: the server is told by the end of the connection")
    return f"{whole.seconds:.2f} s, {whole.memory / 1024:.1f} MiB"
