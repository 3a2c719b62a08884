"""Calling a coroutine function runs nothing; a coroutine goes from created to closed, here driven by hand."""

import asyncio
from inspect import getcoroutinestate


async def errand():
    print("  errand: out of the door")
    try:
        await asyncio.sleep(0)
        print("  errand: at the baker's")
        await asyncio.sleep(0)
    finally:
        print("  errand: home again")
    return "bread"


async def look_at(mirror):
    print("  running:", getcoroutinestate(mirror[0]))


print("- to the end")
coroutine = errand()
print("called:", getcoroutinestate(coroutine))
coroutine.send(None)
print("sent off:", getcoroutinestate(coroutine))
coroutine.send(None)
try:
    coroutine.send(None)
except StopIteration as end:
    print("returned:", end.value)
print("ended:", getcoroutinestate(coroutine))

print("- only once")
try:
    coroutine.send(None)
except RuntimeError as error:
    print("RuntimeError:", error)

print("- in front of a mirror")
mirror = []
mirror.append(look_at(mirror))
try:
    mirror[0].send(None)
except StopIteration:
    print("ended:", getcoroutinestate(mirror[0]))

print("- called off before the start")
coroutine = errand()
coroutine.close()
print("closed:", getcoroutinestate(coroutine))

print("- called off on the way")
coroutine = errand()
coroutine.send(None)
coroutine.close()
print("closed:", getcoroutinestate(coroutine))

print("- an error on the way")
coroutine = errand()
coroutine.send(None)
try:
    coroutine.throw(ValueError("no money"))
except ValueError as error:
    print("ValueError:", error)
print("ended:", getcoroutinestate(coroutine))

print("- the usual way")
print("run:", asyncio.run(errand()))
