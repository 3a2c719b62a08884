// A ticket number that goes along with a customer, through tasks, callbacks and threads.

#include <chrono>
#include <string>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using contextvars::Context;
using contextvars::ContextVar;

const ContextVar<std::string> ticket("ticket", "nobody");

void sign(const std::string& what) { fmt::print("  {} for {}\n", what, ticket.get()); }

Coroutine<> weigh() {
  // A coroutine that is awaited has no context of its own: it sees, and changes, its caller's.
  sign("weighed");
  ticket.set(ticket.get() + "+weighed");
  co_return;
}

Coroutine<> serve(std::string number) {
  ticket.set(number);
  co_await weigh();
  co_await asyncio::sleep(5ms);
  sign("packed");
}

Coroutine<> async_main() {
  fmt::print("- each task has its own\n");
  co_await asyncio::gather(serve("A"), serve("B"));
  sign("nothing left");

  fmt::print("- a copy is made when a task is made, not when it runs\n");
  ticket.set("C");
  const asyncio::Task<> task = asyncio::create_task(weigh());
  ticket.set("D");
  co_await task;
  sign("still here");

  fmt::print("- callbacks have copies as well\n");
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  loop.call_soon([] { ticket.set("from a callback"); });
  loop.call_soon(sign, "called");
  co_await asyncio::sleep(0s);

  fmt::print("- and so has a call in a thread\n");
  co_await asyncio::to_thread(sign, std::string("receipt printed"));

  fmt::print("- one context for several\n");
  const Context counter = contextvars::copy_context();
  for (int i = 0; i < 2; ++i) co_await asyncio::create_task(weigh(), {.context = counter});
  fmt::print("  in there: {}\n", counter[ticket]);
  fmt::print("  out here: {}\n", ticket.get());

  fmt::print("- for a while\n");
  {
    const contextvars::TokenScope for_a_while(ticket.set("E"));
    sign("tasted");
  }
  sign("back");
}

int main() { asyncio::run(async_main()); }
