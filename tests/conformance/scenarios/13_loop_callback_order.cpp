// call_soon FIFO by iteration, zero delays, cancel of handles, stop() and the rest of an iteration.
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using asyncio::Coroutine;
using namespace std::chrono_literals;

namespace {

void tick(asyncio::EventLoop& loop, int k) {
  if (k == 0) {
    loop.stop();
  } else {
    loop.call_soon(tick, std::ref(loop), k - 1);
  }
}

/// run n iterations then stop
void run_until(asyncio::EventLoop& loop, int n) {
  loop.call_soon(tick, std::ref(loop), n);
  loop.run_forever();
}

void a1(asyncio::EventLoop& loop) {
  ev("a1");
  loop.call_soon(ev, "a1-child");
  loop.call_soon([&] {
    ev("a1-child2");
    loop.call_soon(ev, "a1-grandchild");
  });
}

using NamedCalls = std::vector<std::pair<std::string, std::function<void()>>>;

Coroutine<> nested(asyncio::EventLoop& loop) {
  const NamedCalls calls{{"run_forever", [&] { loop.run_forever(); }}, {"close", [&] { loop.close(); }}};
  for (const auto& [name, fn] : calls) {
    try {
      fn();
    } catch (const RuntimeError& e) {
      print(name, "->", e);
    }
  }
  const auto other = asyncio::new_event_loop();
  try {
    other->run_forever();
  } catch (const RuntimeError& e) {
    print("other loop ->", e);
  }
  other->close();
  co_return;
}

/// On a clock that jumps to the next timer.
void main_(asyncio::EventLoop& loop) {
  print("A callbacks added while running belong to the next iteration");
  loop.call_soon(a1, std::ref(loop));
  loop.call_soon(ev, "a2");
  loop.call_soon([&] {
    ev("a3");
    loop.call_soon(ev, "a3-child");
  });
  run_until(loop, 4);

  print("B handles: cancel before, cancel by an earlier callback of the same iteration, twice");
  const asyncio::Handle h1 = loop.call_soon(ev, "b1 never");
  h1.cancel();
  h1.cancel();
  print("cancelled", h1.cancelled());
  std::vector<asyncio::Handle> h3;
  loop.call_soon([&] {
    ev("b2 cancels b3");
    h3[0].cancel();
  });
  h3.push_back(loop.call_soon(ev, "b3 never"));
  loop.call_soon(ev, "b4");
  run_until(loop, 1);

  print("C call_later(0) and negative delay against call_soon");
  loop.call_later(0s, ev, "c-later0");
  loop.call_later(-1s, ev, "c-later-neg");
  loop.call_soon(ev, "c-soon1");
  loop.call_soon([&] {
    ev("c-soon2");
    loop.call_soon(ev, "c-soon2-child");
  });
  run_until(loop, 3);

  print("D distinct times fire in time order, not in registration order");
  auto t0 = loop.time();
  for (const auto d : {30ms, 10ms, 20ms}) loop.call_at(t0 + d, ev, "d", d);
  const asyncio::TimerHandle hd = loop.call_at(t0 + 15ms, ev, "d never");
  loop.call_at(t0 + 12ms, [&] { hd.cancel(); });
  loop.call_at(t0 + 45ms, [&] { loop.stop(); });
  print("when kept", hd.when() == t0 + 15ms);
  loop.run_forever();
  print("cancelled", hd.cancelled());

  print("E overdue timers still run in time order within one iteration");
  t0 = loop.time();
  loop.call_at(t0 + 4ms, ev, "e-4");
  loop.call_at(t0 + 2ms, ev, "e-2");
  loop.call_at(t0 + 6ms, [&] {
    ev("e-6");
    loop.call_soon(ev, "e-6-child");
  });
  loop.call_at(t0 + 5ms, ev, "e-5");
  static_cast<segue::modern::ManualReactor&>(loop.reactor()).advance(20ms);
  loop.call_soon(ev, "e-soon");
  run_until(loop, 2);

  print("F stop(): the iteration in progress completes, later work waits for the next run");
  loop.call_soon(ev, "f1");
  loop.call_soon([&] {
    ev("f2 stop");
    loop.stop();
    loop.call_soon(ev, "f2-child (next run)");
  });
  loop.call_soon(ev, "f3 same iteration");
  loop.run_forever();
  print("-- second run");
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();

  print("G stop() before run_forever runs exactly one iteration");
  loop.stop();
  loop.call_soon([&] {
    ev("g1");
    loop.call_soon(ev, "g1-child");
  });
  loop.run_forever();
  print("-- second run");
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();

  print("H run_until_complete on a future leaves other callbacks pending");
  auto f = loop.create_future<std::string>();
  loop.call_soon([&] {
    ev("h1");
    f.set_result("hv");
    loop.call_soon(ev, "h1-child");
  });
  loop.call_soon([&] { loop.call_soon([&] { loop.call_soon(ev, "h2-grandchild"); }); });
  print("result", loop.run_until_complete(f));
  print("-- drain");
  run_until(loop, 2);

  print("I errors about misuse");
  loop.run_until_complete(nested(loop));
  f = loop.create_future<std::string>();
  loop.call_soon([&] { loop.stop(); });
  try {
    loop.run_until_complete(f);
  } catch (const RuntimeError& e) {
    print("stopped early ->", e);
  }
  f.cancel();
  loop.close();
  loop.close();
  print("closed", loop.is_closed());
  const NamedCalls calls{{"call_soon", [&] { loop.call_soon(ev); }},
                         {"run_forever", [&] { loop.run_forever(); }},
                         {"call_later", [&] { loop.call_later(1s, ev); }},
                         {"call_soon_threadsafe", [&] { loop.call_soon_threadsafe(ev); }}};
  for (const auto& [name, fn] : calls) {
    try {
      fn();
    } catch (const RuntimeError& e) {
      print(name, "->", e);
    }
  }
}

}  // namespace

int main() { main_(*in_virtual_time.loop_factory()); }
