#include <segue/modern/streams/streams.hpp>

#include <sys/ioctl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::SocketPair;
using testing::Trace;

Coroutine<void> settle() {
  for (int i = 0; i < 10; ++i) co_await sleep(0s);
}

/// What awaiting it throws, as Python prints it; "None" where it does not.
template <class A>
Coroutine<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
    co_return "None";
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
}

/// The same on either reactor: streams ask nothing of it but readiness.
class Streams : public ::testing::TestWithParam<bool> {
 protected:
  template <class F>
  void run(F main) {
    loop->run_until_complete(main());
  }
  static Coroutine<StreamPair> open(SocketPair& pair, std::size_t limit = default_stream_limit) {
    return open_connection(ConnectionOptions{.limit = limit, .sock = pair.release_ours()});
  }

  EventLoopPtr loop = GetParam() ? new_event_loop() : testing::make_loop();
  testing::Reports reports{*loop};
};
INSTANTIATE_TEST_SUITE_P(On, Streams, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Epoll" : "Manual"; });

TEST_P(Streams, CarryAConversation) {
  run([]() -> Coroutine<void> {
    const auto echo = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      auto line = co_await reader.readline();
      while (!line.empty()) {
        writer.write("<" + line.substr(0, line.size() - 1) + ">\n");
        co_await writer.drain();
        line = co_await reader.readline();
      }
    };
    const auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    EXPECT_EQ(writer.peername(), server.sockets()[0]);
    for (const std::string word : {"one", "two", "three"}) {
      writer.write(word + "\n");
      const std::string answer = co_await reader.readline();
      EXPECT_EQ(answer, "<" + word + ">\n");
    }
    writer.write_eof();
    EXPECT_EQ(co_await reader.read(), "");
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
  });
  EXPECT_TRUE(reports.messages().empty());
}

TEST_P(Streams, AllocateForARoundTripTheStringsAlone) {
  if (!segue::testing::allocations_counted || !detail::pooled()) GTEST_SKIP() << "not counted under a sanitizer";
  if (!GetParam()) GTEST_SKIP() << "the manual reactor allocates itself";
  constexpr int rounds = 20;
  std::size_t taken = 0;
  run([&taken]() -> Coroutine<void> {
    const auto echo = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      auto data = co_await reader.read(1000);
      while (!data.empty()) {
        writer.write(data);
        co_await writer.drain();
        data = co_await reader.read(1000);
      }
    };
    const auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    const std::string message(100, 'x');
    for (int round = -rounds; round < rounds; ++round) {  // the first half fills the pools
      const std::size_t before = segue::testing::allocations_made();
      writer.write(message);
      co_await writer.drain();
      const std::string answer = co_await reader.readexactly(100);
      if (round >= 0) taken += segue::testing::allocations_made() - before;
    }
    writer.close();
  });
  EXPECT_EQ(taken, 2U * rounds);  // what the server read, and what the client read
}

TEST_P(Streams, CarryMegabytesBothWaysAtOnce) {
  run([]() -> Coroutine<void> {
    std::string sent;
    for (int i = 0; i < 400'000; ++i) sent += std::to_string(i) + ",";
    const auto mirror = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      auto chunk = co_await reader.read(10'000);
      while (!chunk.empty()) {
        writer.write(chunk);
        co_await writer.drain();
        chunk = co_await reader.read(10'000);
      }
    };
    const auto server = co_await start_server(mirror, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    auto received = create_task(reader.read());
    for (std::size_t i = 0; i < sent.size(); i += 7'777) {
      writer.write(std::string_view(sent).substr(i, 7'777));
      co_await writer.drain();
    }
    writer.write_eof();
    const std::string back = co_await received;
    EXPECT_EQ(back.size(), sent.size());
    EXPECT_TRUE(back == sent);
  });
}

TEST_P(Streams, SendLinesAndKnowBothAddresses) {
  run([]() -> Coroutine<void> {
    const auto shout = [](StreamReader reader, StreamWriter writer) -> Coroutine<void> {
      EXPECT_EQ(co_await reader.read(), "one\ntwo\n");
      writer.write("heard");
      writer.close();
    };
    const auto server = co_await start_server(shout, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
    EXPECT_EQ(writer.peername(), server.sockets()[0]);
    EXPECT_EQ(writer.sockname(), writer.transport()->sockname());
    EXPECT_NE(writer.sockname(), writer.peername());
    writer.writelines({"one\n", "two\n"});
    EXPECT_TRUE(writer.can_write_eof());
    writer.write_eof();
    EXPECT_EQ(co_await reader.read(), "heard");
    EXPECT_FALSE(writer.is_closing());
    writer.close();
    EXPECT_TRUE(writer.is_closing());
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
  });
}

TEST_P(Streams, ResolveNames) {
  run([]() -> Coroutine<void> {
    const auto greet = [](StreamReader, StreamWriter writer) -> Coroutine<void> {
      writer.write("hello");
      co_return;
    };
    const auto server = co_await start_server(greet, "localhost", 0);
    auto [reader, writer] = co_await open_connection("localhost", server.sockets()[0].port);
    EXPECT_EQ(co_await reader.read(), "hello");
    const std::string error = co_await error_of(open_connection("no such host", 1));
    EXPECT_EQ(error, "gaierror([Errno -2] Name or service not known)");
    const std::string port = co_await error_of(open_connection("127.0.0.1", 65536));
    EXPECT_EQ(port, "ValueError(port must be 0-65535.)");
  });
}

TEST_P(Streams, TellEachAddressThatRefused) {
  run([]() -> Coroutine<void> {
    const auto nobody = [](const StreamReader&, const StreamWriter&) {};
    const auto server = co_await start_server(nobody, "127.0.0.1", 0);
    const int port = server.sockets()[0].port;
    server.close();
    const std::string one = co_await error_of(open_connection("127.0.0.1", port));
    const std::string where = "('127.0.0.1', " + std::to_string(port) + ")";
    EXPECT_EQ(one, "ConnectionRefusedError([Errno 111] Connect call failed " + where + ")");
    const std::string by_name = co_await error_of(open_connection("localhost", port));
    EXPECT_NE(by_name.find("[Errno 111] Connect call failed " + where), std::string::npos) << by_name;
  });
}

TEST_P(Streams, PassAResetOnToWhoeverReads) {
  run([]() -> Coroutine<void> {
    SocketPair pair = SocketPair::tcp();
    auto [reader, writer] = co_await open(pair);
    auto reading = create_task(error_of(reader.read(1)));
    co_await settle();
    pair.reset_by_peer();
    const std::string expected = "ConnectionResetError([Errno 104] Connection reset by peer)";
    EXPECT_EQ(co_await reading, expected);
    EXPECT_EQ(co_await error_of(reader.readline()), expected);
    EXPECT_EQ(co_await error_of(writer.drain()), expected);
    EXPECT_EQ(co_await error_of(writer.wait_closed()), expected);
    EXPECT_TRUE(writer.is_closing());
    writer.write("dropped");
    writer.close();
  });
  EXPECT_TRUE(reports.messages().empty());
}

TEST_P(Streams, PassAResetOnToWhoeverDrains) {
  run([]() -> Coroutine<void> {
    SocketPair pair = SocketPair::tcp();
    auto [reader, writer] = co_await open(pair);
    writer.write(std::string(20'000'000, 'x'));
    auto first = create_task(error_of(writer.drain()));
    auto second = create_task(error_of(writer.drain()));
    co_await settle();
    EXPECT_FALSE(first.done());
    pair.reset_by_peer();
    const std::string expected = "ConnectionResetError([Errno 104] Connection reset by peer)";
    EXPECT_EQ(co_await first, expected);
    EXPECT_EQ(co_await second, expected);
  });
  EXPECT_TRUE(reports.messages().empty());
}

// Rule 156.
TEST_P(Streams, DrainWaitsOnlyAboveTheHighWaterMark) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    writer.write("little");
    co_await writer.drain();
    writer.write(std::string(1'000'000, 'x'));
    auto draining = create_task(writer.drain());
    co_await settle();
    EXPECT_FALSE(draining.done());
    while (!draining.done()) {
      pair.receive();
      co_await sleep(0s);
    }
    co_await draining;
    EXPECT_LE(writer.transport()->get_write_buffer_size(), 16U * 1024);
    writer.close();
    co_await writer.wait_closed();
    EXPECT_EQ(co_await error_of(writer.drain()), "ConnectionResetError(Connection lost)");
  });
}

TEST_P(Streams, RefuseASecondAwaitOfADrain) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    writer.write(std::string(1'000'000, 'x'));
    auto drain = writer.drain();
    const auto wait = [&drain]() -> Coroutine<> { co_await drain; };
    auto first = create_task(wait());
    const std::string second = co_await error_of(create_task(wait()));
    EXPECT_EQ(second, "RuntimeError(coroutine is being awaited already)");
    while (!first.done()) {
      pair.receive();
      co_await sleep(0s);
    }
    co_await first;
    const std::string again = co_await error_of(wait());
    EXPECT_EQ(again, "RuntimeError(cannot reuse already awaited coroutine)");
  });
}

TEST_P(Streams, StopReceivingWhereNobodyReads) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair, 1000);
    // recv() may bring more than twice the limit at once, but nothing follows that.
    int full = 0;
    std::size_t sent = 0;
    while (full < 20) {
      const std::string chunk(10'000, 'x');
      const auto taken = ::send(pair.peer(), chunk.data(), chunk.size(), MSG_DONTWAIT);
      if (taken < 0) {
        ++full;
      } else {
        sent += static_cast<std::size_t>(taken);
      }
      co_await sleep(0s);
    }
    EXPECT_FALSE(writer.transport()->is_reading());
    EXPECT_LT(sent, 2'000'000U);
    const std::string all = co_await reader.readexactly(static_cast<std::int64_t>(sent));
    EXPECT_EQ(all.size(), sent);
  });
}

TEST_P(Streams, GiveAtOnceWhatCameAtOnce) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    char next = 0;
    const auto more = [&next](std::size_t size) {
      std::string data(size, '\0');
      for (char& byte : data) byte = next++;
      return data;
    };
    // What comes fits into the room that was made for as much as came before, or does not, or fills it to the last
    // byte.
    for (const std::size_t size : {10, 5'000, 20'000, 16'384, 16'384, 16'385, 3, 100'000, 4'096}) {
      const std::string sent = more(size);
      pair.send(sent);
      co_await settle();
      const std::string received = co_await reader.read(1 << 20);
      EXPECT_TRUE(received == sent) << size << ", got " << received.size();
    }
    // The same behind what has been left.
    std::string kept;
    for (const std::size_t size : {9'000, 9'000, 50'000, 1, 30'000}) {
      const std::string sent = more(size);
      pair.send(sent);
      co_await settle();
      kept += sent;
      const std::string received = co_await reader.readexactly(static_cast<std::int64_t>(kept.size() / 3));
      EXPECT_TRUE(kept.starts_with(received)) << size;
      kept.erase(0, received.size());
    }
    pair.close_peer();
    const std::string received = co_await reader.read();
    EXPECT_TRUE(received == kept);
  });
}

TEST_P(Streams, RefuseWhatComesAfterAnEndThatWasFed) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    pair.send(std::string(8'192, 'x'));
    co_await settle();
    reader.feed_eof();
    pair.send("more");
    co_await settle();
    EXPECT_EQ(co_await error_of(reader.read()), "RuntimeError(feed_data after feed_eof)");
    EXPECT_TRUE(writer.is_closing());
  });
  EXPECT_EQ(reports.messages(), std::vector<std::string>{"Fatal error: protocol.data_received() call failed."});
}

TEST_P(Streams, AreClosedWithTheLastHandleOfTheirWriter) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    {
      auto [reader, writer] = co_await open(pair);
      StreamWriter copy = writer;
      copy.write("goodbye");
    }
    co_await settle();
    EXPECT_EQ(pair.receive(), "goodbye");
    EXPECT_TRUE(pair.peer_sees_end());
  });
}

TEST_P(Streams, DeliverWhatCameBeforeTheEnd) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    pair.send("last words");
    pair.close_peer();
    co_await settle();
    EXPECT_FALSE(reader.at_eof());
    EXPECT_EQ(co_await reader.read(), "last words");
    EXPECT_TRUE(reader.at_eof());
    EXPECT_FALSE(writer.is_closing());
  });
}

// --- cancellation at each await ---

/// Starts `make()` as a task, lets it get to its await, cancels it, and expects CancelledError and no descriptor left.
template <class Make>
Coroutine<void> expect_cancellable(Make make) {
  const int before = testing::open_descriptors();
  for (int steps = 0; steps < 6; ++steps) {
    auto task = create_task(make());
    for (int i = 0; i < steps; ++i) co_await sleep(0s);
    if (task.done()) {
      co_await std::move(task);
      break;
    }
    task.cancel("enough");
    bool cancelled = false;
    try {
      co_await std::move(task);
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled) << "at step " << steps;
    co_await settle();
  }
  co_await settle();
  EXPECT_EQ(testing::open_descriptors(), before);
}

/// A listening socket whose queue is full: connecting to it takes for ever.
class FullListener {
 public:
  FullListener() {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    for (int& client : clients_) {
      client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(client, reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;
  ~FullListener() {
    for (const int client : clients_) ::close(client);
    ::close(fd_);
  }
  int port = 0;

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int clients_[3] = {};
};

TEST_P(Streams, ConnectingCanBeCancelledWhileItWaits) {
  const FullListener listener;
  run([&listener]() -> Coroutine<void> {
    co_await expect_cancellable([&listener] { return open_connection("127.0.0.1", listener.port); });
  });
}

TEST_P(Streams, ConnectingCanBeCancelledAtEachStep) {
  run([]() -> Coroutine<void> {
    const auto hold = [](StreamReader reader, [[maybe_unused]] StreamWriter writer) -> Coroutine<void> {
      co_await reader.read();
    };
    const auto server = co_await start_server(hold, "127.0.0.1", 0);
    const int port = server.sockets()[0].port;
    co_await expect_cancellable([port]() -> Coroutine<void> {
      auto [reader, writer] = co_await open_connection("127.0.0.1", port);
      co_await reader.read();
    });
    co_await settle();
  });
}

TEST_P(Streams, ResolvingCanBeCancelled) {
  run([]() -> Coroutine<void> {
    for (int i = 0; i < 20; ++i) {
      auto resolving = create_task(open_connection("localhost", 1));
      co_await sleep(0s);
      resolving.cancel();
      const std::string error = co_await error_of(std::move(resolving));
      EXPECT_EQ(error, "CancelledError()");
    }
    co_await get_running_loop().shutdown_default_executor();
  });
}

TEST_P(Streams, StartingAServerCanBeCancelled) {
  run([]() -> Coroutine<void> {
    const int before = testing::open_descriptors();
    const auto nobody = [](const StreamReader&, const StreamWriter&) {};
    auto starting = create_task(start_server(nobody, "127.0.0.1", 0));
    co_await sleep(0s);
    starting.cancel();
    const std::string error = co_await error_of(std::move(starting));
    EXPECT_EQ(error, "CancelledError()");
    co_await settle();
    EXPECT_EQ(testing::open_descriptors(), before);
  });
}

TEST_P(Streams, ReadingCanBeCancelledAndTakenUpAgain) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    pair.send("half a ");
    for (int i = 0; i < 3; ++i) {
      auto reading = create_task(reader.readline());
      co_await settle();
      reading.cancel();
      const std::string error = co_await error_of(std::move(reading));
      EXPECT_EQ(error, "CancelledError()");
    }
    pair.send("line\n");
    EXPECT_EQ(co_await reader.readline(), "half a line\n");
  });
}

TEST_P(Streams, DrainingCanBeCancelledAndTakenUpAgain) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    writer.write(std::string(1'000'000, 'x'));
    auto draining = create_task(writer.drain());
    auto other = create_task(writer.drain());
    co_await settle();
    draining.cancel();
    const std::string error = co_await error_of(std::move(draining));
    EXPECT_EQ(error, "CancelledError()");
    std::size_t received = 0;
    while (received < 1'000'000) {
      received += pair.receive().size();
      co_await sleep(0s);
    }
    co_await other;
    co_await writer.drain();
  });
}

TEST_P(Streams, WaitingForTheEndCanBeCancelled) {
  run([]() -> Coroutine<void> {
    SocketPair pair;
    auto [reader, writer] = co_await open(pair);
    writer.write(std::string(1'000'000, 'x'));
    writer.close();
    auto closing = create_task(writer.wait_closed());
    co_await settle();
    closing.cancel();
    const std::string error = co_await error_of(std::move(closing));
    EXPECT_EQ(error, "CancelledError()");
    std::size_t received = 0;
    while (!pair.peer_sees_end()) {
      received += pair.receive().size();
      co_await sleep(0s);
    }
    EXPECT_EQ(received, 1'000'000U);
  });
}

// --- the end of the loop ---

TEST_P(Streams, OfALoopThatGoesAwayAreClosed) {
  const int before = testing::open_descriptors();
  std::optional<StreamPair> kept;
  SocketPair pair;
  {
    run([&]() -> Coroutine<void> {
      kept = co_await open(pair);
      kept->writer.write(std::string(1'000'000, 'x'));
    });
    // Tasks that wait in each of the places where one can.
    auto reading = loop->create_task(kept->reader.read());
    auto draining = loop->create_task(kept->writer.drain());
    auto closing = loop->create_task(kept->writer.wait_closed());
    loop->run_until_complete(settle());
    loop.reset();
  }
  EXPECT_TRUE(kept->writer.is_closing());
  kept->writer.write("x");
  kept->writer.close();
  kept.reset();
  pair.close_peer();
  EXPECT_LE(testing::open_descriptors(), before);
}

TEST_P(Streams, ThatWaitWhenTheLoopGoesAwayLeaveNothing) {
  const FullListener listener;
  const int before = testing::open_descriptors();
  {
    const auto forever = [](StreamReader reader, [[maybe_unused]] StreamWriter writer) -> Coroutine<void> {
      co_await reader.read();
    };
    const auto main = [&]() -> Coroutine<void> {
      const auto server = co_await start_server(forever, "127.0.0.1", 0);
      auto [reader, writer] = co_await open_connection("127.0.0.1", server.sockets()[0].port);
      auto connecting = create_task(open_connection("127.0.0.1", listener.port));
      auto serving = create_task(server.serve_forever());
      co_await reader.read();
    };
    auto task = loop->create_task(main());
    loop->run_until_complete(settle());
    EXPECT_FALSE(task.done());
    EXPECT_GT(testing::open_descriptors(), before);
    loop.reset();
  }
  EXPECT_LE(testing::open_descriptors(), before);
}

}  // namespace
}  // namespace segue::modern
