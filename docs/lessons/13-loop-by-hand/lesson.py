"""An event loop written by hand: it drives coroutines with `send(None)`, and time is a number."""

import asyncio
import heapq
from collections import deque


class Loop:
    def __init__(self):
        self.now = 0
        self._ready = deque()
        self._sleeping = []
        self._alarm = None

    def spawn(self, name, coroutine):
        self._ready.append((name, coroutine))

    async def sleep(self, ticks):
        # Leaves word when to be woken; the bare yield of asyncio.sleep(0) then goes up to run().
        self._alarm = self.now + ticks
        await asyncio.sleep(0)

    def run(self):
        while self._ready or self._sleeping:
            if not self._ready:
                # Nobody can go on: time jumps to the first alarm.
                when, name, coroutine = heapq.heappop(self._sleeping)
                self.now = when
                self._ready.append((name, coroutine))
            self._step(*self._ready.popleft())

    def _step(self, name, coroutine):
        self._alarm = None
        try:
            coroutine.send(None)
        except StopIteration as end:
            print(f"{self.now:3} {name} returned: {end.value}")
        except ValueError as error:
            print(f"{self.now:3} {name} failed: {error}")
        else:
            if self._alarm is None:
                self._ready.append((name, coroutine))
            else:
                # Equal alarms ring in the order of the names.
                heapq.heappush(self._sleeping, (self._alarm, name, coroutine))


async def drive(loop, line, stops, minutes):
    for stop in stops:
        print(f"{loop.now:3} {line} at {stop}")
        await loop.sleep(minutes)
    return f"{len(stops)} stops"


async def look_round(loop, rounds):
    # Never sleeps, only lets the others go first.
    for number in range(1, rounds + 1):
        print(f"{loop.now:3} inspector looks round, {number} of {rounds}")
        await asyncio.sleep(0)
    return "nothing to report"


async def night_tram(loop):
    await loop.sleep(20)
    print(f"{loop.now:3} night tram: a tree on the rails")
    raise ValueError("no way through")


async def day(loop):
    # A coroutine awaited here is part of this one: the loop sees a single chain.
    forth = await drive(loop, "tram 2", ["Mill", "Bridge"], 5)
    back = await drive(loop, "tram 2", ["Bridge", "Mill"], 5)
    return f"{forth} forth, {back} back"


loop = Loop()
loop.spawn("tram 1", drive(loop, "tram 1", ["Market", "Castle", "Docks"], 4))
loop.spawn("tram 2", day(loop))
loop.spawn("inspector", look_round(loop, 3))
loop.spawn("night tram", night_tram(loop))
loop.run()
print("last bell at", loop.now)
