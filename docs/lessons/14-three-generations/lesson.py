"""One loop, three generations: a TCP service in callbacks, in a generator-based coroutine, and with async/await.

Each style serves its own port, all share one bell tower, and one client talks to the three of them at once.
"""

import asyncio
import types

STYLES = ["callbacks", "generator", "coroutine"]


class Tower:
    """Who waits for a bell. No lock is needed: everything runs in the loop's one thread."""

    def __init__(self):
        self._waiting = {}

    def wait(self, style):
        self._waiting[style] = asyncio.get_running_loop().create_future()
        return self._waiting[style]

    def answer(self, style, line):
        command, _, argument = line.partition(" ")
        if command == "hello":
            return f"hello {argument}, this is {style}"
        if command == "ring":
            self._waiting.pop(argument).set_result(style)
            return f"rang for {argument}"
        return f"{command}?"


tower = Tower()


class CallbackSession(asyncio.Protocol):
    """Callbacks: the session is a state machine, and to wait is to leave a function behind."""

    def connection_made(self, transport):
        self._transport = transport
        self._received = ""

    def data_received(self, data):
        *lines, self._received = (self._received + data.decode()).split("\n")
        for line in lines:
            self._handle(line)

    def _handle(self, line):
        if line == "wait":
            self._reply("waiting")
            tower.wait("callbacks").add_done_callback(lambda bell: self._reply(f"woken by {bell.result()}"))
        elif line == "bye":
            self._reply("bye")
            self._transport.close()
        else:
            self._reply(tower.answer("callbacks", line))

    def _reply(self, text):
        self._transport.write(f"{text}\n".encode())


@types.coroutine
def generator_session(reader, writer):
    """A generator-based coroutine: reads from top to bottom, and waits with `yield from`."""
    while True:
        line = (yield from reader.readline()).decode().rstrip()
        if line == "wait":
            writer.write(b"waiting\n")
            ringer = yield from tower.wait("generator")
            reply = f"woken by {ringer}"
        elif line == "bye":
            break
        else:
            reply = tower.answer("generator", line)
        writer.write(f"{reply}\n".encode())
        yield from writer.drain()
    writer.write(b"bye\n")
    writer.close()


async def coroutine_session(reader, writer):
    """async/await: the same again, in today's words."""
    while True:
        line = (await reader.readline()).decode().rstrip()
        if line == "wait":
            writer.write(b"waiting\n")
            ringer = await tower.wait("coroutine")
            reply = f"woken by {ringer}"
        elif line == "bye":
            break
        else:
            reply = tower.answer("coroutine", line)
        writer.write(f"{reply}\n".encode())
        await writer.drain()
    writer.write(b"bye\n")
    writer.close()


async def serve_generator(reader, writer):
    # Today's create_task() takes no generator-based coroutine; `await` does.
    await generator_session(reader, writer)


async def start_servers():
    loop = asyncio.get_running_loop()
    return [
        await loop.create_server(CallbackSession, "127.0.0.1", 0),
        await asyncio.start_server(serve_generator, "127.0.0.1", 0),
        await asyncio.start_server(coroutine_session, "127.0.0.1", 0),
    ]


class Caller:
    """The client's end of one connection."""

    def __init__(self, style, reader, writer):
        self.style = style
        self._reader = reader
        self._writer = writer

    async def listen(self):
        return (await self._reader.readline()).decode().rstrip()

    async def ask(self, line):
        self._writer.write(f"{line}\n".encode())
        await self._writer.drain()
        return await self.listen()

    async def hang_up(self):
        farewell = await self.ask("bye")
        rest = await self._reader.read()
        self._writer.close()
        await self._writer.wait_closed()
        return f"{farewell}, {len(rest)} bytes left"


async def call(style, server):
    host, port = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    return Caller(style, reader, writer)


class Ticker:
    """Ticks as long as nobody blocks the loop."""

    def __init__(self):
        self.ticks = 0

    async def run(self):
        while True:
            await asyncio.sleep(0.001)
            self.ticks += 1


async def wake(sleeper, ringer, ticker):
    """One connection waits for its bell; another, served in another style, rings it."""
    print(f"{sleeper.style}: {await sleeper.ask('wait')}")
    woken = asyncio.create_task(sleeper.listen())
    before = ticker.ticks
    await asyncio.sleep(0.010)
    print(f"  asleep: {'no' if woken.done() else 'yes'}, ticking: {'yes' if ticker.ticks > before else 'no'}")
    print(f"{ringer.style}: {await ringer.ask('ring ' + sleeper.style)}")
    print(f"{sleeper.style}: {await woken}")


async def main():
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    servers = await start_servers()

    callers = await asyncio.gather(*[call(style, server) for style, server in zip(STYLES, servers)])
    for greeting in await asyncio.gather(*[caller.ask("hello Ira") for caller in callers]):
        print(greeting)

    callbacks, generator, coroutine = callers
    await wake(callbacks, generator, ticker)
    await wake(generator, coroutine, ticker)
    await wake(coroutine, callbacks, ticker)

    for caller in callers:
        print(f"{caller.style}: {await caller.hang_up()}")
    for server in servers:
        server.close()
        await server.wait_closed()

    ticking.cancel()
    try:
        await ticking
    except asyncio.CancelledError:
        print("the ticker stops")


asyncio.run(main())
