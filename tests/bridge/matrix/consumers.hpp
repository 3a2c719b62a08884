// The rows of the matrix: who waits. Each waits, directly, for what `make()` gives, and tells how that ended.
#pragma once

#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/outcome.hpp>

#include "producers.hpp"

namespace segue::bridge::matrix {

/// A wait that was begun.
struct Waiting {
  std::function<void()> cancel;
  modern::Future<int> end;
};

template <class Awaitable>
Waiting waiting_task(Awaitable awaitable) {
  const modern::Task<int> task = modern::create_task(std::move(awaitable));
  return {[task] { task.cancel(); }, task};
}

struct ByCallback {
  static constexpr const char* name = "callback";
  template <class Make>
  static Waiting begin(Make make) {
    const modern::Future<int> end = modern::get_running_loop().create_future<int>();
    const auto task = to_callback(make)([end](Outcome<int> outcome) {
      if (!end.done()) end.set_outcome(std::move(outcome));
    });
    return {[task] { task.cancel(); }, end};
  }
};

struct ByFuture {
  static constexpr const char* name = "Future";
  template <class Make>
  static Waiting begin(Make make) {
    const modern::Future<int> end = modern::ensure_future(make());
    return {[end] { end.cancel(); }, end};
  }
};

struct ByGeneratorCoroutine {
  static constexpr const char* name = "generator-based coroutine";
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(coroutine<int>([make] { return yield_from(make()); })());
  }
};

struct ByCoroutine {
  static constexpr const char* name = "Coroutine";
  template <class Make>
  static modern::Coroutine<int> wait(Make make) {
    co_return co_await make();
  }
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(wait(make));
  }
};

struct ByAsyncGenerator {
  static constexpr const char* name = "async generator";
  template <class Make>
  static modern::AsyncGenerator<int> values(Make make) {
    const int value = co_await make();
    co_yield value;
  }
  template <class Make>
  static modern::Coroutine<int> wait(Make make) {
    auto generator = values(make);
    co_return co_await generator.anext();
  }
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(wait(make));
  }
};

struct ByFiberAsyncGenerator {
  static constexpr const char* name = "async generator on a fiber";
  template <class Make>
  static modern::Coroutine<int> wait(Make make) {
    const auto function = async_generator<int>([make](auto& yield) { yield(yield_from(make())); });
    auto generator = function();
    co_return co_await generator.anext();
  }
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(wait(make));
  }
};

struct ByPortal {
  static constexpr const char* name = "plain function under a portal";
  template <class Make>
  static int plain(const Make& make) {
    return await_(make());
  }
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(portal([make] { return plain(make); }));
  }
};

struct ByGenerator {
  static constexpr const char* name = "legacy generator under a portal";
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(
        portal([make] { return legacy::Generator<int>([make](auto& yield) { yield(await_(make())); }).next(); }));
  }
};

struct ByThread {
  static constexpr const char* name = "thread";
  template <class Make>
  static Waiting begin(Make make) {
    modern::EventLoop& loop = modern::get_running_loop();
    const Callback<int> done(loop);
    const modern::Future<int> end = done.future();
    const auto asked = modern::run_coroutine_threadsafe(ByCoroutine::wait(make), loop);
    std::thread([asked, done] {
      try {
        done(asked.result());
      } catch (const modern::concurrent::CancelledError&) {
        done.fail(std::make_exception_ptr(modern::CancelledError()));
      } catch (...) {
        done.fail(std::current_exception());
      }
    }).detach();
    return {[asked] { asked.cancel(); }, end};
  }
};

}  // namespace segue::bridge::matrix
