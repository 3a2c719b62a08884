"""A producer and a consumer with a small queue between them: whoever is ahead waits."""

import asyncio


async def baker(shelf, loaves):
    for loaf in loaves:
        if shelf.full():
            print(f"baker: no room for the {loaf}, waits")
        await shelf.put(loaf)
        print(f"baker: {loaf} on the shelf ({shelf.qsize()} there)")
    print("baker: done")


async def customer(name, shelf, bought):
    while True:
        if shelf.empty():
            print(f"{name}: waits")
        loaf = await shelf.get()
        print(f"{name}: takes the {loaf}")
        # Carrying it home takes a turn of the loop; task_done() then tells the queue that it arrived.
        await asyncio.sleep(0)
        bought.append(loaf)
        shelf.task_done()


async def main():
    shelf = asyncio.Queue(maxsize=2)
    bought = []
    buyer = asyncio.create_task(customer("Kim", shelf, bought))
    await asyncio.sleep(0)

    await baker(shelf, ["rye", "spelt", "bun", "twist", "plait"])

    # join() returns when task_done() was called for each item; the customer would wait for ever.
    await shelf.join()
    print("all sold:", ", ".join(bought))
    buyer.cancel()
    try:
        await buyer
    except asyncio.CancelledError:
        print("Kim goes home")

    try:
        shelf.get_nowait()
    except asyncio.QueueEmpty:
        print("the shelf is empty")


asyncio.run(main())
