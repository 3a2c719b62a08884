"""`gather` over a list: all run at once, and the results come in the order of the list."""

import asyncio


async def runner(name, milliseconds, finish):
    await asyncio.sleep(milliseconds / 1000)
    finish.append(name)
    print(f"  {name} is in")
    return f"{name}: place {len(finish)}"


async def square(number):
    await asyncio.sleep(0)
    return number * number


async def race(names):
    # The later in the list, the faster.
    finish = []
    heat = [runner(name, 10 * (len(names) - lane), finish) for lane, name in enumerate(names)]
    return await asyncio.gather(*heat)


async def main():
    print("- a race")
    for result in await race(["Ada", "Bo", "Cleo", "Dev"]):
        print(result)

    print("- numbers")
    squares = await asyncio.gather(*[square(number) for number in range(1, 8)])
    print("squares:", squares)
    print("sum:", sum(squares))

    print("- two things of different kinds")
    place, nine = await asyncio.gather(runner("Eve", 5, []), square(3))
    print(place)
    print("nine:", nine)

    print("- nobody")
    print("results:", len(await asyncio.gather()))

    print("- a gather of gathers")
    heats = await asyncio.gather(race(["Fay", "Gus"]), race(["Hal"]))
    for number, heat in enumerate(heats, start=1):
        for result in heat:
            print(f"heat {number}, {result}")


asyncio.run(main())
