"""Runs random programs in one process: what python.cpp writes, one after the other, each with a trace of its own.

    python3 harness.py PROGRAMS TRACES

PROGRAMS holds the scripts, and TRACES gets their traces, both ended by a line with a form feed each.
"""

import gc
import sys
from inspect import getgeneratorstate

END = "\f\n"
CLOSE_RETURNS = sys.version_info >= (3, 13)

trace = []
stopped = False


def log(what, value=""):
    if not stopped:
        trace.append(f"{what} {value}".rstrip())


def forget_frames(error):
    """Cuts what would tie a generator that handles `error` into a cycle: deleted, only a collection would close it."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def text(error):
    forget_frames(error)
    if isinstance(error, StopIteration):
        return f"StopIteration({error.value})"
    return f"{type(error).__name__}({error})"


def attempt(what, call):
    try:
        value = call()
    except BaseException as error:
        log(what, "-> " + text(error))
    else:
        log(what, f"-> {value}")


def close(generator):
    value = generator.close()
    # What it returns is 3.13's; segue's is not looked at either with an older one.
    return value if CLOSE_RETURNS else None


def iterate(current, limit):
    """Goes through the generator that `current` gives. In C++ a loop is at its end when its generator is deleted, or
    replaced, while it runs: the value that comes is dropped."""
    generator = current()
    count = 0
    for value in generator:
        if current() is not generator:
            break
        log("  value", value)
        count += 1
        if count == limit:
            break
    return count


def delegates(generator):
    """Whether gi_yieldfrom is set, while suspended. In C++ nothing is known any more of a delegate that is closed."""
    if getgeneratorstate(generator) != "GEN_SUSPENDED":
        return False
    delegate = generator.gi_yieldfrom
    closed = hasattr(delegate, "gi_code") and getgeneratorstate(delegate) == "GEN_CLOSED"
    return delegate is not None and not closed


def finish(generators):
    """Closes them for good: what one of them delegates to must not be deleted before it."""
    for index, generator in enumerate(generators):
        while getgeneratorstate(generator) != "GEN_CLOSED":
            attempt(f"finish g{index}", lambda: close(generator))


def ignored(unraisable):
    global stopped
    error = unraisable.exc_value
    if str(error) == "generator ignored GeneratorExit":
        # CPython asks a generator once that it deletes, and takes it apart when it yields; segue goes on asking.
        log("stop")
        stopped = True
    else:
        log("unraisable", text(error))


def run(source):
    global stopped
    trace.clear()
    stopped = False
    names = dict(globals())
    exec(compile(source, "program", "exec"), names)
    names.clear()
    return trace


def main(programs, traces):
    gc.disable()
    sys.unraisablehook = ignored
    with open(programs) as scripts, open(traces, "w") as out:
        for script in scripts.read().split(END)[:-1]:
            out.write("\n".join([*run(script), END]))


if __name__ == "__main__":
    main(*sys.argv[1:])
