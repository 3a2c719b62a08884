#include <segue/modern/streams/stream_reader.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::text;
using testing::Trace;

class StreamReaders : public ::testing::Test {
 protected:
  StreamReader make(std::size_t limit, std::string_view data, bool eof = false) {
    const StreamReader reader(*loop, limit);
    reader.feed_data(data);
    if (eof) reader.feed_eof();
    return reader;
  }
  template <class A>
  std::string result_of(A awaitable) {
    try {
      return loop->run_until_complete(std::move(awaitable));
    } catch (...) {
      return text(std::current_exception());
    }
  }
  template <class F>
  void run(F main) {
    loop->run_until_complete(main());
  }

  EventLoopPtr loop = testing::make_loop();
};

class FakeTransport : public ReadTransport {
 public:
  void pause_reading() override { log.emplace_back("pause"); }
  void resume_reading() override { log.emplace_back("resume"); }
  Trace log;
};

TEST_F(StreamReaders, RefuseALimitOfZero) {
  try {
    const StreamReader reader(*loop, 0);
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "Limit cannot be <= 0");
  }
}

// Rule 150.
TEST_F(StreamReaders, LeaveDataWhereTheSeparatorIsBeyondTheLimit) {
  const StreamReader reader = make(4, "123456;x");
  try {
    loop->run_until_complete(reader.readuntil(";"));
    FAIL();
  } catch (const LimitOverrunError& error) {
    EXPECT_EQ(error.consumed, 6U);
    EXPECT_STREQ(error.what(), "Separator is found, but chunk is longer than limit");
  }
  EXPECT_EQ(result_of(reader.readexactly(8)), "123456;x");
}

TEST_F(StreamReaders, SayWhereNoSeparatorCameWithinTheLimit) {
  const StreamReader reader = make(4, "123456789");
  EXPECT_EQ(result_of(reader.readuntil("--")), "LimitOverrunError(Separator is not found, and chunk exceed the limit)");
}

// Rule 151.
TEST_F(StreamReaders, DropTheLineThatIsTooLong) {
  const StreamReader reader = make(4, "1234567\nok\n");
  EXPECT_EQ(result_of(reader.readline()), "ValueError(Separator is found, but chunk is longer than limit)");
  EXPECT_EQ(result_of(reader.readline()), "ok\n");
  reader.feed_data("12345678");
  EXPECT_EQ(result_of(reader.readline()), "ValueError(Separator is not found, and chunk exceed the limit)");
  reader.feed_data("n\n");
  EXPECT_EQ(result_of(reader.readline()), "n\n");
}

// Rule 152.
TEST_F(StreamReaders, TellWhatThereWasAtTheEnd) {
  EXPECT_EQ(result_of(make(64, "ab", true).readexactly(5)),
            "IncompleteReadError(2 bytes read on a total of 5 expected bytes)");
  EXPECT_EQ(result_of(make(64, "ab", true).readuntil(";")),
            "IncompleteReadError(2 bytes read on a total of undefined expected bytes)");
  EXPECT_EQ(result_of(make(64, "ab", true).readline()), "ab");
  const StreamReader reader = make(64, "ab", true);
  try {
    loop->run_until_complete(reader.readexactly(5));
    FAIL();
  } catch (const IncompleteReadError& error) {
    EXPECT_EQ(error.partial, "ab");
    EXPECT_EQ(error.expected, 5U);
  }
  EXPECT_EQ(result_of(reader.read()), "");
  EXPECT_TRUE(reader.at_eof());
}

// Rule 153.
TEST_F(StreamReaders, PauseAboveTwiceTheLimitAndResumeAtIt) {
  const StreamReader reader(*loop, 2);
  const auto transport = std::make_shared<FakeTransport>();
  reader.set_transport(transport);
  reader.feed_data("1234");
  EXPECT_EQ(transport->log, Trace());
  reader.feed_data("5");
  EXPECT_EQ(transport->log, Trace({"pause"}));
  EXPECT_EQ(result_of(reader.read(2)), "12");
  EXPECT_EQ(transport->log, Trace({"pause"}));
  EXPECT_EQ(result_of(reader.read(1)), "3");
  EXPECT_EQ(transport->log, Trace({"pause", "resume"}));
}

TEST_F(StreamReaders, ResumeForWhoeverWantsMoreThanTheLimit) {
  const StreamReader reader(*loop, 2);
  const auto transport = std::make_shared<FakeTransport>();
  reader.set_transport(transport);
  reader.feed_data("12345");
  run([&]() -> Coroutine<void> {
    auto reading = create_task(reader.readexactly(10));
    co_await sleep(0s);
    EXPECT_EQ(transport->log, Trace({"pause", "resume"}));
    reader.feed_data("67890");
    const std::string all = co_await reading;
    EXPECT_EQ(all, "1234567890");
  });
}

// Rule 154.
TEST_F(StreamReaders, LetOneCoroutineWaitAtATime) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader;
    auto first = create_task(reader.read(1));
    co_await sleep(0s);
    std::string message;
    try {
      co_await reader.readline();
    } catch (const RuntimeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "readuntil() called while another coroutine is already waiting for incoming data");
    reader.feed_eof();
    EXPECT_EQ(co_await first, "");
  });
}

// Rule 155.
TEST_F(StreamReaders, EndWithAnErrorEvenWithDataLeft) {
  const StreamReader reader = make(64, "abc");
  reader.set_exception(OSError("gone"));
  EXPECT_EQ(result_of(reader.read(1)), "OSError(gone)");
  EXPECT_EQ(result_of(reader.read()), "OSError(gone)");
  EXPECT_EQ(result_of(reader.readline()), "OSError(gone)");
  EXPECT_EQ(result_of(reader.readexactly(1)), "OSError(gone)");
  EXPECT_TRUE(holds<OSError>(reader.exception()));
}

TEST_F(StreamReaders, ReadUpToTheSeparatorThatEndsFirst) {
  const StreamReader reader = make(64, "one;two\r\nthree\nfour", true);
  const std::vector<std::string> separators = {"\r\n", "\n", ";"};
  EXPECT_EQ(result_of(reader.readuntil(separators)), "one;");
  EXPECT_EQ(result_of(reader.readuntil({"\r\n", "\n"})), "two\r\n");
  EXPECT_EQ(result_of(reader.readuntil("\r\n", "\n")), "three\n");
  EXPECT_EQ(result_of(reader.readuntil(std::vector<std::string>())),
            "ValueError(Separator should contain at least one element)");
  EXPECT_EQ(result_of(reader.readuntil("")), "ValueError(Separator should be at least one-byte string)");
}

TEST_F(StreamReaders, FindALongSeparatorThatComesByteByByte) {
  const StreamReader reader(*loop, 64);
  const std::string all = "data--BOUNDARY";
  run([&]() -> Coroutine<void> {
    auto reading = create_task(reader.readuntil("--BOUNDARY"));
    for (const char c : all) {
      co_await sleep(0s);
      EXPECT_FALSE(reading.done());
      reader.feed_data(std::string(1, c));
    }
    EXPECT_EQ(co_await reading, all);
  });
}

TEST_F(StreamReaders, CountSeparatorsWithZeroBytes) {
  const StreamReader reader = make(64, std::string_view("a\0b\0\0c", 6), true);
  EXPECT_EQ(result_of(reader.readuntil(std::string("\0\0", 2))), std::string("a\0b\0\0", 5));
}

TEST_F(StreamReaders, RefuseNegativeCountsWhereOnlyAllWouldDo) {
  EXPECT_EQ(result_of(make(64, "a").readexactly(-1)), "ValueError(readexactly size can not be less than zero)");
}

TEST_F(StreamReaders, ACancelledReadTakesNothing) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader;
    reader.feed_data("half a li");
    for (const auto& read : {&StreamReader::readline}) {
      auto reading = create_task((reader.*read)());
      co_await sleep(0s);
      reading.cancel();
      bool cancelled = false;
      try {
        co_await reading;
      } catch (const CancelledError&) {
        cancelled = true;
      }
      EXPECT_TRUE(cancelled);
    }
    auto exactly = create_task(reader.readexactly(100));
    co_await sleep(0s);
    exactly.cancel();
    co_await sleep(0s);
    reader.feed_data("ne\n");
    EXPECT_EQ(co_await reader.readline(), "half a line\n");
  });
}

// The first reader, woken but not yet run, must not take the second one's place away.
TEST_F(StreamReaders, AReaderThatComesBeforeTheWokenOneRunsIsWokenToo) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader;
    auto first = create_task(reader.read(1));
    co_await sleep(0s);
    auto second = create_task(reader.readexactly(4));  // runs before the first one is woken
    reader.feed_data("a");
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_EQ(co_await first, "a");
    reader.feed_data("bcde");
    const std::string rest = co_await second;
    EXPECT_EQ(rest, "bcde");
  });
}

TEST_F(StreamReaders, GiveLinesUntilTheEnd) {
  const StreamReader reader = make(64, "a\n\nc", true);
  run([&]() -> Coroutine<void> {
    Trace lines;
    auto line = co_await reader.next_or_none();
    while (line) {
      lines.push_back(*line);
      line = co_await reader.next_or_none();
    }
    EXPECT_EQ(lines, Trace({"a\n", "\n", "c"}));
  });
}

TEST_F(StreamReaders, AreWhatAsyncForTakes) {
  const StreamReader reader = make(64, "a\n\nc", true);
  run([&]() -> Coroutine<void> {
    Trace lines;
    const auto keep = [&lines](std::string line) { lines.push_back(std::move(line)); };
    co_await async_for(reader, keep);
    EXPECT_EQ(lines, Trace({"a\n", "\n", "c"}));
    bool ended = false;
    try {
      co_await reader.anext();
    } catch (const StopAsyncIteration&) {
      ended = true;
    }
    EXPECT_TRUE(ended);
  });
}

TEST_F(StreamReaders, NeitherSuspendNorAllocateButTheStringForWhatIsBuffered) {
  const std::string data = std::string(99, 'x') + "\n";
  const auto allocations_of = [&](auto read) {
    const StreamReader reader = make(1000, data + data);
    auto reading = read(reader);
    const std::size_t before = segue::testing::allocations_made();
    EXPECT_TRUE(reading.await_ready());
    const std::size_t taken = segue::testing::allocations_made() - before;
    EXPECT_FALSE(reader.at_eof());
    return segue::testing::allocations_counted ? taken : 1;
  };
  EXPECT_EQ(allocations_of([](const StreamReader& reader) { return reader.read(100); }), 1U);
  EXPECT_EQ(allocations_of([](const StreamReader& reader) { return reader.readline(); }), 1U);
  EXPECT_EQ(allocations_of([](const StreamReader& reader) { return reader.readexactly(100); }), 1U);
  EXPECT_EQ(allocations_of([](const StreamReader& reader) { return reader.readuntil(); }), 1U);
  EXPECT_EQ(allocations_of([](const StreamReader& reader) { return reader.anext(); }), 1U);
}

TEST_F(StreamReaders, TakeNothingBeforeTheyAreAwaited) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader = make(64, "first\nsecond\n", true);
    auto later = reader.readline();
    EXPECT_EQ(co_await reader.readline(), "first\n");
    EXPECT_EQ(co_await std::move(later), "second\n");
    std::string error;
    try {
      co_await std::move(later);
    } catch (const RuntimeError& again) {
      error = again.what();
    }
    EXPECT_EQ(error, "cannot reuse already awaited coroutine");
  });
}

TEST_F(StreamReaders, RefuseASecondAwaitOfARead) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader = make(64, "");
    auto read = reader.readline();
    const auto outcome = [&]() -> Coroutine<std::string> {
      try {
        co_return co_await read;
      } catch (...) {
        co_return text(std::current_exception());
      }
    };
    auto first = create_task(outcome());
    const std::string second = co_await create_task(outcome());
    EXPECT_EQ(second, "RuntimeError(coroutine is being awaited already)");
    reader.feed_data("a line\n");
    const std::string line = co_await first;
    EXPECT_EQ(line, "a line\n");
  });
}

TEST_F(StreamReaders, KeepOrderOverManySmallReads) {
  run([&]() -> Coroutine<void> {
    const StreamReader reader;
    std::string expected;
    for (int i = 0; i < 20'000; ++i) expected += std::to_string(i) + "\n";
    reader.feed_data(expected);
    reader.feed_eof();
    std::string got;
    while (!reader.at_eof()) got += co_await reader.readline();
    EXPECT_EQ(got, expected);
  });
}

TEST_F(StreamReaders, GiveBackWhatTheyGotWhateverItsSizes) {
  run([&]() -> Coroutine<void> {
    std::minstd_rand random(7);
    const auto size = [&random](std::size_t most) {
      return std::size_t{random()} % (std::size_t{random()} % most + 1);
    };
    const StreamReader reader(std::size_t{1} << 20);
    std::string expected;  // what was fed, and not read yet
    char next = 0;
    for (int step = 0; step < 3'000; ++step) {
      std::string data(size(step % 10 == 0 ? 300'000 : 3'000), '\0');
      for (char& each : data) each = next++;
      reader.feed_data(data);
      expected += data;
      const std::size_t count = std::min(size(400'000), expected.size());
      const std::string got = co_await reader.readexactly(static_cast<std::int64_t>(count));
      const bool same = got == expected.substr(0, count);
      EXPECT_TRUE(same) << "step " << step << ": " << count << " bytes";
      expected.erase(0, count);
    }
    reader.feed_eof();
    const std::string rest = co_await reader.read();
    EXPECT_EQ(rest, expected);
  });
}

// What is read is a string of its own; between two of them a reader needs none.
TEST_F(StreamReaders, ReceiveLargeMessagesWithoutAskingTheHeap) {
  if (!segue::testing::allocations_counted || !detail::pooled()) GTEST_SKIP() << "not counted under a sanitizer";
  const std::string message(16'384, 'x');
  std::vector<StreamReader> readers;
  for (int i = 0; i < 100; ++i) readers.emplace_back(*loop, 65'536);
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = segue::testing::allocations_made();
    for (const StreamReader& reader : readers) reader.feed_data(message);
    if (round > 0) {
      EXPECT_EQ(segue::testing::allocations_made(), before);
    }
    run([&]() -> Coroutine<void> {
      for (const StreamReader& reader : readers) co_await reader.readexactly(16'384);
    });
  }
}

TEST_F(StreamReaders, MayOutliveTheirHandle) {
  auto reading = loop->create_task(make(64, "kept", true).read());
  EXPECT_EQ(loop->run_until_complete(reading), "kept");
}

}  // namespace
}  // namespace segue::modern
