"""CPython's part of the benchmarks: the equal of each workload, with generators and asyncio.

Run with the interpreter to be measured; the workloads to run are its arguments. Prints {workload: figure} as JSON:
nanoseconds of an operation, unless the workload's name ends in another unit. Times are those of the processor, as Google
Benchmark's are.
"""

import asyncio
import json
import sys
import types
from contextvars import Context, ContextVar, copy_context
from itertools import repeat
from os import sysconf
from time import process_time_ns

LEAST_NS = 50_000_000  # a measurement takes at least so long
WORKLOADS = {}


def workload(name, *arguments):
    """Makes a workload of a function that runs `n` operations, or a coroutine function that does."""

    def register(function):
        WORKLOADS[name] = lambda: measure(lambda n: function(n, *arguments))
        return function

    return register


def measure(function):
    """Doubles the number of operations until they take long enough; the nanoseconds of one."""
    operations = 64
    while True:
        taken, counted = function(operations)
        if taken >= LEAST_NS:
            return taken / counted
        operations *= 4 if taken < LEAST_NS / 4 else 2


class Clock:
    """What passes inside of a `with`."""

    def __enter__(self):
        self.started = process_time_ns()
        return self

    def __exit__(self, *error):
        self.taken = process_time_ns() - self.started


# --- generators ---


def count():
    i = 0
    while True:
        yield i
        i += 1


def add_up():
    total = 0
    while True:
        total += yield total


def resident_kib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * (sysconf("SC_PAGESIZE") / 1024)


def suspended():
    before = resident_kib()
    generators = [count() for _ in range(1_000_000)]
    for numbers in generators:
        next(numbers)
    return (resident_kib() - before) / len(generators)


# The first to run, as long as there is no freed memory to use again.
WORKLOADS["suspended.KiB"] = suspended


@workload("generator.next")
def next_(n):
    numbers = count()
    with Clock() as clock:
        for _ in repeat(None, n):
            next(numbers)
    return clock.taken, n


@workload("generator.iterate")
def iterate(n):
    def count_to_end():
        for i in range(1000):
            yield i

    rounds = n // 1000 + 1
    with Clock() as clock:
        for _ in repeat(None, rounds):
            for _ in count_to_end():
                pass
    return clock.taken, rounds * 1000


@workload("generator.send")
def send(n):
    sums = add_up()
    next(sums)
    with Clock() as clock:
        for _ in repeat(None, n):
            sums.send(1)
    return clock.taken, n


@workload("generator.run")
def run(n):
    def one():
        yield 1

    with Clock() as clock:
        for _ in repeat(None, n):
            for _ in one():
                pass
    return clock.taken, n


def count_with_object():
    try:
        yield from count()
    finally:
        object()


@workload("generator.abandon", count)
@workload("generator.abandon_object", count_with_object)
def abandon(n, body):
    with Clock() as clock:
        for _ in repeat(None, n):
            next(body())
    return clock.taken, n


@workload("yield_from.1", 1)
@workload("yield_from.10", 10)
@workload("yield_from.100", 100)
@workload("yield_from.1000", 1000)
def delegate(n, depth):
    def delegating(depth):
        if depth == 0:
            yield from count()
        else:
            yield from delegating(depth - 1)

    numbers = delegating(depth - 1)
    next(numbers)
    with Clock() as clock:
        for _ in repeat(None, n):
            next(numbers)
    return clock.taken, n


# --- tasks ---


@workload("task.switch.2", 2)
@workload("task.switch.10000", 10_000)
def switch(n, tasks):
    async def switching(rounds):
        for _ in repeat(None, rounds):
            await asyncio.sleep(0)

    async def main():
        rounds = n // tasks + 1
        others = [asyncio.create_task(switching(rounds)) for _ in range(tasks - 1)]
        await asyncio.sleep(0)
        with Clock() as clock:
            await switching(rounds)
        for task in others:
            await task
        return clock.taken, rounds * tasks

    return asyncio.run(main())


async def returning(value):
    return value


@workload("coroutine.child")
def child(n):
    async def main():
        with Clock() as clock:
            for _ in repeat(None, n):
                await returning(1)
        return clock.taken, n

    return asyncio.run(main())


@workload("task.spawn_join")
def spawn_join(_):
    # A hundred thousand, not a million: the time of one is the same, and the run stays short.
    async def main():
        with Clock() as clock:
            tasks = [asyncio.create_task(returning(i)) for i in range(100_000)]
            total = 0
            for task in tasks:
                total += await task
        return clock.taken, len(tasks)

    return asyncio.run(main())


@workload("future.wake")
def wake(n):
    async def main():
        loop = asyncio.get_running_loop()
        future = None
        stop = False

        async def completing():
            while not stop:
                if future is not None and not future.done():
                    future.set_result(1)
                await asyncio.sleep(0)

        other = asyncio.create_task(completing())
        with Clock() as clock:
            for _ in repeat(None, n):
                future = loop.create_future()
                await future
        stop = True
        await other
        return clock.taken, n

    return asyncio.run(main())


# --- errors ---


async def failing():
    raise ValueError("bad")


@workload("error.await")
def fail_in_coroutine(n):
    async def main():
        with Clock() as clock:
            for _ in repeat(None, n):
                try:
                    await failing()
                except ValueError:
                    pass
        return clock.taken, n

    return asyncio.run(main())


@workload("error.task")
def fail_in_task(n):
    async def main():
        with Clock() as clock:
            for _ in repeat(None, n):
                try:
                    await asyncio.create_task(failing())
                except ValueError:
                    pass
        return clock.taken, n

    return asyncio.run(main())


@workload("error.task_group")
def fail_in_group(n):
    async def main():
        with Clock() as clock:
            for _ in repeat(None, n):
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(failing())
                except ExceptionGroup:
                    pass
        return clock.taken, n

    return asyncio.run(main())


# --- what tasks wait for each other with ---


@workload("queue.item")
def queue_item(n):
    async def producing(queue):
        for _ in repeat(None, n):
            await queue.put(1)

    async def main():
        queue = asyncio.Queue(100)
        producer = asyncio.create_task(producing(queue))
        with Clock() as clock:
            for _ in repeat(None, n):
                await queue.get()
        await producer
        return clock.taken, n

    return asyncio.run(main())


@workload("lock.handover")
def lock_handover(n):
    async def locking(lock):
        for _ in repeat(None, n // 2):
            async with lock:
                await asyncio.sleep(0)

    async def main():
        lock = asyncio.Lock()
        other = asyncio.create_task(locking(lock))
        with Clock() as clock:
            await locking(lock)
            await other
        return clock.taken, n // 2 * 2

    return asyncio.run(main())


@workload("event.wake")
def event_wake(n):
    async def main():
        event = asyncio.Event()
        stop = False

        async def setting():
            while not stop:
                event.set()
                await asyncio.sleep(0)

        other = asyncio.create_task(setting())
        with Clock() as clock:
            for _ in repeat(None, n):
                await event.wait()
                event.clear()
        stop = True
        await other
        return clock.taken, n

    return asyncio.run(main())


# --- callbacks ---


@workload("callback.at_once")
def callback_at_once(n):
    async def main():
        loop = asyncio.get_running_loop()
        with Clock() as clock:
            for _ in repeat(None, n):
                future = loop.create_future()
                future.set_result(1)
                await future
        return clock.taken, n

    return asyncio.run(main())


@workload("callback.later")
def callback_later(n):
    async def main():
        loop = asyncio.get_running_loop()
        with Clock() as clock:
            for _ in repeat(None, n):
                future = loop.create_future()
                loop.call_soon(future.set_result, 1)
                await future
        return clock.taken, n

    return asyncio.run(main())


# --- both styles of coroutine ---


@workload("chain.co_await.1", 1, False)
@workload("chain.co_await.1000", 1000, False)
@workload("chain.yield_from.1", 1, True)
@workload("chain.yield_from.1000", 1000, True)
def chain(n, frames, innermost_is_generator):
    clock = Clock()

    async def native(frames):
        if frames > 1:
            await generator(frames - 1)
        else:
            with clock:
                for _ in repeat(None, n):
                    await asyncio.sleep(0)

    @types.coroutine
    def generator(frames):
        if frames > 1:
            yield from native(frames - 1)
        else:
            with clock:
                for _ in repeat(None, n):
                    yield from asyncio.sleep(0)

    async def main():
        outermost_is_generator = innermost_is_generator == (frames % 2 == 1)
        await (generator(frames) if outermost_is_generator else native(frames))

    asyncio.run(main())
    return clock.taken, n


@types.coroutine
def generator_based(value):
    return value
    yield


@workload("crossing.await_generator_based")
def await_generator_based(n):
    async def main():
        with Clock() as clock:
            for _ in repeat(None, n):
                await generator_based(1)
        return clock.taken, n

    return asyncio.run(main())


@workload("crossing.yield_from_co_await")
def yield_from_co_await(n):
    @types.coroutine
    def loop_over():
        with Clock() as clock:
            for _ in repeat(None, n):
                yield from returning(1)
        return clock.taken, n

    async def main():
        return await loop_over()

    return asyncio.run(main())


# --- contexts, async generators, eager tasks ---


def in_a_context(function):
    def inside(n):
        variable, other = ContextVar("variable"), ContextVar("other")
        variable.set(1)
        other.set(2)
        with Clock() as clock:
            function(variable, n)
        return clock.taken, n

    return lambda n: Context().run(inside, n)


@workload("context.copy")
@in_a_context
def context_copies(variable, n):
    for _ in repeat(None, n):
        copy_context()


@workload("context.get")
@in_a_context
def context_lookups(variable, n):
    for _ in repeat(None, n):
        variable.get()


@workload("context.set")
@in_a_context
def context_sets(variable, n):
    for value in range(n):
        variable.set(value)


@workload("async_generator.next")
def async_generator_next(n):
    async def count():
        i = 0
        while True:
            yield i
            i += 1

    async def main():
        numbers = count()
        with Clock() as clock:
            for _ in repeat(None, n):
                await anext(numbers)
        return clock.taken, n

    return asyncio.run(main())


def one_task_after_another(n, **options):
    async def main():
        loop = asyncio.get_running_loop()
        with Clock() as clock:
            for _ in repeat(None, n):
                await asyncio.Task(returning(1), loop=loop, **options)
        return clock.taken, n

    return asyncio.run(main())


@workload("task.one")
def task_one(n):
    return one_task_after_another(n)


@workload("task.one_eager")
def task_one_eager(n):
    return one_task_after_another(n, eager_start=True)


@workload("run.nothing")
def run_nothing(n):
    async def empty():
        pass

    with Clock() as clock:
        for _ in repeat(None, n):
            asyncio.run(empty())
    return clock.taken, n


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    wanted = sys.argv[1:] or WORKLOADS
    json.dump({name: figure() for name, figure in WORKLOADS.items() if name in wanted}, sys.stdout)
