// cancel(): before start, waiting, done, swallowed, at the end, self, messages, races with results.
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::CancelledError;
using asyncio::Coroutine;
using asyncio::Future;
using asyncio::Task;

namespace {

template <class T>
Coroutine<> outcome(std::string label, Task<T> t) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await t;
      ev(label, "result", None(), "| cancelled", t.cancelled());
    } else {
      const T r = co_await t;
      ev(label, "result", r, "| cancelled", t.cancelled());
    }
  } catch (const CancelledError& e) {
    ev(label, "CancelledError", args(e), "| cancelled", t.cancelled());
  } catch (const BaseException& e) {
    ev(label, type_name(e), e, "| cancelled", t.cancelled());
  }
}

Coroutine<int> waitf_on(Future<int> f) { co_return co_await f; }

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();

  const auto body = [](std::string tag) -> Coroutine<> {
    ev(" ", tag, "start");
    struct Finally {
      ~Finally() { ev(" ", tag, "finally"); }
      const std::string& tag;
    } const finally{tag};
    co_await asyncio::sleep(5s);
  };

  ev("A before the first step: the body never runs");
  {
    const auto t = asyncio::create_task(body("A"));
    const bool cancel = t.cancel();
    ev("cancel ->", cancel, "done?", t.done());
    co_await outcome("A", t);
    ev("cancel when done ->", t.cancel());
  }

  ev("B while waiting on a future: the future is cancelled as well");
  {
    const auto f = loop.create_future();

    const auto waitf = [](Future<> future) -> Coroutine<> { co_await future; };
    const auto t = asyncio::create_task(waitf(f));
    co_await asyncio::sleep(0s);
    const bool cancel = t.cancel("why");
    ev("cancel ->", cancel, "| future cancelled", f.cancelled(), "| task done", t.done());
    co_await outcome("B", t);
  }

  ev("C swallowed once, then finishes");
  const auto stubborn = []() -> Coroutine<std::string> {
    for (int i = 0; i < 3; ++i) {
      try {
        co_await asyncio::sleep(10ms);
        ev("  slept", i);
      } catch (const CancelledError&) {
        ev("  swallowed", i);
      }
    }
    co_return "stubborn";
  };
  {
    const auto t = asyncio::create_task(stubborn());
    co_await asyncio::sleep(0s);
    t.cancel();
    co_await outcome("C", t);
  }

  ev("D two cancels before it runs again deliver one CancelledError");
  {
    const auto t = asyncio::create_task(stubborn());
    co_await asyncio::sleep(0s);
    const bool m1 = t.cancel("m1");
    const bool m2 = t.cancel("m2");
    ev(m1, m2, t.cancelling());
    co_await outcome("D", t);
  }

  ev("E cancel in the last step, nothing left to await");
  {
    const auto last = [](std::string kind) -> Coroutine<std::string> {
      asyncio::current_task()->cancel("late");
      ev("  after self cancel");
      if (kind == "raise") throw ValueError("body error wins");
      co_return "ret";
    };
    co_await outcome("E return", asyncio::create_task(last("return")));
    co_await outcome("E raise", asyncio::create_task(last("raise")));
  }

  ev("F self cancel takes effect at the next suspension, even on a finished future");
  {
    const auto selfc = []() -> Coroutine<> {
      asyncio::current_task()->cancel();
      ev("  still running");
      const auto f = asyncio::get_running_loop().create_future<std::string>();
      f.set_result("fv");
      ev("  finished future await:", co_await f);
      try {
        co_await asyncio::sleep(0s);
      } catch (const CancelledError&) {
        ev("  hit at sleep(0)");
        throw;
      }
    };
    co_await outcome("F", asyncio::create_task(selfc()));
  }

  ev("G result set, then cancel, before the waiter runs: cancel wins over the value");
  {
    const auto f = loop.create_future<std::string>();

    const auto g = [](Future<std::string> future) -> Coroutine<std::string> {
      try {
        const std::string v = co_await future;
        ev("  g got", v);
        co_await asyncio::sleep(0s);
        co_return "end";
      } catch (const CancelledError&) {
        ev("  g cancelled at await f; f result", future.result());
        throw;
      }
    };
    const auto t = asyncio::create_task(g(f));
    co_await asyncio::sleep(0s);
    f.set_result("val");
    const bool cancel = t.cancel();
    ev("cancel ->", cancel, "fut cancelled", f.cancelled());
    co_await outcome("G", t);
  }

  ev("H cancel then result: set_result refused");
  {
    const auto f = loop.create_future<int>();
    const auto t = asyncio::create_task(waitf_on(f));
    co_await asyncio::sleep(0s);
    t.cancel();
    try {
      f.set_result(1);
    } catch (const asyncio::InvalidStateError& e) {
      ev("  InvalidStateError", e);
    }
    co_await outcome("H", t);
  }

  ev("I translated into another exception");
  {
    const auto translate = []() -> Coroutine<> {
      try {
        co_await asyncio::sleep(5s);
      } catch (const CancelledError&) {
        throw RuntimeError("translated");
      }
    };
    const auto t = asyncio::create_task(translate());
    co_await asyncio::sleep(0s);
    t.cancel();
    co_await outcome("I", t);
  }

  ev("J raising CancelledError by hand makes the task cancelled without cancel()");
  {
    const auto manual = []() -> Coroutine<> {
      throw CancelledError("manual");
      co_return;
    };
    const auto t = asyncio::create_task(manual());
    co_await outcome("J", t);
    ev("J cancelling", t.cancelling());
  }

  ev("K chain: the innermost await is cancelled first, then outward");
  {
    const auto lv = [](const auto& self, int n) -> Coroutine<> {
      try {
        if (n == 0) {
          co_await asyncio::sleep(5s);
        } else {
          co_await asyncio::create_task(self(self, n - 1));
        }
      } catch (const CancelledError&) {
        ev("  level", n);
        throw;
      }
    };
    const auto t = asyncio::create_task(lv(lv, 3));
    for (int i = 0; i < 5; ++i) co_await asyncio::sleep(0s);
    t.cancel();
    co_await outcome("K", t);
  }

  ev("L cleanup may await; a second cancel interrupts the cleanup");
  {
    // C++ has no `finally`, and does not await in a handler: the exception is kept until the cleanup is over.
    const auto clean = []() -> Coroutine<> {
      std::exception_ptr pending;
      try {
        co_await asyncio::sleep(5s);
      } catch (...) {
        pending = std::current_exception();
      }
      ev("  cleanup begins");
      try {
        co_await asyncio::sleep(10ms);
        ev("  cleanup ends");
      } catch (const CancelledError&) {
        ev("  cleanup interrupted");
        throw;
      }
      if (pending) std::rethrow_exception(pending);
    };
    std::optional<Task<>> t;  // a task without a coroutine there is not
    for (const bool twice : {false, true}) {
      t = asyncio::create_task(clean());
      co_await asyncio::sleep(0s);
      t->cancel();
      co_await asyncio::sleep(0s);
      if (twice) t->cancel();
      co_await outcome(twice ? "L twice" : "L once", *t);
    }

    ev("M exception()/result() on a cancelled task raise");
    const std::function<void()> calls[] = {[&] { t->exception(); }, [&] { t->result(); }};
    for (const auto& fn : calls) {
      try {
        fn();
      } catch (const CancelledError&) {
        ev("  CancelledError");
      }
    }
  }
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
