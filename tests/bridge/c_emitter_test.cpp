#include <segue/bridge/c_emitter.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/emitter.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/task.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::AsyncGenerator;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

/// As libuv's: the user's pointer is in it, and its callback is given it first.
struct Stream {
  using OnRead = void(Stream* stream, std::ptrdiff_t count, const char* data);
  void* data = nullptr;
  OnRead* on_read = nullptr;
  Trace* trace = nullptr;
  void stop() const { trace->push_back("stopped"); }
};

/// How a stream of texts ended: all of them, then its error.
Coroutine<Trace> texts_of(AsyncGenerator<std::string> values) {
  Trace got;
  try {
    while (true) {
      std::optional<std::string> value = co_await values.next_or_none();
      if (!value) co_return got;
      got.push_back(std::move(*value));
    }
  } catch (const Exception& error) {
    got.push_back(error.what());
  }
  co_return got;
}

class CEmitter : public testing::LoopTest {
 protected:
  /// Starts the stream when it is asked to, and reads `texts` from it, the last one being its end.
  auto reading(Trace texts) {
    return [this, texts = std::move(texts)](Stream::OnRead* call, void* data) {
      stream = {data, call, &trace};
      loop->call_soon([this, texts] {
        for (const std::string& text : texts)
          stream.on_read(&stream, static_cast<std::ptrdiff_t>(text.size()), text.c_str());
        stream.on_read(&stream, -ECONNRESET, nullptr);
      });
      return stream;
    };
  }

  Stream stream;
};

TEST_F(CEmitter, FindsItsPointerInAStructAndTheErrorAfterIt) {
  auto start = reading({"one", "two"});
  auto values = from_callbacks<Stream::OnRead, std::string>(negative_errno | user_data<&Stream::data>, start);
  EXPECT_THAT(loop->run_until_complete(texts_of(std::move(values))),
              ElementsAre("one", "two", "[Errno 104] Connection reset by peer"));
  EXPECT_THAT(trace, IsEmpty()) << "it has ended itself";
}

TEST_F(CEmitter, GivesTheStructWhereNoErrorIsAskedFor) {
  auto start = reading({"one"});
  auto values = from_callbacks<Stream::OnRead>(once | user_data<&Stream::data>, start);
  const auto first = [this](auto& stream_of_reads) -> Coroutine<std::ptrdiff_t> {
    const auto [from, count, data] = co_await stream_of_reads.anext();
    EXPECT_EQ(from, &stream);
    EXPECT_NE(data, nullptr);  // what it points to is gone by now
    co_await stream_of_reads.aclose();
    co_return count;
  };
  EXPECT_EQ(loop->run_until_complete(first(values)), 3);
  EXPECT_THAT(trace, ElementsAre("stopped"));
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CEmitter, StopsWhatAPointerToItsSourceSays) {
  stream.trace = &trace;
  const auto start = [this](void (*call)(void*, int), void* data) {
    call(data, 1);
    return &stream;
  };
  const auto main = [&]() -> Coroutine<> {
    auto values = from_callbacks<void(void*, int)>(start);
    const int value = co_await values.anext();
    EXPECT_EQ(value, 1);
    co_await values.aclose();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("stopped"));
}

TEST_F(CEmitter, IgnoresACallThatComesWhenTheStreamIsOver) {
  auto start = reading({"one"});
  auto values = from_callbacks<Stream::OnRead, std::string>(negative_errno | user_data<&Stream::data>, start);
  loop->run_until_complete(texts_of(std::move(values)));
  stream.on_read(&stream, 3, "two");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CEmitter, FindsItsPointerFirstOrLast) {
  const auto at_once = [](void (*call)(void*, int), void* data) {
    call(data, 1);
    call(data, 2);
  };
  const auto first_of = [](auto values) -> Coroutine<int> { co_return co_await values.anext(); };
  EXPECT_EQ(loop->run_until_complete(first_of(from_callbacks<void(void*, int)>(at_once))), 1);
  const auto last = [](int (*call)(int, void*), void* data) { EXPECT_EQ(call(7, data), 0); };
  EXPECT_EQ(loop->run_until_complete(first_of(from_callbacks<int(int, void*)>(last))), 7);
  const auto middle = [](void (*call)(int, void*, int), void* data) { call(7, data, 8); };
  const auto pair_of = [](auto values) -> Coroutine<int> {
    const auto [a, b] = co_await values.anext();
    co_return 10 * a + b;
  };
  EXPECT_EQ(loop->run_until_complete(pair_of(from_callbacks<void(int, void*, int)>(once | user_data<1>, middle))), 78);
}

TEST_F(CEmitter, GivesNoneForACallWithoutValues) {
  const auto start = [](void (*call)(void*), void* data) {
    call(data);
    call(data);
  };
  const auto main = [&]() -> Coroutine<> {
    auto ticks = from_callbacks<void(void*)>(start);
    co_await ticks.anext();
    co_await ticks.anext();
    co_await ticks.aclose();
  };
  loop->run_until_complete(main());
}

/// As GLib's: goes on as long as its function returns something other than zero.
struct RepeatingTimer {
  using Function = int(int count, void* data);
  void start(Function* call, void* user_data) {
    function = call;
    data = user_data;
    repeat(1);
  }
  void repeat(int count) {
    modern::get_running_loop().call_later(1s, [this, count] {
      if (function(count, data) != 0) return repeat(count + 1);
      removed = true;
    });
  }
  Function* function = nullptr;
  void* data = nullptr;
  bool removed = false;
};

TEST_F(CEmitter, ReturnsWhatItsSourceGoesOnWithUntilTheStreamIsOver) {
  RepeatingTimer timer;
  const auto start = [&](auto* call, void* data) { timer.start(call, data); };
  const auto main = [&]() -> Coroutine<> {
    auto ticks = from_callbacks<RepeatingTimer::Function>(once | returns<1>, start);
    for (int i = 1; i <= 3; ++i) {
      const int tick = co_await ticks.anext();
      EXPECT_EQ(tick, i);
    }
    co_await ticks.aclose();
    EXPECT_FALSE(timer.removed);
  };
  loop->run_until_complete(main());
  run_for(2s);
  EXPECT_TRUE(timer.removed);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CEmitter, FeedsAQueue) {
  const modern::Queue<std::string> texts;
  const auto read = reading({"one", "two"});
  const auto how = negative_errno | user_data<&Stream::data>;
  EXPECT_THROW((loop->run_until_complete(into_queue<Stream::OnRead, std::string>(texts, how, read))),
               ConnectionResetError);
  EXPECT_EQ(texts.get_nowait(), "one");
  EXPECT_EQ(texts.get_nowait(), "two");
  const auto say = [](void (*call)(const char*, void*), void* data) {
    const std::string gone_after_the_call = "three";
    call(gone_after_the_call.c_str(), data);
  };
  const auto saying = loop->create_task(into_queue<void(const char*, void*)>(texts, say));
  run_for(1s);
  EXPECT_EQ(texts.get_nowait(), "three");
  const modern::Queue<int> numbers(1);
  const auto count = [](void (*call)(int, void*), void* data) {
    for (int i = 1; i <= 3; ++i) call(i, data);
  };
  const auto counting = loop->create_task(into_queue<void(int, void*)>(numbers, count, WhenFull::drop_newest));
  run_for(1s);
  EXPECT_EQ(numbers.get_nowait(), 1);
  EXPECT_TRUE(numbers.empty());
  saying.cancel();
  counting.cancel();
  run_for(1s);
  EXPECT_TRUE(counting.cancelled());
}

/// Cannot be made of what is empty.
struct Line {
  explicit Line(const char* from) : text(from) {
    if (text.empty()) throw ValueError("empty line");
  }
  std::string text;
};

TEST_F(CEmitter, EndsWithWhatMakingTheValueThrows) {
  const auto start = [](void (*call)(const char*, void*), void* data) {
    call("one", data);
    call("", data);
    call("lost", data);
  };
  const auto all = [](AsyncGenerator<Line> lines) -> Coroutine<Trace> {
    Trace got;
    try {
      while (true) {
        std::optional<Line> line = co_await lines.next_or_none();
        if (!line) co_return got;
        got.push_back(line->text);
      }
    } catch (const ValueError& error) {
      got.push_back(error.what());
    }
    co_return got;
  };
  auto lines = from_callbacks<void(const char*, void*), Line>(start);
  EXPECT_THAT(loop->run_until_complete(all(std::move(lines))), ElementsAre("one", "empty line"));
}

TEST_F(CEmitter, OfObjectsMayBeErrorFirst) {
  const auto start = [](auto emit) {
    EXPECT_TRUE(emit(0, "one"));
    EXPECT_FALSE(emit(ECONNRESET, ""));
    EXPECT_FALSE(emit(0, "lost"));
  };
  auto failing = from_callbacks<std::string>(error_first, start);
  EXPECT_THAT(loop->run_until_complete(texts_of(std::move(failing))),
              ElementsAre("one", "[Errno 104] Connection reset by peer"));
  const auto start_and_close = [](auto emit) {
    emit(0, "one");
    emit.close();
  };
  auto ending = from_callbacks<std::string>(error_first, start_and_close);
  EXPECT_THAT(loop->run_until_complete(texts_of(std::move(ending))), ElementsAre("one"));
}

TEST_F(CEmitter, StopsASourceOfWhoseValuesOneCannotBeMade) {
  struct Picky {
    Picky(const char* text) { throw ValueError(text); }  // NOLINT(google-explicit-constructor): made of what C gives
  };
  const auto start = [this](Stream::OnRead* call, void* data) {
    stream = {data, call, &trace};
    loop->call_soon([this] { stream.on_read(&stream, 1, "x"); });
    return stream;
  };
  auto values = from_callbacks<Stream::OnRead, Picky>(negative_errno | user_data<&Stream::data>, start);
  const auto main = [&]() -> Coroutine<> { co_await values.anext(); };
  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
  EXPECT_THAT(trace, ElementsAre("stopped"));
}

}  // namespace
}  // namespace segue::bridge
