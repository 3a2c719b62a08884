"""Timeouts: at an await, around a block, one within the other; and what happens when somebody else cancels as well."""

import asyncio


async def answer(seconds):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print("  (the answer is not needed any more)")
        raise
    return "answer"


async def patient():
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(60)
    except TimeoutError:
        print("  its own timeout")
    except asyncio.CancelledError:
        print("  cancelled from outside")
        raise


async def late():
    try:
        async with asyncio.timeout(0):
            # The timeout cancels this task in the next iteration, and so does this callback.
            asyncio.get_running_loop().call_soon(asyncio.current_task().cancel, "from outside")
            await asyncio.sleep(60)
    except TimeoutError:
        print("  its own timeout")


async def main():
    print("- one await")
    try:
        await asyncio.wait_for(answer(60), 0.01)
    except TimeoutError:
        print("  too late")

    print("- a block, with more time on the way")
    async with asyncio.timeout(0.01) as limit:
        limit.reschedule(asyncio.get_running_loop().time() + 60)
        print(" ", await answer(0.02))
    print("  expired:", limit.expired())

    print("- one within the other: the outer one is over first")
    try:
        async with asyncio.timeout(0.01) as outer:
            try:
                async with asyncio.timeout(60) as inner:
                    await asyncio.sleep(60)
            except TimeoutError:
                print("  not here")
    except TimeoutError:
        print("  outer:", outer.expired(), "inner:", inner.expired())

    print("- and when somebody cancels before it is over")
    task = asyncio.create_task(patient())
    await asyncio.sleep(0)
    task.cancel("stop")
    try:
        await task
    except asyncio.CancelledError as error:
        print("  cancelled:", error)

    print("- and when it is over as well: both have asked, and the other one counts")
    task = asyncio.create_task(late())
    try:
        await task
    except asyncio.CancelledError as error:
        print("  cancelled:", error)


asyncio.run(main())
