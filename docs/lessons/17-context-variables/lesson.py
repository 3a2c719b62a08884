"""A ticket number that goes along with a customer, through tasks, callbacks and threads."""

import asyncio
from contextvars import ContextVar, copy_context

ticket = ContextVar("ticket", default="nobody")


def sign(what):
    print(f"  {what} for {ticket.get()}")


async def weigh():
    # A coroutine that is awaited has no context of its own: it sees, and changes, its caller's.
    sign("weighed")
    ticket.set(ticket.get() + "+weighed")


async def serve(number):
    ticket.set(number)
    await weigh()
    await asyncio.sleep(0.005)
    sign("packed")


async def main():
    print("- each task has its own")
    await asyncio.gather(serve("A"), serve("B"))
    sign("nothing left")

    print("- a copy is made when a task is made, not when it runs")
    ticket.set("C")
    task = asyncio.create_task(weigh())
    ticket.set("D")
    await task
    sign("still here")

    print("- callbacks have copies as well")
    loop = asyncio.get_running_loop()
    loop.call_soon(ticket.set, "from a callback")
    loop.call_soon(sign, "called")
    await asyncio.sleep(0)

    print("- and so has a call in a thread")
    await asyncio.to_thread(sign, "receipt printed")

    print("- one context for several")
    counter = copy_context()
    for _ in range(2):
        await asyncio.create_task(weigh(), context=counter)
    print("  in there:", counter[ticket])
    print("  out here:", ticket.get())

    print("- for a while")
    token = ticket.set("E")
    sign("tasted")
    ticket.reset(token)
    sign("back")


asyncio.run(main())
