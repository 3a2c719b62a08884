"""A pipeline of three stages over two queues; an end marker closes one stage after the other."""

import asyncio

LETTERS = ["Dear Ida,", "", "the plums are ripe;", "bring   two baskets", "and a ladder.", "", "Yours, Tom"]

END = None


async def read(lines, out):
    """Stage 1: sends on what is not blank."""
    for line in lines:
        if line == "":
            print("read: skips a blank line")
            continue
        await out.put(line)
    await out.put(END)
    print("read: end")


async def count(source, out):
    """Stage 2: turns a line into its number of words."""
    while True:
        line = await source.get()
        if line is END:
            break
        words = len(line.split())
        print(f"count: {words} in '{line}'")
        await out.put((line, words))
    await out.put(END)
    print("count: end")


async def report(source):
    """Stage 3: keeps what the caller wants to know."""
    total = 0
    longest = ("", 0)
    while True:
        item = await source.get()
        if item is END:
            break
        line, words = item
        print(f"report: '{line}'")
        total += words
        if words > longest[1]:
            longest = item
    print("report: end")
    return total, longest


async def main():
    # Room for one item each: no stage runs far ahead of the next.
    lines = asyncio.Queue(maxsize=1)
    counts = asyncio.Queue(maxsize=1)
    stages = [asyncio.create_task(read(LETTERS, lines)), asyncio.create_task(count(lines, counts))]
    total, longest = await report(counts)
    await asyncio.gather(*stages)
    print("words:", total)
    print("most words:", longest[0])


asyncio.run(main())
