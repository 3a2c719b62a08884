#include <segue/modern/net/server.hpp>

#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/streams/streams.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::error_of;
using testing::Trace;

Coroutine<void> read_to_end(StreamReader reader, StreamWriter writer) {
  co_await reader.read();
  writer.close();
}

/// Says one word to whoever connects.
class Greeter : public Protocol {
 public:
  void connection_made(std::shared_ptr<Transport> transport) override {
    transport->write("hello");
    transport->close();
  }
};

class Servers : public ::testing::Test {
 protected:
  template <class F>
  void run(F main) {
    loop->run_until_complete(main());
  }
  /// Lets what is on its way arrive.
  static Coroutine<void> settle() {
    for (int i = 0; i < 10; ++i) co_await sleep(0s);
  }

  EventLoopPtr loop = testing::make_loop();
  testing::Reports reports{*loop};
};

// Rule 173.
TEST_F(Servers, StopListeningAtOnceAndWaitForTheirConnections) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    const int port = server.sockets()[0].port;
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    co_await settle();
    EXPECT_TRUE(server.is_serving());
    server.close();
    server.close();
    EXPECT_FALSE(server.is_serving());
    EXPECT_TRUE(server.sockets().empty());
    auto waiting = create_task(server.wait_closed());
    co_await settle();
    EXPECT_FALSE(waiting.done());
    writer.close();
    co_await waiting;
    co_await server.wait_closed();
  });
}

TEST_F(Servers, AreWaitedForWhereTheyAreStillOpen) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    auto waiting = create_task(server.wait_closed());
    co_await settle();
    EXPECT_FALSE(waiting.done());
    server.close();
    co_await waiting;
  });
}

// Rule 176.
TEST_F(Servers, GiveEachConnectionToAProtocol) {
  run([this]() -> Coroutine<void> {
    const auto factory = [] { return std::make_shared<Greeter>(); };
    const auto server = co_await loop->create_server(factory, "127.0.0.1", 0);
    for (int i = 0; i < 2; ++i) {
      auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
      EXPECT_EQ(co_await reader.read(), "hello");
      writer.close();
    }
    server.close();
    co_await server.wait_closed();
  });
}

TEST_F(Servers, KnowTheirLoopAndAreContextManagers) {
  run([this]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    EXPECT_EQ(&server.get_loop(), loop.get());
    const auto body = [&]() -> Coroutine<void> {
      EXPECT_TRUE(server.is_serving());
      co_return;
    };
    co_await async_with(server, body);
    EXPECT_FALSE(server.is_serving());
  });
}

TEST_F(Servers, CloseTheirClients) {
  run([]() -> Coroutine<void> {
    Trace trace;
    const auto handler = [&trace](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      const std::string data = co_await reader.read();
      trace.push_back("conn " + data);
      writer.close();
    };
    const auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    co_await settle();
    server.close();
    server.close_clients();
    const std::string rest = co_await reader.read();
    EXPECT_EQ(rest, "");
    co_await server.wait_closed();
    EXPECT_EQ(trace, Trace({"conn "}));
  });
}

TEST_F(Servers, AbortTheirClients) {
  run([]() -> Coroutine<void> {
    const auto handler = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      writer.write(std::string(50'000'000, 'x'));
      co_await reader.read();
    };
    const auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    co_await settle();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    std::size_t received = 0;
    try {
      const std::string all = co_await reader.read();
      received = all.size();
    } catch (const ConnectionResetError&) {
    }
    EXPECT_LT(received, 50'000'000U);
  });
}

TEST_F(Servers, ServeForeverUntilCancelled) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever());
    co_await settle();
    std::string message;
    try {
      co_await server.serve_forever();
    } catch (const RuntimeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "server is already being awaited on serve_forever()");
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    co_await settle();
    serving.cancel();
    co_await settle();
    EXPECT_FALSE(server.is_serving());
    EXPECT_FALSE(serving.done());  // until its connections are gone
    writer.close();
    bool cancelled = false;
    try {
      co_await serving;
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
    try {
      co_await server.serve_forever();
    } catch (const RuntimeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "server is closed");
  });
}

TEST_F(Servers, ClosedWhileTheyServeForeverEndThat) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever());
    co_await settle();
    server.close();
    bool cancelled = false;
    try {
      co_await serving;
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
  });
}

TEST_F(Servers, BeginToServeWhenAsked) {
  run([]() -> Coroutine<void> {
    const ServerOptions options{.start_serving = false};
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0, options);
    EXPECT_FALSE(server.is_serving());
    const int port = server.sockets()[0].port;
    std::optional<std::string> refusal;
    try {
      co_await open_connection("127.0.0.1", port);
    } catch (const ConnectionRefusedError& error) {
      refusal = error.what();
    }
    EXPECT_EQ(refusal, "[Errno 111] Connect call failed ('127.0.0.1', " + std::to_string(port) + ")");
    co_await server.start_serving();
    EXPECT_TRUE(server.is_serving());
    co_await open_connection("127.0.0.1", port);
  });
}

TEST_F(Servers, SayWhichAddressIsTaken) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    const std::string port = std::to_string(server.sockets()[0].port);
    std::string message;
    try {
      co_await start_server(read_to_end, "127.0.0.1", server.sockets()[0].port);
    } catch (const OSError& error) {
      EXPECT_EQ(error.errno_code(), EADDRINUSE);
      message = error.what();
    }
    EXPECT_EQ(message, "[Errno 98] error while attempting to bind on address ('127.0.0.1', " + port +
                           "): [errno 98] address already in use");
    try {
      co_await start_server(read_to_end, "192.0.2.1", 0);  // an address that no machine has
    } catch (const OSError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "could not bind on any address out of [('192.0.2.1', 0)]");
  });
}

TEST_F(Servers, AndClientsRefuseAHostWithANul) {
  for (const std::string_view host : {std::string_view("127.0.0.1\0x", 11), std::string_view("localhost\0", 10)}) {
    const std::string name(host);
    const auto protocol = [] { return std::make_shared<Protocol>(); };
    EXPECT_EQ(error_of(*loop, open_connection(name, 1)), "ValueError: embedded null character");
    EXPECT_EQ(error_of(*loop, loop->create_connection(protocol, name, 1)), "ValueError: embedded null character");
    EXPECT_EQ(error_of(*loop, start_server(read_to_end, name, 0)), "ValueError: embedded null character");
    EXPECT_EQ(error_of(*loop, loop->create_server(protocol, name, 0)), "ValueError: embedded null character");
  }
}

TEST_F(Servers, AreNotConnectedToByAnEmptyHost) {
  const auto server = loop->run_until_complete(start_server(read_to_end, "", 0));
  EXPECT_EQ(error_of(*loop, open_connection("", server.sockets()[0].port)),
            "gaierror: [Errno -2] Name or service not known");
}

TEST_F(Servers, ListenOnEveryAddressWhereNoneIsGiven) {
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "", 0);
    EXPECT_FALSE(server.sockets().empty());
    for (const Address& address : server.sockets()) {
      if (address.kind == Address::Kind::ipv4) co_await open_connection("127.0.0.1", address.port);
    }
  });
}

TEST_F(Servers, ReportWhatAHandlerThrowsAndCloseItsConnection) {
  run([]() -> Coroutine<void> {
    const auto handler = [](StreamReader, StreamWriter) -> Coroutine<void> {
      co_await sleep(0s);
      throw ValueError("no");
    };
    const auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    EXPECT_EQ(co_await reader.read(), "");
  });
  ASSERT_EQ(reports.messages(), Trace({"Unhandled exception in client_connected_cb"}));
  EXPECT_TRUE(holds<ValueError>(reports.contexts()[0].exception));
}

TEST_F(Servers, CloseTheConnectionOfACancelledHandler) {
  run([]() -> Coroutine<void> {
    std::optional<AnyTask> task;
    std::optional<StreamWriter> kept;
    const auto handler = [&](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      task = current_task();
      kept = writer;
      co_await reader.read();
    };
    const auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    co_await settle();
    task->cancel();
    EXPECT_EQ(co_await reader.read(), "");
  });
  EXPECT_TRUE(reports.messages().empty());
}

TEST_F(Servers, CloseTheConnectionOfAHandlerThatForgetsTo) {
  run([]() -> Coroutine<void> {
    const auto handler = [](StreamReader, StreamWriter writer) -> Coroutine<void> {
      writer.write("bye");
      co_return;
    };
    const auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    EXPECT_EQ(co_await reader.read(), "bye");
  });
}

TEST_F(Servers, TakePlainFunctionsAndCoroutinesWithResults) {
  run([]() -> Coroutine<void> {
    const auto plain = [](const StreamReader&, const StreamWriter& writer) { writer.write("plain"); };
    const auto with_result = [](StreamReader, StreamWriter writer) -> Coroutine<int> {
      writer.write("result");
      co_return 1;
    };
    const auto first = co_await start_server(plain, "127.0.0.1", 0);
    const auto second = co_await start_server(with_result, "127.0.0.1", 0);
    auto one = co_await open_connection("127.0.0.1", first.sockets()[0].port);
    auto two = co_await open_connection("127.0.0.1", second.sockets()[0].port);
    EXPECT_EQ(co_await one.reader.read(), "plain");
    EXPECT_EQ(co_await two.reader.read(), "result");
  });
}

// The handler's captures live in it, and its coroutine uses them after the server is gone.
TEST_F(Servers, KeepTheirHandlerAsLongAsItsTasks) {
  run([]() -> Coroutine<void> {
    const auto marker = std::make_shared<std::string>("still here");
    const std::weak_ptr<std::string> watch = marker;
    StreamPair client = co_await [](std::shared_ptr<std::string> held) -> Coroutine<StreamPair> {
      auto handler = [held = std::move(held)](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
        co_await reader.read(1);
        writer.write(*held);
      };
      const auto server = co_await start_server(std::move(handler), "127.0.0.1", 0);
      auto pair = co_await open_connection("127.0.0.1", server.sockets()[0].port);
      co_await settle();
      server.close();
      co_return pair;
    }(marker);
    client.writer.write("?");
    EXPECT_EQ(co_await client.reader.read(), "still here");
  });
}

TEST_F(Servers, GoOnWithoutAHandle) {
  run([]() -> Coroutine<void> {
    int port = 0;
    {
      const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
      port = server.sockets()[0].port;
    }
    co_await open_connection("127.0.0.1", port);
  });
  const int with_loop = testing::open_descriptors();
  loop.reset();
  EXPECT_LT(testing::open_descriptors(), with_loop);
}

TEST_F(Servers, TakeManyConnectionsAtOnce) {
  run([]() -> Coroutine<void> {
    const auto echo = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      const std::string line = co_await reader.readline();
      writer.write(line);
    };
    const auto server = co_await start_server(echo, "127.0.0.1", 0);
    const int port = server.sockets()[0].port;
    const auto client = [port](int number) -> Coroutine<bool> {
      auto [reader, writer] = co_await open_connection("127.0.0.1", port);
      const std::string line = std::to_string(number) + "\n";
      writer.write(line);
      const std::string answer = co_await reader.read();
      co_return answer == line;
    };
    std::vector<Task<bool>> clients;
    for (int i = 0; i < 300; ++i) clients.push_back(create_task(client(i)));
    int right = 0;
    for (const auto& task : clients) right += co_await task ? 1 : 0;
    EXPECT_EQ(right, 300);
  });
}

// UBSan's check of virtual calls opens a pipe to look at memory: without descriptors it takes any object for a bad one.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define SKIP_UNDER_UBSAN() GTEST_SKIP() << "UBSan itself needs descriptors"
#endif
#endif
#ifndef SKIP_UNDER_UBSAN
#define SKIP_UNDER_UBSAN() static_cast<void>(0)
#endif

/// No new descriptor can be opened meanwhile.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Servers, WithoutDescriptorsReportItAndTryAgainASecondLater) {
  SKIP_UNDER_UBSAN();
  run([this]() -> Coroutine<void> {
    const auto greet = [](StreamReader, StreamWriter writer) -> Coroutine<void> {
      writer.write("hello");
      co_return;
    };
    const auto server = co_await start_server(greet, "127.0.0.1", 0);
    testing::SocketPair waiting = testing::SocketPair::unconnected();
    waiting.connect_ours_to(server.sockets()[0].port);
    const auto before = get_running_loop().time();
    {
      const NoDescriptorsLeft none;
      co_await settle();
      EXPECT_EQ(reports.messages(), Trace({"socket.accept() out of system resource"}));
      EXPECT_TRUE(holds<OSError>(reports.contexts()[0].exception));
      co_await settle();
      EXPECT_EQ(reports.messages().size(), 1U);
    }
    const ConnectionOptions connected{.sock = waiting.release_ours()};
    auto [reader, writer] = co_await open_connection(connected);
    EXPECT_EQ(co_await reader.read(), "hello");
    EXPECT_GE(get_running_loop().time() - before, 1s);
  });
}

TEST_F(Servers, WithoutDescriptorsConnectingFailsAndLeavesNothing) {
  SKIP_UNDER_UBSAN();
  run([]() -> Coroutine<void> {
    const auto server = co_await start_server(read_to_end, "127.0.0.1", 0);
    const int port = server.sockets()[0].port;
    std::string connecting;
    std::string listening;
    {
      const NoDescriptorsLeft none;
      try {
        co_await open_connection("127.0.0.1", port);
      } catch (const OSError& error) {
        connecting = error.what();
      }
      try {
        co_await start_server(read_to_end, "127.0.0.1", 0);
      } catch (const OSError& error) {
        listening = error.what();
      }
    }
    EXPECT_EQ(connecting, "[Errno 24] Too many open files");
    EXPECT_EQ(listening, "could not bind on any address out of [('127.0.0.1', 0)]");
  });
}

TEST_F(Servers, AConnectionThatIsNeverAwaitedIsReportedOnce) {
  struct Mine : Protocol {};
  const testing::Reports reports(*loop);
  const auto main = []() -> Coroutine<> {
    const auto factory = [] { return std::make_shared<Mine>(); };
    {
      const auto dropped = get_running_loop().create_connection(factory, "127.0.0.1", 1);
    }
    {
      const auto dropped = get_running_loop().create_server(factory, "127.0.0.1", 0);
    }
    {
      const auto dropped = open_connection("127.0.0.1", 1);
    }
    {
      const auto dropped = start_server(read_to_end, "127.0.0.1", 0);
    }
    co_return;
  };
  run(main);
  EXPECT_EQ(reports.messages(),
            (Trace{"coroutine 'create_connection' was never awaited", "coroutine 'create_server' was never awaited",
                   "coroutine 'open_connection' was never awaited", "coroutine 'start_server' was never awaited"}));
}

}  // namespace
}  // namespace segue::modern
