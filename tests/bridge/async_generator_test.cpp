#include <segue/bridge/async_generator.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/asyncio.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/unraisable.hpp>

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using asyncio::AsyncGenerator;
using asyncio::AsyncGeneratorState;
using asyncio::Coroutine;
using ::testing::ElementsAre;
using Lines = std::vector<std::string>;

std::string line_of(const std::exception_ptr& error) {
  const ExceptionText text = describe(error);
  return text.type + "(" + text.message + ")";
}

template <class Step>
Coroutine<std::string> end_of_step(Step step) {
  try {
    if constexpr (std::is_void_v<asyncio::await_result_t<Step>>) {
      co_await step;
      co_return "None";
    } else {
      const auto value = co_await step;
      co_return std::to_string(value);
    }
  } catch (...) {
    co_return line_of(std::current_exception());
  }
}

void count_below(AsyncYielder<int>& yield, int n) {
  if (n > 0) count_below(yield, n - 1);
  yield_from(asyncio::sleep(1ms));
  yield(n);
}

const auto count_up = async_generator<int>(count_below);

/// Yields, and waits when it is asked to end.
const auto tidy = async_generator<int>([](auto& yield, Lines& lines) {
  std::exception_ptr error;
  try {
    for (int i = 0;; ++i) yield(i);
  } catch (...) {
    error = std::current_exception();
  }
  yield_from(asyncio::sleep(0s));
  lines.push_back("fin " + line_of(error));
  std::rethrow_exception(error);
});

TEST(AsyncGeneratorOfAFiber, yields_and_waits_below_any_number_of_calls) {
  std::vector<int> seen;
  asyncio::run([&]() -> Coroutine<> {
    AsyncGenerator<int> numbers = count_up(3);
    co_await asyncio::async_for(numbers, [&](int i) { seen.push_back(i); });
    EXPECT_EQ(co_await end_of_step(numbers.anext()), "StopAsyncIteration()");
  }());
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3));
}

TEST(AsyncGeneratorOfAFiber, is_asked_by_a_fiber_as_well) {
  std::vector<int> seen;
  const auto ask = coroutine([&] {
    AsyncGenerator<int> numbers = count_up(1);
    seen.push_back(yield_from(numbers.anext()));
    seen.push_back(yield_from(numbers.anext()));
    const auto stackless = []() -> AsyncGenerator<int> {
      co_yield 10;
      co_await asyncio::sleep(1ms);
      co_yield 11;
    };
    AsyncGenerator<int> others = stackless();
    seen.push_back(yield_from(others.anext()));
    seen.push_back(yield_from(others.anext()));
    EXPECT_THROW(yield_from(others.anext()), asyncio::StopAsyncIteration);
    yield_from(numbers.aclose());
  });
  asyncio::run(ask());
  EXPECT_THAT(seen, ElementsAre(0, 1, 10, 11));
}

TEST(AsyncGeneratorOfAFiber, is_sent_values_and_thrown_exceptions) {
  Lines lines;
  const auto echo = async_generator<std::string, std::optional<int>>([&](auto& yield) {
    std::string text = "first";
    for (;;) {
      try {
        const std::optional<int> sent = yield(text);
        text = sent ? "sent " + std::to_string(*sent) : "nothing";
      } catch (const ValueError& error) {
        text = std::string("caught ") + error.what();
      }
    }
  });
  asyncio::run([&]() -> Coroutine<> {
    auto g = echo();
    lines.push_back(co_await g.asend(std::nullopt));
    lines.push_back(co_await g.asend(7));
    lines.push_back(co_await g.anext());
    const auto caught = co_await g.athrow(ValueError("v"));
    lines.push_back(caught.value_or("None"));
    co_await g.aclose();
    EXPECT_EQ(g.state(), AsyncGeneratorState::AGEN_CLOSED);
  }());
  EXPECT_THAT(lines, ElementsAre("first", "sent 7", "nothing", "caught v"));
}

TEST(AsyncGeneratorOfAFiber, waits_in_its_cleanup_when_it_is_closed_cancelled_or_dropped) {
  Lines lines;
  asyncio::run([&]() -> Coroutine<> {
    auto closed = tidy(std::ref(lines));
    co_await closed.anext();
    co_await closed.aclose();
    {
      auto dropped = tidy(std::ref(lines));
      co_await dropped.anext();
    }
    lines.push_back("dropped");
    for (int i = 0; i < 4; ++i) co_await asyncio::sleep(0s);
    auto left = tidy(std::ref(lines));
    co_await left.anext();
    const auto forever = async_generator<int>([](auto& yield) {
      yield_from(asyncio::sleep(1h));
      yield(1);
    });
    auto waits = forever();
    const auto next = [&]() -> Coroutine<int> { co_return co_await waits.anext(); };
    const asyncio::Task<int> task = asyncio::create_task(next());
    co_await asyncio::sleep(0s);
    lines.push_back(co_await end_of_step(waits.anext()));
    task.cancel();
    lines.push_back(co_await end_of_step(asyncio::Task<int>(task)));
    EXPECT_EQ(waits.state(), AsyncGeneratorState::AGEN_CLOSED);
  }());
  EXPECT_THAT(lines, ElementsAre("fin GeneratorExit()", "dropped", "fin GeneratorExit()",
                                 "RuntimeError(anext(): asynchronous generator is already running)", "CancelledError()",
                                 "fin CancelledError()"))
      << "and what is left open is closed by a task, which run() cancels";
}

TEST(AsyncGeneratorOfAFiber, that_ignores_its_end_says_so) {
  Lines lines;
  const auto deaf = async_generator<int>([](auto& yield) {
    for (int i = 0; i < 2; ++i) {
      try {
        yield(i);
      } catch (const GeneratorExit&) {
      }
    }
  });
  asyncio::run([&]() -> Coroutine<> {
    auto g = deaf();
    co_await g.anext();
    lines.push_back(co_await end_of_step(g.aclose()));
    lines.push_back(co_await end_of_step(g.anext()));
  }());
  EXPECT_THAT(lines, ElementsAre("RuntimeError(async generator ignored GeneratorExit)", "StopAsyncIteration()"));
}

TEST(AsyncGeneratorOfAFiber, cannot_yield_from_within_another_frame) {
  const auto outer = async_generator<int>([](auto& yield) {
    legacy::Generator<int> inner([&](auto&) { yield(1); });
    EXPECT_THROW(inner.next(), RuntimeError);
    yield(2);
  });
  asyncio::run([&]() -> Coroutine<> {
    auto g = outer();
    EXPECT_EQ(co_await g.anext(), 2);
    co_await g.aclose();
  }());
}

TEST(AsyncGeneratorOfAFiber, destroyed_in_the_middle_of_a_step_is_unwound) {
  Lines lines;
  const auto waits = async_generator<int>([&](auto& yield) {
    struct Note {
      Lines& lines;
      ~Note() { lines.push_back("gone"); }
    } note{lines};
    yield_(42);
    yield(1);
  });
  {
    auto g = waits();
    auto next = [](auto step) -> Coroutine<> { co_await step; }(g.anext());
    next.send();
  }
  EXPECT_THAT(lines, ElementsAre("gone"));
}

}  // namespace
}  // namespace segue::bridge
