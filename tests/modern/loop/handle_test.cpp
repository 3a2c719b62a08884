#include <segue/modern/loop/handle.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>

#include "modern/attempt.hpp"
#include "small_stack.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using segue::testing::long_chain;
using segue::testing::on_small_stack;
using ::testing::ElementsAre;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::Trace;
using testing::Tracked;

TEST(Handle, that_holds_nothing_can_be_cancelled) {
  const Handle empty;
  EXPECT_FALSE(empty);
  empty.cancel();
  EXPECT_FALSE(empty.cancelled());
}

TEST(Handle, that_is_dropped_does_not_cancel_its_callback) {
  auto loop = make_loop();
  bool called = false;
  loop->call_soon([&called] { called = true; });
  iterate(*loop);
  EXPECT_TRUE(called);
}

TEST(Handle, rule_45_cancelled_by_an_earlier_callback_of_the_same_iteration_does_not_run) {
  auto loop = make_loop();
  Trace trace;
  Handle second;
  loop->call_soon([&second] { second.cancel(); });
  second = loop->call_soon([&trace] { trace.push_back("never"); });
  loop->call_soon([&trace] { trace.push_back("third"); });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("third"));
  EXPECT_TRUE(second.cancelled());
  second.cancel();
  EXPECT_TRUE(second.cancelled());
}

TEST(Handle, that_is_cancelled_frees_what_its_callback_holds_at_once) {
  auto loop = make_loop();
  int alive = 0;
  const Handle soon = loop->call_soon([tracked = Tracked(alive)] {});
  const TimerHandle later = loop->call_later(1h, [](const Tracked&) {}, Tracked(alive));
  EXPECT_EQ(alive, 2);
  soon.cancel();
  later.cancel();
  EXPECT_EQ(alive, 0);
}

TEST(Handle, that_has_run_keeps_nothing) {
  auto loop = make_loop();
  int alive = 0;
  const Handle soon = loop->call_soon([](const Tracked& tracked) { Tracked copy(tracked); }, Tracked(alive));
  const TimerHandle later = loop->call_later(0s, [tracked = Tracked(alive)] {});
  iterate(*loop);
  iterate(*loop);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(soon.cancelled());
  EXPECT_LE(later.when(), loop->time());
}

TEST(Handle, that_its_own_callback_keeps_is_no_leak) {
  struct Timer {
    explicit Timer(int& timers) : alive(timers) {}
    Tracked alive;
    TimerHandle handle;
  };
  auto loop = make_loop();
  int alive = 0;
  for (const auto delay : {0s, 3600s}) {
    auto timer = std::make_shared<Timer>(alive);
    timer->handle = loop->call_later(delay, [timer] {});
  }
  EXPECT_EQ(alive, 2);
  iterate(*loop);
  EXPECT_EQ(alive, 1);
  loop->close();
  EXPECT_EQ(alive, 0);
}

TEST(Handle, whose_callback_throws_keeps_nothing) {
  auto loop = make_loop();
  const Reports reports(*loop);
  int alive = 0;
  const Handle failing = loop->call_soon([tracked = Tracked(alive)] { throw ValueError("bad"); });
  iterate(*loop);
  EXPECT_EQ(alive, 0);
  EXPECT_THAT(reports.messages(), ElementsAre("Exception in callback"));

  const Handle exiting = loop->call_soon([tracked = Tracked(alive)] { throw SystemExit(1); });
  EXPECT_THROW(iterate(*loop), SystemExit);
  EXPECT_EQ(alive, 0);
}

/// Calls a function when it is destroyed.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> call) : call_(std::move(call)) {}
  AtEnd(AtEnd&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  AtEnd& operator=(AtEnd&&) = delete;
  ~AtEnd() {
    if (call_) call_();
  }

 private:
  std::function<void()> call_;
};

TEST(Handle, may_be_used_by_what_its_callback_held) {
  auto loop = make_loop();
  Trace trace;
  Handle self;
  const auto at_end = [&](const char* what) {
    return AtEnd([&trace, &self, loop = loop.get(), what] {
      trace.push_back(what);
      self.cancel();
      self = Handle();
      if (!loop->is_closed()) loop->call_soon([&trace] { trace.push_back("soon"); });
      loop->stop();
    });
  };
  self = loop->call_soon([held = at_end("run")] {});
  loop->run_forever();
  iterate(*loop);
  self = loop->call_soon([held = at_end("cancelled")] {});
  self.cancel();
  iterate(*loop);
  self = loop->call_soon([&self, held = at_end("cancels itself")] { self.cancel(); });
  loop->run_forever();
  iterate(*loop);
  self = loop->call_soon([&self, held = at_end("drops itself")] { self = Handle(); });
  loop->run_forever();
  iterate(*loop);
  self = loop->call_soon([held = at_end("closed")] {});
  loop->close();
  EXPECT_THAT(trace, ElementsAre("run", "soon", "cancelled", "soon", "cancels itself", "soon", "drops itself", "soon",
                                 "closed"));
}

TEST(Handle, that_is_cancelled_by_what_another_one_held_and_so_on_is_no_recursion) {
  on_small_stack([] {
    auto loop = make_loop();
    int alive = 0;
    TimerHandle last;
    for (int i = 0; i < long_chain; ++i) {
      last = loop->call_later(1h, [tracked = Tracked(alive), held = AtEnd([last] { last.cancel(); })] {});
    }
    last.cancel();
    EXPECT_EQ(alive, 0);
  });
}

TEST(Handle, may_be_cancelled_when_it_has_run) {
  auto loop = make_loop();
  const Handle soon = loop->call_soon([] {});
  const TimerHandle later = loop->call_later(0s, [] {});
  iterate(*loop);
  iterate(*loop);
  EXPECT_FALSE(soon.cancelled());
  soon.cancel();
  later.cancel();
  EXPECT_TRUE(soon.cancelled());
  EXPECT_TRUE(later.cancelled());
  iterate(*loop);
}

TEST(Handle, may_be_cancelled_by_its_own_callback_which_goes_on) {
  auto loop = make_loop();
  Trace trace;
  Handle self;
  self = loop->call_soon([&self, &trace, text = std::string("captured, and too long for a small string")] {
    self.cancel();
    trace.push_back(text);
  });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("captured, and too long for a small string"));
  EXPECT_TRUE(self.cancelled());
}

TEST(Handle, outlives_its_loop) {
  auto loop = make_loop();
  int alive = 0;
  const Handle soon = loop->call_soon([tracked = Tracked(alive)] {});
  const TimerHandle later = loop->call_later(1h, [tracked = Tracked(alive)] {});
  loop.reset();
  soon.cancel();
  later.cancel();
  EXPECT_EQ(alive, 0);
}

TEST(TimerHandle, knows_when_it_is_due) {
  auto loop = make_loop();
  const auto when = loop->time() + 3s;
  EXPECT_EQ(loop->call_at(when, [] {}).when(), when);
  EXPECT_EQ(loop->call_later(3s, [] {}).when(), when);
}

TEST(TimerHandle, is_ordered_by_its_time_and_equal_to_itself_alone) {
  auto loop = make_loop();
  std::vector<TimerHandle> timers;
  for (const auto seconds : {3s, 1s, 4s, 2s, 5s}) timers.push_back(loop->call_later(seconds, [] {}));
  std::sort(timers.begin(), timers.end());
  for (std::size_t i = 0; i < timers.size(); ++i) EXPECT_EQ(timers[i].when() - loop->time(), (i + 1) * 1s);
  EXPECT_TRUE(timers[0] < timers[1] && timers[0] <= timers[1]);
  EXPECT_FALSE(timers[0] > timers[1] || timers[0] >= timers[1] || timers[0] == timers[1]);
  timers[0].cancel();
  EXPECT_LT(timers[0], timers[1]);

  const TimerHandle twin = loop->call_later(2s, [] {});
  EXPECT_NE(timers[1], twin);
  EXPECT_NE(timers[1] < twin, twin < timers[1]);
  const TimerHandle copy = twin;
  EXPECT_TRUE(copy == twin && copy <= twin && copy >= twin);
  EXPECT_LT(TimerHandle(), timers[0]);
  EXPECT_EQ(TimerHandle(), TimerHandle());
  EXPECT_EQ((std::set{timers[4], twin, timers[4], copy}.size()), 2U);
}

}  // namespace
}  // namespace segue::modern
