// The rows of the matrix: who waits. Each waits, directly, for what `make()` gives, and tells how that ended.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/asio/from_asio.hpp>
#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/from_thread.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/std_future.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/outcome.hpp>

#include "bridge/coroutine2_bodies.hpp"
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

struct ByCoroutine2 {
  static constexpr const char* name = "Coroutine2 under a portal";
  template <class Make>
  static int plain(const Make& make) {
    testing::Ints::pull_type pulled([&make](testing::Ints::push_type& push) { push(await_(make())); });
    return pulled.get();
  }
  template <class Make>
  static Waiting begin(Make make) {
    return waiting_task(portal([make] { return plain(make); }));
  }
};

struct ByAsioOperation {
  static constexpr const char* name = "Asio operation";
  static Waiting begin_operation(modern::Coroutine<int> body) {
    modern::EventLoop& loop = modern::get_running_loop();
    const modern::Future<int> end = loop.create_future<int>();
    const auto signal = std::make_shared<boost::asio::cancellation_signal>();
    const auto handler = [end](const std::exception_ptr& error, int value) {
      if (end.done()) return;
      if (error) return end.set_exception(error);
      end.set_result(value);
    };
    co_spawn(loop, std::move(body), boost::asio::bind_cancellation_slot(signal->slot(), handler));
    return {[signal] { signal->emit(boost::asio::cancellation_type::terminal); }, end};
  }
  template <class Make>
  static Waiting begin(Make make) {
    return begin_operation(ByCoroutine::wait(make));
  }
};

struct ByAsioAwaitable {
  static constexpr const char* name = "Asio awaitable";
  static boost::asio::awaitable<int, LoopExecutor> awaitable(std::function<modern::Coroutine<int>()> body) {
    const boost::asio::use_awaitable_t<LoopExecutor> token;
    co_return co_await co_spawn(modern::get_running_loop(), body(), token);
  }
  static Waiting begin_awaitable(std::function<modern::Coroutine<int>()> body) {
    return waiting_task(from_asio(LoopExecutor(modern::get_running_loop()), awaitable(std::move(body))));
  }
  template <class Make>
  static Waiting begin(Make make) {
    return begin_awaitable([make] { return ByCoroutine::wait(make); });
  }
};

/// Has a thread wait by `wait()`, in a copy of this context, and tells the loop how that ended.
template <class Wait>
modern::Future<int> told_by_thread(Wait wait) {
  const Callback<int> done(modern::get_running_loop());
  std::thread([wait = std::move(wait), done, context = modern::copy_context()]() mutable {
    // The loop lets go of it last: ThreadSanitizer does not see how a thread that did would know that it may.
    std::exception_ptr error;
    try {
      done(context.run(wait));
    } catch (const modern::concurrent::CancelledError&) {
      error = std::make_exception_ptr(modern::CancelledError());
    } catch (...) {
      error = std::current_exception();
    }
    if (error) done.fail(std::move(error));
  }).detach();
  return done.future();
}

/// Has a thread ask by `ask()` and wait for what that gives; `cancelled` cancels it. Here it has asked already.
template <class Asked>
Waiting asked_by_thread(std::function<Asked()> ask, void (*cancelled)(const Asked&)) {
  const auto told = std::make_shared<std::promise<Asked>>();
  const modern::Future<int> end = told_by_thread([ask = std::move(ask), told] {
    const Asked asked = ask();
    told->set_value(asked);
    if constexpr (requires { asked.result(); }) {
      return asked.result();
    } else {
      return asked.get();
    }
  });
  // Kept here, too, for the same reason.
  return {[asked = told->get_future().get(), cancelled] { cancelled(asked); }, end};
}

struct ByStdFuture {
  static constexpr const char* name = "std::future";
  static Waiting begin_future(std::function<modern::Coroutine<int>()> body) {
    modern::EventLoop& loop = modern::get_running_loop();
    const std::function ask = [body = std::move(body), &loop] { return to_std_future(body(), loop).share(); };
    return asked_by_thread(ask, +[](const std::shared_future<int>&) {});
  }
  template <class Make>
  static Waiting begin(Make make) {
    return begin_future([make] { return ByCoroutine::wait(make); });
  }
};

struct ByThread {
  static constexpr const char* name = "thread";
  static Waiting begin_thread(std::function<modern::Coroutine<int>()> body) {
    modern::EventLoop& loop = modern::get_running_loop();
    const std::function ask = [body = std::move(body), &loop] {
      return modern::run_coroutine_threadsafe(body(), loop);
    };
    return asked_by_thread(ask, +[](const modern::concurrent::Future<int>& asked) { asked.cancel(); });
  }
  template <class Make>
  static Waiting begin(Make make) {
    return begin_thread([make] { return ByCoroutine::wait(make); });
  }
};

struct ByFromThread {
  static constexpr const char* name = "thread of to_thread";
  static Waiting begin_call(std::function<modern::Coroutine<int>()> body) {
    return waiting_task(modern::to_thread([body = std::move(body)] { return from_thread::run(body); }));
  }
  template <class Make>
  static Waiting begin(Make make) {
    return begin_call([make] { return ByCoroutine::wait(make); });
  }
};

}  // namespace segue::bridge::matrix
