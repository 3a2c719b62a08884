"""A newspaper that is read page by page, while it is printed; and who clears up the press."""

import asyncio
from contextlib import aclosing


async def press(pages):
    print("  press on")
    try:
        for number in range(1, pages + 1):
            await asyncio.sleep(0.005)
            yield f"page {number}"
    finally:
        # Clearing up may wait, too.
        await asyncio.sleep(0)
        print("  press off")


async def headlines(pages):
    # One generator on top of another.
    async for page in pages:
        yield page.upper()


async def main():
    print("- to the end")
    async for page in press(2):
        print(" ", page)

    print("- leaving early leaves it open")
    paper = press(9)
    async for page in paper:
        print(" ", page)
        break
    print("  gone for coffee")
    print(" ", await anext(paper))
    await paper.aclose()

    print("- unless somebody is asked to close it")
    async with aclosing(press(9)) as paper:
        async for page in headlines(paper):
            print(" ", page)
            break
    print("  after the block")

    print("- talking back")

    async def interview():
        answer = yield "your name?"
        answer = yield f"{answer}, your age?"
        yield f"{answer}, really?"

    questions = interview()
    print(" ", await questions.asend(None))
    print(" ", await questions.asend("Ada"))
    print(" ", await questions.asend(36))
    await questions.aclose()

    print("- one that is dropped is closed by the loop, a little later")
    paper = press(9)
    print(" ", await anext(paper))
    del paper
    print("  dropped")
    await asyncio.sleep(0.005)
    print("- the end")


asyncio.run(main())
