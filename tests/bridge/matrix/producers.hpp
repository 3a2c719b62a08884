// The columns of the matrix: what is waited for. Each does one of the Deeds, and notes where it was cancelled.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/asio/from_asio.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/std_future.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "bridge/coroutine2_bodies.hpp"

namespace segue::bridge::matrix {

using namespace std::chrono_literals;

enum class Deed {
  gives_a_value,      ///< 7
  throws,             ///< a ValueError whose context is a KeyError
  is_cancelled,       ///< by somebody else
  gives_its_context,  ///< what `number` is in its context
  goes_on_for_ever,
};

inline const modern::ContextVar<int> number("number", 0);

/// Of the last of them: whether it was asked for, and what it noted.
inline bool producer_has_begun = false;
inline bool producer_was_cancelled = false;

inline std::exception_ptr error_with_context() {
  const std::exception_ptr error = std::make_exception_ptr(ValueError("of the producer"));
  chain_context(error, std::make_exception_ptr(KeyError("before it")));
  return error;
}

/// The deed, of code that may throw and has no wait of its own; not for ever.
inline int done_at_once(Deed deed) {
  switch (deed) {
    case Deed::throws: std::rethrow_exception(error_with_context());
    case Deed::is_cancelled: throw modern::CancelledError();
    case Deed::gives_its_context: return number.get();
    default: return 7;
  }
}

/// The deed, of code that waits by `wait(awaitable)`.
template <class Wait>
int done_by_waiting(Deed deed, const Wait& wait) {
  try {
    wait(modern::sleep(deed == Deed::goes_on_for_ever ? 1h : 1s));
  } catch (const modern::CancelledError&) {
    producer_was_cancelled = true;
    throw;
  }
  return done_at_once(deed);
}

struct OfCallback {
  static constexpr const char* name = "callback";
  static auto get(Deed deed) {
    auto start = [deed](const Callback<int>& done) {
      return modern::get_running_loop().call_later(deed == Deed::goes_on_for_ever ? 1h : 1s, [done, deed] {
        try {
          done(done_at_once(deed));
        } catch (...) {
          done.fail(std::current_exception());
        }
      });
    };
    auto cancel = [](auto& handle) {
      producer_was_cancelled = true;
      handle.cancel();
    };
    return from_callback<int>(start, cancel);
  }
};

struct OfFuture {
  static constexpr const char* name = "Future";
  static modern::Future<int> get(Deed deed) {
    modern::EventLoop& loop = modern::get_running_loop();
    const modern::Future<int> future = loop.create_future<int>();
    future.add_done_callback([](const modern::Future<int>& done) { producer_was_cancelled = done.cancelled(); });
    if (deed == Deed::goes_on_for_ever) return future;
    loop.call_soon([future, deed] {
      if (future.done()) return;
      if (deed == Deed::is_cancelled) {
        future.cancel();
      } else if (deed == Deed::throws) {
        future.set_exception(error_with_context());
      } else {
        future.set_result(done_at_once(deed));
      }
    });
    return future;
  }
};

struct OfGeneratorCoroutine {
  static constexpr const char* name = "generator-based coroutine";
  static auto get(Deed deed) {
    return coroutine<int>([](Deed what) {
      return done_by_waiting(what, [](auto awaitable) { yield_from(std::move(awaitable)); });
    })(deed);
  }
};

struct OfCoroutine {
  static constexpr const char* name = "Coroutine";
  static modern::Coroutine<int> get(Deed deed) {
    try {
      co_await modern::sleep(deed == Deed::goes_on_for_ever ? 1h : 1s);
    } catch (const modern::CancelledError&) {
      producer_was_cancelled = true;
      throw;
    }
    co_return done_at_once(deed);
  }
};

struct OfTask {
  static constexpr const char* name = "Task";
  static modern::Task<int> get(Deed deed) { return modern::create_task(OfCoroutine::get(deed)); }
};

struct OfAsyncGenerator {
  static constexpr const char* name = "async generator";
  static modern::AsyncGenerator<int> values(Deed deed) {
    const int value = co_await OfCoroutine::get(deed);
    co_yield value;
  }
  static modern::Coroutine<int> get(Deed deed) {
    auto generator = values(deed);
    co_return co_await generator.anext();
  }
};

struct OfFiberAsyncGenerator {
  static constexpr const char* name = "async generator on a fiber";
  static modern::Coroutine<int> get(Deed deed) {
    const auto function = async_generator<int>([](auto& yield, Deed what) {
      yield(done_by_waiting(what, [](auto awaitable) { yield_from(std::move(awaitable)); }));
    });
    auto generator = function(deed);
    co_return co_await generator.anext();
  }
};

struct OfPortal {
  static constexpr const char* name = "plain function under a portal";
  static int plain(Deed deed) {
    return done_by_waiting(deed, [](auto awaitable) { await_(std::move(awaitable)); });
  }
  static auto get(Deed deed) { return portal(&plain, deed); }
};

struct OfGenerator {
  static constexpr const char* name = "legacy generator under a portal";
  static int plain(Deed deed) {
    return legacy::Generator<int>([deed](auto& yield) { yield(OfPortal::plain(deed)); }).next();
  }
  static auto get(Deed deed) { return portal(&plain, deed); }
};

struct OfCoroutine2 {
  static constexpr const char* name = "Coroutine2 under a portal";
  static int plain(Deed deed) {
    testing::Ints::pull_type pulled([deed](testing::Ints::push_type& push) { push(OfPortal::plain(deed)); });
    return pulled.get();
  }
  static auto get(Deed deed) { return portal(&plain, deed); }
};

struct OfAsioOperation {
  static constexpr const char* name = "Asio operation";
  /// An operation of the loop's timer. Its handler is called in a callback of the loop.
  template <class Token>
  static auto async_do(Deed deed, Token&& token) {
    const auto initiation = []<class Handler>(Handler&& handler, Deed what) {
      const auto kept = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
      const auto end = [kept, what] {
        try {
          const int value = done_at_once(what);
          std::move (*kept)(std::exception_ptr(), value);
        } catch (...) {
          std::move (*kept)(std::current_exception(), 0);
        }
      };
      modern::EventLoop& loop = modern::get_running_loop();
      const modern::TimerHandle timer = loop.call_later(what == Deed::goes_on_for_ever ? 1h : 1s, end);
      auto slot = boost::asio::get_associated_cancellation_slot(*kept);
      if (!slot.is_connected()) return;
      slot.assign([&loop, kept, timer](boost::asio::cancellation_type) {
        producer_was_cancelled = true;
        timer.cancel();
        const boost::system::system_error aborted{boost::asio::error::operation_aborted};
        loop.call_soon([kept, aborted] { std::move (*kept)(std::make_exception_ptr(aborted), 0); });
      });
    };
    return boost::asio::async_initiate<Token, void(std::exception_ptr, int)>(initiation, token, deed);
  }
  static auto get(Deed deed) { return async_do(deed, use_segue); }
};

struct OfAsioAwaitable {
  static constexpr const char* name = "Asio awaitable";
  static boost::asio::awaitable<int, LoopExecutor> awaitable(Deed deed) {
    co_return co_await OfAsioOperation::async_do(deed, boost::asio::use_awaitable_t<LoopExecutor>());
  }
  static auto get(Deed deed) { return from_asio(LoopExecutor(modern::get_running_loop()), awaitable(deed)); }
};

struct OfThread {
  static constexpr const char* name = "thread";
  /// Cannot be stopped: nobody notes that it was cancelled, and what goes on for ever ends with the test.
  static auto get(Deed deed) {
    return modern::to_thread(
        [](Deed what, const std::shared_future<void>& end) {
          if (what == Deed::goes_on_for_ever) end.wait();
          return done_at_once(what);
        },
        deed, test_ends);
  }
  static void begin_test() {
    gate = std::promise<void>();
    test_ends = gate.get_future().share();
  }
  static void end_test() { gate.set_value(); }

  static inline std::promise<void> gate;
  static inline std::shared_future<void> test_ends;
};

struct OfStdFuture {
  static constexpr const char* name = "std::future";
  /// Cannot be stopped, as a thread.
  static auto get(Deed deed) {
    // The thread of std::async() is not segue's, and has no context; what is deferred runs in one that is.
    const auto when = deed == Deed::gives_its_context ? std::launch::deferred : std::launch::async;
    return from_std_future(std::async(when, [deed, end = OfThread::test_ends] {
      if (deed == Deed::goes_on_for_ever) end.wait();
      return done_at_once(deed);
    }));
  }
};

template <class... Producers>
struct Columns {};
using AllColumns =
    Columns<OfCallback, OfFuture, OfGeneratorCoroutine, OfGenerator, OfCoroutine, OfTask, OfAsyncGenerator,
            OfFiberAsyncGenerator, OfPortal, OfAsioOperation, OfAsioAwaitable, OfCoroutine2, OfStdFuture, OfThread>;

/// What a row is given: gives something to wait for. One type for all columns that give the same.
template <class Awaitable>
struct Make {
  Awaitable operator()() const {
    producer_has_begun = true;
    return get(deed);
  }

  Awaitable (*get)(Deed deed);
  Deed deed;
};
template <class Awaitable>
Make(Awaitable (*)(Deed), Deed) -> Make<Awaitable>;

}  // namespace segue::bridge::matrix
