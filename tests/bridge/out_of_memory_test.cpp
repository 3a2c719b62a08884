// What happens in adapters when there is no memory: as tests/modern/out_of_memory_test.cpp has it.
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/refused_allocations.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::sleep;
using modern::testing::long_text;

class OutOfMemory : public modern::testing::RefusedAllocations {};

TEST_F(OutOfMemory, of_generator_based_coroutines) {
  run_refusing([]() -> Coroutine<> {
    const auto inner = coroutine<std::string>([](std::string text) {
      yield_from(sleep(1s));
      return text + text;
    });
    const auto outer = coroutine<std::string>([&](std::string text) { return yield_from(inner(text)); });
    const std::string text = co_await outer(long_text);
    EXPECT_EQ(text, long_text + long_text);
    const auto task = modern::create_task(inner(long_text));
    const std::string more = co_await task;
    EXPECT_EQ(more, text);
  });
}

TEST_F(OutOfMemory, of_generator_based_coroutines_that_fail_or_are_cancelled) {
  run_refusing([]() -> Coroutine<> {
    const auto failing = coroutine<void>([] {
      try {
        yield_from(sleep(1s));
        throw ValueError(long_text);
      } catch (const ValueError&) {
        throw RuntimeError(long_text);
      }
    });
    try {
      co_await failing();
    } catch (const RuntimeError&) {
    }
    const auto waiting = coroutine<void>([] { yield_from(sleep(1h)); });
    try {
      co_await modern::wait_for(waiting(), 1s);
    } catch (const TimeoutError&) {
    }
  });
}

TEST_F(OutOfMemory, of_steps_by_hand) {
  refuse_each_allocation([] {
    auto made = coroutine<std::string>([] { return std::any_cast<std::string>(yield_(long_text)) + long_text; })();
    made.send();
    try {
      made.send(long_text);
    } catch (const StopIteration<std::string>&) {
    }
  });
}

TEST_F(OutOfMemory, of_callbacks) {
  run_refusing([]() -> Coroutine<> {
    const auto at_once = [](auto done) { done(long_text); };
    const std::string first = co_await from_callback<std::string>(at_once);
    const auto later = [](auto done) { modern::get_running_loop().call_later(1s, [done] { done(long_text); }); };
    try {
      const std::string second = co_await from_callback<std::string>(later);
      EXPECT_EQ(first, second);
    } catch (const RuntimeError&) {  // the timer could not call it
    }
    const auto failing = [](auto done) {
      modern::get_running_loop().call_later(1s, [done] { done(long_text, std::string()); });
    };
    try {
      co_await from_callback<std::string>(error_first, failing);
    } catch (const RuntimeError&) {
    }
    const auto never = [](auto) {};
    try {
      co_await from_callback<std::string>(never);
    } catch (const RuntimeError&) {
    }
  });
}

TEST_F(OutOfMemory, of_portals) {
  run_refusing([]() -> Coroutine<> {
    const auto deep = [] {
      await_(sleep(1s));
      return long_text;
    };
    const std::string text = co_await portal([&] { return deep() + deep(); });
    EXPECT_EQ(text, long_text + long_text);
  });
}

TEST_F(OutOfMemory, of_asio) {
  refuse_each_allocation([] {
    const modern::EventLoopPtr loop = modern::new_event_loop();
    const auto main = [&]() -> Coroutine<> {
      boost::asio::steady_timer timer(io_context(*loop), 1ms);
      co_await timer.async_wait(use_segue);
    };
    loop->run_until_complete(main());
  });
}

}  // namespace
}  // namespace segue::bridge
