"""Two cooks in one kitchen: each works until it has to wait, and then the other goes on."""

import asyncio


async def cook(name, dish, steps, delay):
    # A late start by a few milliseconds, then both take the same time for each step: they alternate.
    await asyncio.sleep(delay)
    for number, step in enumerate(steps, start=1):
        print(f"{name} {number}/{len(steps)}: {step}")
        await asyncio.sleep(0.020)
    print(f"{name}: the {dish} is served")
    return dish


async def without_waiting(name, chores):
    # No await that waits: nobody else gets a turn before the end.
    for chore in chores:
        print(f"{name}: {chore}")


async def with_turns(name, chores):
    # sleep(0) waits for nothing, but lets all others that are ready go first.
    for chore in chores:
        print(f"{name}: {chore}")
        await asyncio.sleep(0)


async def main():
    print("- dinner")
    ana = asyncio.create_task(cook("Ana", "soup", ["chop leeks", "sweat them", "add stock", "blend"], 0.000))
    ben = asyncio.create_task(cook("Ben", "tart", ["roll dough", "slice apples", "bake"], 0.010))
    print("menu:", await ana, "and", await ben)

    print("- washing up, each lost in thought")
    await asyncio.gather(
        without_waiting("Ana", ["pots", "pans"]),
        without_waiting("Ben", ["bowls", "spoons"]),
    )

    print("- washing up, taking turns")
    await asyncio.gather(
        with_turns("Ana", ["pots", "pans"]),
        with_turns("Ben", ["bowls", "spoons"]),
    )


asyncio.run(main())
