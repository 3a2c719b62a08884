#!/usr/bin/env python3
"""The README's C++ examples are programs that are built and run: each ```cpp block of README.md stands, line for line, in
one of stranger/*.cpp (indented as it likes)."""

import pathlib
import re
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parents[1] / "README.md"


def flattened(text):
    """The text without the indentation that its lines share, so that an example may come from inside a function."""
    return textwrap.dedent(text).strip()


def stands_in(example, program):
    wanted = flattened(example).splitlines()
    lines = program.splitlines()
    return any(
        flattened("\n".join(lines[start:start + len(wanted)])).splitlines() == wanted
        for start in range(len(lines) - len(wanted) + 1))


def main():
    programs = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("stranger/*.cpp"))]
    examples = re.findall(r"^```cpp\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if not examples:
        sys.exit("README.md has no example")
    strays = [example for example in examples if not any(stands_in(example, program) for program in programs)]
    for example in strays:
        print(f"in README.md, but in no file of tests/package/stranger:\n{textwrap.indent(example, '    ')}")
    if strays:
        sys.exit(f"{len(strays)} of {len(examples)} examples are not compiled")
    print(f"all {len(examples)} examples are compiled")


if __name__ == "__main__":
    main()
