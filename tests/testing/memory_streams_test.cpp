#include <segue/testing/memory_streams.hpp>

#include <chrono>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/os_error.hpp>
#include <segue/testing/gtest.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;

CO_TEST(MemoryStreams, carry_lines_both_ways) {
  auto [client, server] = memory_streams();
  client.writer.write("hello\nwor");
  client.writer.write("ld\n");
  const std::string first = co_await server.reader.readline();
  const std::string second = co_await server.reader.readline();
  EXPECT_EQ(first + second, "hello\nworld\n");
  server.writer.write("back\n");
  const std::string answer = co_await client.reader.readline();
  EXPECT_EQ(answer, "back\n");
}

CO_TEST(MemoryStreams, end_where_the_other_end_is_closed) {
  auto [client, server] = memory_streams();
  client.writer.write("last");
  client.writer.close();
  co_await client.writer.wait_closed();
  const std::string rest = co_await server.reader.read();
  EXPECT_EQ(rest, "last");
  EXPECT_TRUE(server.reader.at_eof());
}

CO_TEST(MemoryStreams, end_where_the_other_end_is_dropped) {
  auto ends = memory_streams();
  {
    const modern::StreamPair dropped = std::move(ends.first);
    dropped.writer.write("last");
  }
  const std::string rest = co_await ends.second.reader.read();
  EXPECT_EQ(rest, "last");
}

CO_TEST(MemoryStreams, can_be_closed_in_one_direction) {
  auto [client, server] = memory_streams();
  client.writer.write_eof();
  const std::string nothing = co_await server.reader.read();
  EXPECT_EQ(nothing, "");
  server.writer.write("still\n");
  const std::string line = co_await client.reader.readline();
  EXPECT_EQ(line, "still\n");
}

CO_TEST(MemoryStreams, hold_the_writer_back_while_nobody_reads) {
  auto [client, server] = memory_streams(1000);
  int written = 0;
  const auto write = [&]() -> Coroutine<> {
    for (int i = 0; i < 100; ++i) {
      client.writer.write(std::string(10'000, 'x'));
      co_await client.writer.drain();
      ++written;
    }
    client.writer.close();
  };
  const auto writing = modern::create_task(write());
  co_await modern::sleep(1s);
  EXPECT_GT(written, 0);
  EXPECT_LT(written, 100);
  const std::string all = co_await server.reader.read();
  EXPECT_EQ(all.size(), 1'000'000U);
  co_await writing;
}

CO_TEST(MemoryStreams, reset_who_waits_until_it_may_write_on) {
  const auto wait_and = [](auto leave) -> Coroutine<> {
    auto [client, server] = memory_streams();
    client.writer.write(std::string(1'000'000, 'x'));
    co_await modern::sleep(1s);  // the reader has more than it wants
    client.writer.write(std::string(1'000'000, 'x'));
    const auto draining = modern::create_task(client.writer.drain());
    co_await modern::sleep(1s);
    EXPECT_FALSE(draining.done());
    leave(server);
    bool reset = false;
    try {
      co_await modern::wait_for(draining, 1h);
    } catch (const ConnectionResetError&) {
      reset = true;
    }
    EXPECT_TRUE(reset);
  };
  const auto close = [](modern::StreamPair& end) { end.writer.close(); };
  const auto drop = [](modern::StreamPair& end) { const modern::StreamPair dropped = std::move(end); };
  co_await wait_and(close);
  co_await wait_and(drop);
}

CO_TEST(MemoryStreams, reset_who_writes_to_a_closed_end) {
  auto [client, server] = memory_streams();
  server.writer.close();
  co_await server.writer.wait_closed();
  client.writer.write("too late");
  bool reset = false;
  try {
    co_await modern::sleep(0s);
    co_await client.writer.drain();
  } catch (const ConnectionResetError&) {
    reset = true;
  }
  EXPECT_TRUE(reset);
}

}  // namespace
}  // namespace segue::testing
