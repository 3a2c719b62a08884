#!/usr/bin/env python3
"""What a page quotes is built and run. Each ```cpp block of README.md, docs/kernel.md, docs/migration/index.md and the
migration cases stands, line for line, in one of the page's programs (indented as it likes). Each ```diff block of a case
leads from one of its rungs to the next: what it takes and keeps stands in the former, what it brings and keeps in the
latter, with "…" for lines that were left out. No rung is without one."""

import itertools
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = {
    "README.md": "tests/package/stranger",
    "docs/kernel.md": "docs/kernel",
    "docs/migration/index.md": "docs/migration/shapes.cpp",
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


def stands_below(example, path):
    files = path.rglob("*.[ch]pp") if path.is_dir() else [path]
    return any(stands_in(example, file.read_text(encoding="utf-8")) for file in files)


def blocks(page, language):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def side(diff, sign):
    """The pieces of one side of a diff."""
    lines = [line[1:] for line in diff.splitlines() if line[:1] in (sign, " ", "")]
    pieces = itertools.groupby(lines, lambda line: line.strip() == "…")
    return ["\n".join(piece) for left_out, piece in pieces if not left_out]


def leads(diff, former, latter):
    return all(stands_below(piece, rung) for sign, rung in (("-", former), ("+", latter)) for piece in side(diff, sign))


def stray_examples(page, programs):
    examples = blocks(page, "cpp")
    print(f"{page}: {len(examples)} examples")
    return [f"in {page}, but not in {programs}:\n{textwrap.indent(example, '    ')}" for example in examples
            if not stands_below(example, ROOT / programs)]


def stray_diffs(page, case):
    diffs = blocks(page, "diff")
    steps = list(itertools.pairwise(sorted((ROOT / case).glob("[0-9]-*"))))
    print(f"{page}: {len(diffs)} diffs of {len(steps)} steps")
    strays = [f"in {page}, but between no two rungs:\n{textwrap.indent(diff, '    ')}" for diff in diffs
              if not any(leads(diff, *step) for step in steps)]
    untold = [f"{page} has no diff to {latter.name}" for former, latter in steps
              if not any(leads(diff, former, latter) for diff in diffs)]
    return strays + untold


def main():
    strays = []
    for page, programs in PROGRAMS.items():
        if not blocks(page, "cpp"):
            strays.append(f"{page} has no example")
        strays += stray_examples(page, programs)
    for test in sorted(ROOT.glob("docs/migration/*/test.py")):
        case = str(test.parent.relative_to(ROOT))
        strays += stray_examples(f"{case}/README.md", case) + stray_diffs(f"{case}/README.md", case)
    if strays:
        sys.exit("\n".join(strays))


if __name__ == "__main__":
    main()
