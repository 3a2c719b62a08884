// An echo server on segue, by streams.
#include <cstdio>
#include <string>

#include <segue/asyncio.hpp>

namespace {

using namespace segue;

constexpr int most_at_once = 65536;

asyncio::Coroutine<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (true) {
    const std::string data = co_await reader.read(most_at_once);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

asyncio::Coroutine<> serve() {
  const asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0, {.backlog = 1024});
  std::printf("%d\n", server.sockets().front().port);
  std::fflush(stdout);
  co_await server.serve_forever();
}

}  // namespace

int main() { asyncio::run(serve()); }
