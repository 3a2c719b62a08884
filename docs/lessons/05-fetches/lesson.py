"""Three fetches one after the other, then the same three as tasks."""

import asyncio

PAGES = [("news", 30), ("weather", 10), ("tides", 20)]


async def fetch(page, milliseconds):
    """Stands for a request over the network that takes its time."""
    print(f"  {page}: asked")
    await asyncio.sleep(milliseconds / 1000)
    print(f"  {page}: here")
    return f"{page} in {milliseconds} ms"


async def one_after_the_other():
    for page, milliseconds in PAGES:
        print(await fetch(page, milliseconds))


async def as_tasks():
    # create_task() puts a coroutine on the loop's list at once; it starts when this one next waits.
    tasks = []
    for page, milliseconds in PAGES:
        tasks.append(asyncio.create_task(fetch(page, milliseconds)))
    print("  tasks made, none has started")
    for task in tasks:
        print(await task)


async def main():
    loop = asyncio.get_running_loop()

    print("- one after the other")
    start = loop.time()
    await one_after_the_other()
    in_turn = loop.time() - start

    print("- as tasks")
    start = loop.time()
    await as_tasks()
    together = loop.time() - start

    print("the first way took the sum of all:", "yes" if in_turn >= 0.060 else "no")
    print("the second way was quicker:", "yes" if together < in_turn else "no")


asyncio.run(main())
