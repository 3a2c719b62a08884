"""An echo server on asyncio's own event loop or on uvloop's, by a protocol or by streams.

usage: python_server.py (asyncio | uvloop) (protocol | streams)
"""

import asyncio
import sys

MOST_AT_ONCE = 65536


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    while data := await reader.read(MOST_AT_ONCE):
        writer.write(data)
        await writer.drain()
    writer.close()


# Both loops set TCP_NODELAY themselves.
async def serve(style):
    if style == "protocol":
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=1024)
    else:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    loop, style = sys.argv[1:]
    if loop == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(style))
