// Rules of generator-based coroutines and of generators, each beside the program that CPython runs for it.
#include <string>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/trace.hpp"

namespace segue::bridge {
namespace {

using modern::Coroutine;
using modern::create_task;
using modern::Future;
using modern::get_running_loop;
using modern::testing::at;
using modern::testing::Events;
using modern::testing::trace_of;

TEST(GeneratorCoroutineRules, rule_37_waits_for_futures_and_coroutines_and_is_awaited_by_one) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto one = []() -> Coroutine<int> { co_return 1; };
    const auto leg = coroutine<std::string>([&](Future<int> f) {
      yield_();
      const int r = yield_from(f) + yield_from(one());
      return "leg " + std::to_string(r);
    });
    const auto nat = [&](Future<int> f) -> Coroutine<std::string> {
      const std::string r = co_await leg(f);
      co_return "nat " + r;
    };
    const Future<int> f = get_running_loop().create_future<int>();
    get_running_loop().call_soon([f] { f.set_result(1); });
    ev(co_await nat(f));
  };
  EXPECT_EQ(trace_of(program), "nat leg 2");
}

TEST(GeneratorCoroutineRules, rule_39_yields_no_future_and_no_generator_where_yield_from_was_meant) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto leg = coroutine([](auto v) { yield_(v); });
    const auto leg_of_generator = coroutine([] {
      legacy::Generator<int> v([](auto&) {});
      yield_(v);
    });
    const auto w = [&](bool of_generator) -> Coroutine<> {
      if (of_generator) {
        co_await leg_of_generator();
      } else {
        co_await leg(get_running_loop().create_future());
      }
    };
    for (const bool of_generator : {false, true}) {
      const std::string m = co_await at(create_task(w(of_generator)));
      ev(m.substr(0, m.find(" in ")));
    }
  };
  EXPECT_EQ(trace_of(program),
            "RuntimeError(yield was used instead of yield from | "
            "RuntimeError(yield was used instead of yield from for generator");
}

TEST(GeneratorRules, rule_81_runs_in_the_context_of_whoever_resumes_it) {
  const modern::ContextVar<int> v("v", 0);
  Events ev;
  legacy::Generator<int> a([&](auto& yield) {
    for (;;) {
      v.set(v.get() + 1);
      yield(v.get());
    }
  });
  modern::Context().run([&] {
    const int here = a.next();
    ev(here, v.get());
    const int elsewhere = modern::Context().run([&] { return a.next(); });
    ev(elsewhere, v.get());
  });
  EXPECT_EQ(ev.trace(), "1 1 | 1 1");
}

}  // namespace
}  // namespace segue::bridge
