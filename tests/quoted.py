#!/usr/bin/env python3
"""The C++ examples of a page are programs that are built and run: each ```cpp block of README.md, docs/kernel.md and
docs/migration/index.md stands, line for line, in one of the page's programs (indented as it likes)."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = {
    "README.md": "tests/package/stranger",
    "docs/kernel.md": "docs/kernel",
    "docs/migration/index.md": "docs/migration",
}


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
    strays = 0
    for page, folder in PROGRAMS.items():
        programs = [path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).glob("*.cpp"))]
        text = (ROOT / page).read_text(encoding="utf-8")
        examples = re.findall(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if not examples:
            sys.exit(f"{page} has no example")
        for example in examples:
            if not any(stands_in(example, program) for program in programs):
                strays += 1
                print(f"in {page}, but in no file of {folder}:\n{textwrap.indent(example, '    ')}")
        print(f"{page}: {len(examples)} examples")
    if strays:
        sys.exit(f"{strays} examples are not compiled")


if __name__ == "__main__":
    main()
