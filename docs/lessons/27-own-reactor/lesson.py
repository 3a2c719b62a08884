"""A loop of one's own: asyncio's, over a selector that is written here and tells how it waits."""

import asyncio
import os
import select
import selectors
import threading
import time


class OwnSelector(selectors.BaseSelector):
    """poll(2)'s: it keeps what is watched, waits, and gives what is ready."""

    def __init__(self):
        self.keys = {}

    def register(self, fd, events, data=None):
        key = self.keys[fd] = selectors.SelectorKey(fd, fd, events, data)
        return key

    def unregister(self, fd):
        return self.keys.pop(fd)

    def get_map(self):
        return self.keys

    def select(self, timeout=None):
        polled = select.poll()
        for fd, key in self.keys.items():
            reads, writes = key.events & selectors.EVENT_READ, key.events & selectors.EVENT_WRITE
            polled.register(fd, (select.POLLIN if reads else 0) | (select.POLLOUT if writes else 0))
        self.tell(timeout)
        ready = []
        for fd, found in polled.poll(None if timeout is None else max(timeout, 0) * 1000):
            events = selectors.EVENT_READ if found & ~select.POLLOUT else 0
            events |= selectors.EVENT_WRITE if found & ~select.POLLIN else 0
            ready.append((self.keys[fd], events & self.keys[fd].events))
        return ready

    def tell(self, timeout):
        if timeout is None:
            print("  waits until something is ready")
        elif timeout > 0:
            print("  waits, but not longer than until a timer is due")


def own_loop():
    return asyncio.SelectorEventLoop(OwnSelector())


async def main():
    loop = asyncio.get_running_loop()
    print("- what is ready is run without a wait")
    await asyncio.sleep(0)

    print("- a timer")
    await asyncio.sleep(0.02)

    print("- a descriptor")
    reader, writer = os.pipe()
    readable = asyncio.Event()
    loop.add_reader(reader, readable.set)
    os.write(writer, b"x")
    await readable.wait()
    loop.remove_reader(reader)
    print("  read:", os.read(reader, 1).decode())

    print("- another thread")
    called = asyncio.Event()

    def call():
        time.sleep(0.05)
        loop.call_soon_threadsafe(called.set)

    other = threading.Thread(target=call)
    other.start()
    await called.wait()
    other.join()

    print("- whichever comes first")
    try:
        async with asyncio.timeout(0.02):
            await asyncio.Event().wait()
    except TimeoutError:
        print("  the timer")


asyncio.run(main(), loop_factory=own_loop)
