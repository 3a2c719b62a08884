"""A computation that takes its time: on the loop it stops everything, in a thread nobody notices."""

import asyncio
import contextvars
import time

user = contextvars.ContextVar("user")


def compute(seconds):
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
    if rounds == 0:
        raise ValueError("no rounds")
    return f"computed for {user.get()}"


async def ticker(ticks):
    while True:
        ticks.append("tick")
        await asyncio.sleep(0.005)


def some(ticks):
    return "some ticks" if len(ticks) > 1 else f"{len(ticks)} tick"


async def main():
    user.set("Ada")
    ticks = []
    ticking = asyncio.create_task(ticker(ticks))
    await asyncio.sleep(0)

    print("- on the loop")
    print(" ", compute(0.05), "-", some(ticks), "meanwhile")

    print("- in a thread")
    ticks.clear()
    print(" ", await asyncio.to_thread(compute, 0.05), "-", some(ticks), "meanwhile")

    print("- two at once, and an error comes back as well")
    begin = time.monotonic()
    results = await asyncio.gather(
        asyncio.to_thread(time.sleep, 0.05), asyncio.to_thread(compute, 0), return_exceptions=True
    )
    print("  at once:", time.monotonic() - begin < 5)
    print("  the second:", repr(results[1]))

    print("- a thread cannot be stopped, but waiting for it can")
    try:
        await asyncio.wait_for(asyncio.to_thread(compute, 0.05), 0.01)
    except TimeoutError:
        print("  no answer in time")
    ticking.cancel()


asyncio.run(main())
