// wait(): three modes, cancelled children, timeout, cancellation of the waiter.
#include <algorithm>
#include <chrono>
#include <exception>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::ALL_COMPLETED;
using asyncio::Coroutine;
using asyncio::Delay;
using asyncio::FIRST_COMPLETED;
using asyncio::FIRST_EXCEPTION;
using asyncio::ReturnWhen;
using asyncio::Task;

namespace {

template <class Tasks>
std::vector<std::string> names(const Tasks& s) {
  std::vector<std::string> names;
  for (const auto& t : s) names.push_back(t.get_name());
  std::ranges::sort(names);
  return names;
}

const char* to_string(ReturnWhen mode) {
  if (mode == ALL_COMPLETED) return "ALL_COMPLETED";
  return mode == FIRST_COMPLETED ? "FIRST_COMPLETED" : "FIRST_EXCEPTION";
}

template <class Error>
std::exception_ptr error(Error error) {
  return std::make_exception_ptr(error);
}

Coroutine<double> work(Delay d, std::exception_ptr fail = nullptr) {
  co_await asyncio::sleep(d);
  if (fail) std::rethrow_exception(fail);
  co_return std::chrono::duration<double>(d.value()).count();
}

using Spec = std::tuple<const char*, Delay, std::exception_ptr>;
using Tasks = std::vector<Task<double>>;

Tasks mk(std::initializer_list<Spec> spec) {
  Tasks out;
  for (const auto& [n, d, f] : spec) out.push_back(asyncio::create_task(work(d, f), {.name = n}));
  return out;
}

Coroutine<> drain(Tasks ts) { co_await asyncio::gather(ts, asyncio::return_exceptions); }

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  for (const auto mode : {ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION}) {
    const auto ts = mk({{"a", 10ms, nullptr}, {"b", 20ms, error(ValueError("b"))}, {"c", 40ms, nullptr}});
    const auto [d, p] = co_await asyncio::wait(ts, {.return_when = mode});
    ev("A", to_string(mode), names(d), names(p));
    co_await drain(ts);
  }

  ev("B FIRST_EXCEPTION: a cancelled child does not count as an exception");
  {
    const auto ts =
        mk({{"a", 1s, nullptr}, {"b", 20ms, nullptr}, {"c", 30ms, error(OSError("c"))}, {"d", 50ms, nullptr}});
    loop.call_later(5ms, [a = ts[0]] { a.cancel(); });
    const auto [d, p] = co_await asyncio::wait(ts, {.return_when = FIRST_EXCEPTION});
    ev("B", names(d), names(p));
    co_await drain(ts);
  }
  ev("B2 FIRST_COMPLETED counts it");
  {
    const auto ts = mk({{"a", 1s, nullptr}, {"b", 30ms, nullptr}});
    loop.call_later(5ms, [a = ts[0]] { a.cancel(); });
    const auto [d, p] = co_await asyncio::wait(ts, {.return_when = FIRST_COMPLETED});
    ev("B2", names(d), names(p));
    co_await drain(ts);
  }

  ev("C timeout is not an error and cancels nothing");
  {
    const auto ts = mk({{"a", 10ms, nullptr}, {"b", 50ms, nullptr}});
    const auto [d, p] = co_await asyncio::wait(ts, {.timeout = 30ms});
    ev("C", names(d), names(p), std::vector{ts[0].cancelled(), ts[1].cancelled()});
    co_await drain(ts);
  }

  ev("D timeout 0");
  {
    const auto ts = mk({{"a", 10ms, nullptr}});
    const auto [d, p] = co_await asyncio::wait(ts, {.timeout = 0s});
    ev("D", names(d), names(p));
    co_await drain(ts);
  }

  ev("E everything already finished");
  {
    const auto f1 = loop.create_future<int>();
    const auto f2 = loop.create_future<int>();
    f1.set_result(1);
    f2.set_exception(ValueError("f2"));
    const std::vector fs{f1, f2};
    for (const auto mode : {ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION}) {
      const auto [d, p] = co_await asyncio::wait(fs, {.return_when = mode});
      ev("E", to_string(mode), d.size(), p.size());
    }
    f2.exception();
  }

  ev("F FIRST_COMPLETED collects all that finished by the time it resumes");
  {
    const std::vector fs{loop.create_future<int>(), loop.create_future<int>(), loop.create_future<int>()};
    loop.call_soon([f = fs[0]] { f.set_result(0); });
    loop.call_soon([f = fs[2]] { f.set_result(2); });
    const auto [d, p] = co_await asyncio::wait(fs, {.return_when = FIRST_COMPLETED});
    const auto indices = [&](const auto& some) {
      std::vector<int> indices;
      for (const auto& x : some) indices.push_back(static_cast<int>(std::ranges::find(fs, x) - fs.begin()));
      std::ranges::sort(indices);
      return indices;
    };
    ev("F", indices(d), indices(p));
    fs[1].cancel();
  }

  ev("G cancelling the waiter leaves the children running");
  {
    const auto ts = mk({{"a", 20ms, nullptr}, {"b", 30ms, nullptr}});

    const auto waiter = [](Tasks ts) -> Coroutine<> { co_await asyncio::wait(ts); };
    const auto w = asyncio::create_task(waiter(ts));
    co_await asyncio::sleep(5ms);
    w.cancel();
    try {
      co_await w;
    } catch (const asyncio::CancelledError&) {
      ev("G waiter cancelled", std::vector{ts[0].done(), ts[1].done()});
    }
    co_await drain(ts);
    ev("G", std::vector{ts[0].result(), ts[1].result()});
  }

  ev("H duplicates collapse; empty is refused; bad mode is refused");
  {
    const auto t = asyncio::create_task(work(5ms), {.name = "dup"});
    const auto [d, p] = co_await asyncio::wait(t, t, t);
    ev("H", names(d), names(p));
    for (const auto& [args, kw] :
         {std::pair{Tasks(), asyncio::WaitOptions()}, {Tasks{t}, {.return_when = static_cast<ReturnWhen>(99)}}}) {
      try {
        co_await asyncio::wait(args, kw);
      } catch (const ValueError&) {
        ev("H ValueError");
      }
    }
    std::vector<Coroutine<double>> c;
    c.push_back(work(0s));
    try {
      co_await asyncio::wait(c);
    } catch (const TypeError&) {
      ev("H TypeError: bare coroutine");
    }
    c[0].close();
  }

  ev("I failures inside wait stay inside their task");
  {
    const auto ts = mk({{"a", 5ms, error(ValueError("quiet"))}});
    const auto [d, p] = co_await asyncio::wait(ts);
    ev("I", type_name(ts[0].exception()));
  }

  ev("J loop until empty with FIRST_COMPLETED");
  {
    auto pending = mk({{"x", 30ms, nullptr}, {"y", 10ms, nullptr}, {"z", 20ms, nullptr}});
    while (!pending.empty()) {
      auto [d, still_pending] = co_await asyncio::wait(pending, {.return_when = FIRST_COMPLETED});
      pending = still_pending;
      ev("J", names(d), names(pending));
    }
  }
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
