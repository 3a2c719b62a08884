"""Debug mode: it finds who holds the loop up, and who was forgotten."""

import asyncio
import gc
import logging
import re
import time
import warnings


def report(message):
    """What is the same wherever this runs: names, and not how long it took."""
    if slow := re.match(r"Executing .*?(\w+)\(\) (?:running|done).* took .* seconds", message):
        print(f"  slow: {slow[1]}")
    elif slow := re.match(r"Executing <Handle (\w+)\(\) at .* took .* seconds", message):
        print(f"  slow: the callback {slow[1]}")
    elif never := re.search(r"coroutine '(\w+)' was never awaited(?s:.*) in (forget\w+)", message):
        print(f"  never awaited: {never[1]}, called in {never[2]}")
    elif lost := re.search(r"exception was never retrieved(?s:.*) in (forget\w+)(?s:.*)(ValueError: .*)", message):
        print(f"  never retrieved: {lost[2]}, of a task made in {lost[1]}")


class Report(logging.Handler):
    def emit(self, record):
        report(self.format(record))


async def fetch():
    return "page"


async def compute():
    time.sleep(0.12)


def write_log():
    time.sleep(0.12)


async def fail():
    raise ValueError("lost")


def forget_to_await():
    fetch()


def forget_a_task():
    return asyncio.create_task(fail())


async def main():
    print("- a step that takes long")
    await asyncio.create_task(compute())

    print("- a callback that takes long")
    asyncio.get_running_loop().call_soon(write_log)
    await asyncio.sleep(0.01)

    print("- a coroutine that nobody awaits")
    forget_to_await()

    print("- a task whose error nobody looks at")
    forget_a_task()
    await asyncio.sleep(0.01)
    gc.collect()


logging.getLogger("asyncio").addHandler(Report())
logging.getLogger("asyncio").propagate = False
warnings.showwarning = lambda message, *rest: report(str(message))
warnings.simplefilter("always")
asyncio.run(main(), debug=True)
