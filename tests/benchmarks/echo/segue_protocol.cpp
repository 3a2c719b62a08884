// An echo server on segue, by a protocol.
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include <segue/asyncio.hpp>

namespace {

using namespace segue;

class Echo : public asyncio::Protocol {
 public:
  void connection_made(std::shared_ptr<asyncio::Transport> transport) override { transport_ = std::move(transport); }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override { transport_.reset(); }

 private:
  std::shared_ptr<asyncio::Transport> transport_;
};

asyncio::Coroutine<> serve() {
  const auto factory = [] { return std::make_shared<Echo>(); };
  auto& loop = asyncio::get_running_loop();
  const asyncio::Server server = co_await loop.create_server(factory, "127.0.0.1", 0, {.backlog = 1024});
  std::printf("%d\n", server.sockets().front().port);
  std::fflush(stdout);
  co_await server.serve_forever();
}

}  // namespace

int main() { asyncio::run(serve()); }
