"""Ten mirrors are asked for the same file; the first answer counts, and the others are told so."""

import asyncio


async def ask(mirror):
    try:
        # The farther, the slower; the seventh is the nearest.
        await asyncio.sleep(0.01 + 0.01 * abs(mirror - 7))
        return f"file from mirror {mirror}"
    except asyncio.CancelledError:
        told.append(mirror)
        raise


told = []


async def first_of(tasks):
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    # A cancellation is a request: they are done when they have heard of it.
    await asyncio.wait(pending)
    return done.pop()


async def main():
    print("- the first of ten")
    tasks = [asyncio.create_task(ask(mirror)) for mirror in range(10)]
    first = await first_of(tasks)
    print(" ", first.result())
    print("  told:", sorted(told))

    print("- all, in the order in which they come")
    tasks = [asyncio.create_task(ask(mirror)) for mirror in (9, 7, 4)]
    tasks[2].add_done_callback(lambda task: print("  the last one"))
    async for task in asyncio.as_completed(tasks[:2]):
        print(" ", task.result())
    await tasks[2]
    await asyncio.sleep(0)

    print("- those that come in time")
    tasks = [asyncio.create_task(ask(mirror)) for mirror in (7, 0)]
    done, pending = await asyncio.wait(tasks, timeout=0.03)
    print(f"  {len(done)} in time, {len(pending)} still under way")
    print(" ", await tasks[1])


asyncio.run(main())
