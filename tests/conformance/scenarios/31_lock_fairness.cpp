// Lock: FIFO, no barging, cancelled waiters, cancellation racing with hand-over.
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::return_exceptions;
using asyncio::Task;

namespace {

// The tasks have all that they need: they may go on where main_() has failed.
using Log = std::shared_ptr<List>;

Coroutine<> user(asyncio::Lock lk, Log log, Value n) {
  const auto lock = co_await lk.guard();
  log->push_back(n);
  co_await asyncio::sleep(0s);
}

Coroutine<> main_() {
  ev("A FIFO and locked() between release and hand-over");
  const asyncio::Lock lk;
  co_await lk.acquire();
  const Log log = std::make_shared<List>();

  const auto users = [&](int count) {
    std::vector<Task<>> ts;
    for (int i = 0; i < count; ++i) ts.push_back(asyncio::create_task(user(lk, log, i)));
    return ts;
  };
  {
    auto ts = users(4);
    co_await asyncio::sleep(0s);
    lk.release();
    ev("A locked right after release:", lk.locked());
    ts.push_back(asyncio::create_task(user(lk, log, "late")));
    co_await asyncio::gather(ts);
    ev("A", *log, lk.locked());
  }

  ev("B releaser cannot take it straight back when somebody waits");
  co_await lk.acquire();
  log->clear();

  const auto greedy = [&]() -> Coroutine<> {
    for (int i = 0; i < 3; ++i) {
      lk.release();
      co_await lk.acquire();
      log->emplace_back("greedy" + str(i));
    }
    lk.release();
  };
  {
    std::vector<Task<>> w;
    for (int i = 0; i < 2; ++i) w.push_back(asyncio::create_task(user(lk, log, "w" + str(i))));
    co_await asyncio::sleep(0s);
    co_await greedy();
    co_await asyncio::gather(w);
    ev("B", *log);
  }

  ev("C with nobody waiting acquire does not suspend");
  {
    const Log steps = std::make_shared<List>();

    const auto quick = [](asyncio::Lock lk, Log steps) -> Coroutine<> {
      for (int i = 0; i < 3; ++i) {
        const auto lock = co_await lk.guard();
        steps->emplace_back(tuple("q", i));
      }
    };

    const auto other = [](Log steps) -> Coroutine<> {
      steps->emplace_back(tuple("o"));
      co_return;
    };
    const std::vector t{asyncio::create_task(quick(lk, steps)), asyncio::create_task(other(steps))};
    co_await asyncio::gather(t);
    ev("C", *steps);
  }

  ev("D release without holding");
  try {
    lk.release();
  } catch (const RuntimeError& e) {
    ev("D", e);
  }

  ev("E a cancelled waiter is skipped");
  co_await lk.acquire();
  log->clear();
  {
    const auto ts = users(3);
    co_await asyncio::sleep(0s);
    ts[0].cancel();
    lk.release();
    co_await asyncio::gather(ts, return_exceptions);
    ev("E", *log, ts[0].cancelled());
  }

  ev("F cancelled after being chosen but before running: the next one gets it");
  co_await lk.acquire();
  log->clear();
  {
    const auto ts = users(3);
    co_await asyncio::sleep(0s);
    lk.release();
    ts[0].cancel();
    const auto r = co_await asyncio::wait_for(asyncio::gather(ts, return_exceptions), 1s);
    std::vector<std::string> types;
    for (const auto& x : r) types.push_back(type_name(x.exception()));
    ev("F", *log, types, lk.locked());
  }

  ev("G the only waiter is cancelled after being chosen: lock ends up free");
  co_await lk.acquire();
  {
    const auto t = asyncio::create_task(user(lk, log, "g"));
    co_await asyncio::sleep(0s);
    lk.release();
    t.cancel();
    co_await asyncio::gather(t, return_exceptions);
    ev("G locked", lk.locked());
    co_await asyncio::wait_for(lk.acquire(), 1s);
    lk.release();
  }

  ev("H chosen waiter cancelled while a newcomer tries: order kept");
  co_await lk.acquire();
  log->clear();
  {
    const auto a = asyncio::create_task(user(lk, log, "a"));
    const auto b = asyncio::create_task(user(lk, log, "b"));
    co_await asyncio::sleep(0s);
    lk.release();
    a.cancel();
    const auto c = asyncio::create_task(user(lk, log, "c"));
    co_await asyncio::gather(a, b, c, return_exceptions);
    ev("H", *log);
  }

  ev("I exception inside releases");
  try {
    const auto lock = co_await lk.guard();
    throw ValueError("x");
  } catch (const ValueError&) {
    ev("I locked", lk.locked());
  }

  ev("J cancelled while holding");
  {
    const auto holder = [](asyncio::Lock lk) -> Coroutine<> {
      const auto lock = co_await lk.guard();
      co_await asyncio::sleep(5s);
    };
    const auto h = asyncio::create_task(holder(lk));
    log->clear();
    const auto w = asyncio::create_task(user(lk, log, "after-holder"));
    co_await asyncio::sleep(0s);
    h.cancel();
    co_await asyncio::gather(h, w, return_exceptions);
    ev("J", *log, lk.locked());
  }

  ev("K acquire returns True; a lock is not reentrant");
  ev("K", co_await lk.acquire());
  try {
    co_await asyncio::wait_for(lk.acquire(), 10ms);
  } catch (const TimeoutError&) {
    ev("K TimeoutError", lk.locked());
  }
  lk.release();
  ev("K", lk.locked());
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
