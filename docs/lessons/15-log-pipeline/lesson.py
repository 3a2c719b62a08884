"""A real log goes through a pipeline: pulled by the one at its end, then pushed by the one at its front."""

import functools
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

LOG = Path("dpkg.log").read_text().splitlines(keepends=True)


class Entry(NamedTuple):
    day: str
    time: str
    action: str
    package: str
    before: str
    after: str


def entry(line):
    return Entry(*line.split())


def architecture(entry):
    return entry.package.partition(":")[2]


def follow(path, last):
    """The lines of a file that may still grow, up to the last one."""
    print("  follow: opens the log")
    with open(path) as file:
        try:
            while True:
                line = file.readline().rstrip()
                if not line:
                    time.sleep(0.001)
                    continue
                yield line
                if line == last:
                    return
        finally:
            print("  follow: closes the log")


# Pulled: each stage is a generator that takes from the one before it.


def grep(pattern, lines):
    try:
        for line in lines:
            if pattern in line:
                yield line
    finally:
        print(f"  grep{pattern}done")


def parse(lines):
    for line in lines:
        yield entry(line)


def count(entries):
    counts = {}
    for each in entries:
        print(f"  count: {each.package} ({each.before} -> {each.after})")
        kind = architecture(each)
        counts[kind] = counts.get(kind, 0) + 1
    return counts


# Pushed: each stage is a generator that is sent values, and sends to the one after it.


def primed(function):
    """What is called so stands at its first yield, and can be sent to."""

    @functools.wraps(function)
    def start(*args):
        generator = function(*args)
        next(generator)
        return generator

    return start


@primed
def grep_into(pattern, target):
    try:
        while True:
            line = yield
            if pattern in line:
                target.send(line)
    finally:
        print(f"  grep{pattern}done")


@primed
def parse_into(target):
    while True:
        target.send(entry((yield)))


@primed
def counter():
    counts = {}
    try:
        while True:
            kind = architecture((yield))
            counts[kind] = counts.get(kind, 0) + 1
    except GeneratorExit:
        show("counter", counts)


@primed
def printer():
    while True:
        each = yield
        print(f"  printer: at {each.time} {each.action} {each.package}")


@primed
def broadcast(first, second):
    try:
        while True:
            line = yield
            first.send(line)
            second.send(line)
    finally:
        first.close()
        second.close()


def push(lines, target):
    for line in lines:
        target.send(line)
    target.close()


def show(title, counts):
    for kind, number in sorted(counts.items()):
        print(f"  {title}: {kind} {number}")


def append(path, lines):
    with open(path, "a") as file:
        file.writelines(lines)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "grows.log"
        last = LOG[-1].rstrip()

        # Nothing runs before the first next(), and no stage reads ahead: the rest of the log is not even written yet.
        print("- pulled")
        append(path, LOG[:150])
        upgrades = parse(grep(" upgrade ", follow(path, last)))
        print("  nothing has been read")
        print("  first:", next(upgrades).package)
        append(path, LOG[150:])
        show("total", count(upgrades))

        # Whoever asks may leave: closing the last stage closes all of them.
        print("- pulled, and left early")
        upgrades = parse(grep(" upgrade ", follow(path, last)))
        print("  first:", next(upgrades).package)
        upgrades.close()

        # The source decides when, and a line can go several ways.
        print("- pushed")
        push(
            follow(path, last),
            broadcast(grep_into(" upgrade ", parse_into(counter())), grep_into(" configure ", parse_into(printer()))),
        )


main()
