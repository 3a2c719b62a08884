#include <segue/modern/tasks/timeouts.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

/// A loop whose clock a callback can move on, as a callback that takes long does.
struct Loop {
  ManualReactor* reactor = nullptr;
  EventLoopPtr loop = make();
  EventLoopPtr make() {
    auto owned = std::make_unique<ManualReactor>();
    reactor = owned.get();
    return new_event_loop(std::move(owned));
  }
  template <class Main>
  void run(const Main& main) {
    loop->run_until_complete(main());
  }
};

/// What awaiting it throws, as `ValueError('x')`; "none" where nothing.
template <class A>
Coroutine<std::string> thrown_by(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return describe(std::current_exception()).repr();
  }
  co_return "none";
}

Coroutine<> long_sleep() { co_await sleep(9s); }

TEST(Timeout, rule_83_turns_its_cancellation_into_TimeoutError) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Timeout limit = timeout(5ms);
    int inside = 0;
    const auto body = [&inside]() -> Coroutine<> {
      try {
        co_await sleep(9s);
      } catch (const CancelledError&) {
        inside = current_task()->cancelling();
        throw;
      }
    };
    try {
      co_await async_with(limit, body);
      ADD_FAILURE();
    } catch (const TimeoutError& e) {
      EXPECT_TRUE(holds<CancelledError>(e.cause()));
      EXPECT_TRUE(holds<CancelledError>(e.context()));
    }
    EXPECT_EQ(inside, 1);
    EXPECT_TRUE(limit.expired());
    EXPECT_EQ(current_task()->cancelling(), 0);
  };
  loop.run(main);
}

TEST(Timeout, LetsAQuickBodyReturn) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Timeout limit = timeout(5ms);
    const auto body = [](Timeout&) -> Coroutine<int> {
      co_await sleep(1ms);
      co_return 4;
    };
    const int result = co_await async_with(limit, body);
    EXPECT_EQ(result, 4);
    EXPECT_FALSE(limit.expired());
    co_await sleep(10ms);
  };
  loop.run(main);
}

/// One timeout in another; what leaves the inner and the outer block.
struct Nested {
  Timeout outer;
  Timeout inner;
  std::string from_inner = {};
  Coroutine<std::string> run(Loop* slow = nullptr) {
    const auto inner_body = [slow]() -> Coroutine<> {
      if (slow) slow->reactor->advance(20ms);
      co_await sleep(9s);
    };
    const auto body = [this, &inner_body]() -> Coroutine<> {
      try {
        co_await async_with(inner, inner_body);
      } catch (...) {
        from_inner = describe(std::current_exception()).type;
        throw;
      }
    };
    auto block = async_with(outer, body);
    co_return co_await thrown_by(std::move(block));
  }
};

TEST(Timeout, rule_84_the_inner_one_strikes_alone) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Nested nested{timeout(9s), timeout(5ms)};
    const std::string from_outer = co_await nested.run();
    EXPECT_EQ(nested.from_inner, "TimeoutError");
    EXPECT_EQ(from_outer, "TimeoutError()") << "which is the inner one's";
    EXPECT_TRUE(nested.inner.expired());
    EXPECT_FALSE(nested.outer.expired());
    EXPECT_EQ(current_task()->cancelling(), 0);
  };
  loop.run(main);
}

TEST(Timeout, rule_85_the_outer_one_passes_through_the_inner_as_a_cancellation) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Nested nested{timeout(5ms), timeout(9s)};
    const std::string from_outer = co_await nested.run();
    EXPECT_EQ(nested.from_inner, "CancelledError");
    EXPECT_FALSE(nested.inner.expired());
    EXPECT_EQ(from_outer, "TimeoutError()");
    EXPECT_TRUE(nested.outer.expired());
  };
  loop.run(main);
}

TEST(Timeout, rule_86_where_both_strike_at_once_the_outer_one_is_raised) {
  Loop loop;
  const auto main = [&loop]() -> Coroutine<> {
    Nested nested{timeout(4ms), timeout(2ms)};
    const std::string from_outer = co_await nested.run(&loop);
    EXPECT_EQ(nested.from_inner, "CancelledError");
    EXPECT_TRUE(nested.inner.expired());
    EXPECT_EQ(from_outer, "TimeoutError()");
    EXPECT_TRUE(nested.outer.expired());
  };
  loop.run(main);
}

TEST(Timeout, rule_87_does_not_hide_a_cancellation_from_outside) {
  Loop loop;
  const auto main = [&loop]() -> Coroutine<> {
    const auto block = []() -> Coroutine<> { co_await async_with(timeout(5ms), long_sleep); };
    auto before = create_task(block());
    co_await sleep(0s);
    loop.reactor->advance(20ms);
    before.cancel();
    const std::string error = co_await thrown_by(before);
    EXPECT_EQ(error, "CancelledError()");

    auto both = create_task(block());
    co_await sleep(0s);
    get_running_loop().call_later(5ms, [both] { both.cancel(); });
    loop.reactor->advance(20ms);
    const std::string both_error = co_await thrown_by(both);
    EXPECT_EQ(both_error, "CancelledError()");
    EXPECT_EQ(both.cancelling(), 1);
  };
  loop.run(main);
}

TEST(Timeout, rule_88_does_not_strike_a_body_that_never_waits) {
  Loop loop;
  const auto main = [&loop]() -> Coroutine<> {
    Timeout limit = timeout(1ms);
    const auto body = [&loop]() -> Coroutine<> {
      loop.reactor->advance(10ms);
      co_return;
    };
    co_await async_with(limit, body);
    EXPECT_FALSE(limit.expired());
  };
  loop.run(main);
}

TEST(Timeout, rule_89_strikes_at_the_first_suspension_where_it_is_over_already) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    for (const auto delay : {0s, -5s}) {
      Strings log;
      const auto body = [&log]() -> Coroutine<> {
        log.push_back("body");
        co_await sleep(0s);
        log.push_back("never");
      };
      const std::string error = co_await thrown_by(async_with(timeout(delay), body));
      EXPECT_EQ(error, "TimeoutError()");
      EXPECT_EQ(log, Strings{"body"});
    }
  };
  loop.run(main);
}

TEST(Timeout, rule_90_lets_the_bodys_own_error_through_and_remembers_itself) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Timeout limit = timeout(2ms);
    const auto body = []() -> Coroutine<> {
      try {
        co_await sleep(9s);
      } catch (const CancelledError&) {
        throw ValueError("own");
      }
    };
    try {
      co_await async_with(limit, body);
      ADD_FAILURE();
    } catch (const ValueError& e) {
      EXPECT_TRUE(holds<TimeoutError>(e.context()));
    }
    EXPECT_TRUE(limit.expired());
    EXPECT_EQ(current_task()->cancelling(), 0);
  };
  loop.run(main);
}

TEST(Timeout, rule_90_ends_silently_where_the_body_swallows_the_cancellation) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Timeout limit = timeout(2ms);
    const auto body = []() -> Coroutine<> {
      try {
        co_await sleep(9s);
      } catch (const CancelledError&) {
      }
    };
    co_await async_with(limit, body);
    EXPECT_TRUE(limit.expired());
    EXPECT_EQ(current_task()->cancelling(), 0);
  };
  loop.run(main);
}

TEST(Timeout, rule_91_can_be_rescheduled_while_it_is_active) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Timeout limit = timeout(5ms);
    EXPECT_THROW(limit.reschedule(std::nullopt), RuntimeError);
    const auto body = [](Timeout& active) -> Coroutine<> {
      active.reschedule(std::nullopt);
      co_await sleep(10ms);
      EXPECT_EQ(active.when(), std::nullopt);
    };
    co_await async_with(limit, body);
    try {
      limit.reschedule(std::nullopt);
      ADD_FAILURE();
    } catch (const RuntimeError& e) {
      EXPECT_STREQ(e.what(), "Cannot change state of finished Timeout");
    }
    const std::string error = co_await thrown_by(async_with(limit, long_sleep));
    EXPECT_EQ(error, "RuntimeError('Timeout has already been entered')");
  };
  loop.run(main);
}

TEST(Timeout, TakesATimeInAnyUnit) {
  const EventLoopPtr loop = Loop().make();
  const auto main = [&]() -> Coroutine<std::string> {
    const auto body = [&](const Timeout& limit) -> Coroutine<> {
      limit.reschedule(loop->time() + 0.25s);
      limit.reschedule(*limit.when() + std::chrono::duration<float>(0.25F));
      co_await sleep(1s);
    };
    const auto start = loop->time();
    const Timeout limit = timeout_at(loop->time() + 0.5s);
    try {
      co_await async_with(limit, body);
    } catch (const TimeoutError&) {
      co_return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(loop->time() - start).count());
    }
    co_return "not limited";
  };
  EXPECT_EQ(loop->run_until_complete(main()), "500");
}

TEST(Timeout, rule_91_is_for_tasks_only) {
  Loop loop;
  std::string error;
  const auto main = [&error]() -> Coroutine<> {
    get_running_loop().call_soon([&error] {
      try {
        timeout(1s).aenter();
      } catch (const RuntimeError& e) {
        error = e.what();
      }
    });
    co_await sleep(0s);
  };
  loop.run(main);
  EXPECT_EQ(error, "Timeout should be used inside a task");
}

TEST(Timeout, rule_120_around_a_group_cancels_its_tasks) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    for (const bool bad : {false, true}) {
      const auto child = [bad]() -> Coroutine<> {
        try {
          co_await sleep(9s);
        } catch (const CancelledError&) {
          if (bad) throw ValueError("c");
          throw;
        }
      };
      const auto group_body = [&child](TaskGroup& group) -> Coroutine<> {
        group.create_task(child());
        co_return;
      };
      const auto body = [&group_body]() -> Coroutine<> { co_await async_with(TaskGroup(), group_body); };
      const std::string error = co_await thrown_by(async_with(timeout(5ms), body));
      EXPECT_EQ(error, bad ? "ExceptionGroup('unhandled errors in a TaskGroup (1 sub-exception)')" : "TimeoutError()");
      EXPECT_EQ(current_task()->cancelling(), 0);
    }
  };
  loop.run(main);
}

TEST(Timeout, NeedsNoIterationOfItsOwn) {
  Loop loop;
  bool called = false;
  const auto main = [&called]() -> Coroutine<> {
    get_running_loop().call_soon([&called] { called = true; });
    const auto body = []() -> Coroutine<> { co_return; };
    co_await async_with(timeout(1s), body);
    EXPECT_FALSE(called);
  };
  loop.run(main);
}

TEST(Timeout, MayBeConst) {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    const auto limit = timeout(5ms);
    EXPECT_EQ(co_await thrown_by(async_with(limit, long_sleep)), "TimeoutError()");
    EXPECT_TRUE(limit.expired());
    const auto with_limit = [](const Timeout& entered) -> Coroutine<bool> { co_return entered.expired(); };
    const auto other = timeout(5ms);
    const bool expired = co_await async_with(other, with_limit);
    EXPECT_FALSE(expired);
  };
  loop.run(main);
}

TEST(Timeout, IsNotReportedWhereWhatWouldEnterItFailsOrNeverStarts) {
  Loop loop;
  const testing::Reports reports(*loop.loop);
  const auto limited = [](Timeout limit, bool fails) -> Coroutine<> {
    if (fails) throw ValueError("connect");
    const auto body = []() -> Coroutine<> { co_return; };
    co_await async_with(limit, body);
  };
  const auto main = [&]() -> Coroutine<> {
    auto failed = create_task(limited(timeout(10ms), true));
    auto cancelled = create_task(limited(timeout(10ms), false));
    cancelled.cancel();
    co_await sleep(1s);
    EXPECT_TRUE(holds<ValueError>(failed.exception()));
    EXPECT_TRUE(cancelled.cancelled());
    try {
      co_await limited(timeout(10ms), true);
    } catch (const ValueError&) {
    }
  };
  loop.run(main);
  EXPECT_EQ(reports.messages(), Strings{});
}

TEST(Timeout, IsReportedWhereItIsNeverEntered) {
  Loop loop;
  const testing::Reports reports(*loop.loop);
  const auto main = []() -> Coroutine<> {
    [[maybe_unused]] const auto limit = timeout(10ms);
    co_await sleep(1s);
  };
  loop.run(main);
  ASSERT_EQ(reports.messages(), Strings{"timeout was never entered: co_await async_with(timeout, body)"});
  EXPECT_NE(reports.contexts().front().source.find("timeouts_test.cpp:"), std::string::npos);
}

TEST(Timeout, IsNotReportedWhereAnErrorComesFirst) {
  Loop loop;
  const testing::Reports reports(*loop.loop);
  const auto main = []() -> Coroutine<> {
    const auto fails = []() -> Coroutine<> {
      const auto limit = timeout(10ms);
      co_await sleep(1s);
      if (!limit.expired()) throw ValueError("first");
    };
    EXPECT_EQ(co_await thrown_by(fails()), "ValueError('first')");
    create_task(async_with(timeout(10ms), long_sleep)).cancel();
    co_await sleep(1s);
  };
  loop.run(main);
  EXPECT_EQ(reports.messages(), Strings{});
}

}  // namespace
}  // namespace segue::modern
