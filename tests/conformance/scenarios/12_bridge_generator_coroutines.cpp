// Generator-based coroutines, native ones and callbacks on one loop; bad yields.
#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <segue/segue.hpp>

#include "trace.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Future;
using bridge::coroutine;
using bridge::yield_;
using bridge::yield_from;

namespace {

Coroutine<Value> native(int n);

const auto legacy_sleep = coroutine([](int n, std::string tag) {
  for (int i = 0; i < n; ++i) {
    ev(" ", tag, "bare yield", i);
    const std::any x = yield_();
    ev(" ", tag, "resumed with", x);
  }
  return tag + "-done";
});

const auto legacy_wait = coroutine([](Future<std::string> fut) {
  const std::string r = yield_from(fut);
  ev("  legacy_wait got", r);
  return r;
});

const auto legacy_calls_native = coroutine([](int n) {
  const Value r = yield_from(native(n));
  ev("  legacy got from native", r);
  const std::string r2 = yield_from(asyncio::sleep(0s, std::string("slept")));
  return tuple(r, r2);
});

Coroutine<Value> native(int n) {
  if (n == 0) co_return co_await legacy_sleep(1, "inner");
  const Value r = co_await legacy_calls_native(n - 1);
  co_return List{n, r};
}

// A bad yield, of a value that may be anything.
const auto bad = coroutine([](std::function<void()> yield_val, std::string then) -> std::string {
  try {
    yield_val();
  } catch (const RuntimeError& e) {
    const std::string m = str(e);
    const auto in_m = [&m](const char* text) { return m.find(text) != std::string::npos; };
    ev("  inside:", type_name(e),
       in_m("got bad yield")                          ? "bad-yield"
       : in_m("yield was used instead of yield from") ? "used-instead"
                                                      : m);
    if (then == "swallow") return "swallowed";
    throw;
  }
  return {};
});

// F: who waits for nobody may go on when main_() has been cancelled, and so has all that it needs.
using Order = std::shared_ptr<std::string>;

void note(const Order& order, const std::string& tag, int n) { *order += (order->empty() ? "" : " ") + tag + str(n); }

Coroutine<std::string> nat(Order order, std::string tag, int n) {
  for (int i = 0; i < n; ++i) {
    note(order, tag, i);
    co_await asyncio::sleep(0s);
  }
  co_return tag;
}

const auto leg = coroutine([](Order order, std::string tag, int n) {
  for (int i = 0; i < n; ++i) {
    note(order, tag, i);
    yield_();
  }
  return tag;
});

Coroutine<std::string> run_leg(Order order, std::string tag, int n) { co_return co_await leg(order, tag, n); }

void cb(const Order& order, const std::string& tag, int n) {
  note(order, tag, n);
  if (n < 2) asyncio::get_running_loop().call_soon(cb, order, tag, n + 1);
}

// G: native ones and others below each other.
const auto deep = coroutine([](Future<std::string> fut) -> std::string {
  try {
    return yield_from(fut);
  } catch (const asyncio::CancelledError&) {
    ev("  deep cancelled");
    return "kept";
  }
});

Coroutine<List> mid(Future<std::string> fut) {
  const std::string r = co_await deep(fut);
  co_return List{"mid", r};
}

const auto upper = coroutine([](Future<std::string> fut) {
  struct Finally {
    ~Finally() { ev("  upper finally"); }
  } const finally;
  const List r = yield_from(mid(fut));
  return List{"upper", r};
});

Coroutine<List> entry(Future<std::string> fut) { co_return co_await upper(fut); }

// H
Coroutine<> natw(Future<std::string> f) {
  const std::string r = co_await f;
  ev("  native waiter", r);
}

Coroutine<> legw(Future<std::string> f) { co_await legacy_wait(f); }

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  ev("A", co_await legacy_sleep(2, "A"));
  ev("B", co_await native(2));

  {
    const auto fut = loop.create_future<std::string>();
    loop.call_soon([fut] {
      ev("  callback fires");
      fut.set_result("cb");
    });
    ev("C", co_await legacy_wait(fut));
  }

  {
    const auto fut = loop.create_future<std::string>();
    const auto t = asyncio::ensure_future(native(1));
    t.add_done_callback([](const Future<Value>& t) { ev("  done callback", t.result()); });
    t.add_done_callback([fut](const Future<Value>&) { fut.set_exception(ValueError("from callback")); });
    try {
      co_await legacy_wait(fut);
    } catch (const ValueError& e) {
      ev("D caught", e);
    }
  }

  ev("E bad yields: the error arrives inside the offender and can be caught there");
  {
    const auto wrap = [](std::function<void()> yield_val, std::string then) -> Coroutine<std::string> {
      co_return co_await bad(yield_val, then);
    };

    legacy::Generator<int> gen([](auto& yield) {
      for (int i = 0; i < 2; ++i) yield(i);
    });
    const auto future = loop.create_future();
    const std::pair<std::function<void()>, const char*> cases[] = {{[] { yield_(42); }, "int"},
                                                                   {[&] { yield_(future); }, "future"},
                                                                   {[&] { yield_(gen); }, "generator"},
                                                                   {[] { yield_("s"); }, "str"}};
    for (const auto& [yield_val, name] : cases) {
      for (const char* const then : {"swallow", "raise"}) {
        const auto t = asyncio::create_task(wrap(yield_val, then));
        try {
          ev("E", name, then, co_await t);
        } catch (const RuntimeError& e) {
          ev("E", name, then, "task raised", type_name(e));
        }
      }
    }
  }

  ev("F several interleaved kinds");
  {
    const auto order = std::make_shared<std::string>();
    const auto t1 = asyncio::create_task(nat(order, "n", 3));
    const auto t2 = asyncio::create_task(run_leg(order, "g", 3));
    loop.call_soon(cb, order, "c", 0);
    const auto rs = co_await asyncio::gather(t1, t2);
    ev("F", list(rs), *order);
  }

  ev("G cancel crosses all layers and can be caught in the legacy one");
  {
    const auto f = loop.create_future<std::string>();
    const auto t = asyncio::create_task(entry(f));
    co_await asyncio::sleep(0s);
    ev("G cancel() ->", t.cancel());
    const List r = co_await t;
    ev("G", r, "fut cancelled", f.cancelled(), "task cancelled", t.cancelled());
  }

  ev("H a callback resolves while a legacy waiter and a native waiter both wait");
  {
    const auto f = loop.create_future<std::string>();

    const auto a = asyncio::create_task(legw(f));
    const auto b = asyncio::create_task(natw(f));
    f.add_done_callback([](const Future<std::string>& f) { ev("  plain callback", f.result()); });
    co_await asyncio::sleep(0s);
    f.add_done_callback([](const Future<std::string>& f) { ev("  late plain callback", f.result()); });
    f.set_result("V");
    co_await asyncio::gather(a, b);
  }
}

}  // namespace

int main() { asyncio::run(main_()); }
