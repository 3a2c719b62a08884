// Async generators: asend/athrow/aclose, running rules, ignored exit, awaiting in finally.
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::AsyncGenerator;
using asyncio::Coroutine;

namespace {

template <class Step>
Coroutine<> run(std::string label, Step& step) {
  try {
    if constexpr (std::is_void_v<asyncio::await_result_t<Step&>>) {
      co_await step;
      ev(label, "->", None());
    } else {
      auto value = co_await step;
      ev(label, "->", value);
    }
  } catch (const BaseException& e) {
    ev(label, "->", type_name(e) + ":", e);
  }
}

template <class Step>
Coroutine<> run(std::string label, Step&& step) {
  Step kept = std::move(step);
  co_await run(label, kept);
}

using Echo = AsyncGenerator<Value, Value>;

Echo echo() {
  ev("  start");
  std::exception_ptr error;
  try {
    Value x = co_yield "first";
    for (;;) {
      ev("  got", x);
      if (x == Value("stop")) break;
      try {
        x = co_yield std::tuple(Value("echo"), x);
      } catch (const ValueError& e) {
        ev("  caught", e);
        x = std::string("after-") + e.what();
      }
    }
  } catch (...) {
    error = std::current_exception();
  }
  ev("  finally begins");
  co_await asyncio::sleep(0s);
  ev("  finally ends");
  if (error) std::rethrow_exception(error);
}

AsyncGenerator<int> bad() {
  bool exits = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    exits = true;
  }
  if (exits) co_yield 2;
}

AsyncGenerator<int, Value> slow() {
  for (int i = 0; i < 3; ++i) {
    co_await asyncio::sleep(5ms);
    co_yield i;
  }
}

AsyncGenerator<int> waits() {
  std::exception_ptr error;
  try {
    co_yield 1;
    co_await asyncio::sleep(5s);
    co_yield 2;
  } catch (const asyncio::CancelledError&) {
    ev("  agen cancelled");
    error = std::current_exception();
  } catch (...) {
    error = std::current_exception();
  }
  co_await asyncio::sleep(0s);
  ev("  agen finally");
  if (error) std::rethrow_exception(error);
}

Coroutine<> consume(AsyncGenerator<int>& g) {
  co_await asyncio::async_for(g, [](int v) { ev("  consumed", v); });
}

AsyncGenerator<Value> outer(Echo g) {
  std::exception_ptr error;
  try {
    for (;;) {
      auto step = g.next_or_none();
      std::optional<Value> v = co_await step;
      if (!v) break;
      std::optional<std::string> caught;
      try {
        co_yield std::tuple(Value("outer"), *v);
      } catch (const ValueError& e) {
        caught = e.what();
      }
      if (caught) co_yield std::tuple(Value("outer caught"), Value(*caught));
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await g.aclose();
  if (error) std::rethrow_exception(error);
}

AsyncGenerator<int> num(int n) {
  for (int i = 0; i < n; ++i) {
    co_yield i;
    co_await asyncio::sleep(0s);
  }
}

const auto show_and_leave = [](const Value& v) {
  ev("  v", v);
  return asyncio::LoopControl::break_;
};

Coroutine<> main_() {
  ev("A send protocol");
  {
    Echo g = echo();
    co_await run("A asend(1) before start", g.asend(1));
    co_await run("A anext", g.anext());
    co_await run("A asend", g.asend("m"));
    co_await run("A athrow", g.athrow(ValueError("v")));
    co_await run("A asend stop", g.asend("stop"));
    co_await run("A anext", g.anext());
    co_await run("A asend", g.asend("x"));
    co_await run("A athrow after end", g.athrow(OSError("late")));
    co_await run("A aclose", g.aclose());
  }

  ev("B aclose");
  {
    Echo g = echo();
    co_await run("B unstarted", g.aclose());
    co_await run("B anext", g.anext());
    g = echo();
    co_await g.anext();
    co_await run("B started", g.aclose());
    co_await run("B again", g.aclose());
    co_await run("B anext", g.anext());
  }

  ev("C athrow");
  {
    Echo g = echo();
    co_await run("C unstarted", g.athrow(OSError("early")));
    co_await run("C anext", g.anext());
    g = echo();
    co_await g.anext();
    co_await run("C uncaught", g.athrow(OSError("o")));
    co_await run("C anext", g.anext());
  }

  ev("D ignoring GeneratorExit");
  {
    auto g = bad();
    co_await g.anext();
    co_await run("D", g.aclose());
  }

  ev("E overlapping operations");
  {
    auto g = slow();
    const auto first = [&]() -> Coroutine<int> { co_return co_await g.anext(); };
    const asyncio::Task<int> t = asyncio::create_task(first());
    co_await asyncio::sleep(0s);
    co_await run("E anext", g.anext());
    co_await run("E asend", g.asend(None()));
    co_await run("E athrow", g.athrow(OSError("x")));
    co_await run("E aclose", g.aclose());
    co_await run("E first one", asyncio::Task<int>(t));
    co_await run("E next", g.anext());
    co_await run("E aclose", g.aclose());
  }

  ev("F the step object is one-shot");
  {
    auto g = slow();
    auto s = g.anext();
    co_await run("F", s);
    co_await run("F", s);
    auto c = g.aclose();
    co_await run("F", c);
    co_await run("F", c);
  }

  ev("G leaving async for does not close; aclosing does");
  {
    Echo g = echo();
    co_await asyncio::async_for(g, show_and_leave);
    co_await run("G still alive", g.asend("z"));
    co_await g.aclose();
    co_await asyncio::async_with(contextlib::aclosing(echo()),
                                 [](Echo& g) -> Coroutine<> { co_await asyncio::async_for(g, show_and_leave); });
    ev("G closed by aclosing");
  }

  ev("H cancellation inside an async generator");
  {
    auto g = waits();
    const asyncio::Task<> t = asyncio::create_task(consume(g));
    co_await asyncio::sleep(0s);
    co_await asyncio::sleep(0s);
    t.cancel();
    co_await run("H", asyncio::Task<>(t));
    co_await run("H anext", g.anext());
  }

  ev("I an error in the consumer's loop body is not seen by the generator");
  {
    Echo g = echo();
    try {
      co_await asyncio::async_for(g, [](const Value&) { throw LookupError("consumer"); });
    } catch (const LookupError&) {
      ev("  consumer error");
    }
    co_await g.aclose();
  }

  ev("J nested delegation by hand and exception translation");
  {
    auto g = outer(echo());
    co_await run("J", g.anext());
    co_await run("J", g.athrow(ValueError("into outer")));
    co_await run("J", g.aclose());
  }

  ev("K comprehension, filters, aiter/anext with default");
  {
    std::vector<int> even;
    co_await asyncio::async_for(num(5), [&](int i) {
      if (i % 2 == 0) even.push_back(i);
    });
    std::vector<int> all;
    co_await asyncio::async_for(num(2), [&](int i) { all.push_back(i); });
    ev(even, "{" + joined_reprs(all) + "}");
    auto it = num(1);
    const int first = co_await asyncio::anext(it);
    Value second = "dflt";
    const std::optional<int> none = co_await it.next_or_none();
    if (none) second = *none;
    ev(first, second);
    co_await run("K", asyncio::anext(it));
  }
}

}  // namespace

int main() { asyncio::run(main_(), in_virtual_time); }
