// How many loop iterations each operation takes; a ticker counts iterations.
#include <chrono>
#include <string>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

#include "trace.hpp"

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Task;
using trace::list;

namespace {

int tick = 0;

template <class... T>
void ev(const T&... a) {
  trace::print("[" + trace::str(tick) + "]", a...);
}

// The last call of the ticker comes after the end of main_(), whose locals are gone by then.
bool live = true;

void ticker() {
  tick += 1;
  if (live) asyncio::get_running_loop().call_soon(ticker);
}

Coroutine<> main_() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  const auto restart = [] { tick = 0; };
  live = true;
  const modern::ScopeExit stop_ticking([]() noexcept { live = false; });

  loop.call_soon(ticker);
  co_await asyncio::sleep(0s);

  restart();
  ev("A coroutine await costs nothing");

  const auto nop = [](auto v) -> Coroutine<decltype(v)> { co_return v; };

  const auto deep = [](const auto& self, int n) -> Coroutine<int> {
    if (n == 0) co_return n;
    co_return 1 + co_await self(self, n - 1);
  };
  ev(co_await nop(std::string("n")), co_await deep(deep, 20));

  ev("B await of a finished future costs nothing");
  {
    const auto f = loop.create_future<std::string>();
    f.set_result("ready");
    ev(co_await f);
  }
  ev("C sleep(0) is one iteration");
  co_await asyncio::sleep(0s);
  ev("after 1");
  co_await asyncio::sleep(0s);
  co_await asyncio::sleep(0s);
  ev("after 3");

  restart();
  ev("D awaiting a trivial new task");
  {
    const std::string r = co_await asyncio::create_task(nop(std::string("t")));
    ev(r);
  }

  restart();
  ev("E awaiting a task of three steps");

  const auto three = []() -> Coroutine<int> {
    ev("  s1");
    co_await asyncio::sleep(0s);
    ev("  s2");
    co_await asyncio::sleep(0s);
    ev("  s3");
    co_return 3;
  };
  ev(co_await asyncio::create_task(three()));

  restart();
  ev("F chain of tasks awaiting tasks");

  const auto chain = [](const auto& self, int n) -> Coroutine<> {
    if (n > 0) co_await asyncio::create_task(self(self, n - 1));
    ev("  end", n);
  };
  co_await asyncio::create_task(chain(chain, 3));
  ev("chain done");

  restart();
  ev("G gather of plain coroutines");
  {
    const auto r = co_await asyncio::gather(nop(1), nop(2), three());
    ev(list(r));
  }

  restart();
  ev("H wait on already finished tasks still takes an iteration");
  {
    const auto t = asyncio::create_task(nop(1));
    co_await t;
    restart();
    const auto [d, p] = co_await asyncio::wait(t);
    ev(d.size(), p.size());
  }

  restart();
  ev("I future resolved by a callback");
  {
    const auto f = loop.create_future<int>();
    loop.call_soon([f] {
      ev("  set");
      f.set_result(0);
    });
    co_await f;
    ev("woken");
  }

  restart();
  ev("J two waiters on one future, wake order and same iteration");
  {
    const auto f = loop.create_future<int>();

    const auto w = [](asyncio::Future<int> f, int n) -> Coroutine<> {
      co_await f;
      ev("  waiter", n);
    };
    std::vector<Task<>> ts;
    for (int i = 0; i < 3; ++i) ts.push_back(asyncio::create_task(w(f, i)));
    co_await asyncio::sleep(0s);
    f.set_result(1);
    ev("set");
    co_await ts[2];
    std::vector<bool> done;
    for (const auto& t : ts) done.push_back(t.done());
    ev("J done", done);
  }

  restart();
  ev("K queue hand-over");
  {
    const asyncio::Queue<std::string> q;

    const auto getter = [](asyncio::Queue<std::string> q) -> Coroutine<> { ev("  got", co_await q.get()); };
    const auto t = asyncio::create_task(getter(q));
    co_await asyncio::sleep(0s);
    q.put_nowait("x");
    ev("put");
    co_await t;
    ev("K done");
  }

  restart();
  ev("L lock hand-over");
  {
    const asyncio::Lock lk;
    co_await lk.acquire();

    const auto locker = [](asyncio::Lock lk) -> Coroutine<> {
      const auto lock = co_await lk.guard();
      ev("  locked");
    };
    const auto t = asyncio::create_task(locker(lk));
    co_await asyncio::sleep(0s);
    lk.release();
    ev("released");
    co_await t;
    ev("L done");
  }

  restart();
  ev("M event");
  {
    const asyncio::Event e;

    const auto we = [](asyncio::Event e) -> Coroutine<> {
      co_await e.wait();
      ev("  event seen");
    };
    const auto t = asyncio::create_task(we(e));
    co_await asyncio::sleep(0s);
    e.set();
    co_await t;
    ev("M done");
  }

  restart();
  ev("N cancel of a sleeping task");
  {
    const auto slp = []() -> Coroutine<> {
      try {
        co_await asyncio::sleep(1s);
      } catch (const asyncio::CancelledError&) {
        ev("  cancelled inside");
        throw;
      }
    };
    const auto t = asyncio::create_task(slp());
    co_await asyncio::sleep(0s);
    t.cancel();
    ev("cancel called");
    try {
      co_await t;
    } catch (const asyncio::CancelledError&) {
      ev("N seen outside");
    }
  }

  restart();
  ev("O task group of two");
  const auto two = [&](asyncio::TaskGroup& tg) {
    tg.create_task(nop(1));
    tg.create_task(three());
    ev("body end");
  };
  co_await asyncio::async_with(asyncio::TaskGroup(), two);
  ev("O done");
  live = false;
}

}  // namespace

int main() { asyncio::run(main_()); }
