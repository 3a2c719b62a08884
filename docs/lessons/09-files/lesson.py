"""Several files are read concurrently, and appended to one output file in order.

Run in its own folder: it reads the ship's logbook that lies there.
"""

import asyncio
import tempfile
from pathlib import Path


class File:
    """An open file whose slow calls run in a thread, so that the loop stays free."""

    def __init__(self, file):
        self._file = file

    async def read(self):
        return await asyncio.to_thread(self._file.read)

    async def readline(self):
        return await asyncio.to_thread(self._file.readline)

    async def write(self, text):
        return await asyncio.to_thread(self._file.write, text)

    async def close(self):
        await asyncio.to_thread(self._file.close)


async def open_file(path, mode):
    return File(await asyncio.to_thread(open, path, mode, encoding="ascii"))


async def read_day(day):
    file = await open_file(Path("logbook") / f"{day}.txt", "r")
    text = await file.read()
    await file.close()
    return text


async def append(path, text):
    file = await open_file(path, "a")
    written = await file.write(text)
    await file.close()
    return written


async def main():
    days = ["monday", "tuesday", "wednesday", "thursday"]

    # Whichever file is read first, gather keeps the order of the days.
    texts = await asyncio.gather(*[read_day(day) for day in days])
    for day, text in zip(days, texts):
        print(f"{day}: {len(text.splitlines())} lines, {len(text)} characters")

    with tempfile.TemporaryDirectory() as folder:
        voyage = Path(folder) / "voyage.txt"
        total = 0
        for day, text in zip(days, texts):
            total += await append(voyage, f"[{day}]\n")
            total += await append(voyage, text)
        print("written:", total, "characters")

        file = await open_file(voyage, "r")
        number = 0
        while True:
            line = await file.readline()
            if line == "":
                break
            number += 1
            print(f"{number:2} {line.rstrip()}")
        await file.close()
        print("on disk:", voyage.stat().st_size, "bytes")

    try:
        await read_day("sunday")
    except FileNotFoundError as error:
        print("sunday:", error.strerror)


asyncio.run(main())
