// What leaves an ExitStack, and an AsyncExitStack that has the same exits: what they are called with, and what the
// error of one of them comes of.
#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/contextlib.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::text;
using testing::Trace;

/// An exit of either stack.
using AnExit = std::function<bool(const std::exception_ptr&)>;

template <class Error>
AnExit raises(Error error) {
  return [error](const std::exception_ptr&) -> bool { throw error; };
}
/// Raises `outer` while it handles `inner`: both are made there, so that each has its context.
template <class Inner, class Outer>
AnExit raises_nested() {
  return [](const std::exception_ptr&) -> bool {
    try {
      throw Inner();
    } catch (const Inner&) {
      throw Outer();
    }
  };
}
AnExit suppresses(std::exception_ptr* seen = nullptr) {
  return [seen](const std::exception_ptr& error) {
    if (seen != nullptr) *seen = error;
    return true;
  };
}
AnExit passes() {
  return [](const std::exception_ptr&) { return false; };
}

/// The types of an error, of its context, and so on; "none" for null, "suppressed" where leaving says so.
std::string history_of(std::exception_ptr error) {
  std::string types;
  while (error) {
    types += (types.empty() ? "" : " < ") + describe(error).type;
    try {
      std::rethrow_exception(error);
    } catch (const BaseException& known) {
      error = known.context();
    }
  }
  return types.empty() ? "none" : types;
}

/// What leaves each of the stacks with these exits, the first of which is left last, where `error` comes in. They
/// agree.
std::string leave_both(const std::vector<AnExit>& exits, const std::exception_ptr& error = nullptr) {
  std::string ends[3];
  try {
    ExitStack stack;
    for (const AnExit& exit : exits) stack.push(exit);
    ends[0] = stack.leave(error) ? "suppressed" : "none";
  } catch (...) {
    ends[0] = history_of(std::current_exception());
  }
  for (const bool waits : {false, true}) {
    const auto main = [&]() -> Coroutine<> {
      AsyncExitStack stack;
      for (const AnExit& exit : exits) {
        if (waits) {
          stack.push_async_exit([exit](std::exception_ptr given) -> Coroutine<bool> {
            co_await sleep(0s);
            co_return exit(given);
          });
        } else {
          stack.push(exit);
        }
      }
      const Outcome<bool> left = co_await outcome(stack.aexit(error));
      ends[waits ? 2 : 1] = left.has_exception() ? history_of(left.exception()) : left.stored() ? "suppressed" : "none";
    };
    run(main());
  }
  EXPECT_EQ(ends[0], ends[1]) << "the async one with exits that do not wait";
  EXPECT_EQ(ends[0], ends[2]) << "the async one with exits that wait";
  return ends[0];
}

template <class Error>
std::exception_ptr error_of_the_body() {
  return std::make_exception_ptr(Error());
}

TEST(ExitStacks, suppress_or_pass_on_what_comes_in) {
  const auto zero = error_of_the_body<ZeroDivisionError>();
  EXPECT_EQ(leave_both({}), "none");
  EXPECT_EQ(leave_both({passes()}), "none");
  EXPECT_EQ(leave_both({}, zero), "none") << "it is the caller who goes on with it";
  EXPECT_EQ(leave_both({passes()}, zero), "none");
  EXPECT_EQ(leave_both({suppresses()}, zero), "suppressed");
  EXPECT_EQ(leave_both({suppresses(), passes()}, zero), "suppressed");
  EXPECT_EQ(leave_both({suppresses(), raises(ValueError()), raises(KeyError())}, zero), "suppressed");
  EXPECT_EQ(leave_both({suppresses(), raises(ValueError()), raises(KeyError())}), "none") << "nothing came in";
  EXPECT_EQ(leave_both({passes(), raises(IndexError())}), "IndexError");
  EXPECT_EQ(leave_both({raises(KeyError()), suppresses(), raises(IndexError())}), "KeyError");
}

// A manager whose end raises, as an exit of the stack does.
struct RaisesAtExit {
  std::function<void()> raise;
  void aenter() const {}
  bool aexit(const std::exception_ptr& error) const {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (...) {
        raise();
      }
    }
    raise();
    return true;
  }
};

TEST(ExitStacks, give_an_error_the_history_that_nested_blocks_give_it) {
  std::exception_ptr inner;
  const std::vector<AnExit> exits{raises(IndexError()), raises(KeyError()), raises(AttributeError()),
                                  suppresses(&inner), raises(ValueError())};
  EXPECT_EQ(leave_both(exits, error_of_the_body<ZeroDivisionError>()), "IndexError < KeyError < AttributeError")
      << "what was suppressed is forgotten";
  EXPECT_EQ(history_of(inner), "ValueError < ZeroDivisionError");
  EXPECT_EQ(leave_both({raises(IndexError()), raises(KeyError())}, error_of_the_body<ZeroDivisionError>()),
            "IndexError < KeyError < ZeroDivisionError");

  const auto nested = []() -> Coroutine<> {
    const RaisesAtExit index{[] { throw IndexError(); }};
    const RaisesAtExit key{[] { throw KeyError(); }};
    const auto body = []() -> Coroutine<> {
      throw ZeroDivisionError();
      co_return;
    };
    const auto within = [&]() -> Coroutine<> { co_await async_with(key, body); };
    co_await async_with(index, within);
  };
  try {
    run(nested());
    FAIL();
  } catch (...) {
    EXPECT_EQ(history_of(std::current_exception()), "IndexError < KeyError < ZeroDivisionError");
  }
}

TEST(ExitStacks, add_to_the_history_that_an_error_has_already) {
  EXPECT_EQ(leave_both({raises_nested<KeyError, IndexError>(), raises_nested<ValueError, AttributeError>()},
                       error_of_the_body<ZeroDivisionError>()),
            "IndexError < KeyError < AttributeError < ValueError < ZeroDivisionError");
}

TEST(ExitStacks, of_managers_made_of_generators_give_the_same_history) {
  const auto raising = asynccontextmanager([](std::exception_ptr error) -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (...) {
      std::rethrow_exception(error);
    }
  });
  const auto wrapping = asynccontextmanager([]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const std::exception&) {
      throw from(ValueError("new exception"), std::current_exception());
    }
  });
  const auto passing = asynccontextmanager([]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const std::exception&) {
      throw;
    }
  });
  const auto main = [&]() -> Coroutine<> {
    AsyncExitStack stack;
    const auto second = std::make_exception_ptr(KeyError());
    const auto third = std::make_exception_ptr(IndexError());
    co_await stack.enter_async_context(raising(third));
    co_await stack.enter_async_context(raising(second));
    const Outcome<bool> left = co_await outcome(stack.aexit(error_of_the_body<ZeroDivisionError>()));
    EXPECT_EQ(left.exception(), third);
    EXPECT_EQ(history_of(third), "IndexError < KeyError < ZeroDivisionError");

    co_await stack.enter_async_context(wrapping());
    co_await stack.enter_async_context(passing());
    const Outcome<bool> wrapped = co_await outcome(stack.aexit(error_of_the_body<RuntimeError>()));
    const std::exception_ptr error = wrapped.exception();
    EXPECT_EQ(history_of(error), "ValueError < RuntimeError");
    EXPECT_TRUE(holds<RuntimeError>(exception_ptr_cast<ValueError>(error)->cause()));
  };
  run(main());
}

TEST(ExitStacks, call_with_the_arguments_that_they_were_given_and_once) {
  Trace trace;
  const auto note = [&](const auto&... args) {
    std::string all;
    ((all += std::to_string(args) + " "), ...);
    trace.push_back(all);
  };
  {
    ExitStack stack;
    stack.callback(note, 1, 2);
    stack.callback(note, 1);
    stack.callback(note);
    stack.close();
    trace.push_back("closed");
    stack.close();
  }
  EXPECT_THAT(trace, ElementsAre("", "1 ", "1 2 ", "closed"));
  trace.clear();
  const auto main = [&]() -> Coroutine<> {
    AsyncExitStack stack;
    const auto note_later = [&](auto... args) -> Coroutine<> {
      co_await sleep(0s);
      note(args...);
    };
    stack.push_async_callback(note_later, 1, 2);
    stack.push_async_callback(note_later, 1);
    stack.push_async_callback(note_later);
    stack.callback(note, 3);
    co_await stack.aclose();
    trace.push_back("closed");
    co_await stack.aclose();
  };
  run(main());
  EXPECT_THAT(trace, ElementsAre("3 ", "", "1 ", "1 2 ", "closed"));
}

TEST(ExitStacks, tell_each_exit_what_is_raised_when_its_turn_comes) {
  const auto expects = [](Trace& trace) -> AnExit {
    return [&trace](const std::exception_ptr& error) {
      trace.push_back(error ? text(error) : "ok");
      return false;
    };
  };
  Trace trace;
  EXPECT_EQ(leave_both({expects(trace), suppresses(), expects(trace), expects(trace)},
                       error_of_the_body<ZeroDivisionError>()),
            "suppressed");
  EXPECT_THAT(trace, ElementsAre("ZeroDivisionError()", "ZeroDivisionError()", "ok",    // ExitStack
                                 "ZeroDivisionError()", "ZeroDivisionError()", "ok",    // AsyncExitStack
                                 "ZeroDivisionError()", "ZeroDivisionError()", "ok"));  // with exits that wait
}

TEST(ExitStacks, keep_what_is_entered_until_they_are_left_or_moved) {
  Trace trace;
  struct Kept {
    Trace* trace;
    explicit Kept(Trace& trace) : trace(&trace) { trace.push_back("enter"); }
    Kept(Kept&& other) noexcept : trace(std::exchange(other.trace, nullptr)) {}
    Kept& operator=(Kept&&) = delete;
    ~Kept() {
      if (trace != nullptr) trace->push_back("exit");
    }
  };
  ExitStack moved;
  {
    ExitStack stack;
    stack.callback([&] { trace.push_back("last"); });
    static_cast<void>(stack.enter_context(Kept(trace)));
    trace.push_back("body");
    moved = stack.pop_all();
  }
  trace.push_back("left");
  moved.close();
  EXPECT_THAT(trace, ElementsAre("enter", "body", "left", "exit", "last"));
}

TEST(AsyncContextManager, of_a_generator_that_swallows_what_is_thrown_in_says_so_and_may_raise_another) {
  const auto plain = asynccontextmanager([]() -> AsyncGenerator<int> { co_yield 1; });
  const auto wraps = asynccontextmanager([]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const std::exception& error) {
      throw from(RuntimeError(std::string("caught ") + error.what()), std::current_exception());
    }
  });
  const auto main = [&]() -> Coroutine<> {
    auto left_alone = plain();
    co_await left_alone.aenter();
    const bool suppressed = co_await left_alone.aexit(std::make_exception_ptr(TypeError("foo")));
    EXPECT_FALSE(suppressed);

    const auto ends_with = [](auto manager, std::exception_ptr error) -> Coroutine<std::exception_ptr> {
      const auto body = [error] { std::rethrow_exception(error); };
      const Outcome<void> ended = co_await outcome(async_with(std::move(manager), body));
      co_return ended.exception();
    };
    const auto zero = std::make_exception_ptr(ZeroDivisionError("z"));
    const auto wrapped = co_await ends_with(wraps(), zero);
    EXPECT_EQ(text(wrapped), "RuntimeError(caught z)");
    for (const std::exception_ptr& stop : {std::make_exception_ptr(StopIteration<std::string>("spam")),
                                           std::make_exception_ptr(StopAsyncIteration("ham"))}) {
      auto passing = plain();
      co_await passing.aenter();
      EXPECT_FALSE(co_await passing.aexit(stop)) << "it goes on";
      auto unwrapping = wraps();
      co_await unwrapping.aenter();
      EXPECT_FALSE(co_await unwrapping.aexit(stop)) << "as if the generator had been wrapped by the machinery";
    }
  };
  run(main());
}

TEST(AsyncContextManager, put_around_a_function_is_made_anew_for_each_call) {
  int depth = 0;
  int entered = 0;
  const auto counted = asynccontextmanager([&]() -> AsyncGenerator<int> {
    ++entered;
    const int before = depth++;
    std::exception_ptr error;
    try {
      co_yield before;
    } catch (...) {
      error = std::current_exception();
    }
    --depth;
    EXPECT_EQ(depth, before);
    if (error) std::rethrow_exception(error);
  });
  const auto around = [&](auto function) {
    return [&, function](auto... args) { return async_with(counted(), [=](int) { return function(args...); }); };
  };
  std::function<Coroutine<>()> recursive;
  recursive = around([&]() -> Coroutine<> {
    if (depth < 10) co_await recursive();
  });
  const auto adds = around([](int a, std::string b) -> Coroutine<std::string> { co_return std::to_string(a) + b; });
  const auto fails = around([&]() -> Coroutine<> {
    EXPECT_EQ(depth, 1);
    throw ValueError("foo");
    co_return;
  });
  const auto main = [&]() -> Coroutine<> {
    co_await recursive();
    EXPECT_EQ(entered, 10);
    EXPECT_EQ(depth, 0);
    const auto text = co_await adds(1, std::string("c"));
    EXPECT_EQ(*text, "1c");
    const Outcome<void> failed = co_await outcome(fails());
    EXPECT_TRUE(holds<ValueError>(failed.exception()));
    EXPECT_EQ(depth, 0);
    EXPECT_EQ(entered, 12);
  };
  run(main());
}

TEST(AsyncContextManager, within_an_async_generator_lets_its_end_through) {
  const auto manager = asynccontextmanager([]() -> AsyncGenerator<int> { co_yield 1; });
  Trace trace;
  const auto values = [&]() -> AsyncGenerator<int> {
    auto context = manager();
    co_await context.aenter();
    std::exception_ptr error;
    try {
      co_yield 11;
    } catch (...) {
      error = std::current_exception();
      trace.push_back(text(error));
    }
    const bool suppressed = co_await context.aexit(error);
    if (error && !suppressed) std::rethrow_exception(error);
  };
  const auto main = [&]() -> Coroutine<> {
    auto g = values();
    co_await async_for(g, [](int value) {
      EXPECT_EQ(value, 11);
      return LoopControl::break_;
    });
    co_await g.aclose();
  };
  run(main());
  EXPECT_THAT(trace, ElementsAre("GeneratorExit()"));
}

TEST(Aclosing, closes_what_it_was_given_though_the_body_fails) {
  Trace trace;
  struct Closable {
    Trace& trace;
    Coroutine<> aclose() {
      co_await sleep(0s);
      trace.push_back("closed");
    }
  };
  struct Resource {
    Trace& trace;
    ~Resource() { trace.push_back("released"); }
  };
  const auto generator = [&]() -> AsyncGenerator<int> {
    const Resource resource{trace};
    co_yield -1;
    co_yield -2;
  };
  const auto main = [&]() -> Coroutine<> {
    Closable closable{trace};
    const auto body = [&](Closable& same) {
      EXPECT_EQ(&same, &closable);
      throw ZeroDivisionError();
    };
    const Outcome<void> failed = co_await outcome(async_with(aclosing(closable), body));
    EXPECT_TRUE(holds<ZeroDivisionError>(failed.exception()));
    auto g = generator();
    const auto use = [](AsyncGenerator<int>& open) -> Coroutine<> {
      const int value = co_await open.anext();
      EXPECT_EQ(value, -1);
      throw ZeroDivisionError();
    };
    const Outcome<void> again = co_await outcome(async_with(aclosing(g), use));
    EXPECT_TRUE(holds<ZeroDivisionError>(again.exception()));
    trace.push_back("left");
  };
  run(main());
  EXPECT_THAT(trace, ElementsAre("closed", "released", "left"));
}

TEST(ExitStacks, give_what_is_raised_in_a_handler_the_history_of_the_stack) {
  ExitStack stack;
  stack.callback([] { throw TypeError(); });
  stack.callback([] { throw ValueError(); });
  try {
    throw KeyError();
  } catch (const KeyError&) {
    try {
      stack.close();
      FAIL();
    } catch (...) {
      EXPECT_EQ(history_of(std::current_exception()), "TypeError < ValueError");
    }
  }
}

/// The history of what async_with() raises with `manager`, whose body raises a KeyError.
template <class Manager>
std::string history_after_body(Manager manager) {
  std::string history;
  const auto main = [&]() -> Coroutine<> {
    const auto body = [] { throw KeyError(); };
    const Outcome<void> ended = co_await outcome(async_with(manager, body));
    history = history_of(ended.exception());
  };
  run(main());
  return history;
}

TEST(AsyncWith, adds_the_bodys_error_to_the_history_that_an_error_of_the_end_has) {
  const RaisesAtExit nested{[] { raises_nested<TypeError, ValueError>()(nullptr); }};
  EXPECT_EQ(history_after_body(nested), "ValueError < TypeError < KeyError");
}

TEST(AsyncWith, leaves_out_of_a_history_what_a_stack_has_suppressed) {
  AsyncExitStack stack;
  stack.push(raises(TypeError()));
  stack.push(suppresses());
  stack.push(raises(ValueError()));
  std::string history;
  const auto main = [&]() -> Coroutine<> {
    const auto body = [] { throw KeyError(); };
    const auto ended = co_await outcome(async_with(stack, body));
    history = history_of(ended.exception());
  };
  run(main());
  EXPECT_EQ(history, "TypeError");
}

TEST(AsyncContextManager, that_does_not_stop_says_so_before_what_closing_it_raises) {
  const auto manager = asynccontextmanager([](bool ignores) -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const KeyError&) {
    }
    bool closed = false;
    try {
      co_yield 2;
    } catch (const GeneratorExit&) {
      closed = true;
    }
    if (closed && ignores) co_yield 3;
    throw TypeError();
  });
  EXPECT_EQ(history_after_body(manager(false)), "TypeError < RuntimeError < KeyError");
  EXPECT_EQ(history_after_body(manager(true)), "RuntimeError < RuntimeError < KeyError");
}

}  // namespace
}  // namespace segue::modern
