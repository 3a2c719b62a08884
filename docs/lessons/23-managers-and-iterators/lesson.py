"""A connection that is opened and closed with awaits, and rows that arrive one by one."""

import asyncio


class Connection:
    def __init__(self, host):
        self.host = host

    async def __aenter__(self):
        await asyncio.sleep(0)
        print(f"  {self.host}: open")
        return self

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0)
        print(f"  {self.host}: closed" + (f", because of {error!r}" if error else ""))
        return isinstance(error, ConnectionError)

    def rows(self, count):
        return Rows(count)


class Rows:
    def __init__(self, count):
        self.row = 0
        self.count = count

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.row == self.count:
            raise StopAsyncIteration
        await asyncio.sleep(0)
        self.row += 1
        return self.row


async def first_above(rows, limit):
    async for row in rows:
        if row > limit:
            return row
    return None


async def main():
    print("- opened, read, closed")
    async with Connection("a.example") as connection:
        async for row in connection.rows(3):
            print("  row", row)

    print("- left early")
    async with Connection("b.example") as connection:
        print("  first above 2:", await first_above(connection.rows(10), 2))
        print("  first above 20:", await first_above(connection.rows(10), 20))

    print("- closed when it fails, and this kind of failure goes no further")
    async with Connection("c.example"):
        raise ConnectionResetError("cable")

    print("- another kind does")
    try:
        async with Connection("d.example"):
            raise ValueError("bad row")
    except ValueError as error:
        print("  caught:", error)


asyncio.run(main())
