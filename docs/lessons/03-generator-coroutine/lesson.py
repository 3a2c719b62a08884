# python: <=3.10
"""A generator-based coroutine sleeps on the loop with `yield from`, as asyncio code did before `await`."""

import asyncio


@asyncio.coroutine
def boil(what, milliseconds):
    print(f"  {what}: on the fire")
    yield from asyncio.sleep(milliseconds / 1000)
    print(f"  {what}: done")
    return f"hot {what}"


@asyncio.coroutine
def burn(what):
    yield from asyncio.sleep(0.005)
    raise RuntimeError(f"{what} burnt")


@asyncio.coroutine
def breakfast():
    # One after the other: `yield from` hands the loop over until the inner one has returned.
    print("- one ring")
    tea = yield from boil("tea", 10)
    egg = yield from boil("egg", 5)
    print(tea, "and", egg)

    # As tasks they share the time.
    print("- two rings")
    tea = loop.create_task(boil("tea", 20))
    egg = loop.create_task(boil("egg", 5))
    first = yield from egg
    second = yield from tea
    print(first, "and", second)

    # An error comes out of the `yield from`.
    print("- a moment's inattention")
    try:
        yield from burn("toast")
    except RuntimeError as error:
        print("RuntimeError:", error)
    return "washing up"


loop = asyncio.new_event_loop()
print("left:", loop.run_until_complete(breakfast()))
loop.close()
