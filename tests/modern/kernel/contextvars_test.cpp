#include <segue/modern/kernel/contextvars.hpp>

#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
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
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const ContextVar<int> tally("tally", 0);

template <class Error, class F>
std::string text_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

Coroutine<int> add_ten() {
  const int before = tally.get();
  tally.set(before + 10);
  co_return before;
}

TEST(ContextVar, rule_77_a_task_has_a_copy_of_its_creators_context_from_when_it_was_made) {
  std::vector<int> seen;
  run([](std::vector<int>& seen) -> Coroutine<> {
    tally.set(1);
    const Task<int> task = create_task(add_ten());
    tally.set(2);
    seen.push_back(co_await task);
    seen.push_back(tally.get());
    const Context shared = copy_context();
    seen.push_back(co_await create_task(add_ten(), {.context = shared}));
    seen.push_back(co_await create_task(add_ten(), {.context = shared}));
    seen.push_back(shared[tally]);
    seen.push_back(tally.get());
    co_await add_ten();
    seen.push_back(tally.get());
  }(seen));
  EXPECT_THAT(seen, ElementsAre(1, 2, 2, 12, 22, 2, 12));
  EXPECT_EQ(tally.get(), 0);
}

// g++ 12 destroys twice what a braced list within a co_await expression is made of.
static_assert(std::is_trivially_destructible_v<TaskOptions> && std::is_trivially_destructible_v<CallOptions>);

TEST(ContextVar, a_context_made_in_an_option_is_kept_by_the_task) {
  run([]() -> Coroutine<> {
    tally.set(1);
    EXPECT_EQ(co_await create_task(add_ten(), {.context = copy_context()}), 1);
    EXPECT_EQ(co_await create_task(add_ten(), {.context = Context()}), 0);
    EXPECT_EQ(tally.get(), 1);
  }());
}

TEST(ContextVar, rule_78_a_callback_has_a_copy_of_the_context_in_which_it_was_scheduled) {
  std::vector<std::string> seen;
  const auto note = [&](const char* what) { seen.push_back(what + (" " + std::to_string(tally.get()))); };
  run([](auto note) -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    tally.set(1);
    const Future<> future = loop.create_future();
    future.add_done_callback([&](const AnyFuture&) { note("done"); });
    tally.set(2);
    loop.call_soon([&] {
      tally.set(9);
      note("soon");
    });
    loop.call_soon([&] { note("soon2"); });
    future.set_result();
    co_await sleep(0s);
    note("main");
  }(note));
  EXPECT_THAT(seen, ElementsAre("soon 9", "soon2 2", "done 1", "main 2"));
}

TEST(ContextVar, rule_79_a_token_is_used_once_by_its_variable_in_its_context) {
  const ContextVar<int> v("v");
  const ContextVar<int> w("w");
  Context().run([&] {
    Token<int> token = v.set(1);
    v.reset(token);
    EXPECT_THAT(text_of<RuntimeError>([&] { v.reset(token); }),
                MatchesRegex(
                    "<Token used var=<ContextVar name='v' at 0x[0-9a-f]+> at 0x[0-9a-f]+> has already been used once"));
    EXPECT_THAT(text_of<ValueError>([&] { w.reset(v.set(2)); }),
                MatchesRegex("<Token var=<ContextVar name='v' .*> was created by a different ContextVar"));
    Token<int> inner = Context().run([&] { return v.set(3); });
    EXPECT_THAT(text_of<ValueError>([&] { v.reset(inner); }), HasSubstr("was created in a different Context"));
    EXPECT_EQ(v.get(), 2);
    EXPECT_THAT(text_of<LookupError>([&] { w.get(); }), MatchesRegex("<ContextVar name='w' at 0x[0-9a-f]+>"));
    EXPECT_EQ(w.get(7), 7);
  });
}

TEST(ContextVar, rule_80_a_context_is_entered_once_at_a_time_and_keeps_what_is_set_in_it) {
  const Context context = copy_context();
  context.run([&] {
    tally.set(5);
    EXPECT_THAT(text_of<RuntimeError>([&] { context.run([] {}); }),
                MatchesRegex("cannot enter context: <Context object at 0x[0-9a-f]+> is already entered"));
    Context().run([&] { EXPECT_THROW(context.run([] {}), RuntimeError) << "it is entered further out"; });
  });
  EXPECT_EQ(context[tally], 5);
  EXPECT_EQ(tally.get(), 0);
  EXPECT_THROW(context.run([] {
    tally.set(6);
    throw ValueError("x");
  }),
               ValueError);
  EXPECT_EQ(context[tally], 6);
  context.run([] {});
}

TEST(ContextVar, rule_82_a_call_in_a_thread_has_the_context_by_to_thread_but_not_by_run_in_executor) {
  const ContextVar<std::string> v("v", "default");
  std::vector<std::string> seen;
  run([](const ContextVar<std::string>& v, std::vector<std::string>& seen) -> Coroutine<> {
    v.set("mine");
    const auto get = [&v] { return v.get(); };
    seen.push_back(co_await to_thread(get));
    seen.push_back(co_await get_running_loop().run_in_executor(get));
    const auto set = [&v] { v.set("theirs"); };
    co_await to_thread(set);
    seen.push_back(v.get());
  }(v, seen));
  EXPECT_THAT(seen, ElementsAre("mine", "default", "mine"));
}

TEST(ContextVar, rule_159_a_runner_has_one_context_for_all_its_runs) {
  const auto count = []() -> Coroutine<int> {
    tally.set(tally.get() + 1);
    co_return tally.get();
  };
  Runner runner;
  EXPECT_EQ(runner.run(count()), 1);
  EXPECT_EQ(runner.run(count()), 2);
  EXPECT_EQ(tally.get(), 0);
  const Context own;
  EXPECT_EQ(runner.run(count(), {.context = own}), 1);
  EXPECT_EQ(own[tally], 1);
}

TEST(ContextVar, a_token_has_the_old_value_and_can_be_a_scope) {
  const ContextVar<int> v("v");
  Context().run([&] {
    EXPECT_EQ(v.set(1).old_value(), std::nullopt);
    Token<int> token = v.set(2);
    EXPECT_EQ(token.old_value(), 1);
    EXPECT_EQ(token.var(), v);
    {
      const TokenScope within(v.set(3));
      EXPECT_EQ(v.get(), 3);
    }
    EXPECT_EQ(v.get(), 2);
    v.reset(token);
    EXPECT_EQ(v.get(), 1);
  });
}

TEST(ContextVar, a_scope_ends_with_the_value_before_it_however_it_is_left) {
  const ContextVar<int> with_default("v", 42);
  const ContextVar<int> without("w");
  const auto now = [&] { return std::to_string(with_default.get()) + " " + std::to_string(without.get(0)); };
  Context().run([&] {
    {
      const TokenScope one(with_default.set(36));
      const TokenScope other(without.set(36));
      EXPECT_EQ(now(), "36 36");
      with_default.set(24);
      {
        const TokenScope inner(with_default.set(12));
        EXPECT_EQ(now(), "12 36");
      }
      EXPECT_EQ(now(), "24 36");
      Token<int> token = without.set(48);
      EXPECT_EQ(now(), "24 48");
      without.reset(token);
      EXPECT_EQ(now(), "24 36");
    }
    EXPECT_EQ(now(), "42 0");
    EXPECT_THROW(without.get(), LookupError);
    const auto fails = [&] {
      const TokenScope scope(with_default.set(36));
      throw ValueError("x");
    };
    EXPECT_THROW(fails(), ValueError);
    EXPECT_EQ(with_default.get(), 42);
  });
}

TEST(ContextVar, a_scope_that_ends_in_another_context_is_reported) {
  const segue::testing::UnraisableReports ignored;
  std::optional<TokenScope<int>> scope;
  Context().run([&] { scope.emplace(tally.set(1)); });
  scope.reset();
  EXPECT_THAT(ignored.lines, ElementsAre(HasSubstr("was created in a different Context")));
}

TEST(ContextVar, without_a_value_before_a_reset_leaves_none) {
  const ContextVar<int> v("v");
  Context().run([&] {
    Token<int> token = v.set(1);
    v.reset(token);
    EXPECT_THROW(v.get(), LookupError);
    EXPECT_EQ(copy_context().size(), 0U);
  });
}

TEST(Context, is_looked_up_iterated_and_compared) {
  const ContextVar<int> v("v", 1);
  const ContextVar<std::string> w("w");
  const Context context;
  context.run([&] { w.set("x"); });
  EXPECT_TRUE(context.contains(w));
  EXPECT_FALSE(context.contains(v));
  EXPECT_EQ(context[w], "x");
  EXPECT_EQ(context.get(v), std::nullopt) << "a default is no value";
  EXPECT_EQ(context.get(v, 5), 5);
  EXPECT_THAT(text_of<KeyError>([&] { context[v]; }), StartsWith("<ContextVar name='v'"));
  EXPECT_THAT(context.keys(), ElementsAre(w));
  EXPECT_EQ(std::any_cast<std::string>(context.values().at(0)), "x");
  EXPECT_EQ(context.items().at(0).first.name(), "w");

  const Context copy = context.copy();
  EXPECT_EQ(copy, context);
  copy.run([&] { w.set("x"); });
  EXPECT_EQ(copy, context) << "equal values";
  copy.run([&] { w.set("y"); });
  EXPECT_NE(copy, context);
  EXPECT_EQ(context[w], "x");
  context.run([&] { v.set(1); });
  EXPECT_NE(Context(), context);
}

TEST(Context, is_run_in_with_arguments_and_has_what_was_set_there_at_once) {
  const ContextVar<std::vector<int>> v("v");
  const auto pair = [](int one, const std::string& other) { return std::to_string(one) + other; };
  EXPECT_EQ(Context().run(pair, 1, "bar"), "1bar");
  EXPECT_THROW(Context().run([](int) { throw ValueError("x"); }, 1), ValueError);
  const Context outer;
  const Context other;
  const Context returned = outer.run([&] {
    EXPECT_FALSE(outer.contains(v));
    v.set(std::vector{1});
    EXPECT_EQ(outer[v], std::vector<int>{1});
    other.run([&] { EXPECT_THROW(v.get(), LookupError); });
    EXPECT_EQ(v.get(), std::vector<int>{1});
    return copy_context();
  });
  EXPECT_EQ(returned, outer);
  EXPECT_EQ(returned.size(), 1U);
  outer.run([&] {
    const Context copy = outer.copy();
    v.set(std::vector{2});
    EXPECT_EQ(outer[v], std::vector<int>{2});
    copy.run([&] {
      EXPECT_EQ(v.get(), std::vector<int>{1});
      v.set(std::vector{3});
      EXPECT_EQ(copy[v], std::vector<int>{3});
    });
    EXPECT_EQ(v.get(), std::vector<int>{2});
    Token<std::vector<int>> token = v.set(std::vector{4});
    EXPECT_THAT(outer.keys(), ElementsAre(v));
    v.reset(token);
    EXPECT_EQ(outer[v], std::vector<int>{2});
  });
  EXPECT_THROW(v.get(), LookupError);
}

TEST(ContextVar, is_told_by_what_it_is_and_not_by_its_name) {
  const ContextVar<int> one("aaa");
  const ContextVar<int> other("aaa");
  EXPECT_EQ(one.name(), "aaa");
  EXPECT_NE(one, other);
  Context().run([&] {
    one.set(1);
    EXPECT_THROW(other.get(), LookupError);
  });
}

TEST(Context, compares_what_has_no_equality_by_identity) {
  struct Opaque {};
  const ContextVar<Opaque> v("v");
  const Context context;
  context.run([&] { v.set(Opaque()); });
  const Context copy = context.copy();
  EXPECT_EQ(copy, context);
  copy.run([&] { v.set(Opaque()); });
  EXPECT_NE(copy, context);
}

TEST(Context, holds_many_variables_and_shares_them_with_its_copies) {
  std::vector<ContextVar<int>> vars;
  for (int i = 0; i < 1'000; ++i) vars.emplace_back("v" + std::to_string(i));
  std::vector<Context> copies;
  const Context context;
  context.run([&] {
    for (int i = 0; i < 1'000; ++i) {
      vars[static_cast<std::size_t>(i)].set(i);
      if (i % 100 == 99) copies.push_back(copy_context());
    }
    for (int i = 0; i < 1'000; i += 2) vars[static_cast<std::size_t>(i)].set(-1);
  });
  ASSERT_EQ(context.size(), 1'000U);
  for (std::size_t c = 0; c < copies.size(); ++c) {
    ASSERT_EQ(copies[c].size(), (c + 1) * 100);
    for (std::size_t i = 0; i < 1'000; ++i) {
      const std::optional<int> value = copies[c].get(vars[i]);
      ASSERT_EQ(value, i < (c + 1) * 100 ? std::optional<int>(static_cast<int>(i)) : std::nullopt);
    }
  }
}

TEST(Context, whose_values_keep_contexts_ends_whatever_its_length) {
  struct Link {
    std::optional<Context> next;
  };
  const ContextVar<std::shared_ptr<Link>> v("v");
  Context().run([&] {
    for (int i = 0; i < 100'000; ++i) v.set(std::make_shared<Link>(Link{copy_context()}));
  });
}

TEST(Context, sees_its_value_from_a_destructor_of_the_former_one) {
  struct Watcher {
    const ContextVar<int>* seen_by;
    int* seen;
    ~Watcher() { *seen = seen_by->get(); }
  };
  int seen = 0;
  const ContextVar<std::shared_ptr<Watcher>> v("v");
  Context().run([&] {
    tally.set(4);
    v.set(std::shared_ptr<Watcher>(new Watcher{&tally, &seen}));
    v.set(nullptr);
  });
  EXPECT_EQ(seen, 4);
}

TEST(Context, a_copy_that_throws_changes_nothing) {
  struct Fragile {
    int value = 0;
    explicit Fragile(int value) : value(value) {}
    Fragile(const Fragile& other) : value(other.value) {
      if (value < 0) throw ValueError("cannot be copied");
    }
  };
  const ContextVar<Fragile> v("v");
  Context().run([&] {
    v.set(Fragile(1));
    const Fragile negative(-1);
    EXPECT_THROW(v.set(negative), ValueError);
    EXPECT_EQ(v.get().value, 1);
  });
}

TEST(Context, that_was_moved_from_says_so) {
  Context context;
  const Context other = std::move(context);
  EXPECT_EQ(text_of<RuntimeError>([&] { context.run([] {}); }),
            "Context handle is empty: it was moved from or default-made");
}

TEST(Context, is_what_options_give_to_callbacks_and_timers) {
  const Context context;
  std::vector<int> seen;
  run([](const Context& context, std::vector<int>& seen) -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const auto count = [&] {
      tally.set(tally.get() + 1);
      seen.push_back(tally.get());
    };
    const Handle handle = loop.call_soon({.context = context}, count);
    EXPECT_EQ(handle.get_context().id(), context.id());
    loop.call_later({.context = context}, 0s, count);
    const Future<> future = loop.create_future();
    future.add_done_callback([&](const AnyFuture&) { count(); }, {.context = context});
    const DoneCallback<AnyFuture> twice = [&](const AnyFuture&) { count(); };
    future.add_done_callback(twice, {.context = context});
    future.add_done_callback(twice);
    future.set_result();
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_EQ(tally.get(), 0);
  }(context, seen));
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 1, 4));
  EXPECT_EQ(context[tally], 4);
}

TEST(Context, of_a_task_can_be_asked_for_and_changed_from_outside) {
  run([]() -> Coroutine<> {
    const Task<int> task = create_task(add_ten());
    const Context context = task.get_context();
    EXPECT_EQ(task.get_context().id(), context.id());
    context.run([] { tally.set(5); });
    EXPECT_EQ(co_await task, 5);
    EXPECT_EQ(context[tally], 15);
    EXPECT_EQ(task.get_context().size(), 0U) << "that of a task that is done is gone";
  }());
}

TEST(Context, of_each_of_many_tasks_is_its_own_unless_it_is_given_one) {
  const EventLoopPtr loop = testing::make_loop();
  const Context given;
  const Task<int> task = loop->create_task(add_ten(), {.context = given});
  EXPECT_EQ(task.get_context().id(), given.id());
  loop->run_until_complete([&]() -> Coroutine<> {
    const auto count = [](int from) -> Coroutine<> {
      for (int i = 0; i < 10; ++i) {
        tally.set(from + i);
        co_await sleep(std::chrono::milliseconds(1 + (from * i) % 7));
        EXPECT_EQ(tally.get(), from + i);
      }
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(get_running_loop().create_task(count(i)));
    for (const Task<>& each : tasks) co_await each;
    EXPECT_EQ(tally.get(), 0);
  }());
}

TEST(Context, a_task_cannot_enter_its_own) {
  run([]() -> Coroutine<> {
    const Context own = current_task()->get_context();
    EXPECT_THROW(own.run([] {}), RuntimeError);
    Context().run([&] { EXPECT_THROW(own.run([] {}), RuntimeError); });
    co_return;
  }());
}

TEST(Context, a_loop_run_inside_of_one_gives_copies_to_its_tasks_and_callbacks) {
  const Context outer;
  std::vector<int> seen;
  outer.run([&] {
    tally.set(3);
    run([](std::vector<int>& seen) -> Coroutine<> {
      tally.set(tally.get() + 1);
      seen.push_back(tally.get());
      get_running_loop().call_soon([&] { seen.push_back(tally.get()); });
      co_await sleep(0s);
    }(seen));
    seen.push_back(tally.get());
  });
  EXPECT_THAT(seen, ElementsAre(4, 4, 3));
}

TEST(Context, a_coroutine_stepped_by_hand_sees_that_of_whoever_steps_it) {
  std::vector<int> seen;
  auto coroutine = [](std::vector<int>& seen) -> Coroutine<> {
    for (;;) {
      tally.set(tally.get() + 1);
      seen.push_back(tally.get());
      co_await yield_();
    }
  }(seen);
  Context first;
  first.run([&] { coroutine.send(); });
  Context().run([&] { coroutine.send(); });
  first.run([&] { coroutine.send(); });
  EXPECT_THAT(seen, ElementsAre(1, 1, 2));
  coroutine.close();
}

TEST(Context, whose_values_lead_back_to_its_task_or_callback_ends_with_them) {
  const ContextVar<std::any> v("v");
  int alive = 0;
  run([&]() -> Coroutine<> {
    const auto keeps_itself = [&]() -> Coroutine<> {
      v.set(std::make_pair(*current_task(), testing::Tracked(alive)));
      co_await sleep(0s);
    };
    co_await create_task(keeps_itself());
    EXPECT_EQ(alive, 0);
    EventLoop& loop = get_running_loop();
    {
      const Context context;
      const Handle handle = loop.call_later({.context = context}, 1h, [] {});
      context.run([&] { v.set(std::make_pair(handle, testing::Tracked(alive))); });
      handle.cancel();
      const Future<> future = loop.create_future();
      const DoneCallback<Future<>> callback = [](const Future<>&) {};
      const Context other;
      other.run([&] { v.set(std::make_pair(callback, testing::Tracked(alive))); });
      future.add_done_callback(callback, {.context = other});
      future.remove_done_callback(callback);
    }
    EXPECT_EQ(alive, 0);
  }());
}

TEST(Context, is_that_of_the_task_where_its_coroutine_is_destroyed) {
  struct Notes {
    std::vector<int>* seen;
    ~Notes() {
      if (seen != nullptr) seen->push_back(tally.get());
    }
    explicit Notes(std::vector<int>& seen) : seen(&seen) {}
    Notes(Notes&& other) noexcept : seen(std::exchange(other.seen, nullptr)) {}
    Notes& operator=(Notes&&) = delete;
  };
  std::vector<int> seen;
  const auto body = [](Notes, bool waits) -> Coroutine<> {
    tally.set(2);
    if (waits) co_await sleep(1h);
  };
  {
    const EventLoopPtr loop = testing::make_loop();
    testing::Reports reports(*loop);
    loop->run_until_complete([&]() -> Coroutine<> {
      co_await create_task(body(Notes(seen), false));
      create_task(body(Notes(seen), true));
      co_await sleep(0s);
    }());
  }
  EXPECT_THAT(seen, ElementsAre(2, 2));
}

TEST(Context, a_value_may_be_set_while_it_is_copied) {
  struct Sets {
    const ContextVar<Sets>* var = nullptr;
    std::string text = "a text that is too long to be kept in place";
    Sets() = default;
    Sets(const Sets& other) : text(other.text) {
      if (other.var != nullptr) other.var->set(Sets());
    }
  };
  const ContextVar<Sets> v("v");
  Context().run([&] {
    Sets sets;
    sets.var = &v;
    const Context context = copy_context();
    v.set(Sets());
    EXPECT_EQ(v.get().text, Sets().text);
    EXPECT_EQ(copy_context().items().size(), 1U);
  });
}

TEST(Context, a_token_that_was_moved_from_says_so) {
  Context().run([] {
    Token<int> token = tally.set(1);
    Token<int> moved = std::move(token);
    EXPECT_FALSE(token);
    EXPECT_THROW(tally.reset(token), RuntimeError);
    EXPECT_THROW(static_cast<void>(token.repr()), RuntimeError);
    EXPECT_THROW(TokenScope scope(std::move(token)), RuntimeError);
    tally.reset(moved);
  });
}

TEST(Context, an_exception_handler_runs_in_that_of_the_callback) {
  std::vector<int> seen;
  run([](std::vector<int>& seen) -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { seen.push_back(tally.get()); });
    loop.call_soon([] {
      tally.set(8);
      throw ValueError("x");
    });
    co_await sleep(0s);
  }(seen));
  EXPECT_THAT(seen, ElementsAre(8));
}

TEST(Context, copies_go_to_other_threads) {
  const ContextVar<std::string> v("v", "none");
  std::vector<std::string> seen(4);
  Context().run([&] {
    v.set("shared");
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      threads.emplace_back([&, i, context = copy_context()] {
        context.run([&] {
          for (int turn = 0; turn < 1'000; ++turn) {
            const Context further = copy_context();
            v.set(std::to_string(turn));
            seen[i] = further[v];
          }
        });
        EXPECT_EQ(v.get(), "none") << "a thread begins with nothing";
        v.set("own");
        EXPECT_EQ(v.get(), "own");
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(v.get(), "shared");
  });
  for (const std::string& each : seen) EXPECT_EQ(each, "998");
}

TEST(Context, is_entered_by_one_thread_at_a_time) {
  const Context context;
  context.run([&] { std::thread([&] { EXPECT_THROW(context.run([] {}), RuntimeError); }).join(); });
}

TEST(Context, a_callback_from_another_thread_brings_that_threads_values) {
  int seen = 0;
  run([](int& seen) -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const Future<> done = loop.create_future();
    std::thread([&] {
      tally.set(77);
      loop.call_soon_threadsafe([&seen, done] {
        seen = tally.get();
        done.set_result();
      });
    }).join();
    co_await done;
    EXPECT_EQ(tally.get(), 0);
  }(seen));
  EXPECT_EQ(seen, 77);
}

TEST(ContextVar, may_have_an_empty_optional_for_its_default) {
  const ContextVar<std::optional<int>> empty("empty", std::nullopt);
  EXPECT_EQ(empty.get(), std::nullopt);
}

/// Calls a function when the last copy ends.
struct CallsAtTheEnd {
  std::shared_ptr<void> call;
  explicit CallsAtTheEnd(std::function<void()> f) : call(nullptr, [f = std::move(f)](void*) { f(); }) {}
  friend bool operator==(const CallsAtTheEnd&, const CallsAtTheEnd&) = default;
};

TEST(Token, is_used_when_the_value_that_it_takes_away_ends) {
  const ContextVar<CallsAtTheEnd> variable("variable");
  std::optional<Token<CallsAtTheEnd>> token;
  std::string text = "never ended";
  token.emplace(variable.set(CallsAtTheEnd([&] { text = text_of<RuntimeError>([&] { variable.reset(*token); }); })));
  variable.reset(*token);
  EXPECT_THAT(text, HasSubstr("has already been used once"));
}

}  // namespace
}  // namespace segue::modern
