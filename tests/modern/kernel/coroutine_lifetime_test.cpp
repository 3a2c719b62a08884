// How coroutines end, and what it takes to be awaited: destruction in each state, and awaiting what cannot be awaited.
#include <any>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::iterate;
using testing::Local;
using testing::make_loop;
using testing::park;
using testing::park_below;
using testing::Reports;
using testing::said_by;
using testing::stay;
using testing::Trace;
using testing::Tracked;

Coroutine<int> answer() { co_return 42; }
template <class T>
Coroutine<T> await_it(Coroutine<T>& inner) {
  co_return co_await inner;
}

TEST(CoroutineDestructor, reports_one_that_was_never_awaited) {
  EXPECT_THAT(said_by([] { [[maybe_unused]] const auto forgotten = answer(); }),
              HasSubstr("coroutine 'answer' was never awaited"));
}

TEST(CoroutineDestructor, frees_the_arguments_of_one_that_was_never_awaited) {
  int alive = 0;
  const auto body = [](Tracked) -> Coroutine<> { co_return; };
  said_by([&] { [[maybe_unused]] const auto forgotten = body(Tracked(alive)); });
  EXPECT_EQ(alive, 0);
}

TEST(CoroutineDestructor, closes_the_whole_chain) {
  Trace trace;
  {
    auto coroutine = park_below(trace, 2);
    coroutine.send();
  }
  EXPECT_THAT(trace, ElementsAre("level 0", "level 1", "level 2"));
}

TEST(CoroutineDestructor, reports_what_the_clean_up_throws) {
  const auto body = []() -> Coroutine<> {
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      throw ValueError("lost");
    }
  };
  const std::string said = said_by([&] {
    auto coroutine = body();
    coroutine.send();
  });
  EXPECT_THAT(said, HasSubstr("Exception ignored in"));
  EXPECT_THAT(said, HasSubstr("ValueError: lost"));
}

TEST(CoroutineDestructor, frees_one_that_ignores_GeneratorExit_and_reports_it) {
  Trace trace;
  const std::string said = said_by([&] {
    auto coroutine = stay(trace, 1'000'000);
    coroutine.send();
  });
  EXPECT_THAT(said, HasSubstr("coroutine ignored GeneratorExit"));
  EXPECT_THAT(trace, ElementsAre("left"));
}

TEST(CoroutineDestructor, leaves_the_future_that_was_waited_on_alone) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  {
    const auto body = [](Future<int> waited_on) -> Coroutine<int> { co_return co_await waited_on; };
    auto coroutine = body(future);
    coroutine.send();
  }
  EXPECT_FALSE(future.done());
  future.set_result(1);
}

// A clean-up that steps, closes and destroys other coroutines while an exception passes through it.
class Busy {
 public:
  explicit Busy(Trace& trace) : trace_(trace) {}
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() {
    auto finished = park();
    finished.send();
    trace_.push_back(attempt([&] { finished.send(3); }));
    auto closed = park_below(trace_, 1);
    closed.send();
    closed.close();
    auto failed = park_below(trace_, 0);
    failed.send();
    trace_.push_back(attempt([&] { failed.throw_(ValueError("inside")); }));
    auto destroyed = park_below(trace_, 0);
    destroyed.send();
  }

 private:
  Trace& trace_;
};

TEST(CoroutineDestructor, of_a_local_may_run_other_coroutines) {
  const auto body = [](Trace& trace) -> Coroutine<> {
    const Local first(trace, "outer");
    const Busy busy(trace);
    co_await yield_();
  };
  const auto expected =
      ElementsAre("StopIteration(3)", "level 0", "level 1", "level 0", "ValueError(inside)", "level 0", "outer");
  Trace trace;
  {
    auto destroyed = body(trace);
    destroyed.send();
  }
  EXPECT_THAT(trace, expected);
  trace.clear();
  auto failed = body(trace);
  failed.send();
  const ValueError kept("known by its base");
  EXPECT_EQ(attempt([&] { failed.throw_(static_cast<const Exception&>(kept)); }),
            "TypeError(throw_() got a ValueError as a Exception: give it an exception_ptr)");
  EXPECT_EQ(attempt([&] { failed.throw_(ValueError("outside")); }), "ValueError(outside)");
  EXPECT_THAT(trace, expected);
}

// --- a pending task whose loop goes away ---

TEST(CoroutineOfATask, is_closed_with_its_loop_wherever_it_waits) {
  Trace trace;
  int alive = 0;
  const auto wait = [&](Tracked, Future<int> future) -> Coroutine<int> {
    const Local local(trace, "waited");
    co_return co_await future;
  };
  const auto below = [&](Tracked tracked, Future<int> future) -> Coroutine<int> {
    const Local local(trace, "above");
    co_return co_await wait(tracked, future);
  };
  auto loop = make_loop();
  const Reports reports(*loop);
  const Future<int> never = loop->create_future<int>();
  {
    const Tracked tracked(alive);
    loop->create_task(wait(tracked, never));
    loop->create_task(below(tracked, never));
    loop->create_task(park_below(trace, 1));  // its bad yield has not been dealt with yet
    iterate(*loop);
    loop->create_task(wait(tracked, never));  // never starts
  }
  EXPECT_THAT(trace, IsEmpty());
  loop.reset();
  EXPECT_THAT(trace, ElementsAre("waited", "waited", "above", "level 0", "level 1"));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(reports.messages(), Trace(4, "Task was destroyed but it is pending!"));
  EXPECT_FALSE(never.done());
}

TEST(CoroutineOfATask, is_closed_while_what_it_waits_on_is_done_already) {
  Trace trace;
  auto loop = make_loop();
  const Reports reports(*loop);
  const Future<int> future = loop->create_future<int>();
  const auto wait = [&]() -> Coroutine<int> {
    const Local local(trace, "left");
    const int result = co_await future;
    trace.push_back("never");
    co_return result;
  };
  const Task<int> task = loop->create_task(wait());
  iterate(*loop);
  future.set_result(1);  // schedules the task, which never gets its turn
  loop.reset();
  EXPECT_THAT(trace, ElementsAre("left"));
  EXPECT_FALSE(task.done());
}

TEST(CoroutineOfATask, may_use_the_closed_loop_in_vain_while_it_is_closed) {
  Trace trace;
  auto loop = make_loop();
  const Reports reports(*loop);
  const auto body = [&]() -> Coroutine<> {
    EventLoop& own = get_running_loop();
    struct Late {
      ~Late() {
        trace.push_back(attempt([&] { own.call_soon([] {}); }));
        trace.push_back(attempt([&] { own.create_future<int>().set_result(1); }));
      }
      EventLoop& own;
      Trace& trace;
    } const late{own, trace};
    co_await sleep(1h);
  };
  loop->create_task(body());
  iterate(*loop);
  loop.reset();
  EXPECT_THAT(trace, ElementsAre("RuntimeError(Event loop is closed)", "None"));
}

// --- awaiting what cannot be awaited ---

TEST(AwaitedCoroutine, cannot_be_awaited_again_where_an_error_that_was_thrown_in_has_ended_it) {
  const auto send = []() -> Coroutine<int> {
    co_await yield_();
    co_return 42;
  };
  const auto read = [](Coroutine<int>& inner) -> Coroutine<int> {
    co_await yield_();
    co_return co_await inner;
  };
  auto sender = send();
  auto reader = read(sender);
  reader.send();
  reader.send();
  EXPECT_EQ(attempt([&] { reader.throw_(ValueError("ham")); }), "ValueError(ham)");

  const std::string refused = "RuntimeError(cannot reuse already awaited coroutine)";
  auto second = read(sender);
  second.send();
  EXPECT_EQ(attempt([&] { second.send(); }), refused);
  EXPECT_EQ(attempt([&] { second.throw_(ValueError("wat")); }), refused);
}

TEST(AwaitedCoroutine, cannot_be_awaited_again) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<std::string> {
    auto once = answer();
    const int result = co_await once;
    EXPECT_EQ(result, 42);
    EXPECT_EQ(once.state(), CoroutineState::CORO_CLOSED);
    try {
      co_await once;
    } catch (const RuntimeError& error) {
      co_return error.what();
    }
    co_return "";
  };
  EXPECT_EQ(loop->run_until_complete(main()), "cannot reuse already awaited coroutine");
}

TEST(AwaitedCoroutine, cannot_become_a_task) {
  auto loop = make_loop();
  auto closed = answer();
  closed.close();
  EXPECT_EQ(attempt([&] { loop->create_task(std::move(closed)); }),
            "RuntimeError(cannot reuse already awaited coroutine)");
  auto moved_from = answer();
  auto other = std::move(moved_from);
  EXPECT_EQ(attempt([&] { moved_from.send(); }),  // NOLINT(bugprone-use-after-move): a closed one
            "RuntimeError(cannot reuse already awaited coroutine)");
  EXPECT_EQ(attempt([&] { other.send(); }), "StopIteration(42)");
}

TEST(AwaitedCoroutine, cannot_be_awaited_by_a_second_one_and_the_first_goes_on) {
  auto shared = park();
  const auto wait = [&shared]() -> Coroutine<int> { co_return co_await shared; };
  auto first = wait();
  auto second = wait();
  first.send();
  EXPECT_EQ(attempt([&] { second.send(); }), "RuntimeError(coroutine is being awaited already)");
  EXPECT_EQ(attempt([&] { first.send(4); }), "StopIteration(4)");
}

TEST(AwaitedCoroutine, cannot_be_stepped_from_outside) {
  auto inner = park();
  const auto wait = [&inner]() -> Coroutine<int> { co_return co_await inner; };
  auto outer = wait();
  outer.send();
  EXPECT_EQ(inner.state(), CoroutineState::CORO_SUSPENDED);
  const std::string refused = "RuntimeError(coroutine is being awaited already)";
  EXPECT_EQ(attempt([&] { inner.send(1); }), refused);
  EXPECT_EQ(attempt([&] { inner.throw_(ValueError("x")); }), refused);
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
}

TEST(AwaitedCoroutine, that_is_being_awaited_cannot_become_a_task) {
  auto loop = make_loop();
  auto inner = park();
  auto outer = await_it(inner);
  outer.send();
  EXPECT_EQ(attempt([&] { loop->create_task(std::move(inner)); }), "RuntimeError(coroutine is being awaited already)");
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
}

TEST(AwaitedCoroutine, can_be_moved_meanwhile) {
  std::vector<Coroutine<int>> coroutines;
  coroutines.push_back(park());
  auto outer = await_it(coroutines.front());
  outer.send();
  coroutines.push_back(answer());  // moves the first, and frees where it was
  EXPECT_EQ(coroutines.front().state(), CoroutineState::CORO_SUSPENDED);
  EXPECT_EQ(attempt([&] { coroutines.front().send(); }), "RuntimeError(coroutine is being awaited already)");
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
  EXPECT_EQ(coroutines.front().state(), CoroutineState::CORO_CLOSED);
  const std::string reused = "RuntimeError(cannot reuse already awaited coroutine)";
  EXPECT_EQ(attempt([&] { coroutines.front().send(); }), reused);
  EXPECT_EQ(attempt([&] { coroutines.front().throw_(ValueError("x")); }), reused);
  auto second = await_it(coroutines.front());
  EXPECT_EQ(attempt([&] { second.send(); }), reused);
  coroutines.front().close();
  coroutines.back().close();
}

TEST(AwaitedCoroutine, whose_owner_is_destroyed_goes_on_and_is_reported) {
  Trace trace;
  std::optional<Coroutine<int>> inner = park_below(trace, 0);
  auto outer = await_it(*inner);
  outer.send();
  EXPECT_THAT(said_by([&] { inner.reset(); }),
              HasSubstr("coroutine 'park_below' was destroyed while it was being awaited"));
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
  EXPECT_THAT(trace, ElementsAre("level 0"));
}

TEST(AwaitedCoroutine, whose_owner_is_replaced_goes_on_and_is_reported) {
  auto inner = park();
  auto outer = await_it(inner);
  outer.send();
  EXPECT_THAT(said_by([&] { inner = answer(); }), HasSubstr("coroutine 'park' was destroyed"));
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
  EXPECT_EQ(attempt([&] { inner.send(); }), "StopIteration(42)");
}

TEST(AwaitedCoroutine, whose_owner_was_moved_and_then_destroyed_goes_on) {
  auto inner = park();
  auto outer = await_it(inner);
  outer.send();
  EXPECT_THAT(said_by([&] { const auto moved = std::move(inner); }), HasSubstr("was destroyed while"));
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
}

TEST(AwaitedCoroutine, whose_owner_was_destroyed_is_closed_with_its_awaiter) {
  Trace trace;
  {
    std::optional<Coroutine<int>> inner = park_below(trace, 0);
    auto outer = await_it(*inner);
    outer.send();
    said_by([&] { inner.reset(); });
  }
  EXPECT_THAT(trace, ElementsAre("level 0"));
}

// The frames of a task that its loop destroys are not resumed where they ignore their end.
TEST(AwaitedCoroutine, ends_when_its_awaiter_is_destroyed) {
  Trace trace;
  auto inner = stay(trace, 1'000'000);
  said_by([&] {
    auto outer = await_it(inner);
    outer.send();
  });
  EXPECT_EQ(inner.state(), CoroutineState::CORO_SUSPENDED);
  said_by([&] { const auto ended = std::move(inner); });
  EXPECT_THAT(trace, ElementsAre("left"));
}

TEST(AwaitedCoroutine, whose_owner_was_destroyed_and_that_ignores_its_end_is_freed) {
  Trace trace;
  std::optional<Coroutine<>> inner = stay(trace, 1'000'000);
  auto outer = await_it(*inner);
  outer.send();
  said_by([&] {
    inner.reset();
    EXPECT_EQ(attempt([&] { outer.close(); }), "RuntimeError(coroutine ignored GeneratorExit)");
  });
  EXPECT_THAT(trace, ElementsAre("left"));
}

// It moves its own owner, and waits; who awaits it ignores GeneratorExit, and is freed where it is.
TEST(AwaitedCoroutine, that_was_moved_and_whose_awaiter_was_freed_can_only_be_destroyed) {
  auto loop = make_loop();
  Trace trace;
  std::optional<Coroutine<int>> inner;
  std::optional<Coroutine<int>> moved;
  const auto body = [&]() -> Coroutine<int> {
    const Local local(trace, "left");
    moved.emplace(std::move(*inner));
    co_await yield_();
    co_return 5;
  };
  inner.emplace(body());
  const auto awaiting = [&]() -> Coroutine<> {
    bool closed = false;
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      closed = true;
    }
    if (closed) co_await *inner;
  };
  EXPECT_THAT(said_by([&] {
                auto outer = awaiting();
                outer.send();
              }),
              HasSubstr("coroutine ignored GeneratorExit"));
  const std::string reused = "RuntimeError(cannot reuse already awaited coroutine)";
  EXPECT_EQ(attempt([&] { moved->send(); }), reused);
  EXPECT_EQ(attempt([&] { moved->throw_(ValueError("x")); }), reused);
  EXPECT_EQ(attempt([&] { loop->create_task(std::move(*moved)); }), reused);
  auto again = await_it(*moved);
  EXPECT_EQ(attempt([&] { again.send(); }), reused);
  EXPECT_THAT(trace, IsEmpty());
  moved->close();
  EXPECT_THAT(trace, ElementsAre("left"));
  EXPECT_EQ(moved->state(), CoroutineState::CORO_CLOSED);
}

TEST(AwaitedCoroutine, may_destroy_its_own_owner) {
  std::optional<Coroutine<int>> inner;
  const auto body = [&inner]() -> Coroutine<int> {
    said_by([&] { inner.reset(); });
    co_await yield_();
    co_return 5;
  };
  inner.emplace(body());
  auto outer = await_it(*inner);
  outer.send();
  EXPECT_EQ(attempt([&] { outer.send(); }), "StopIteration(5)");
}

TEST(SteppedCoroutine, may_destroy_its_own_owner_and_return) {
  std::optional<Coroutine<int>> self;
  const auto body = [&self]() -> Coroutine<int> {
    self.reset();
    co_return 5;
  };
  self.emplace(body());
  std::string ended;
  EXPECT_THAT(said_by([&] { ended = attempt([&] { self->send(); }); }),
              HasSubstr("was destroyed while it was being executed"));
  EXPECT_EQ(ended, "StopIteration(5)");
}

TEST(SteppedCoroutine, that_destroyed_its_own_owner_is_closed_when_it_suspends) {
  Trace trace;
  std::optional<Coroutine<int>> self;
  const auto body = [&]() -> Coroutine<int> {
    const Local local(trace, "closed");
    self.reset();
    co_await yield_();
    co_return 5;
  };
  self.emplace(body());
  said_by([&] {
    EXPECT_EQ(attempt([&] { self->send(); }), "RuntimeError(coroutine was destroyed while it was being executed)");
  });
  EXPECT_THAT(trace, ElementsAre("closed"));
}

TEST(SteppedCoroutine, may_move_its_own_owner) {
  std::optional<Coroutine<int>> self;
  std::optional<Coroutine<int>> other;
  const auto body = [&]() -> Coroutine<int> {
    other.emplace(std::move(*self));
    self.reset();
    co_await yield_();
    self.emplace(std::move(*other));
    other.reset();
    co_return 5;
  };
  self.emplace(body());
  self->send();
  EXPECT_EQ(attempt([&] { other->send(); }), "StopIteration(5)");
  EXPECT_EQ(self->state(), CoroutineState::CORO_CLOSED);
}

TEST(SteppedCoroutine, may_destroy_its_own_owner_while_it_is_closed) {
  std::optional<Coroutine<int>> self;
  const auto body = [&self]() -> Coroutine<int> {
    const ScopeExit reset([&self] { self.reset(); });
    co_await yield_();
    co_return 5;
  };
  self.emplace(body());
  self->send();
  said_by([&] { EXPECT_EQ(attempt([&] { self->close(); }), "None"); });
}

// An object of a user's that is awaited as a coroutine that it makes.
struct Made {
  auto operator co_await() const { return park().operator co_await(); }
};

TEST(AwaitedCoroutine, a_temporary_one_lives_in_its_awaiter) {
  const auto body = []() -> Coroutine<int> { co_return co_await Made(); };
  auto outer = body();
  outer.send();
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
}

TEST(AwaitedCoroutine, that_was_stepped_by_hand_cannot_be_awaited) {
  auto inner = park();
  inner.send();
  const auto wait = [&inner]() -> Coroutine<int> { co_return co_await inner; };
  auto outer = wait();
  EXPECT_EQ(attempt([&] { outer.send(); }), "RuntimeError(coroutine is being awaited already)");
  EXPECT_EQ(attempt([&] { inner.send(4); }), "StopIteration(4)");
}

}  // namespace
}  // namespace segue::modern
