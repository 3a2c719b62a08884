// Future: states, callbacks, removal, waiters, error results, wrong loop, await twice.
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Future;

namespace {

template <class Call>
void attempt(const char* label, Call fn) {
  try {
    const auto v = value_of(fn);
    ev(label, "->", v);
  } catch (const asyncio::CancelledError& e) {
    ev(label, "-> CancelledError", args(e));
  } catch (const BaseException& e) {
    ev(label, "->", type_name(e) + ":", e);
  }
}

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  ev("A pending");
  {
    const auto f = loop.create_future<std::string>();
    attempt("result", [&] { return f.result(); });
    attempt("exception", [&] { return f.exception(); });
    ev(f.done(), f.cancelled(), &f.get_loop() == &loop);

    ev("B callbacks run later, in order, once each; duplicates allowed");
    const auto log = std::make_shared<std::vector<std::pair<int, std::string>>>();

    const auto cb = [&log](int n) {
      return asyncio::DoneCallback<Future<std::string>>(
          [log, n](const Future<std::string>& f) { log->emplace_back(n, f.result()); });
    };
    const auto c1 = cb(1);
    const auto c2 = cb(2);
    const auto c3 = cb(3);
    for (const auto& c : {c1, c2, c1, c3, c2}) f.add_done_callback(c);
    const auto removed = f.remove_done_callback(c2);
    const auto again = f.remove_done_callback(c2);
    ev("removed", removed, "again", again);
    f.set_result("R");
    ev("right after set_result", *log);
    f.add_done_callback(c2);
    ev("remove after set", f.remove_done_callback(c1));
    co_await asyncio::sleep(0s);
    ev("one iteration later", *log);
  }

  ev("C a callback adding a callback");
  {
    const auto f = loop.create_future<int>();
    f.add_done_callback([](const Future<int>& f) {
      ev("  first");
      f.add_done_callback([](const Future<int>&) { ev("  nested"); });
    });
    f.add_done_callback([](const Future<int>&) { ev("  second"); });
    f.set_result(0);
    co_await asyncio::sleep(0s);
    ev("  -- iteration");
    co_await asyncio::sleep(0s);
  }

  ev("D setting twice, cancel after set, set after cancel");
  {
    auto f = loop.create_future<int>();
    f.set_result(1);
    attempt("set_result", [&] { f.set_result(2); });
    attempt("set_exception", [&] { f.set_exception(ValueError()); });
    attempt("cancel", [&] { return f.cancel(); });
    attempt("result", [&] { return f.result(); });
    attempt("exception", [&] { return f.exception(); });
    f = loop.create_future<int>();
    attempt("cancel", [&] { return f.cancel("msg"); });
    attempt("cancel", [&] { return f.cancel(); });
    attempt("set_result", [&] { f.set_result(2); });
    attempt("result", [&] { return f.result(); });
    attempt("exception", [&] { return f.exception(); });
    ev(f.done(), f.cancelled());
  }

  ev("E exceptions as results");
  {
    auto f = loop.create_future();
    const auto e1 = std::make_exception_ptr(ValueError("shared"));
    f.set_exception(e1);
    ev("  exception is the object", f.exception() == e1);
    std::vector<bool> got;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await f;
      } catch (const ValueError&) {
        got.push_back(std::current_exception() == e1);
      }
    }
    ev("  every await raises the same object", got);
    f = loop.create_future();
    f.set_exception(LookupError());
    ev("  a class is instantiated:", type_name(f.exception()));
  }

  ev("F many waiters wake in the order they started waiting");
  {
    const auto f = loop.create_future<std::string>();
    using Order = std::shared_ptr<std::vector<std::string>>;
    const Order order = std::make_shared<std::vector<std::string>>();

    const auto w = [](Future<std::string> f, Order order, int n, int pre) -> Coroutine<> {
      for (int i = 0; i < pre; ++i) co_await asyncio::sleep(0s);
      order->push_back("wait" + str(n));
      const std::string r = co_await f;
      order->push_back(r + str(n));
    };
    std::vector<asyncio::Task<>> ts;
    for (const int p : {2, 0, 1}) ts.push_back(asyncio::create_task(w(f, order, static_cast<int>(ts.size()), p)));
    for (int i = 0; i < 4; ++i) co_await asyncio::sleep(0s);
    f.set_result("got");
    co_await asyncio::gather(ts);
    ev("F", *order);
  }

  ev("G one cancelled waiter takes the shared future down with it");
  {
    const auto f = loop.create_future();

    const auto wf = [](Future<> f) -> Coroutine<> { co_await f; };
    const auto a = asyncio::create_task(wf(f));
    const auto b = asyncio::create_task(wf(f));
    co_await asyncio::sleep(0s);
    a.cancel();
    const auto r = co_await asyncio::gather(a, b, asyncio::return_exceptions);
    std::vector<std::string> types;
    std::apply([&](const auto&... x) { (types.push_back(type_name(x.exception())), ...); }, r);
    ev("G", types, f.cancelled(), b.cancelling());
  }

  ev("H a future of another loop");
  {
    const auto other = asyncio::new_event_loop();
    const auto of = other->create_future();

    const auto wo = [](Future<> of) -> Coroutine<> { co_await of; };
    try {
      co_await asyncio::create_task(wo(of), {.name = "T"});
    } catch (const RuntimeError& e) {
      ev("H RuntimeError", str(e).find("attached to a different loop") != std::string::npos);
    }
    other->close();
  }

  ev("I a task cannot be resolved from outside");
  {
    const auto t = asyncio::create_task(asyncio::sleep(0s));
    attempt("set_result", [&] { t.set_result(); });
    attempt("set_exception", [&] { t.set_exception(ValueError()); });
    co_await t;
  }

  ev("J a task awaiting itself");
  {
    const auto selfwait = []() -> Coroutine<> { co_await asyncio::current_task().value(); };
    try {
      co_await asyncio::create_task(selfwait(), {.name = "S"});
    } catch (const RuntimeError& e) {
      ev("J RuntimeError", str(e).find("cannot await on itself") != std::string::npos);
    }
  }

  ev("K an exception in one done callback and the others");
  {
    loop.set_exception_handler(
        [](asyncio::EventLoop&, const asyncio::ExceptionContext& c) { ev("  handler", type_name(c.exception)); });
    const auto f = loop.create_future<int>();
    f.add_done_callback([](const Future<int>&) { throw ZeroDivisionError("division by zero"); });
    f.add_done_callback([](const Future<int>&) { ev("  other callback"); });
    f.set_result(0);
    co_await asyncio::sleep(0s);
  }

  ev("L ensure_future / isfuture identities");
  {
    const auto f = loop.create_future();
    ev(asyncio::ensure_future(f) == f, asyncio::isfuture(f), asyncio::isfuture(main_));
    f.cancel();
  }
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
