#include <segue/bridge/emitter.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::AsyncGenerator;
using modern::CancelledError;
using modern::Coroutine;
using modern::Queue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::make_loop;
using testing::Trace;

/// A source that is told to pause, to go on and to stop.
struct Sensor {
  explicit Sensor(Trace& trace) : trace(&trace) {}
  void pause() const { trace->push_back("pause"); }
  void resume() const { trace->push_back("resume"); }
  void stop() const { trace->push_back("stop"); }
  Trace* trace;
};

class FromCallbacks : public testing::LoopTest {
 protected:
  /// A stream whose emitter the test calls, and whose source it sees.
  AsyncGenerator<int> stream(EmitterOptions options = {}) {
    return from_callbacks<int>(
        [this](const Emitter<int>& emitter) {
          emit = emitter;
          return Sensor(trace);
        },
        options);
  }
  /// All that it gives; its error as a text.
  template <class T>
  static Coroutine<std::vector<T>> all_of(AsyncGenerator<T>& values) {
    std::vector<T> got;
    while (true) {
      std::optional<T> value = co_await values.next_or_none();
      if (!value) co_return got;
      got.push_back(std::move(*value));
    }
  }

  std::optional<Emitter<int>> emit;
};

TEST_F(FromCallbacks, GivesWhatIsEmittedAtOnceAndLater) {
  auto values = from_callbacks<int>([this](const Emitter<int>& emitter) {
    emitter(1);
    emitter(2);
    loop->call_later(1s, [emitter] { emitter(3); });
  });
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(1, 2, 3));
}

TEST_F(FromCallbacks, StartsWhenTheFirstValueIsAskedFor) {
  auto values = stream();
  run_for(1s);
  EXPECT_FALSE(emit);
  loop->call_later(1s, [this] {
    (*emit)(1);
    emit->close();
  });
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(1));
}

TEST_F(FromCallbacks, GivesSeveralValuesAsATuple) {
  auto values = from_callbacks<int, std::string>([](const auto& emitter) { emitter(1, "a"); });
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(std::tuple(1, "a")));
}

TEST_F(FromCallbacks, GivesNoneForACallWithoutValues) {
  auto values = from_callbacks<>([](auto emit) {
    emit();
    EXPECT_TRUE(emit());
  });
  EXPECT_EQ(loop->run_until_complete(all_of(values)).size(), 2U);
  auto failing = from_callbacks<>(error_first, [](auto emit) {
    emit(0);
    emit(ECONNRESET);
  });
  EXPECT_THROW(loop->run_until_complete(all_of(failing)), ConnectionResetError);
}

TEST_F(FromCallbacks, GivesWhatCannotBeCopied) {
  auto values = from_callbacks<std::unique_ptr<int>>([](const auto& emitter) {
    emitter(std::make_unique<int>(1));
    emitter(std::make_unique<int>(2));
  });
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(::testing::Pointee(1), ::testing::Pointee(2)));
}

TEST_F(FromCallbacks, GivesWhatOtherThreadsEmitUntilTheLastEmitterIsGone) {
  std::vector<std::thread> threads;
  auto values = from_callbacks<int>([&](const Emitter<int>& emitter) {
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([emitter] {
        for (int n = 0; n < 100; ++n) emitter(1);
      });
  });
  EXPECT_EQ(loop->run_until_complete(all_of(values)).size(), 400U);
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FromCallbacks, ThrowsWhatTheStartFunctionThrows) {
  auto values = from_callbacks<int>([](const Emitter<int>&) { throw ValueError("refused"); });
  EXPECT_THROW(loop->run_until_complete(all_of(values)), ValueError);
}

TEST_F(FromCallbacks, EndsWithAnErrorAfterWhatWasThere) {
  auto values = from_callbacks<int>([](const Emitter<int>& emitter) {
    emitter(1);
    emitter.fail(ENOENT);
    EXPECT_FALSE(emitter(2));
    emitter.fail("a second end");
  });
  const auto main = [&]() -> Coroutine<> {
    const std::optional<int> first = co_await values.next_or_none();
    EXPECT_EQ(first, 1);
    try {
      co_await values.next_or_none();
      ADD_FAILURE();
    } catch (const FileNotFoundError&) {
    }
  };
  loop->run_until_complete(main());
}

TEST_F(FromCallbacks, DoesNotStopASourceThatHasEnded) {
  auto values = stream();
  loop->call_later(1s, [this] { emit->close(); });
  EXPECT_THAT(loop->run_until_complete(all_of(values)), IsEmpty());
  EXPECT_THAT(trace, IsEmpty());
}

// --- the consumer goes first

TEST_F(FromCallbacks, StopsTheSourceWhereTheStreamIsClosed) {
  auto values = stream();
  const auto main = [&]() -> Coroutine<> {
    loop->call_soon([this] { (*emit)(1); });
    co_await values.next_or_none();
    co_await values.aclose();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("stop"));
  EXPECT_FALSE((*emit)(2));
}

TEST_F(FromCallbacks, StopsTheSourceWhereTheConsumerIsCancelled) {
  auto values = stream();
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(values), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("stop"));
  EXPECT_FALSE((*emit)(2));
  emit->close();
  run_for(1s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromCallbacks, StopsTheSourceWhereTheLoopEnds) {
  loop->call_soon([this] {
    const auto consume = [](AsyncGenerator<int> values) -> Coroutine<> { co_await all_of(values); };
    loop->create_task(consume(stream()));
  });
  run_for(1s);
  loop = nullptr;
  EXPECT_THAT(trace, ElementsAre("stop"));
  std::thread([this] {
    EXPECT_FALSE((*emit)(1));
    emit.reset();
  }).join();
}

TEST_F(FromCallbacks, StopsTheSourceOfAStreamThatIsKeptLongerThanTheLoop) {
  AsyncGenerator<int> kept = stream();
  const auto first = [&]() -> Coroutine<int> { co_return co_await kept.anext(); };
  loop->call_later(1s, [this] { (*emit)(1); });
  EXPECT_EQ(loop->run_until_complete(first()), 1);
  loop = nullptr;
  EXPECT_THAT(trace, ElementsAre("stop"));
  EXPECT_FALSE((*emit)(2));
  emit.reset();
  loop = make_loop();
  EXPECT_THROW(loop->run_until_complete(first()), RuntimeError);
}

TEST_F(FromCallbacks, KeepsASourceThatCannotBeMovedOrIsSomebodyElses) {
  struct Fixed : Sensor {
    using Sensor::Sensor;
    Fixed(Fixed&&) = delete;
  };
  Fixed somebodys(trace);
  auto values = from_callbacks<int>([&](const Emitter<int>& emitter) {
    emit = emitter;
    return Fixed(trace);
  });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(values), 1s)), TimeoutError);
  auto others = from_callbacks<int>([&](const Emitter<int>& emitter) -> Fixed& {
    emit = emitter;
    return somebodys;
  });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(others), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("stop", "stop"));
}

TEST_F(FromCallbacks, ReportsASourceThatCannotBeStopped) {
  struct Stubborn {
    void cancel() const { throw ValueError("no"); }
  };
  auto values = from_callbacks<int>([this](const Emitter<int>& emitter) {
    emit = emitter;
    return Stubborn();
  });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(values), 1s)), TimeoutError);
  EXPECT_THAT(reports, ElementsAre(::testing::HasSubstr("source of callbacks that was to be stopped")));
}

TEST_F(FromCallbacks, DestroysTheSourceWhoseDestructorEmits) {
  struct Last {
    explicit Last(Emitter<int> emitter) : emitter(std::move(emitter)) {}
    Last(Last&&) = default;
    ~Last() {
      if (emitter) (*emitter)(7);
    }
    std::optional<Emitter<int>> emitter;
  };
  auto values = from_callbacks<int>([](const Emitter<int>& emitter) { return std::make_unique<Last>(emitter); });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(values), 1s)), TimeoutError);
  EXPECT_THAT(reports, IsEmpty());
}

// --- more than there is room for

TEST_F(FromCallbacks, PausesTheSourceUntilThereIsRoom) {
  auto values = stream({.maxsize = 2});
  const auto main = [&]() -> Coroutine<> {
    loop->call_soon([this] { (*emit)(0); });
    co_await values.next_or_none();
    EXPECT_TRUE((*emit)(1));
    EXPECT_TRUE((*emit)(2));
    EXPECT_THAT(trace, IsEmpty());
    EXPECT_FALSE((*emit)(3));
    EXPECT_FALSE((*emit)(4));
    EXPECT_THAT(trace, ElementsAre("pause"));
    emit->close();
    const std::vector<int> rest = co_await all_of(values);
    EXPECT_THAT(rest, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(trace, ElementsAre("pause", "resume"));
  };
  loop->run_until_complete(main());
}

TEST_F(FromCallbacks, PausesASourceThatEmitsTooMuchAtItsStart) {
  auto values = from_callbacks<int>(
      [this](const Emitter<int>& emitter) {
        for (int i = 0; i < 3; ++i) emitter(i);
        return Sensor(trace);
      },
      {.maxsize = 1});
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(0, 1, 2));
  EXPECT_THAT(trace, ElementsAre("pause", "resume"));
}

TEST_F(FromCallbacks, PausesAndStopsWhatAPointerToItsSourceSays) {
  Sensor somebodys(trace);
  const auto owned = [this](const Emitter<int>& emitter) {
    for (int i = 0; i < 2; ++i) emitter(i);
    return std::make_unique<Sensor>(trace);
  };
  const auto plain = [&](const Emitter<int>& emitter) {
    emit = emitter;
    return &somebodys;
  };
  const auto none = [this](const Emitter<int>& emitter) {
    emit = emitter;
    return std::shared_ptr<Sensor>();
  };
  auto values = from_callbacks<int>(owned, {.maxsize = 1});
  EXPECT_THAT(loop->run_until_complete(all_of(values)), ElementsAre(0, 1));
  EXPECT_THAT(trace, ElementsAre("pause", "resume"));
  auto others = from_callbacks<int>(plain);
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(others), 1s)), TimeoutError);
  auto unknown = from_callbacks<int>(none);
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(all_of(unknown), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("pause", "resume", "stop"));
}

// The pause is on its way from the other thread when there is room again.
TEST_F(FromCallbacks, DoesNotPauseASourceForWhichThereIsRoomByThen) {
  auto values = stream({.maxsize = 1});
  const auto main = [&]() -> Coroutine<> {
    loop->call_soon([this] { (*emit)(0); });
    co_await values.next_or_none();
    std::thread([this] {
      (*emit)(1);
      EXPECT_FALSE((*emit)(2));
    }).join();
    co_await values.next_or_none();
    co_await values.next_or_none();
    co_await modern::sleep(1s);
    EXPECT_THAT(trace, IsEmpty());
    std::thread([this] {
      (*emit)(3);
      EXPECT_FALSE((*emit)(4));
    }).join();
    co_await modern::sleep(1s);
    EXPECT_THAT(trace, ElementsAre("pause"));
  };
  loop->run_until_complete(main());
}

TEST_F(FromCallbacks, FailsWhereTheSourceCannotBePausedAndStopsIt) {
  struct Unpausable : Sensor {
    using Sensor::Sensor;
    void pause() const { throw ValueError("cannot pause"); }
  };
  auto values = from_callbacks<int>(
      [this](const Emitter<int>& emitter) {
        emit = emitter;
        return Unpausable(trace);
      },
      {.maxsize = 1});
  const auto main = [&]() -> Coroutine<> {
    loop->call_soon([this] {
      (*emit)(1);
      (*emit)(2);
    });
    const std::optional<int> first = co_await values.next_or_none();
    EXPECT_EQ(first, 1);
    co_await all_of(values);
  };
  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
  EXPECT_THAT(trace, ElementsAre("stop"));
}

class WhenFullTest : public FromCallbacks {
 protected:
  /// What is there of 1, 2 and 3, where two have room; and what the emitter said.
  Coroutine<std::vector<int>> emit_three(AsyncGenerator<int>& values) {
    loop->call_soon([this] { (*emit)(0); });
    co_await values.next_or_none();
    for (int i = 1; i <= 3; ++i) said.push_back((*emit)(i));
    loop->call_later(1s, [this] { emit->close(); });
    co_return co_await all_of(values);
  }
  std::vector<bool> said;
};

TEST_F(WhenFullTest, DropsTheOldest) {
  auto values = stream({.maxsize = 2, .when_full = WhenFull::drop_oldest});
  EXPECT_THAT(loop->run_until_complete(emit_three(values)), ElementsAre(2, 3));
  EXPECT_THAT(said, ElementsAre(true, true, true));
}

TEST_F(WhenFullTest, DropsTheNewest) {
  auto values = stream({.maxsize = 2, .when_full = WhenFull::drop_newest});
  EXPECT_THAT(loop->run_until_complete(emit_three(values)), ElementsAre(1, 2));
  EXPECT_THAT(said, ElementsAre(true, true, false));
}

TEST_F(WhenFullTest, FailsAndStopsTheSource) {
  auto values = stream({.maxsize = 2, .when_full = WhenFull::fail});
  EXPECT_THROW(loop->run_until_complete(emit_three(values)), modern::QueueFull);
  EXPECT_THAT(said, ElementsAre(true, true, false));
  EXPECT_THAT(trace, ElementsAre("stop"));
}

struct RefusesThree {
  explicit RefusesThree(int value) : value(value) {
    if (value == 3) throw ValueError("three");
  }
  int value;
};

TEST_F(FromCallbacks, ThrowsToTheEmitterWhatMakingTheValueThrows) {
  auto values = from_callbacks<RefusesThree>(
      [](const auto& emitter) {
        emitter(1);
        EXPECT_THROW(emitter(3), ValueError);
        emitter(4);
      },
      {.maxsize = 1, .when_full = WhenFull::drop_oldest});
  const auto got = loop->run_until_complete(all_of(values));
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].value, 4);
}

// --- into a queue

TEST_F(FromCallbacks, FeedAQueueUntilTheSourceEnds) {
  const Queue<int> queue;
  const auto start = [this](const Emitter<int>& emitter) {
    emitter(1);
    loop->call_later(1s, [emitter] { emitter(2); });
  };
  loop->run_until_complete(into_queue(queue, start));
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_EQ(queue.get_nowait(), 2);
  EXPECT_TRUE(queue.empty());
}

TEST_F(FromCallbacks, FeedAQueueUntilAnErrorComesFirst) {
  const Queue<int> queue;
  const auto start = [](auto emit) {
    emit(0, 1);
    emit(ECONNRESET, 0);
  };
  EXPECT_THROW(loop->run_until_complete(into_queue(queue, error_first, start)), ConnectionResetError);
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_TRUE(queue.empty());
}

TEST_F(FromCallbacks, FeedAQueueByWhatItsBoundSays) {
  const auto feed = [this](WhenFull when_full) {
    const Queue<int> queue(2);
    const auto start = [this](const Emitter<int>& emitter) {
      for (int i = 1; i <= 3; ++i) loop->call_later(i * 1s, [emitter, i] { emitter(i); });
    };
    loop->run_until_complete(into_queue(queue, start, when_full));
    std::vector<int> got;
    while (!queue.empty()) got.push_back(queue.get_nowait());
    return got;
  };
  EXPECT_THAT(feed(WhenFull::drop_oldest), ElementsAre(2, 3));
  EXPECT_THAT(feed(WhenFull::drop_newest), ElementsAre(1, 2));
  EXPECT_THROW(feed(WhenFull::fail), modern::QueueFull);
}

TEST_F(FromCallbacks, FeedAQueueUntilItIsShutDown) {
  const Queue<int> queue;
  const auto feeder = loop->create_task(into_queue(queue, [this](const Emitter<int>& emitter) {
    emit = emitter;
    return Sensor(trace);
  }));
  loop->call_later(1s, [&] {
    queue.shutdown();
    (*emit)(1);
  });
  loop->run_until_complete(feeder);
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("stop"));
}

TEST_F(FromCallbacks, StopFeedingAQueueWhereTheFeederIsCancelled) {
  const Queue<int> queue(1);
  const auto feeder = loop->create_task(into_queue(queue, [this](const Emitter<int>& emitter) {
    emit = emitter;
    emitter(1);
    emitter(2);
    return Sensor(trace);
  }));
  loop->call_later(1s, [&] { feeder.cancel(); });
  EXPECT_THROW(loop->run_until_complete(feeder), CancelledError);
  run_for(1s);
  EXPECT_EQ(trace.back(), "stop");
  EXPECT_FALSE((*emit)(3));
}

// The consumer goes while a worker emits, which does so until its source is stopped. For ThreadSanitizer above all.
TEST(FromCallbacksInThreads, MayBeEmittedWhileTheConsumerGoes) {
  constexpr int times = 20;
  struct Told {
    std::atomic<bool> paused = false;
    std::atomic<bool> stopped = false;
  };
  struct Source {
    void pause() const { told->paused = true; }
    void resume() const { told->paused = false; }
    void stop() const { told->stopped = true; }
    std::shared_ptr<Told> told;
  };
  const auto loop = modern::new_event_loop();
  std::vector<std::shared_ptr<Told>> all;
  std::vector<std::thread> workers;
  const auto main = [&]() -> Coroutine<> {
    for (int i = 1; i <= times; ++i) {
      const auto told = std::make_shared<Told>();
      all.push_back(told);
      const auto start = [&workers, told](const Emitter<std::string>& emitter) {
        workers.emplace_back([emitter, told] {
          while (!told->stopped) {
            if (told->paused) {
              std::this_thread::yield();
            } else {
              emitter(std::string(100, 'x'));
            }
          }
        });
        return Source{told};
      };
      auto values = from_callbacks<std::string>(start, {.maxsize = 4});
      for (int n = 0; n < i; ++n) co_await values.next_or_none();
      co_await values.aclose();
    }
  };
  loop->run_until_complete(main());
  int stopped = 0;
  for (const auto& told : all) stopped += told->stopped.exchange(true) ? 1 : 0;
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(stopped, times);
}

TEST(Emitter, SaysThatItWasMovedFrom) {
  const auto loop = make_loop();
  auto values = from_callbacks<int>([](Emitter<int> emit) {
    const Emitter<int> moved = std::move(emit);
    EXPECT_THROW(emit(1), RuntimeError);       // NOLINT(bugprone-use-after-move): what is tested
    EXPECT_THROW(emit.close(), RuntimeError);  // NOLINT(bugprone-use-after-move)
    moved(2);
  });
  const auto main = [&]() -> Coroutine<int> { co_return co_await values.anext(); };
  EXPECT_EQ(loop->run_until_complete(main()), 2);
}

TEST(IntoQueue, TakesNothingOutOfAQueueThatIsShutDown) {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::fail}) {
    const auto loop = make_loop();
    const modern::Queue<int> queue(1);
    const auto start = [&](const Emitter<int>& emit) {
      queue.put_nowait(1);
      queue.shutdown();
      emit(2);
    };
    loop->run_until_complete(into_queue<int>(queue, start, when_full));
    EXPECT_EQ(queue.qsize(), 1U);
  }
}

}  // namespace
}  // namespace segue::bridge
