#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

namespace segue::modern {
namespace {

using ::testing::ElementsAre;
using Trace = std::vector<std::string>;

// What CPython 3.13 prints for the same chains of `async def` that await one another.

struct Traced {
  Trace& trace;
  const char* event;
  ~Traced() { trace.emplace_back(event); }
};

Coroutine<> parked(Trace& trace, const char* event) {
  const Traced traced{trace, event};
  co_await yield_();
}

Coroutine<> awaiting(Trace& trace, const char* event, Coroutine<> inner) {
  const Traced traced{trace, event};
  co_await inner;
}

Coroutine<std::string> returning_on_exit() {
  try {
    co_await yield_();
  } catch (const GeneratorExit&) {
  }
  co_return "lost";
}

Coroutine<> raising_on_exit() {
  try {
    co_await yield_();
  } catch (const GeneratorExit&) {
    throw ValueError("s");
  }
}

Coroutine<> ignoring_exit() {
  bool exited = false;
  try {
    co_await yield_();
  } catch (const GeneratorExit&) {
    exited = true;
  }
  if (exited) co_await yield_();
}

// Notes how the await of `inner` ends, and lets it out.
template <class T>
Coroutine<> noting(Trace& trace, Coroutine<T> inner) {
  try {
    co_await inner;
    trace.emplace_back("never");
  } catch (const GeneratorExit&) {
    trace.emplace_back("GeneratorExit");
    throw;
  } catch (const Exception& error) {
    trace.emplace_back(error.what());
    throw;
  }
}

TEST(CoroutineClose, closes_from_the_inside_out) {
  Trace trace;
  auto outer = awaiting(trace, "outer", awaiting(trace, "middle", parked(trace, "inner")));
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("inner", "middle", "outer"));
  EXPECT_EQ(outer.state(), CoroutineState::CORO_CLOSED);
}

TEST(CoroutineClose, loses_what_a_delegate_returns_on_its_exit) {
  Trace trace;
  auto outer = noting(trace, returning_on_exit());
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("GeneratorExit"));
}

TEST(CoroutineClose, loses_it_for_a_generator_exit_that_is_thrown_in_too) {
  Trace trace;
  auto outer = noting(trace, returning_on_exit());
  outer.send();
  EXPECT_THROW(outer.throw_(GeneratorExit()), GeneratorExit);
  EXPECT_THAT(trace, ElementsAre("GeneratorExit"));
}

TEST(CoroutineClose, exits_each_level_where_the_innermost_returns) {
  Trace trace;
  auto outer = noting(trace, noting(trace, noting(trace, returning_on_exit())));
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("GeneratorExit", "GeneratorExit", "GeneratorExit"));
}

TEST(CoroutineClose, raises_in_the_delegator_what_the_delegate_raised) {
  Trace trace;
  auto outer = noting(trace, raising_on_exit());
  outer.send();
  EXPECT_THROW(outer.close(), ValueError);
  EXPECT_THAT(trace, ElementsAre("s"));
}

TEST(CoroutineClose, succeeds_where_the_delegator_handles_that_and_returns) {
  Trace trace;
  auto handling = [](Trace& events) -> Coroutine<> {
    try {
      co_await raising_on_exit();
    } catch (const ValueError& error) {
      events.emplace_back(error.what());
    }
  };
  auto outer = handling(trace);
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("s"));
}

TEST(CoroutineClose, raises_in_the_delegator_that_its_delegate_ignores_it) {
  Trace trace;
  auto inner = ignoring_exit();
  auto outer = noting(trace, std::move(inner));
  outer.send();
  try {
    outer.close();
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "coroutine ignored GeneratorExit");
  }
  EXPECT_THAT(trace, ElementsAre("coroutine ignored GeneratorExit"));
  EXPECT_EQ(outer.state(), CoroutineState::CORO_CLOSED);
}

TEST(CoroutineClose, leaves_a_delegate_that_ignores_it_to_its_owner) {
  Trace trace;
  auto inner = ignoring_exit();
  auto borrowing = [](Coroutine<>& borrowed, Trace& events) -> Coroutine<> {
    try {
      co_await borrowed;
    } catch (const RuntimeError& error) {
      events.emplace_back(error.what());
    }
  };
  auto outer = borrowing(inner, trace);
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("coroutine ignored GeneratorExit"));
  EXPECT_EQ(inner.state(), CoroutineState::CORO_SUSPENDED);
  EXPECT_THROW(inner.send(), StopIteration<>);
}

TEST(CoroutineClose, raises_runtime_error_where_the_outermost_awaits_again) {
  auto outer = ignoring_exit();
  outer.send();
  EXPECT_THROW(outer.close(), RuntimeError);
  EXPECT_EQ(outer.state(), CoroutineState::CORO_SUSPENDED);
  EXPECT_THROW(outer.send(), StopIteration<>);
}

TEST(CoroutineClose, throws_other_exceptions_at_the_leaf_alone) {
  Trace trace;
  auto inner = [](Trace& events) -> Coroutine<std::string> {
    try {
      co_await yield_();
    } catch (const ValueError& error) {
      events.emplace_back(error.what());
    }
    co_return "value";
  };
  auto outer = [&inner](Trace& events) -> Coroutine<std::string> { co_return co_await inner(events); };
  auto made = outer(trace);
  made.send();
  try {
    made.throw_(ValueError("v"));
    FAIL();
  } catch (const StopIteration<std::string>& stop) {
    EXPECT_EQ(stop.value, "value");
  }
  EXPECT_THAT(trace, ElementsAre("v"));
}

TEST(CoroutineClose, counts_as_executing_all_through_it) {
  Coroutine<>* self = nullptr;
  Trace trace;
  struct Sending {
    Coroutine<>*& self;
    Trace& trace;
    ~Sending() {
      try {
        self->send();
      } catch (const ValueError& error) {
        trace.emplace_back(error.what());
      }
    }
  };
  auto inner = [&]() -> Coroutine<> {
    const Sending sending{self, trace};
    co_await yield_();
  };
  auto middle = [&inner]() -> Coroutine<> { co_await inner(); };
  auto outer = middle();
  self = &outer;
  outer.send();
  outer.close();
  EXPECT_THAT(trace, ElementsAre("coroutine already executing"));
}

// --- a second await ---

TEST(CoroutineAwait, refuses_one_that_is_executing) {
  const auto loop = new_event_loop(std::make_unique<ManualReactor>());
  Trace trace;
  Coroutine<>* inner = nullptr;
  auto awaiting_itself = [&]() -> Coroutine<> {
    try {
      co_await *inner;
    } catch (const ValueError& error) {
      trace.emplace_back(error.what());
    }
  };
  auto main = [&]() -> Coroutine<> {
    auto made = awaiting_itself();
    inner = &made;
    co_await made;
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("coroutine already executing"));
}

TEST(CoroutineAwait, refuses_one_that_is_executing_by_hand) {
  Trace trace;
  Coroutine<>* self = nullptr;
  auto awaiting_itself = [&]() -> Coroutine<> {
    try {
      co_await *self;
    } catch (const ValueError& error) {
      trace.emplace_back(error.what());
    }
  };
  auto made = awaiting_itself();
  self = &made;
  EXPECT_THROW(made.send(), StopIteration<>);
  EXPECT_THAT(trace, ElementsAre("coroutine already executing"));
}

TEST(CoroutineAwait, rule_33_refuses_one_that_another_coroutine_awaits) {
  auto leaf = []() -> Coroutine<int> {
    const std::any sent = co_await yield_();
    co_return std::any_cast<int>(sent);
  };
  auto shared = leaf();
  auto wait = [&shared]() -> Coroutine<int> { co_return co_await shared; };
  auto first = wait();
  auto second = wait();
  first.send();
  try {
    second.send();
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "coroutine is being awaited already");
  }
  try {
    first.send(4);
    FAIL();
  } catch (const StopIteration<int>& stop) {
    EXPECT_EQ(stop.value, 4);
  }
}

}  // namespace
}  // namespace segue::modern
