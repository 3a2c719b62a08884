#include <segue/modern/loop/handle.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::iterate;
using testing::make_loop;
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

TEST(Handle, cancelled_by_an_earlier_callback_of_the_same_iteration_does_not_run) {
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

}  // namespace
}  // namespace segue::modern
