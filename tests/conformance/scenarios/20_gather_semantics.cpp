// gather: order, duplicates, failures, return_exceptions, cancellation in every direction.
#include <chrono>
#include <cstddef>
#include <exception>
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
using asyncio::return_exceptions;

namespace {

// Exceptions among the results are Outcomes here, and Values of that kind in a list.
template <class Results>
List show(const Results& r) {
  List shown;
  for (const Value& x : list(r)) {
    const auto* const error = std::get_if<std::exception_ptr>(&x.kind());
    shown.push_back(error != nullptr ? Value(type_name(*error) + ":" + str(*error)) : x);
  }
  return shown;
}

template <class Error>
std::exception_ptr error(Error error) {
  return std::make_exception_ptr(std::move(error));
}

Coroutine<std::string> work(std::string tag, asyncio::Delay d, std::exception_ptr fail = nullptr) {
  try {
    co_await asyncio::sleep(d);
  } catch (const CancelledError&) {
    ev("  ", tag, "cancelled");
    throw;
  }
  ev("  ", tag, "done");
  if (fail) std::rethrow_exception(fail);
  co_return tag;
}

template <class Awaitable>
Coroutine<> run(std::string label, Awaitable aw) {
  try {
    ev(label, "->", show(co_await aw));
  } catch (const BaseException& e) {
    ev(label, "->", type_name(e), e);
  }
}

class Weird : public BaseException {
 public:
  using BaseException::BaseException;
};

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  ev("A results in argument order, not completion order");
  co_await run("A", asyncio::gather(work("a1", 30ms), work("a2", 10ms), work("a3", 20ms)));

  ev("B empty");
  {
    const auto g = asyncio::gather();
    ev("B done at once?", g.done());
    co_await run("B", g);
  }

  ev("C the same awaitable twice runs once");
  {
    auto c = work("c", 5ms);
    const auto f = loop.create_future<std::string>();
    f.set_result("F");
    co_await run("C", asyncio::gather(c, f, c, f, c));
  }

  ev("D first failure propagates at once, others keep running");
  {
    const auto s = asyncio::create_task(work("d-slow", 30ms));
    co_await run("D", asyncio::gather(s, work("d-bad", 10ms, error(ValueError("d"))),
                                      work("d-bad2", 20ms, error(LookupError("d2")))));
    ev("D slow done?", s.done());
    co_await s;
  }

  ev("E return_exceptions waits for everybody");
  co_await run("E", asyncio::gather(work("e1", 20ms, error(ValueError("e1"))), work("e2", 10ms),
                                    work("e3", 30ms, error(OSError("e3"))), return_exceptions));

  ev("F cancelling a child is that child's failure");
  {
    auto t = asyncio::create_task(work("f1", 1s));
    const auto u = asyncio::create_task(work("f2", 20ms));
    loop.call_later(5ms, [t] { t.cancel("child"); });
    co_await run("F", asyncio::gather(t, u));
    ev("F u done?", u.done(), "cancelled?", u.cancelled());
    co_await u;
    t = asyncio::create_task(work("f3", 1s));
    loop.call_later(5ms, [t] { t.cancel("child"); });
    co_await run("F re", asyncio::gather(t, work("f4", 10ms), return_exceptions));
  }

  ev("G cancelling the gather cancels all children; also with return_exceptions");
  // With return_exceptions, gather() gives a future of another type: no bool makes that choice.
  const auto g_cancelled = [](auto... re) -> Coroutine<> {
    std::vector<asyncio::Task<std::string>> ts;
    for (int i = 0; i < 3; ++i) ts.push_back(asyncio::create_task(work("g" + str(i), 1s)));
    const auto fin = asyncio::create_task(work("g-fin", 0s));
    auto children = ts;
    children.push_back(fin);
    const auto g = asyncio::gather(children, re...);
    co_await asyncio::sleep(5ms);
    ev("G cancel ->", g.cancel("outer"));
    co_await run("G", g);
    std::vector<bool> cancelled;
    for (const auto& x : ts) cancelled.push_back(x.cancelled());
    ev("G g.cancelled", g.cancelled(), cancelled, fin.cancelled());
    ev("G again ->", g.cancel());
  };
  co_await g_cancelled();
  co_await g_cancelled(return_exceptions);

  ev("H cancelling the awaiting task does the same");
  {
    const auto outer = []() -> Coroutine<std::vector<Outcome<std::string>>> {
      std::vector<Coroutine<std::string>> children;
      children.push_back(work("h1", 1s));
      children.push_back(work("h2", 1s));
      co_return co_await asyncio::gather(children, return_exceptions);
    };
    const auto t = asyncio::create_task(outer());
    co_await asyncio::sleep(5ms);
    t.cancel();
    co_await run("H", t);
  }

  ev("I a child that refuses cancellation: gather still reports cancellation");
  {
    const auto stubborn = []() -> Coroutine<std::string> {
      try {
        co_await asyncio::sleep(1s);
      } catch (const CancelledError&) {
        ev("   stubborn stays");
      }
      co_return "stayed";
    };
    const auto g = asyncio::gather(stubborn(), work("i2", 1s), return_exceptions);
    co_await asyncio::sleep(5ms);
    g.cancel();
    co_await run("I", g);
    const auto g2 = asyncio::gather(stubborn());
    co_await asyncio::sleep(5ms);
    g2.cancel();
    co_await run("I2", g2);
  }

  ev("J all children already done: cancel() has nothing to cancel");
  {
    const std::vector fs{loop.create_future<int>(), loop.create_future<int>()};
    const auto g = asyncio::gather(fs);
    for (std::size_t i = 0; i < fs.size(); ++i) fs[i].set_result(static_cast<int>(i));
    const bool cancel = g.cancel();
    ev("J cancel ->", cancel, "done", g.done());
    co_await run("J", g);
  }

  ev("K failure after the gather failed is silent, and order of failures decides");
  {
    const std::vector fs{loop.create_future(), loop.create_future(), loop.create_future()};
    const auto g = asyncio::gather(fs);
    fs[2].set_exception(ValueError("third set first"));
    fs[0].set_exception(ValueError("first set second"));
    co_await run("K", g);
    fs[1].set_result();
  }

  ev("L nested gathers and cancel through both");
  {
    const auto inner = asyncio::gather(work("l1", 1s), work("l2", 1s));
    const auto outer_g = asyncio::gather(inner, work("l3", 10ms));
    co_await asyncio::sleep(20ms);
    outer_g.cancel();
    co_await run("L", outer_g);
    ev("L inner cancelled", inner.cancelled());
  }

  ev("M BaseException subclass as a result");
  co_await run("M", asyncio::gather(work("m1", 5ms, error(Weird("w"))), work("m2", 10ms), return_exceptions));
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
