#include <segue/bridge/listener.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Trace;
using testing::wait_a_little;

/// Somebody's interface.
class LoadListener {
 public:
  virtual ~LoadListener() = default;
  virtual void on_loaded(std::string text) = 0;
  virtual void on_failed(int code) = 0;
};

struct Loaded final : Listener<LoadListener, std::string> {
  Loaded() { ++alive; }
  ~Loaded() override { --alive; }
  Loaded(const Loaded&) = delete;
  void on_loaded(std::string text) override { succeed(std::move(text)); }
  void on_failed(int code) override { fail(code); }

  static inline int alive = 0;
};

class FromListener : public testing::LoopTest {
 protected:
  void TearDown() override {
    LoopTest::TearDown();
    EXPECT_EQ(Loaded::alive, 0);
  }

  auto keep() {
    return [this](Loaded& listener) { kept = &listener; };
  }
  Coroutine<std::string> wait() { co_return co_await from_listener<Loaded>(keep()); }
  /// Has the coroutine wait, and closes it then.
  void close_while_it_waits(Coroutine<std::string> waiting) {
    loop->call_soon([stepped = std::make_shared<Coroutine<std::string>>(std::move(waiting))] {
      stepped->send();
      stepped->close();
    });
    run_for(1s);
  }
  /// Waits for an `L`, and calls `use(the listener, what ends the wait)` in the loop. Nothing is left of it then.
  template <class L, class Use>
  void while_it_waits(Use use) {
    L* waited_for = nullptr;
    const auto start = [&](L& listener) { waited_for = &listener; };
    auto wait = std::make_unique<decltype(from_listener<L>(start))>(from_listener<L>(start));
    loop->call_soon([&] {
      EXPECT_FALSE(wait->await_ready());
      use(*waited_for, [&] { wait = nullptr; });
    });
    run_for(1s);
    EXPECT_EQ(L::alive, 0);
  }

  LoadListener* kept = nullptr;
};

TEST_F(FromListener, TakesACallWithinTheInitiation) {
  const auto start = [](Loaded& listener) { listener.on_loaded("x"); };
  EXPECT_EQ(loop->run_until_complete(from_listener<Loaded>(start)), "x");
}

TEST_F(FromListener, TakesACallLaterAndLivesUntilThen) {
  loop->call_later(1s, [this] {
    EXPECT_EQ(Loaded::alive, 1);
    kept->on_loaded("x");
  });
  EXPECT_EQ(loop->run_until_complete(wait()), "x");
  EXPECT_EQ(Loaded::alive, 0);
}

TEST_F(FromListener, TakesACallInAnotherThread) {
  std::thread thread;
  const auto start = [&](Loaded& listener) { thread = std::thread([&listener] { listener.on_loaded("x"); }); };
  EXPECT_EQ(loop->run_until_complete(from_listener<Loaded>(start)), "x");
  thread.join();
  run_for(1s);  // where the call had not returned when the wait ended
}

TEST_F(FromListener, ThrowsAFailure) {
  const auto start = [](Loaded& listener) { listener.on_failed(ENOENT); };
  EXPECT_THROW(loop->run_until_complete(from_listener<Loaded>(start)), FileNotFoundError);
  const auto without_error = [](Loaded& listener) { listener.on_failed(0); };
  EXPECT_THROW(loop->run_until_complete(from_listener<Loaded>(without_error)), RuntimeError);
}

TEST_F(FromListener, WorksInAGeneratorBasedCoroutine) {
  loop->call_later(1s, [this] { kept->on_loaded("x"); });
  const auto old_style = coroutine<std::string>([this] { return yield_from(from_listener<Loaded>(keep())); });
  EXPECT_EQ(loop->run_until_complete(old_style()), "x");
}

TEST_F(FromListener, ReportsASecondCall) {
  const auto start = [](Loaded& listener) {
    listener.on_loaded("x");
    listener.on_failed(1);
  };
  EXPECT_EQ(loop->run_until_complete(from_listener<Loaded>(start)), "x");
  EXPECT_THAT(reports, ElementsAre("callback was called more than once"));
}

// --- one that is left alone

TEST_F(FromListener, LivesOnUntilALateCall) {
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(wait(), 1s)), TimeoutError);
  EXPECT_EQ(Loaded::alive, 1);
  kept->on_loaded("late");
  run_for(1s);
  EXPECT_EQ(Loaded::alive, 0);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromListener, LivesOnUntilALateFailure) {
  close_while_it_waits(wait());
  EXPECT_EQ(Loaded::alive, 1);
  kept->on_failed(ECANCELED);
  run_for(1s);
  EXPECT_EQ(Loaded::alive, 0);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromListener, LivesOnUntilALateCallWhenTheLoopIsGone) {
  loop->call_soon([this] { loop->create_task(wait()); });
  run_for(1s);
  loop = nullptr;
  EXPECT_EQ(Loaded::alive, 1);
  std::thread([this] { kept->on_loaded("late"); }).join();
  EXPECT_EQ(Loaded::alive, 0);
}

TEST_F(FromListener, GoesAtOnceWhereTheCancelFunctionSaysThatNoCallWillCome) {
  const auto main = [this]() -> Coroutine<std::string> {
    const auto unregister = [this] {
      kept = nullptr;
      return true;
    };
    co_return co_await from_listener<Loaded>(keep(), unregister);
  };
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);
  EXPECT_EQ(Loaded::alive, 0);
  close_while_it_waits(main());
  EXPECT_EQ(kept, nullptr);
  EXPECT_EQ(Loaded::alive, 0);
}

TEST_F(FromListener, IsWaitedForWhereTheCancelFunctionDoesNotSaySo) {
  const auto main = [this]() -> Coroutine<std::string> {
    const auto stop = [this] { loop->call_later(1s, [this] { kept->on_failed(ECANCELED); }); };
    co_return co_await from_listener<Loaded>(keep(), stop);
  };
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);
  EXPECT_EQ(Loaded::alive, 0);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromListener, MayBeCalledWithinTheCancelFunctionOfAWaitThatIsClosed) {
  const auto main = [this]() -> Coroutine<std::string> {
    const auto stop = [this] { kept->on_failed(ECANCELED); };
    co_return co_await from_listener<Loaded>(keep(), stop);
  };
  close_while_it_waits(main());
  EXPECT_EQ(Loaded::alive, 0);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromListener, LivesOnWhereTheInitiationThrowsForItMayBeRegistered) {
  const auto start = [this](Loaded& listener) {
    kept = &listener;
    throw ValueError("refused");
  };
  EXPECT_THROW(loop->run_until_complete(from_listener<Loaded>(start)), ValueError);
  EXPECT_EQ(Loaded::alive, 1);
  kept->on_loaded("late");
  run_for(1s);
}

// --- one that is shared

TEST_F(FromListener, IsSharedWithAnInitiationThatTakesASharedPointer) {
  const auto start = [this](const std::shared_ptr<Loaded>& listener) {
    loop->call_later(1s, [listener] { listener->on_loaded("x"); });
  };
  EXPECT_EQ(loop->run_until_complete(from_listener<Loaded>(start)), "x");
}

TEST_F(FromListener, EndsTheWaitWhereASharedOneIsDroppedWithoutACall) {
  const auto start = [this](std::shared_ptr<Loaded> listener) {
    loop->call_later(1s, [owner = std::move(listener)]() mutable { owner.reset(); });
  };
  const auto line = std::source_location::current().line() + 2;
  try {
    loop->run_until_complete(from_listener<Loaded>(start));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("callback was destroyed without being called (made at "));
    EXPECT_THAT(error.what(), HasSubstr("listener_test.cpp:" + std::to_string(line)));
  }
}

TEST_F(FromListener, IsKeptByTheWaitWhereTheInitiationReturnsIt) {
  std::weak_ptr<Loaded> weak;
  const auto start = [&](std::shared_ptr<Loaded> listener) {
    weak = listener;
    loop->call_later(1s, [&] {
      if (const auto found = weak.lock()) found->on_loaded("x");
    });
    return listener;
  };
  EXPECT_EQ(loop->run_until_complete(from_listener<Loaded>(start)), "x");
}

struct ThrowsWhenCopied {
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied&) { throw ValueError("not to be copied"); }
};
class ValueListener {
 public:
  virtual ~ValueListener() = default;
  virtual void on_value(const ThrowsWhenCopied& value) = 0;
  virtual void on_failed(const char* why) = 0;
};
struct Taken final : Listener<ValueListener, ThrowsWhenCopied> {
  void on_value(const ThrowsWhenCopied& value) override { succeed(value); }
  void on_failed(const char* why) override { fail(why); }
};

TEST_F(FromListener, ThrowsWhatCopyingTheValueThrowsToTheCallerWhoMaySayThatItFailed) {
  const auto start = [this](Taken& listener) {
    loop->call_soon([&listener] {
      EXPECT_THROW(listener.on_value({}), ValueError);
      listener.on_failed("no copy");
    });
  };
  EXPECT_THROW(loop->run_until_complete(from_listener<Taken>(start)), RuntimeError);
  EXPECT_THAT(reports, IsEmpty());
}

// Each wait ends while the worker may be anywhere within its call. For ThreadSanitizer above all.
TEST(FromListenerInThreads, LivesUntilItsCallHasReturnedOrTheWaitHasEnded) {
  constexpr int times = 60;
  const auto loop = modern::new_event_loop();
  int ended = 0;
  const auto main = [&]() -> Coroutine<> {
    for (int i = 0; i < times; ++i) {
      std::thread worker;
      const auto start = [&](Loaded& listener) { worker = std::thread([&] { listener.on_loaded("x"); }); };
      const auto wait = [&]() -> Coroutine<std::string> { co_return co_await from_listener<Loaded>(start); };
      const auto task = modern::create_task(wait());
      co_await modern::sleep(0s);
      wait_a_little(i);
      task.cancel();
      try {
        const std::string text = co_await task;
        if (text == "x") ++ended;
      } catch (const CancelledError&) {
        ++ended;
      }
      worker.join();
    }
    co_await modern::sleep(0s);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(ended, times);
  EXPECT_EQ(Loaded::alive, 0);
}

// --- while it is called

/// Does something when it is moved.
struct Shy {
  explicit Shy(std::function<void()> when_moved) : moved(std::move(when_moved)) {}
  Shy(Shy&& other) : moved(std::exchange(other.moved, {})) {
    if (const auto now = std::exchange(moved, {})) now();
  }
  std::function<void()> moved;
};
struct Keeper final : Listener<LoadListener, Shy> {
  Keeper() { ++alive; }
  Keeper(const Keeper&) = delete;
  ~Keeper() override {
    --alive;
    text = "gone";
  }
  void on_loaded(std::string given) override {
    text = std::move(given);
    succeed(std::move(shy));
    EXPECT_EQ(text, "x");
  }
  void on_failed(int code) override { fail(code); }

  Shy shy{{}};
  std::string text;
  static inline int alive = 0;
};

TEST_F(FromListener, LivesAsLongAsItIsCalledThoughItsWaitEndsMeanwhile) {
  while_it_waits<Keeper>([](Keeper& keeper, const auto& end_wait) {
    keeper.shy.moved = [&] {
      end_wait();
      EXPECT_EQ(Keeper::alive, 1);
    };
    keeper.on_loaded("x");
  });
}

TEST_F(FromListener, WaitsForAnotherCallWhereTheValuesOfOneThrow) {
  while_it_waits<Keeper>([](Keeper& keeper, const auto& end_wait) {
    keeper.shy.moved = [] { throw ValueError("not to be moved"); };
    EXPECT_THROW(keeper.on_loaded("x"), ValueError);
    end_wait();
    EXPECT_EQ(Keeper::alive, 1);
    keeper.on_loaded("x");
  });
}

TEST_F(FromListener, SaysThatNobodyWaitsWhereNoAwaitHasMadeIt) {
  Loaded loose;
  EXPECT_THROW(loose.on_loaded("x"), RuntimeError);
  EXPECT_THROW(loose.on_failed(1), RuntimeError);
}

}  // namespace
}  // namespace segue::bridge
