"""A worker is cancelled after a few rounds, and cleans up."""

import asyncio


async def put_away(tool):
    await asyncio.sleep(0.005)
    print(f"  {tool} put away")


async def gardener(rounds_wanted, enough):
    rounds = 0
    try:
        while True:
            rounds += 1
            print(f"  round {rounds}: watering")
            if rounds == rounds_wanted:
                enough.set()
            await asyncio.sleep(0.010)
    except asyncio.CancelledError as call:
        # Cancellation arrives at the await, as an exception; cleaning up may wait, too.
        print(f"  called in: {call}")
        await put_away("hose")
        print(f"  {rounds} rounds done")
        raise


async def stubborn(minutes):
    # A task may decline; then it is not cancelled, and its result counts.
    try:
        await asyncio.sleep(minutes * 60)
    except asyncio.CancelledError:
        print("  not now, nearly finished")
    return "hedge cut"


async def nap():
    # What has to happen in any case is written once.
    try:
        await asyncio.sleep(3600)
    finally:
        print("  awake")


async def main():
    print("- after three rounds")
    enough = asyncio.Event()
    worker = asyncio.create_task(gardener(3, enough))
    await enough.wait()
    print("asked to stop:", "yes" if worker.cancel("supper is ready") else "no")
    print("stopped yet:", "yes" if worker.done() else "no")
    try:
        await worker
    except asyncio.CancelledError as error:
        print("CancelledError:", error)
    print("cancelled:", "yes" if worker.cancelled() else "no")
    print("asked again:", "yes" if worker.cancel() else "no")

    print("- before the start")
    worker = asyncio.create_task(gardener(1, enough))
    worker.cancel()
    try:
        await worker
    except asyncio.CancelledError:
        print("it never began")

    print("- one who declines")
    worker = asyncio.create_task(stubborn(60))
    await asyncio.sleep(0)
    worker.cancel()
    print("result:", await worker)
    print("cancelled:", "yes" if worker.cancelled() else "no")

    print("- an alarm clock")
    try:
        await asyncio.wait_for(nap(), timeout=0.005)
    except TimeoutError:
        print("time is up")


asyncio.run(main())
