"""Runs random programs of tasks in one process: what python.cpp writes, one after the other, each with a trace of its own.

    python3 harness.py PROGRAMS TRACES

PROGRAMS holds the scripts, and TRACES gets their traces, both ended by a line with a form feed each. The loop's clock is
virtual, and counts in whole seconds: it jumps to the next timer when nothing else is left.

What asyncio leaves open is settled as segue has it: see virtual_loop.py, and here TaskGroup, start_in_context(),
wait_tasks(), not_done_twice() and handle().
"""

import asyncio
import contextvars
import gc
import inspect
import re
import sys
from asyncio import TimeoutError  # noqa: F401: for the programs

from virtual_loop import Closing, Loop, OrderedSet  # noqa: F401

END = "\f\n"

trace = []
stopped = False


def log(who, what, value=""):
    if not stopped:
        trace.append(f"{loop.now} {who} {what} {value}".rstrip())


def text(value):
    """A value, as both write it; errors without what tells two objects apart: addresses, and tasks' own names."""
    if isinstance(value, list):
        return listing(value)
    if not isinstance(value, BaseException):
        return str(value)
    if isinstance(value, BaseExceptionGroup):
        content = f"{value.message} {listing(value.exceptions)}"
    else:
        content = re.sub("<.*>", "<>", str(value))
    cause = "" if value.__cause__ is None else f" from {text(value.__cause__)}"
    return f"{type(value).__name__}({content}){cause}"


def listing(values):
    return f"[{', '.join(map(text, values))}]"


# --- what the loop and its groups do differently ---


def handle(_, context):
    """Leaves out what depends on when an object is collected, and what 3.14 alone has."""
    message = context["message"]
    if "never retrieved" in message or "shielded future" in message or "destroyed" in message:
        return
    if message.startswith("Exception in callback"):
        message = "Exception in callback"
    log("handler", re.sub("<.*>", "<>", message), text(context.get("exception")))


class TaskGroup(asyncio.TaskGroup):
    """It cancels its tasks in the order in which they were made; CPython's in that of a set. It hears later of a task
    that ends before it is added, as an eager one may: 3.13.0 lets it hear at once (gh-128550)."""

    def __init__(self, slot):
        super().__init__()
        self._tasks = OrderedSet()
        self.creating = 0
        W[slot] = self

    def create_task(self, coroutine):
        self.creating += 1
        try:
            return super().create_task(coroutine)
        finally:
            self.creating -= 1

    def _on_task_done(self, task):
        if not self.creating:
            return super()._on_task_done(task)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)


# --- what a program works on ---


class World:
    def __init__(self, parties, permits, maxsize, shares_lock, eager, generators):
        global T, H, K, X, G, W, O, F, E, L, S, C, B, Q, V, A
        T = [None] * 4
        H = [None] * 4
        K = [None] * 4
        X = [None] * 4
        G = [None] * 4
        W = [None] * 4
        O = [None] * 4
        F = [loop.create_future() for _ in range(3)]
        E = [asyncio.Event() for _ in range(2)]
        L = [asyncio.Lock() for _ in range(2)]
        S = [asyncio.Semaphore(permits), asyncio.BoundedSemaphore(permits)]
        C = asyncio.Condition(L[1] if shares_lock else None)
        B = asyncio.Barrier(parties)
        Q = [asyncio.Queue(maxsize), asyncio.LifoQueue(maxsize), asyncio.PriorityQueue(maxsize)]
        V = [contextvars.ContextVar("v0"), contextvars.ContextVar("v1", default=-1)]
        A = [generators[i % len(generators)]() for i in range(4)]
        if eager:
            loop.set_task_factory(asyncio.eager_task_factory)
        self.tasks = {}
        self.futures = [*F]  # kept, so that none is collected before the end
        self.calls = 0
        self.count = 0


def enter(name, most=60):
    """The name of a call; None where there were too many."""
    register(asyncio.current_task())
    world.calls += 1
    if world.calls > most:
        log(name, "too many")
        return None
    me = f"{name}#{world.calls}"
    log(me, "begins")
    return me


def called(name, future):
    world.calls += 1
    if world.calls > 60:
        return None
    me = f"{name}#{world.calls}"
    log(me, "is called", "" if future is None else state(future))
    return me


def register(task):
    if task is not None and task not in world.tasks:
        world.tasks[task] = len(world.tasks)


def name(task):
    return f"t{world.tasks[task]}"


def state(future):
    count = f" cancelling={future.cancelling()}" if isinstance(future, asyncio.Task) else ""
    if not future.done():
        return "pending" + count
    try:
        error = future.exception()
    except asyncio.CancelledError as cancelled:
        error = cancelled
    return text(future.result() if error is None else error) + count


def awaitable(slot):
    """The task in a slot, where it is younger than who asks: tasks that await each other in a ring would never end."""
    register(asyncio.current_task())
    task = T[slot]
    me = asyncio.current_task()
    return task if task is not None and world.tasks[task] > world.tasks[me] else None


def awaitables(slots):
    return [task for task in map(awaitable, slots) if task is not None]


def not_done_twice(tasks):
    """as_completed() asks a set for what is done already: of several, the first alone."""
    done = [task for task in tasks if task.done()][1:]
    return [task for task in tasks if task not in done]


# --- statements ---


def tried(who, what, do, *arguments):
    try:
        log(who, what, do(*arguments))
    except Exception as error:
        log(who, what, text(error))


async def tries(who, what, awaitable):
    try:
        log(who, what, await awaitable)
    except Exception as error:
        log(who, what, text(error))


def start(slot, body, eager):
    if eager:
        task = asyncio.Task(body(), loop=loop, eager_start=True)
    else:
        task = loop.create_task(body())
    return started(slot, task)


def start_in_context(slot, body, context):
    """Never eagerly: where the context is the current one, 3.13 refuses, and takes the new task for the current one
    from then on; segue begins it."""
    return started(slot, asyncio.Task(body(), loop=loop, context=X[context]))


def group_start(slot, group, body):
    return started(slot, group.create_task(body()))


def start_in_group(slot, body, group):
    return "none" if W[group] is None else started(slot, W[group].create_task(body()))


def started(slot, task):
    T[slot] = task
    register(task)
    return name(task)


def on_task(slot, method, *arguments):
    return "none" if T[slot] is None else getattr(T[slot], method)(*arguments)


def on_self(method, *arguments):
    return getattr(asyncio.current_task(), method)(*arguments)


def task_state(slot):
    return "none" if T[slot] is None else state(T[slot])


def set_result(which, value):
    F[which].set_result(value)


def new_future(which):
    F[which] = loop.create_future()
    world.futures.append(F[which])


def count_up(number):
    world.count += number
    return world.count


def barrier_state():
    return f"{B.n_waiting} {B.broken}"


def schedule(slot, delay, callback, context=None):
    H[slot] = loop.call_soon(callback, context=context) if delay is None else loop.call_later(delay, callback)


def cancel_handle(slot):
    if H[slot] is None:
        return "none"
    H[slot].cancel()
    return H[slot].cancelled()


def set_var(which, slot, value):
    K[slot] = V[which].set(value)


def reset_var(which, slot):
    return "none" if K[slot] is None else V[which].reset(K[slot])


def copy_context(slot):
    X[slot] = contextvars.copy_context()


def run_in_context(context, which, value):
    if X[context] is None:
        return "none"
    X[context].run(V[which].set, value)
    return contextvars.copy_context().get(V[which])


def gather_later(slot, of, return_exceptions):
    tasks = [T[each] for each in of if T[each] is not None]
    future = asyncio.gather(*tasks, return_exceptions=return_exceptions)
    G[slot] = future, min(map(world.tasks.get, tasks), default=1000)


def reschedule(slot, delay):
    return "none" if O[slot] is None else O[slot].reschedule(None if delay is None else loop.time() + delay)


def timeout_state(slot):
    return "none" if O[slot] is None else f"{O[slot].when()} {O[slot].expired()}"


def cancel_gather(slot, message):
    return "none" if G[slot] is None else G[slot][0].cancel(message)


def gather_state(slot):
    return "none" if G[slot] is None else state(G[slot][0])


async def await_gather(slot):
    """By the rule of awaitable()."""
    register(asyncio.current_task())
    if G[slot] is None or G[slot][1] <= world.tasks[asyncio.current_task()]:
        return "none"
    return listing(await G[slot][0])


def new_generator(slot, generator):
    A[slot] = generator()


def generator_state(slot):
    return f"{inspect.getasyncgenstate(A[slot])} {A[slot].ag_running}"


async def await_task(slot):
    task = awaitable(slot)
    return "none" if task is None else await task


async def gather_bodies(bodies, return_exceptions):
    return listing(await asyncio.gather(*[body() for body in bodies], return_exceptions=return_exceptions))


async def gather_tasks(slots, return_exceptions):
    return listing(await asyncio.gather(*awaitables(slots), return_exceptions=return_exceptions))


async def gather_mixed(body, slot, return_exceptions):
    task = awaitable(slot)
    if task is None:
        return "none"
    return listing(await asyncio.gather(body(), task, return_exceptions=return_exceptions))


async def wait_tasks(slots, return_when, timeout):
    """Gives sets, which have no order."""
    tasks = [T[slot] for slot in slots if T[slot] is not None]
    done, pending = await asyncio.wait(tasks, timeout=timeout, return_when=return_when)
    by_age = [" ".join(map(name, sorted(group, key=world.tasks.get))) for group in (done, pending)]
    return f"[{by_age[0]}] [{by_age[1]}]"


async def wait_futures(which, return_when, timeout):
    futures = [F[each] for each in which]
    done, pending = await asyncio.wait(futures, timeout=timeout, return_when=return_when)
    return f"{len(done)} {len(pending)} {[int(future in done) for future in futures]}"


async def shield_task(slot):
    task = awaitable(slot)
    return "none" if task is None else await asyncio.shield(task)


async def wait_for_task(slot, timeout):
    task = awaitable(slot)
    return "none" if task is None else await asyncio.wait_for(task, timeout)


async def as_completed(who, slots, timeout):
    for completed in asyncio.as_completed(not_done_twice(awaitables(slots)), timeout=timeout):
        try:
            log(who, "completed", await completed)
        except Exception as error:
            log(who, "completed", text(error))


async def async_as_completed(who, slots, timeout):
    async for task in asyncio.as_completed(not_done_twice(awaitables(slots)), timeout=timeout):
        log(who, "completed", f"{name(task)} {state(task)}")


# --- running ---


async def run(started_bodies):
    """Starts the program; when it has had its time, cancels whoever is left, until nobody is."""
    global stopped
    register(asyncio.current_task())
    for slot, body in enumerate(started_bodies):
        start(slot % 4, body, False)
    await asyncio.sleep(40)
    log("main", "ends")
    me = asyncio.current_task()
    for turn in range(40):
        left = [task for task in world.tasks if task is not me and not task.done()]
        if not left:
            break
        for task in left:
            task.cancel(f"end {turn}")
        await asyncio.wait(left, timeout=30)
    else:
        log("main", "stuck")
        stopped = True
    for task in world.tasks:
        if task is not me:
            log(name(task), "is", state(task))
    for index, future in enumerate(world.futures):
        log(f"f{index}", "is", state(future))
    closing = loop.create_task(loop.shutdown_asyncgens())
    for turn in range(40):
        await asyncio.wait([closing], timeout=30)
        if closing.done():
            break
        closing.cancel(f"closing {turn}")
    log("main", "closed", state(closing))
    stopped = True


def run_program(source):
    global loop, world, stopped
    trace.clear()
    stopped = False
    names = dict(globals())
    loop = names["loop"] = Loop()
    loop.set_exception_handler(handle)
    exec(compile(source, "program", "exec"), names)
    asyncio._set_running_loop(loop)
    world = World(*names["SIZES"], names["GENERATORS"])
    asyncio._set_running_loop(None)
    for shared in ["world", *"THKXGWOFELSCBQVA"]:
        names[shared] = globals()[shared]
    loop.run_until_complete(run(names["STARTED"]))
    names.clear()
    loop.close()
    return trace


def main(programs, traces):
    gc.disable()
    sys.unraisablehook = lambda _: None
    with open(programs) as scripts, open(traces, "w") as out:
        for number, script in enumerate(scripts.read().split(END)[:-1]):
            out.write("\n".join([*run_program(script), END]))
            if number % 50 == 0:
                gc.collect()


if __name__ == "__main__":
    main(*sys.argv[1:])
