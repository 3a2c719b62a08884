#!/usr/bin/env python3
"""Fails when an #include breaks the rooms of segue, or the header that has everything has not.

The rules, one a room, are RULES below; what a file may include is decided by where the file lives and nothing else:

- leaves (include/segue/, LEAVES below): the standard library, each other.
- faces (include/segue/*.hpp): public headers of every room.
- legacy: the standard library, the leaves, itself. Boost.Context in ONE header of its detail/. No <coroutine>, no Asio.
- modern: the standard library, the leaves, itself. No Boost, no logger.
- testing: the standard library, the leaves, the public headers of modern. GoogleTest in gtest.hpp and reactor_suite.hpp.
- bridge: the public headers of both, never their detail/. A foreign library only in the adapter that is named after it:
  Asio (with the Boost.System it reports errors by) in segue/bridge/asio.hpp and asio/, Boost.Coroutine2 in
  segue/bridge/coroutine2*.hpp, GLib, libuv and spdlog likewise in glib*.hpp, libuv*.hpp and spdlog*.hpp (and sources of
  those names).

modern has floors, FLOORS below: a file may include its own folder and those before it; `testing` and `inspect` are for
tests and users, and nothing includes them. And what a room calls detail:: or <room>_detail:: is named by nobody else.

And <segue/segue.hpp> reaches every public header but those adapters.

usage: layering.py [ROOT]
"""

import pathlib
import re
import sys

# The floors of modern, from the ground up; those that nothing above includes.
FLOORS = ["kernel", "loop", "tasks", "sync", "threads", "files", "net", "streams", "process"]
APART = ["inspect", "testing"]
FLOOR = re.compile(r"(?:^modern/(?:include/segue/modern|src)|^segue/modern)/(\w+)/|^(\w+)/\w+\.hpp$")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

# What is not a C++ standard header (no dot, no slash in its name) and yet comes with the compiler and the system.
SYSTEM = ["cxxabi.h", "dlfcn.h", "elf.h", "errno.h", "execinfo.h", "fcntl.h", "link.h", "netdb.h", "poll.h", "pthread.h",
          "sched.h", "signal.h", "spawn.h", "stdio.h", "stdlib.h", "string.h", "time.h", "ucontext.h", "unistd.h", "unwind.h", "arpa/*.h",
          "linux/*.h", "net/*.h", "netinet/*.h", "sanitizer/*.h", "sys/*.h", "valgrind/*.h"]
LEAVES = [f"segue/{leaf}.hpp" for leaf in ("exception_ptr", "exceptions", "format_exception", "hook", "let_go",
                                           "os_error", "outcome", "type_name", "unraisable")]
ASIO = ["boost/asio.hpp", "boost/asio/**", "boost/system/**"]
CONTEXT = ["boost/context/**"]
COROUTINE2 = ["boost/coroutine2/**"]
SPDLOG = ["spdlog/**"]
LIBUV = ["uv.h"]
GLIB = ["glib.h", "glib-unix.h"]

# (files, what they may include, exceptions to that), the first match counting.
ADAPTERS = {"asio": ASIO, "coroutine2": COROUTINE2, "glib": GLIB, "libuv": LIBUV, "spdlog": SPDLOG}
RULES = [
    *((f"include/{leaf}", [*SYSTEM, *LEAVES], []) for leaf in LEAVES),
    ("include/segue/*", [*LEAVES, "segue/**"], ["segue/*/detail/**"]),
    ("legacy/include/segue/legacy/detail/**", [*SYSTEM, *LEAVES, "segue/legacy/**", *CONTEXT], ["coroutine"]),
    ("legacy/**", [*SYSTEM, *LEAVES, "segue/legacy/**"], ["coroutine"]),
    ("modern/**", [*SYSTEM, *LEAVES, "segue/modern/**"], []),
    *((f"testing/include/segue/testing/{name}.hpp", [*SYSTEM, *LEAVES, "segue/modern/**", "segue/testing/**", "gtest/gtest.h"], [])
      for name in ("gtest", "reactor_suite")),
    ("testing/**", [*SYSTEM, *LEAVES, "segue/modern/**", "segue/testing/**"], []),
    *((f"bridge/{place}/{adapter}{rest}", [*SYSTEM, *LEAVES, "segue/**", *library],
       ["segue/legacy/detail/**", "segue/modern/detail/**"])
      for place in ("include/segue/bridge", "src")
      for adapter, library in ADAPTERS.items()
      for rest in ("*", "/**")),
    ("bridge/**", [*SYSTEM, *LEAVES, "segue/**"], ["segue/legacy/detail/**", "segue/modern/detail/**"]),
]
# A user's umbrella is for users: the rooms include what they need.
FACES = ["segue/asyncio.hpp", "segue/segue.hpp"]
SUFFIXES = {".hpp", ".cpp", ".h", ".ipp"}


def matches(name, patterns):
    """Whether `name` fits one of the glob patterns (`*` stays within a folder, `**` does not)."""
    def fits(pattern):
        return re.fullmatch(re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*"), name) is not None
    return any(fits(pattern) for pattern in patterns)


def is_standard(name):
    return "." not in name and "/" not in name


def broken_rule(file, delimiter, name, root):
    """Why `file` may not include `name`, or None."""
    _, allowed, forbidden = next(rule for rule in RULES if matches(file, [rule[0]]))
    room = file.split("/")[0]
    if delimiter == '"':
        target = (root / file).parent.joinpath(name).resolve()
        if not target.is_file():
            target = (root / room / "src" / name).resolve()
        if not target.is_relative_to((root / room / "src").resolve()) or not target.is_file():
            return "quotes are for files of the room's own src/"
        return None
    if matches(name, forbidden):
        return "detail/ is for the room that owns it" if "detail/" in name else f"{room} does not know <{name}>"
    if room != "include" and name in FACES:
        return "the faces are for users; include what is needed"
    if is_standard(name) or matches(name, allowed):
        return None
    return f"{room} may not include it here"


def floor_of(name):
    """The floor of modern that a file or a header is on; None for one that is on none."""
    match = FLOOR.match(name)
    floor = match and (match[1] or match[2])
    return floor if floor in FLOORS + APART else None


def broken_floor(file, name):
    """Why `file` on its floor may not include `name`, or None."""
    here, there = floor_of(file), floor_of(name)
    if not file.startswith("modern/") or here is None or there is None or here == there:
        return None
    if there in APART:
        return f"{there}/ is for tests and users"
    if here in FLOORS and FLOORS.index(there) > FLOORS.index(here):
        return f"{there}/ is a floor above {here}/"
    return None


def foreign_details(file, text):
    """The other rooms' detail::, or legacy_detail:: and the like, that `file` names, as (line, name)."""
    own = file.split("/")[0]
    for number, line in enumerate(text.split("\n"), 1):
        for room, name in re.findall(r"\b(legacy|modern|bridge)::((?:\1_)?detail)\b", line.split("//")[0]):
            if room != own and not line.startswith("namespace"):
                yield number, f"{room}::{name}"


def violations(root):
    """Every broken rule under `root`, as `file:line: message`."""
    root = pathlib.Path(root)
    found = []
    context_doors = []
    for room in ("include", "legacy", "modern", "testing", "bridge"):
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            file = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                delimiter, name = match.groups()
                if matches(name, CONTEXT) and file not in context_doors:
                    context_doors.append(file)
                reason = broken_rule(file, delimiter, name, root) or broken_floor(file, name)
                if reason:
                    line = text.count("\n", 0, match.start()) + 1
                    found.append(f"{file}:{line}: includes {name}: {reason}")
            for line, name in foreign_details(file, text):
                found.append(f"{file}:{line}: names {name}:: which is for the room that owns it")
    if len(context_doors) > 1:
        found.append(f"Boost.Context has more than one door: {', '.join(context_doors)}")
    return found


def unreached(root):
    """The public headers under `root` that <segue/segue.hpp> does not include, directly or through others."""
    headers = {}
    for room in ("include", "legacy/include", "modern/include", "bridge/include"):
        folder = pathlib.Path(root, room)
        for path in folder.rglob("*.hpp"):
            headers[path.relative_to(folder).as_posix()] = INCLUDE.findall(path.read_text(encoding="utf-8"))
    reached, found = set(), ["segue/segue.hpp"]
    while found:
        name = found.pop()
        if name in headers and name not in reached:
            reached.add(name)
            found += [included for _, included in headers[name]]
    apart = ["segue/*/detail/**", *(f"segue/bridge/{adapter}{rest}" for adapter in ADAPTERS for rest in ("*", "/**"))]
    return sorted(name for name in headers if name not in reached and not matches(name, apart))


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    if not (root / "include" / "segue").is_dir():
        sys.exit(f"{root} is no checkout of segue")
    missing = unreached(root)
    for name in missing:
        print(f"segue/segue.hpp does not reach {name}")
    found = violations(root)
    for line in found:
        print(line)
    if missing:
        sys.exit(f"{len(missing)} public header(s) are not in <segue/segue.hpp>")
    if found:
        sys.exit(f"{len(found)} include(s) break the rooms; the rules are at the top of tests/layering/layering.py")
    print("the rooms are whole")


if __name__ == "__main__":
    main()
