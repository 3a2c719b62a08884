#include <segue/modern/tasks/contextlib.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::Trace;

/// A manager that notes what it is left with, and then raises or swallows.
struct Room {
  Trace& trace;
  std::string name;
  std::string way_out = "";

  Coroutine<Room&> aenter() {
    co_await sleep(0s);
    co_return *this;
  }
  Coroutine<bool> aexit(std::exception_ptr error) {
    trace.push_back(name + " " + (error ? testing::text(error) : "None"));
    co_await sleep(0s);
    if (way_out == "raise") throw OSError(name);
    co_return way_out == "eat";
  }
};

template <class F>
Coroutine<std::string> how_it_ends(F f) {
  try {
    co_await f();
    co_return "None";
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
}

TEST(Aclosing, rule_144_closes_what_async_for_leaves_open) {
  Trace trace;
  const auto numbers = [&]() -> AsyncGenerator<int> {
    std::exception_ptr error;
    try {
      co_yield 1;
      co_yield 2;
    } catch (...) {
      error = std::current_exception();
    }
    co_await sleep(0s);
    trace.push_back("fin");
    if (error) std::rethrow_exception(error);
  };
  const auto leave = [](int) { return LoopControl::break_; };
  run([&]() -> Coroutine<> {
    auto kept = numbers();
    co_await async_for(kept, leave);
    trace.push_back("open");
    const auto use = [&](AsyncGenerator<int>& each) -> Coroutine<> { co_await async_for(each, leave); };
    co_await async_with(aclosing(kept), use);
    co_await async_with(aclosing(numbers()), use);
    trace.push_back("end");
  }());
  EXPECT_THAT(trace, ElementsAre("open", "fin", "fin", "end"));
}

TEST(AsyncExitStack, rule_148_leaves_in_reverse_and_hands_on_what_each_makes_of_the_error) {
  Trace trace;
  run([&]() -> Coroutine<> {
    const auto body = [&](AsyncExitStack& stack) -> Coroutine<> {
      for (const auto& [name, way_out] : {std::pair("a", ""), {"b", "eat"}, {"c", "raise"}, {"d", ""}}) {
        Room room{trace, name, way_out};
        const Room& entered = co_await stack.enter_async_context(std::move(room));
        EXPECT_EQ(entered.name, name);
      }
      throw ValueError("x");
    };
    co_await async_with(AsyncExitStack(), body);
  }());
  EXPECT_THAT(trace, ElementsAre("d ValueError(x)", "c ValueError(x)", "b OSError(c)", "a None"));
}

TEST(AsyncExitStack, an_error_of_an_exit_has_the_former_one_as_its_context) {
  Trace trace;
  run([&]() -> Coroutine<> {
    AsyncExitStack stack;
    Room room{trace, "a", "raise"};
    co_await stack.enter_async_context(room);
    try {
      co_await stack.aexit(std::make_exception_ptr(ValueError("x")));
    } catch (const OSError& error) {
      trace.push_back(testing::text(error.context()));
    }
  }());
  EXPECT_THAT(trace, ElementsAre("a ValueError(x)", "ValueError(x)"));
}

TEST(AsyncExitStack, takes_functions_objects_and_managers_that_need_no_entering) {
  Trace trace;
  int alive = 0;
  run([&]() -> Coroutine<> {
    AsyncExitStack stack;
    Room room{trace, "room"};
    stack.push_async_exit(room);
    stack.callback([&](const std::string& text) { trace.push_back(text); }, "callback");
    stack.push_async_callback(
        [](Trace& trace, std::string text) -> Coroutine<> {
          co_await sleep(0s);
          trace.push_back(text);
        },
        std::ref(trace), std::string("async callback"));
    stack.push([&](const std::exception_ptr& error) {
      trace.push_back("exit " + testing::text(error));
      return true;
    });
    stack.push_async_exit([&](std::exception_ptr error) -> Coroutine<> {
      trace.push_back("async exit " + testing::text(error));
      co_return;
    });
    testing::Tracked& tracked = stack.enter_context(testing::Tracked(alive));
    static_cast<void>(tracked);
    EXPECT_EQ(alive, 1);
    const bool suppressed = co_await stack.aexit(std::make_exception_ptr(ValueError("x")));
    EXPECT_TRUE(suppressed);
    EXPECT_EQ(alive, 0);
    co_await stack.aclose();
  }());
  EXPECT_THAT(trace,
              ElementsAre("async exit ValueError(x)", "exit ValueError(x)", "async callback", "callback", "room None"));
}

TEST(AsyncExitStack, is_kept_by_the_task_that_closes_a_temporary_one) {
  Trace trace;
  const auto main = [&]() -> Coroutine<> {
    AsyncExitStack stack;
    stack.push_async_callback([&]() -> Coroutine<> {
      co_await sleep(1s);
      trace.push_back("closed");
    });
    const Task<> closing = create_task(stack.pop_all().aclose());
    trace.push_back("closing");
    co_await closing;
  };
  testing::make_loop()->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("closing", "closed"));
}

TEST(AsyncExitStack, pop_all_moves_what_is_to_be_done) {
  Trace trace;
  run([&]() -> Coroutine<> {
    AsyncExitStack kept;
    const auto body = [&](AsyncExitStack& stack) -> Coroutine<> {
      stack.callback([&] { trace.push_back("called"); });
      kept = stack.pop_all();
      co_return;
    };
    co_await async_with(AsyncExitStack(), body);
    trace.push_back("left");
    co_await kept.aclose();
  }());
  EXPECT_THAT(trace, ElementsAre("left", "called"));
}

TEST(AsyncExitStack, a_manager_that_cannot_be_entered_is_not_left) {
  struct Locked {
    void aenter() { throw ValueError("locked"); }
    void aexit(const std::exception_ptr&) { ADD_FAILURE(); }
  };
  run([]() -> Coroutine<> {
    AsyncExitStack stack;
    const auto enter = [&]() -> Coroutine<> { co_await stack.enter_async_context(Locked()); };
    EXPECT_EQ(co_await how_it_ends(enter), "ValueError(locked)");
    co_await stack.aclose();
  }());
}

TEST(AsyncExitStack, gives_what_can_only_be_moved) {
  run([]() -> Coroutine<> {
    const auto owned =
        asynccontextmanager([]() -> AsyncGenerator<std::unique_ptr<int>> { co_yield std::make_unique<int>(3); });
    AsyncExitStack stack;
    const std::unique_ptr<int> entered = co_await stack.enter_async_context(owned());
    EXPECT_EQ(*entered, 3);
    co_await stack.aclose();
  }());
}

TEST(ExitStack, calls_in_reverse_and_throws_the_last_error) {
  Trace trace;
  ExitStack stack;
  stack.callback([&] { trace.push_back("first"); });
  stack.push([&](const std::exception_ptr& error) {
    trace.push_back(testing::text(error));
    throw TypeError("second");
  });
  stack.callback([] { throw ValueError("third"); });
  try {
    stack.close();
    ADD_FAILURE();
  } catch (const TypeError& error) {
    EXPECT_EQ(error.context(), nullptr) << "nothing was being handled, as in CPython";
  }
  EXPECT_THAT(trace, ElementsAre("ValueError(third)", "first"));
}

TEST(ExitStack, keeps_objects_until_it_is_left) {
  int alive = 0;
  int alive_at_the_callback = 0;
  ExitStack stack;
  const testing::Tracked& first = stack.enter_context(testing::Tracked(alive));
  stack.callback([&] { alive_at_the_callback = alive; });
  const testing::Tracked& second = stack.enter_context(testing::Tracked(alive));
  EXPECT_NE(&first, &second);
  EXPECT_EQ(alive, 2);
  stack.close();
  EXPECT_EQ(alive_at_the_callback, 1) << "objects and calls in one order, the last one first";
  EXPECT_EQ(alive, 0);
}

/// A manager that needs no await.
struct Door {
  Trace& trace;
  std::string name;
  bool swallows = false;

  std::string enter() {
    trace.push_back("enter " + name);
    if (name == "locked") throw OSError(name);
    return name;
  }
  bool exit(const std::exception_ptr& error) {
    trace.push_back("exit " + name + " " + (error ? testing::text(error) : "None"));
    return swallows;
  }
};

TEST(ExitStack, enters_and_leaves_managers) {
  Trace trace;
  ExitStack stack;
  Door outer{trace, "outer"};
  EXPECT_EQ(stack.enter_context(outer), "outer");
  EXPECT_EQ(stack.enter_context(Door{trace, "inner", true}), "inner");
  EXPECT_THROW(stack.enter_context(Door{trace, "locked"}), OSError);
  Door entered{trace, "entered"};
  stack.push(entered);
  EXPECT_EQ(stack.enter_context(nullcontext(5)), 5);
  EXPECT_TRUE(stack.leave(std::make_exception_ptr(ValueError("v"))));
  EXPECT_THAT(trace, ElementsAre("enter outer", "enter inner", "enter locked", "exit entered ValueError(v)",
                                 "exit inner ValueError(v)", "exit outer None"));
}

TEST(AsyncExitStack, enters_and_leaves_managers_that_need_no_await) {
  Trace trace;
  const auto main = [&]() -> Coroutine<> {
    AsyncExitStack stack;
    EXPECT_EQ(stack.enter_context(Door{trace, "outer"}), "outer");
    stack.enter_context(suppress<ValueError>());
    Door entered{trace, "entered"};
    stack.push(entered);
    Coroutine<bool> leaving = stack.aexit(std::make_exception_ptr(ValueError("v")));
    const bool swallowed = co_await leaving;
    EXPECT_TRUE(swallowed);
  };
  run(main());
  EXPECT_THAT(trace, ElementsAre("enter outer", "exit entered ValueError(v)", "exit outer None"));
}

TEST(ExitStack, closes_by_its_destructor_and_when_another_one_takes_its_place) {
  Trace trace;
  const auto note = [&](const char* text) { trace.emplace_back(text); };
  {
    ExitStack stack;
    stack.callback(note, "replaced");
    ExitStack other;
    other.callback(note, "destroyed");
    stack = std::move(other);
    trace.emplace_back("moved");
    ExitStack popped = stack.pop_all();
    stack.close();
  }
  EXPECT_THAT(trace, ElementsAre("replaced", "moved", "destroyed"));

  const segue::testing::UnraisableReports ignored;
  {
    ExitStack stack;
    stack.callback([] { throw ValueError("nobody hears it"); });
  }
  EXPECT_THAT(ignored.lines, ElementsAre(EndsWith(": ValueError('nobody hears it')")));
}

TEST(AsyncContextManager, rule_149_of_a_generator_that_does_not_yield_once) {
  Trace trace;
  run([&]() -> Coroutine<> {
    const auto manager = asynccontextmanager([](int kind) -> AsyncGenerator<int> {
      if (kind == 0) co_return;
      bool caught = false;
      try {
        co_yield 1;
      } catch (const ValueError&) {
        caught = true;
      }
      if (caught && kind == 2) co_yield 2;
      if (kind == 1) co_yield 3;
    });
    for (const int kind : {0, 1, 2}) {
      const auto use = [&]() -> Coroutine<> {
        const auto body = [&] {
          if (kind == 2) throw ValueError("x");
        };
        co_await async_with(manager(kind), body);
      };
      trace.push_back(co_await how_it_ends(use));
    }
  }());
  EXPECT_THAT(trace, ElementsAre("RuntimeError(generator didn't yield)", "RuntimeError(generator didn't stop)",
                                 "RuntimeError(generator didn't stop after athrow())"));
}

TEST(AsyncContextManager, gives_what_its_generator_yields_and_throws_what_its_body_throws_from_there) {
  Trace trace;
  run([&]() -> Coroutine<> {
    const auto managed = asynccontextmanager([&](std::string handled) -> AsyncGenerator<std::string&> {
      std::string name = "resource";
      trace.push_back("enter");
      try {
        co_yield name;
      } catch (const BaseException& error) {
        trace.push_back(std::string("threw ") + error.what());
        if (error.what() != handled) throw;
      }
      co_await sleep(0s);
      trace.push_back("exit " + name);
    });
    const auto body = [&](std::string& name) {
      name = "changed";
      throw ValueError("x");
    };
    co_await async_with(managed("x"), body);
    const auto other = [&]() -> Coroutine<> { co_await async_with(managed("y"), body); };
    trace.push_back(co_await how_it_ends(other));
    co_await async_with(managed(""), [](std::string&) {});
  }());
  EXPECT_THAT(trace, ElementsAre("enter", "threw x", "exit changed", "enter", "threw x", "ValueError(x)", "enter",
                                 "exit resource"));
}

TEST(AsyncContextManager, an_end_that_is_thrown_through_it_is_not_swallowed) {
  run([]() -> Coroutine<> {
    const auto plain = asynccontextmanager([]() -> AsyncGenerator<int> { co_yield 1; });
    const auto use = [&]() -> Coroutine<> {
      const auto body = [] { throw StopAsyncIteration("mine"); };
      co_await async_with(plain(), body);
    };
    EXPECT_EQ(co_await how_it_ends(use), "StopAsyncIteration(mine)");
  }());
}

TEST(Suppress, ends_the_body_at_the_errors_it_names) {
  Trace trace;
  run([&]() -> Coroutine<> {
    const auto raise = [](auto error) { return [error] { throw error; }; };
    const auto with = [&](auto error) {
      return [&, error]() -> Coroutine<> { co_await async_with(suppress<ValueError, KeyError>(), raise(error)); };
    };
    trace.push_back(co_await how_it_ends(with(ValueError("a"))));
    trace.push_back(co_await how_it_ends(with(TypeError("b"))));
    trace.push_back(co_await how_it_ends(with(ExceptionGroup("g", ValueError("1"), KeyError("2")))));
    const auto rest = with(ExceptionGroup("g", ValueError("1"), TypeError("2")));
    try {
      co_await rest();
    } catch (const ExceptionGroup& group) {
      trace.push_back(testing::text(group.exceptions().at(0)));
    }
  }());
  EXPECT_THAT(trace, ElementsAre("None", "TypeError(b)", "None", "TypeError(2)"));
}

TEST(NullContext, gives_what_it_was_made_with) {
  run([]() -> Coroutine<> {
    const int twice = co_await async_with(nullcontext(21), [](int& n) { return 2 * n; });
    EXPECT_EQ(twice, 42);
    co_await async_with(nullcontext(), [] {});
  }());
}

TEST(Suppress, raises_the_rest_of_a_group_anew_though_none_of_it_matches) {
  const auto group = std::make_exception_ptr(ExceptionGroup("g", TypeError("1")));
  run([&]() -> Coroutine<> {
    const auto body = [&] { std::rethrow_exception(group); };
    try {
      co_await async_with(suppress<ValueError>(), body);
    } catch (const ExceptionGroup& rest) {
      EXPECT_NE(exception_id(std::current_exception()), exception_id(group));
      EXPECT_EQ(rest.context(), group);
      EXPECT_TRUE(rest.suppress_context());
    }
  }());
}

}  // namespace
}  // namespace segue::modern
