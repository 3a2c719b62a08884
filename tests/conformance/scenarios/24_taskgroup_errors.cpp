// TaskGroup: first error cancels siblings; order and content of the group; body errors.
//
// The order in which siblings are cancelled is unspecified (CPython keeps them in a set),
// so cancellations are collected and printed sorted.  Every case runs in a task of its own;
// "count" is that task's cancelling() after the group (0 expected).
#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::CancelledError;
using asyncio::Coroutine;
using asyncio::Task;
using asyncio::TaskGroup;

namespace {

std::vector<std::string> notes;

Value tree(const std::exception_ptr& e) {
  try {
    std::rethrow_exception(e);
  } catch (const BaseExceptionGroup& group) {
    List all{type_name(e) + "/" + group.message()};
    for (const auto& x : group.exceptions()) all.push_back(tree(x));
    return all;
  } catch (const BaseException& e) {
    return type_name(e) + ":" + str(e);
  }
}

template <class Error>
std::exception_ptr error(Error error) {
  return std::make_exception_ptr(error);
}

Coroutine<std::string> work(std::string tag, asyncio::Delay d, std::exception_ptr fail = nullptr,
                            std::exception_ptr on_cancel = nullptr) {
  try {
    co_await asyncio::sleep(d);
  } catch (const CancelledError&) {
    notes.push_back(tag + "(" + str(asyncio::current_task()->cancelling()) + ")");
    if (on_cancel) std::rethrow_exception(on_cancel);
    throw;
  }
  ev("  ", tag, "done");
  if (fail) std::rethrow_exception(fail);
  co_return tag;
}

Coroutine<std::pair<Value, int>> guard(Coroutine<Value> co) {
  Value r;
  try {
    r = co_await co;
  } catch (...) {
    r = tree(std::current_exception());
  }
  co_return std::pair(r, asyncio::current_task()->cancelling());
}

Coroutine<> run(std::string label, Coroutine<Value> co) {
  ev("==", label);
  notes.clear();
  const auto [r, n] = co_await asyncio::create_task(guard(std::move(co)));
  std::ranges::sort(notes);
  std::string cancelled = "   cancelled:";
  for (const auto& note : notes) cancelled += " " + note;
  ev(cancelled);
  ev("   ->", r, "| count", n);
}

Coroutine<> main_() {
  const auto a = []() -> Coroutine<Value> {
    std::optional<Task<std::string>> t1;
    std::optional<Task<std::string>> t2;
    const auto body = [&](TaskGroup& tg) {
      t1 = tg.create_task(work("a1", 20ms));
      t2 = tg.create_task(work("a2", 10ms));
      ev("   body end");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return tuple(t1->result(), t2->result());
  };
  co_await run("A all fine", a());

  const auto b = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(work("b1", 1s));
      tg.create_task(work("b2", 10ms, error(ValueError("b2"))));
      tg.create_task(work("b3", 1s, nullptr, error(LookupError("b3-cleanup"))));
      tg.create_task(work("b4", 0s));
      try {
        co_await asyncio::sleep(1s);
      } catch (const CancelledError&) {
        ev("   body cancelled, count", asyncio::current_task()->cancelling());
        throw;
      }
    };
    co_await asyncio::async_with(TaskGroup(), body);
    ev("   not reached");
    co_return None();
  };
  co_await run("B one fails while body waits", b());

  const auto c = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(work("c1", 1s));
      tg.create_task(work("c2", 1s, nullptr, error(OSError("c2-cleanup"))));
      co_await asyncio::sleep(0s);
      throw ValueError("from body");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("C body fails: its error comes last", c());

  const auto d = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) {
      tg.create_task(work("d1", 1s));
      throw ValueError("before children start");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("D children that never started", d());

  const auto e = []() -> Coroutine<Value> {
    // A task of its own: what it needs is given to it, not captured.
    const auto spawner = [](TaskGroup& tg) -> Coroutine<> {
      co_await asyncio::sleep(5ms);
      tg.create_task(work("e-late", 10ms));
      ev("   spawner done");
    };
    const auto body = [&](TaskGroup& tg) { tg.create_task(spawner(tg)); };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return "late child awaited";
  };
  co_await run("E children may add children while the group waits", e());

  const auto f = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(work("f1", 5ms, error(ValueError("f1"))));
      try {
        co_await asyncio::sleep(1s);
      } catch (const CancelledError&) {
        ev("   body swallows");
      }
      co_await asyncio::sleep(10ms);
      ev("   body goes on");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("F body swallows the cancellation", f());

  const auto g = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) {
      tg.create_task(work("g1", 5ms, error(ValueError("g1"))));
      tg.create_task(work("g2", 5ms, error(ValueError("g2"))));
      tg.create_task(work("g3", 50ms, error(ValueError("never"))));
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("G two fail in one round", g());

  const auto h = []() -> Coroutine<Value> {
    std::optional<Task<std::string>> t;
    const auto body = [&](TaskGroup& tg) -> Coroutine<> {
      t = tg.create_task(work("h1", 1s));
      tg.create_task(work("h2", 10ms));
      co_await asyncio::sleep(0s);
      t->cancel("direct");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return tuple("group fine", t->cancelled());
  };
  co_await run("H a child cancelled directly is not an error", h());

  const auto i = []() -> Coroutine<Value> {
    std::optional<Task<>> t;
    const auto body = [&](TaskGroup& tg) {
      const auto selfcancel = []() -> Coroutine<> {
        throw CancelledError("by hand");
        co_return;
      };
      t = tg.create_task(selfcancel());
      tg.create_task(work("i2", 10ms));
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return tuple("group fine", t->cancelled());
  };
  co_await run("I a child raising CancelledError by hand", i());

  const auto j = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) {
      tg.create_task(work("j1", 10ms));
      throw CancelledError("body by hand");
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("J body raising CancelledError by hand", j());

  const auto k = []() -> Coroutine<Value> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(work("k1", 5ms, error(ValueError("k1"))));
      co_await asyncio::sleep(2ms);
      tg.create_task(work("k2", 1s));
      try {
        co_await asyncio::sleep(1s);
      } catch (...) {
        try {
          tg.create_task(work("k3", 0s));  // a coroutine that it refuses is closed
        } catch (const RuntimeError& e) {
          ev("   refused:", str(e).substr(str(e).rfind("> ") + 2));
        }
        throw;
      }
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return None();
  };
  co_await run("K no new children after a failure", k());

  const auto l = []() -> Coroutine<Value> {
    std::optional<Task<std::string>> s;
    const auto body = [&](TaskGroup& tg) {
      const auto stubborn = []() -> Coroutine<std::string> {
        for (int i = 0; i < 2; ++i) {
          try {
            co_await asyncio::sleep(10ms);
            ev("   stubborn slept");
          } catch (const CancelledError&) {
            ev("   stubborn ignored a cancel");
          }
        }
        co_return "s";
      };
      s = tg.create_task(stubborn());
      tg.create_task(work("l2", 5ms, error(ValueError("l2"))));
    };
    co_await asyncio::async_with(TaskGroup(), body);
    co_return s->result();
  };
  co_await run("L the group waits for a child that ignores cancellation, cancels it once", l());
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
