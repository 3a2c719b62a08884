"""A server that runs until Ctrl-C, and a tidy end."""

import asyncio
import signal


async def connection(number):
    try:
        await asyncio.Event().wait()
    finally:
        # The end may wait, too.
        await asyncio.sleep(0)
        print(f"  connection {number} closed")


async def serve():
    connections = [asyncio.create_task(connection(number)) for number in (1, 2)]
    print("  serving")
    # In place of somebody at the keyboard:
    asyncio.get_running_loop().call_later(0.005, signal.raise_signal, signal.SIGINT)
    try:
        await asyncio.Event().wait()  # for ever
    except asyncio.CancelledError:
        print("  no new ones")
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        print("  all closed")
        raise


async def stubborn():
    asyncio.get_running_loop().call_later(0.005, signal.raise_signal, signal.SIGINT)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
    return "saved first"


print("- Ctrl-C")
try:
    asyncio.run(serve())
except KeyboardInterrupt:
    print("  KeyboardInterrupt, when all is done")

print("- one that goes on")
print(" ", asyncio.run(stubborn()))
