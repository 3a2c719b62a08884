"""Parcels are carried together; one is dropped, and the others are put down."""

import asyncio


class Broken(Exception):
    pass


class Lost(Exception):
    pass


async def carry(parcel):
    try:
        await asyncio.sleep(parcel["way"])
    except asyncio.CancelledError:
        print(f"  {parcel['name']}: put down")
        raise
    if error := parcel.get("error"):
        raise error
    print(f"  {parcel['name']}: arrived")
    return parcel["name"]


async def deliver(parcels):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(carry(parcel)) for parcel in parcels]
    # Here all of them are done, and well.
    return [task.result() for task in tasks]


async def main():
    print("- all arrive")
    print(" ", await deliver([{"name": "books", "way": 0.02}, {"name": "lamp", "way": 0.01}]))

    print("- one breaks")
    try:
        await deliver(
            [
                {"name": "vase", "way": 0.01, "error": Broken("vase")},
                {"name": "letters", "way": 0.005},
                {"name": "piano", "way": 60},
            ]
        )
    except* Broken as group:
        print(f"  {len(group.exceptions)} broken: {group.exceptions[0]}")

    print("- two at once, each kind for its own clause")
    try:
        await deliver(
            [
                {"name": "cup", "way": 0, "error": Broken("cup")},
                {"name": "ring", "way": 0, "error": Lost("ring")},
                {"name": "plate", "way": 0, "error": Broken("plate")},
            ]
        )
    except* Broken as group:
        print("  broken:", *[str(error) for error in group.exceptions])
    except* Lost as group:
        print("  lost:", *[str(error) for error in group.exceptions])

    print("- an error of one's own counts as well")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(carry({"name": "sofa", "way": 60}))
            await asyncio.sleep(0)
            raise Lost("the address")
    except* Lost as group:
        print("  lost:", group.exceptions[0])


asyncio.run(main())
