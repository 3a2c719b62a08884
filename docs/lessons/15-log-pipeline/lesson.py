"""A log file goes through a pipeline: pulled by the one at its end, then pushed by the one at its front."""

import functools
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

MORNING = """\
06:10 INFO  pump  primed
06:30 ERROR valve stuck at 40 percent
06:31 INFO  valve freed
"""
NOON = """\
11:58 ERROR pump  no water
12:00 INFO  clock lunch
12:02 ERROR valve stuck at 55 percent
12:05 INFO  all   shutdown
"""


class Entry(NamedTuple):
    time: str
    level: str
    part: str
    text: str


def entry(line):
    return Entry(*line.split(maxsplit=3))


def follow(path):
    """The lines of a file that may still grow, up to the shutdown."""
    print("  follow: opens the log")
    with open(path) as file:
        try:
            while True:
                line = file.readline().rstrip()
                if not line:
                    time.sleep(0.001)
                    continue
                yield line
                if line.endswith("shutdown"):
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
        print(f"  grep {pattern}: done")


def parse(lines):
    for line in lines:
        yield entry(line)


def count(entries):
    counts = {}
    for each in entries:
        print(f"  count: {each.part} ({each.text})")
        counts[each.part] = counts.get(each.part, 0) + 1
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
        print(f"  grep {pattern}: done")


@primed
def parse_into(target):
    while True:
        target.send(entry((yield)))


@primed
def counter():
    counts = {}
    try:
        while True:
            part = (yield).part
            counts[part] = counts.get(part, 0) + 1
    except GeneratorExit:
        show("counter", counts)


@primed
def printer():
    while True:
        each = yield
        print(f"  printer: at {each.time} {each.part} was {each.text}")


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
    for part, number in sorted(counts.items()):
        print(f"  {title}: {part} {number}")


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "works.log"

        # Nothing runs before the first next(), and no stage reads ahead: the rest of the log is not even written yet.
        print("- pulled")
        append(path, MORNING)
        errors = parse(grep("ERROR", follow(path)))
        print("  nothing has been read")
        print("  first:", next(errors).text)
        append(path, NOON)
        show("total", count(errors))

        # Whoever asks may leave: closing the last stage closes all of them.
        print("- pulled, and left early")
        errors = parse(grep("ERROR", follow(path)))
        print("  first:", next(errors).text)
        errors.close()

        # The source decides when, and a line can go several ways.
        print("- pushed")
        push(
            follow(path),
            broadcast(grep_into("ERROR", parse_into(counter())), grep_into("valve", parse_into(printer()))),
        )


main()
