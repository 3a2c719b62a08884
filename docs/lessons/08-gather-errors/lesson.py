"""`gather` with `return_exceptions`, without it, and try/except around one await."""

import asyncio


class Spoilt(Exception):
    pass


async def open_jar(label, milliseconds):
    await asyncio.sleep(milliseconds / 1000)
    if label == "plum":
        raise Spoilt("plum has gone off")
    if label == "":
        raise ValueError("a jar without a label")
    print(f"  {label} opened")
    return f"{label} jam"


async def open_or_replace(label, milliseconds):
    # The error is handled where one jar is opened: whoever gathers sees a result like any other.
    try:
        return await open_jar(label, milliseconds)
    except Spoilt as error:
        print(f"  replaced: {error}")
        return "honey"


async def main():
    print("- errors among the results")
    results = await asyncio.gather(
        open_jar("fig", 5), open_jar("plum", 10), open_jar("", 15), open_jar("quince", 20), return_exceptions=True
    )
    for result in results:
        if isinstance(result, Exception):
            print(f"{type(result).__name__}: {result}")
        else:
            print(result)

    print("- the first error at once")
    jars = [asyncio.create_task(open_jar(label, wait)) for label, wait in [("fig", 5), ("plum", 10), ("quince", 40)]]
    try:
        await asyncio.gather(*jars)
    except Spoilt as error:
        print("Spoilt:", error)
    # The others are not cancelled by that: their results are still to be had.
    print("quince is open already:", "yes" if jars[2].done() else "no")
    print(await jars[2])

    print("- handled at each await")
    for result in await asyncio.gather(open_or_replace("plum", 5), open_or_replace("pear", 10)):
        print(result)

    print("- handled for one type only")
    try:
        print(await open_or_replace("", 0))
    except ValueError as error:
        print("ValueError:", error)


asyncio.run(main())
