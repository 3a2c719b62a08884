#include <segue/modern/loop/threadsafe_handle.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/loop/event_loop.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::iterate;
using testing::make_loop;
using testing::Trace;
using testing::Tracked;

/// Calls `f` in another thread, to its end.
template <class F>
void in_another_thread(F f) {
  std::thread(std::move(f)).join();
}

void set_and_tell(std::atomic<bool>& flag) {
  flag = true;
  flag.notify_all();
}

TEST(ThreadsafeHandle, that_holds_nothing_can_be_cancelled) {
  const ThreadsafeHandle empty;
  EXPECT_FALSE(empty);
  empty.cancel();
  EXPECT_FALSE(empty.cancelled());
}

TEST(ThreadsafeHandle, waits_in_another_thread_for_the_end_of_its_callback) {
  for (const bool cancels : {false, true}) {
    auto loop = make_loop();
    std::atomic<bool> started = false;
    std::atomic<bool> asking = false;
    bool finished = false;  // what is waited for orders it
    const auto callback = [&](const std::string& text) {
      EXPECT_EQ(text, "hello");
      set_and_tell(started);
      asking.wait(false);
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // time for who does not wait to be wrong
      finished = true;
    };
    std::thread other([&] {
      const ThreadsafeHandle handle = loop->call_soon_threadsafe(callback, "hello");
      started.wait(false);
      set_and_tell(asking);
      if (cancels) {
        handle.cancel();
      } else {
        EXPECT_FALSE(handle.cancelled());
      }
      EXPECT_TRUE(finished);
      EXPECT_EQ(handle.cancelled(), cancels);
      loop->call_soon_threadsafe([&] { loop->stop(); });
    });
    loop->run_forever();
    other.join();
  }
}

TEST(ThreadsafeHandle, may_be_cancelled_by_its_own_callback_which_goes_on) {
  auto loop = make_loop();
  Trace trace;
  ThreadsafeHandle self;
  in_another_thread([&] {
    self = loop->call_soon_threadsafe([&, text = std::string("captured, and too long for a small string")] {
      self.cancel();
      trace.push_back(self.cancelled() ? text : "not cancelled");
    });
  });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("captured, and too long for a small string"));
  EXPECT_TRUE(self.cancelled());
}

TEST(ThreadsafeHandle, cancelled_in_another_thread_before_its_turn_does_not_run) {
  auto loop = make_loop();
  Trace trace;
  loop->call_soon([&] {
    in_another_thread([&] {
      const ThreadsafeHandle handle = loop->call_soon_threadsafe([&] { trace.push_back("never"); });
      loop->call_soon_threadsafe([&] { trace.push_back("next"); });
      handle.cancel();
      EXPECT_TRUE(handle.cancelled());
      handle.cancel();
    });
  });
  iterate(*loop);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("next"));
}

TEST(ThreadsafeHandle, that_is_dropped_does_not_cancel_its_callback) {
  auto loop = make_loop();
  bool called = false;
  loop->call_soon_threadsafe([&] { called = true; });
  iterate(*loop);
  EXPECT_TRUE(called);
}

TEST(ThreadsafeHandle, tells_for_good_whether_its_callback_has_run_when_it_is_cancelled) {
  constexpr std::size_t threads = 4;
  constexpr std::size_t calls = 500;
  auto loop = make_loop();
  std::array<std::array<bool, calls>, threads> ran{};
  auto ran_before = ran;
  std::size_t done = 0;
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (std::size_t i = 0; i < calls; ++i) {
        const ThreadsafeHandle handle = loop->call_soon_threadsafe([&, t, i] { ran[t][i] = true; });
        if (i % 4 == t) std::this_thread::yield();
        handle.cancel();
        ran_before[t][i] = ran[t][i];
      }
      loop->call_soon_threadsafe([&] {
        if (++done == threads) loop->stop();
      });
    });
  }
  loop->run_forever();
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(ran, ran_before);
}

// --- what the callback holds ---

/// Keeps the thread in which it ends.
class EndingThread {
 public:
  explicit EndingThread(std::optional<std::thread::id>& ended) noexcept : ended_(&ended) {}
  EndingThread(EndingThread&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
  EndingThread& operator=(EndingThread&&) = delete;
  ~EndingThread() {
    if (ended_ != nullptr) *ended_ = std::this_thread::get_id();
  }

 private:
  std::optional<std::thread::id>* ended_;
};

TEST(ThreadsafeHandle, frees_what_its_callback_holds_in_the_loops_thread) {
  for (const bool cancels : {false, true}) {
    auto loop = make_loop();
    std::optional<std::thread::id> ended;
    bool called = false;
    ThreadsafeHandle handle;
    in_another_thread([&] {
      handle = loop->call_soon_threadsafe([&called, held = EndingThread(ended)] { called = true; });
      if (cancels) handle.cancel();
    });
    EXPECT_EQ(ended, std::nullopt);
    iterate(*loop);
    EXPECT_EQ(ended, std::this_thread::get_id());
    EXPECT_EQ(called, !cancels);
    EXPECT_EQ(handle.cancelled(), cancels);
  }
}

TEST(ThreadsafeHandle, outlives_its_loop_but_not_what_its_callback_holds) {
  auto loop = make_loop();
  int alive = 0;
  const ThreadsafeHandle handle = loop->call_soon_threadsafe([tracked = Tracked(alive)] { FAIL(); });
  EXPECT_EQ(alive, 1);
  loop->close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(attempt([&] { loop->call_soon_threadsafe([tracked = Tracked(alive)] {}); }),
            "RuntimeError(Event loop is closed)");
  EXPECT_EQ(alive, 0);
  loop.reset();
  EXPECT_FALSE(handle.cancelled());
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
}

TEST(ThreadsafeHandle, that_its_own_callback_keeps_is_no_leak) {
  auto loop = make_loop();
  int alive = 0;
  const auto held = std::make_shared<std::pair<Tracked, ThreadsafeHandle>>(Tracked(alive), ThreadsafeHandle());
  held->second = loop->call_soon_threadsafe([held] {});
  EXPECT_EQ(held.use_count(), 2);
  iterate(*loop);
  EXPECT_EQ(held.use_count(), 1);
}

// --- its context ---

TEST(ThreadsafeHandle, has_a_callback_that_runs_in_the_context_that_is_given_or_the_callers) {
  const ContextVar<int> number("number", 0);
  Context context;
  context.run([&] { number.set(1); });
  auto loop = make_loop();
  std::vector<int> seen;
  const auto look = [&] { seen.push_back(number.get()); };
  in_another_thread([&] {
    number.set(2);
    loop->call_soon_threadsafe({.context = context}, look);
    loop->call_soon_threadsafe(look);
  });
  iterate(*loop);
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

}  // namespace
}  // namespace segue::modern
