#!/usr/bin/env python3
"""The matrix of docs/bridge.md: an example for each generation that waits and each that is waited for.

    cells.py --write    write the programs, and the examples in the page
    cells.py            fail where they are not what they would be written as
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent / "bridge.md"
BEGIN, END = "<!-- cells: written by bridge/cells.py -->\n", "<!-- end of cells -->\n"

# What is waited for: its title, its name in the examples, and something to await that gives 7. What gives its values at
# once is not awaited.
COLUMNS = [
    ("callback", "callback", "from_callback<int>(measure)"),
    ("`Future`", "future", "promised()"),
    ("generator-based coroutine", "old_style", "old_style()"),
    ("legacy generator", "generator", None),
    ("`Coroutine`", "coroutine", "fetch()"),
    ("`Task`", "task", "create_task(fetch())"),
    ("async generator", "async_generator", "ticks().anext()"),
    ("plain function under a portal", "portal", "portal(plain)"),
    ("Asio operation", "asio_operation", "async_measure(use_segue)"),
    ("Asio `awaitable`", "asio_awaitable", "from_asio(asio_style())"),
    ("Coroutine2", "coroutine2", None),
    ("`std::future`", "std_future", "from_std_future(std::async(work))"),
    ("thread", "thread", "to_thread(work)"),
]
FUTURES = {"future", "task"}  # of which co_spawn() makes no task
AT_ONCE = {"generator": "numbers().next()", "coroutine2": "pulled().next()"}

# Who waits: its title, its name, how it is run, how it waits for `{x}`, and the example around that.
WAITS = "{x}"
ROWS = [
    ("callback", "callback", "run_with_callback", WAITS,
     "void {name}(Done done) {{\n  to_callback([] {{ return {wait}; }})(std::move(done));\n}}\n"),
    ("`Future`", "future", "run_coroutine", WAITS,
     "Future<int> {name}() {{\n  return ensure_future({wait});\n}}\n"),
    ("generator-based coroutine", "old_style", "run_coroutine", "yield_from({x})",
     "const auto {name} = coroutine<int>([] {{\n  return {wait};\n}});\n"),
    ("legacy generator, under a portal", "generator", "run_generator", "await_({x})",
     "Generator<int> {name}() {{\n  return Generator<int>([](auto& yield) {{ yield({wait}); }});\n}}\n"),
    ("`Coroutine`, `Task`", "coroutine", "run_coroutine", "co_await {x}",
     "Coroutine<int> {name}() {{\n  co_return {wait};\n}}\n"),
    ("async generator", "async_generator", "run_async_generator", "co_await {x}",
     "AsyncGenerator<int> {name}() {{\n  co_yield {wait};\n}}\n"),
    ("plain function under a portal", "portal", "run_portal", "await_({x})",
     "int {name}() {{\n  return {wait};\n}}\n"),
    ("Asio operation, with any token", "asio_operation", "run_with_callback", WAITS,
     "void {name}(Done done) {{\n  bridge::co_spawn(get_running_loop(), {wait}, std::move(done));\n}}\n"),
    ("Asio `awaitable`", "asio_awaitable", "run_asio", WAITS,
     "asio::awaitable<int> {name}() {{\n"
     "  co_return co_await bridge::co_spawn(get_running_loop(), {wait}, asio::use_awaitable);\n}}\n"),
    ("Coroutine2, under a portal", "coroutine2", "run_pull", "await_({x})",
     "void {name}(Ints::push_type& push) {{\n  push({wait});\n}}\n"),
    ("`std::future`", "std_future", "run_std_future", WAITS,
     "std::future<int> {name}() {{\n  return to_std_future({wait});\n}}\n"),
    ("thread", "thread", "run_thread", "{coroutine}",
     "int {name}() {{\n  return from_thread::run({wait});\n}}\n"),
]


def name_of(row, column):
    return f"{row}_waits_for_{column}"


def cell(row, column):
    _, row_name, _, waits, example = row
    _, column_name, awaitable = column
    as_coroutine = name_of("coroutine", column_name)
    if waits == WAITS and (awaitable is None or (column_name in FUTURES and "co_spawn" in example)):
        wait = f"{as_coroutine}()"
    elif awaitable is None and "{x}" in waits:
        wait = AT_ONCE[column_name]
    else:
        wait = waits.format(x=awaitable, coroutine=as_coroutine)
    return example.format(name=name_of(row_name, column_name), wait=wait)


def programs():
    """{file name: text}: a program a row."""
    coroutine = next(row for row in ROWS if row[1] == "coroutine")
    for row in ROWS:
        cells = [cell(row, column) for column in COLUMNS]
        if row[3] in (WAITS, "{coroutine}"):
            used = "".join(cells)
            wanted = [c for c in COLUMNS if any(name_of("coroutine", c[1]) + end in used for end in "()")]
            cells = [cell(coroutine, column) for column in wanted] + cells
        runs = "".join(
            f'  check("{name_of(row[1], column[1])}", loop->run_until_complete({row[2]}({name_of(row[1], column[1])})));\n'
            for column in COLUMNS
        )
        yield f"{row[1]}.cpp", (
            f"// {row[0]}: written by cells.py.\n// clang-format off: three lines an example\n" '#include "cells.hpp"\n\n' f"namespace of_{row[1]} {{\n\n"
            + "\n".join(cells)
            + f"\n}}  // namespace of_{row[1]}\n\nvoid cells_of_{row[1]}() {{\n  using namespace of_{row[1]};\n"
            "  const auto loop = new_event_loop();\n"
            + runs
            + "  loop->run_until_complete(loop->shutdown_asyncgens());\n}\n"
        )
    yield "main.cpp", (
        "// All cells: written by cells.py.\n"
        + "".join(f"void cells_of_{row[1]}();\n" for row in ROWS)
        + "\nint main() {\n"
        + "".join(f"  cells_of_{row[1]}();\n" for row in ROWS)
        + "}\n"
    )


def examples():
    """The part of the page."""
    text = ""
    for row in ROWS:
        text += f"\n### {row[0]}\n\n```cpp\n" + "\n".join(cell(row, column) for column in COLUMNS) + "```\n"
    return text + "\n"


def main():
    write = sys.argv[1:] == ["--write"]
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    wanted = {PAGE: before + BEGIN + examples() + END + after}
    wanted.update({HERE / "cells" / name: text for name, text in programs()})
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in (HERE / "cells").glob("*.cpp") if path not in wanted]
    if write:
        (HERE / "cells").mkdir(exist_ok=True)
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
    elif stale:
        sys.exit("not what cells.py would write (cells.py --write): " + ", ".join(str(path) for path in stale))
    print(f"{len(ROWS)} rows, {len(ROWS) * len(COLUMNS)} cells")


if __name__ == "__main__":
    main()
