"""An event loop without real time, and what asyncio leaves open settled as segue has it."""

import asyncio
import contextlib
import heapq
import inspect
import weakref


class Generators:
    """Of a loop, which closes them in the order in which they have begun; CPython in that of a set. And without those
    that have ended, which CPython closes, too, where somebody still has them."""

    def __init__(self):
        self.weak = {}

    def add(self, generator):
        self.discard(generator)  # another one, which is gone, may have had the id
        self.weak[id(generator)] = weakref.ref(generator)

    def discard(self, generator):
        self.weak.pop(id(generator), None)

    def clear(self):
        self.weak.clear()

    def __len__(self):
        return len(self.weak)

    def __iter__(self):
        generators = [generator for each in self.weak.values() if (generator := each()) is not None]
        return (each for each in generators if inspect.getasyncgenstate(each) != inspect.AGEN_CLOSED)


class OrderedSet(dict):
    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class Timer(asyncio.TimerHandle):
    """Timers of one instant run in the order in which they were set; CPython's heap has them in any."""

    __slots__ = ("place",)

    def __lt__(self, other):
        return (self._when, self.place) < (other._when, other.place)


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self.now = 0
        self.places = 0
        self._clock_resolution = 1e-9
        self._selector = self
        self._asyncgens = Generators()

    def time(self):
        return self.now

    def select(self, timeout):
        if timeout is None:
            raise RuntimeError("deadlock")
        self.now += timeout
        return []

    def call_at(self, when, callback, *args, context=None):
        self._check_closed()
        timer = Timer(when, callback, args, self, context)
        self.places += 1
        timer.place = self.places
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass


class Closing(contextlib.aclosing):
    """It forgets what it has closed. An exception keeps the variables of the frames that it has left, in CPython; here
    there is to be none that keeps a generator."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        try:
            await self.thing.aclose()
        finally:
            del self.thing
