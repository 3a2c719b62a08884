// One loop, three generations: a TCP service in callbacks, in a generator-based coroutine, and with co_await.
//
// Each style serves its own port, all share one bell tower, and one client talks to the three of them at once.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/core.h>

#include <segue/bridge/asio.hpp>
#include <segue/segue.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::StreamReader;
using asyncio::StreamWriter;
using boost::asio::ip::tcp;
using boost::system::error_code;
using bridge::coroutine;
using bridge::yield_from;

// Who waits for a bell. No lock is needed: everything runs in the loop's one thread.
class Tower {
 public:
  asyncio::Future<std::string> wait(const std::string& style) {
    auto bell = asyncio::get_running_loop().create_future<std::string>();
    waiting_.emplace(style, bell);
    return bell;
  }

  std::string answer(const std::string& style, const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space), argument = line.substr(space + 1);
    if (command == "hello") return fmt::format("hello {}, this is {}", argument, style);
    if (command == "ring") {
      waiting_.extract(argument).mapped().set_result(style);
      return fmt::format("rang for {}", argument);
    }
    return command + "?";
  }

 private:
  std::map<std::string, asyncio::Future<std::string>> waiting_;
};

Tower tower;

// Callbacks: the session is a state machine, and to wait is to leave a function behind.
class CallbackSession : public std::enable_shared_from_this<CallbackSession> {
 public:
  explicit CallbackSession(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    const auto received = [self = shared_from_this()](error_code error, std::size_t length) {
      if (error) return;
      const std::string line = self->received_.substr(0, length - 1);
      self->received_.erase(0, length);
      self->handle(line);
    };
    boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(received_), '\n', received);
  }

 private:
  void handle(const std::string& line) {
    if (line == "wait") {
      const auto woken = [self = shared_from_this()](const auto& bell) { self->reply("woken by " + bell.result()); };
      write("waiting", [bell = tower.wait("callbacks"), woken] { bell.add_done_callback(woken); });
    } else if (line == "bye") {
      write("bye", [self = shared_from_this()] { self->socket_.close(); });
    } else {
      reply(tower.answer("callbacks", line));
    }
  }

  void reply(const std::string& text) {
    write(text, [self = shared_from_this()] { self->read(); });
  }

  void write(const std::string& text, const std::function<void()>& then) {
    sent_ = text + "\n";
    const auto written = [self = shared_from_this(), then](error_code error, std::size_t) {
      if (!error) then();
    };
    boost::asio::async_write(socket_, boost::asio::buffer(sent_), written);
  }

  tcp::socket socket_;
  std::string received_;
  std::string sent_;
};

std::string rstrip(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

// A generator-based coroutine: reads from top to bottom, and waits with yield_from().
const auto generator_session = coroutine<void>([](const StreamReader& reader, const StreamWriter& writer) {
  while (true) {
    const std::string line = rstrip(yield_from(reader.readline()));
    std::string reply;
    if (line == "wait") {
      writer.write("waiting\n");
      const std::string ringer = yield_from(tower.wait("generator"));
      reply = "woken by " + ringer;
    } else if (line == "bye") {
      break;
    } else {
      reply = tower.answer("generator", line);
    }
    writer.write(reply + "\n");
    yield_from(writer.drain());
  }
  writer.write("bye\n");
  writer.close();
});

// co_await: the same again, in today's words.
Coroutine<> coroutine_session(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string line = rstrip(co_await reader.readline());
    std::string reply;
    if (line == "wait") {
      writer.write("waiting\n");
      const std::string ringer = co_await tower.wait("coroutine");
      reply = "woken by " + ringer;
    } else if (line == "bye") {
      break;
    } else {
      reply = tower.answer("coroutine", line);
    }
    writer.write(reply + "\n");
    co_await writer.drain();
  }
  writer.write("bye\n");
  writer.close();
}

// What asyncio::start_server() does for coroutines: accepts one connection after the other.
void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
    if (error) return;
    std::make_shared<CallbackSession>(std::move(socket))->read();
    accept(acceptor);
  });
}

Coroutine<std::vector<asyncio::Server>> start_servers() {
  std::vector<asyncio::Server> servers;
  servers.push_back(co_await asyncio::start_server(generator_session, "127.0.0.1", 0));
  servers.push_back(co_await asyncio::start_server(coroutine_session, "127.0.0.1", 0));
  co_return servers;
}

// The client's end of one connection.
class Caller {
 public:
  Caller(std::string name, StreamReader reader, StreamWriter writer)
      : style(std::move(name)), reader_(std::move(reader)), writer_(std::move(writer)) {}

  std::string style;

  Coroutine<std::string> listen() { co_return rstrip(co_await reader_.readline()); }

  Coroutine<std::string> ask(std::string line) {
    writer_.write(line + "\n");
    co_await writer_.drain();
    co_return co_await listen();
  }

  Coroutine<std::string> hang_up() {
    const std::string farewell = co_await ask("bye");
    const std::string rest = co_await reader_.read();
    writer_.close();
    co_await writer_.wait_closed();
    co_return fmt::format("{}, {} bytes left", farewell, rest.size());
  }

 private:
  StreamReader reader_;
  StreamWriter writer_;
};

Coroutine<Caller> call(std::string style, int port) {
  const auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  co_return Caller(style, reader, writer);
}

// Ticks as long as nobody blocks the loop.
class Ticker {
 public:
  int ticks = 0;

  Coroutine<> run() {
    while (true) {
      co_await asyncio::sleep(1ms);
      ticks += 1;
    }
  }
};

// One connection waits for its bell; another, served in another style, rings it.
Coroutine<> wake(Caller& sleeper, Caller& ringer, const Ticker& ticker) {
  fmt::print("{}: {}\n", sleeper.style, co_await sleeper.ask("wait"));
  const auto woken = asyncio::create_task(sleeper.listen());
  const int before = ticker.ticks;
  co_await asyncio::sleep(10ms);
  fmt::print("  asleep: {}, ticking: {}\n", woken.done() ? "no" : "yes", ticker.ticks > before ? "yes" : "no");
  fmt::print("{}: {}\n", ringer.style, co_await ringer.ask("ring " + sleeper.style));
  fmt::print("{}: {}\n", sleeper.style, co_await woken);
}

Coroutine<> async_main() {
  Ticker ticker;
  auto ticking = asyncio::create_task(ticker.run());

  boost::asio::io_context& context = bridge::io_context(asyncio::get_running_loop());
  tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  accept(acceptor);
  const int callback_port = acceptor.local_endpoint().port();
  const std::vector<asyncio::Server> servers = co_await start_servers();

  auto [callbacks, generator, coroutine] =
      co_await asyncio::gather(call("callbacks", callback_port), call("generator", servers[0].sockets()[0].port),
                               call("coroutine", servers[1].sockets()[0].port));
  const std::vector<Caller*> callers = {&callbacks, &generator, &coroutine};
  const auto hello = [](Caller* caller) { return caller->ask("hello Ira"); };
  for (const std::string& greeting : co_await asyncio::gather(callers | std::views::transform(hello)))
    fmt::print("{}\n", greeting);

  co_await wake(callbacks, generator, ticker);
  co_await wake(generator, coroutine, ticker);
  co_await wake(coroutine, callbacks, ticker);

  for (Caller* caller : callers) fmt::print("{}: {}\n", caller->style, co_await caller->hang_up());
  acceptor.close();
  for (const asyncio::Server& server : servers) {
    server.close();
    co_await server.wait_closed();
  }

  ticking.cancel();
  try {
    co_await ticking;
  } catch (const asyncio::CancelledError&) {
    fmt::print("the ticker stops\n");
  }
}

int main() { asyncio::run(async_main()); }
