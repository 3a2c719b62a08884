#include "interpreter.hpp"

#include <memory>
#include <utility>

#include <segue/modern/kernel/log.hpp>
#include <segue/unraisable.hpp>

#include "world.hpp"

namespace segue::random::tasks {
namespace {

using asyncio::AnyTask;
using asyncio::Coroutine;

// Leaves out what depends on when an object is collected, and what 3.14 alone has.
void handle(World& world, const asyncio::ExceptionContext& context) {
  std::string message = context.message;
  for (const char* const left_out : {"never retrieved", "shielded future", "destroyed"}) {
    if (message.find(left_out) != message.npos) return;
  }
  if (message.starts_with("Exception in callback")) message = "Exception in callback";
  const std::size_t first = message.find('<');
  const std::size_t last = message.rfind('>');
  if (first != message.npos && last != message.npos && first < last) message.replace(first, last - first + 1, "<>");
  world.log("handler", message, context.exception ? text(context.exception) : "None");
}

// Starts the program; when it has had its time, cancels whoever is left, until nobody is.
Coroutine<> main_(World& world) {
  world.register_current();
  std::size_t slot = 0;
  for (const std::size_t index : world.program.started) {
    world.started(slot, world.loop.create_task(call_body(world, index)));
    slot = (slot + 1) % slots;
  }
  co_await asyncio::sleep(units(end_time));
  world.log("main", "ends");
  const AnyTask me = *asyncio::current_task();
  int turn = 0;
  for (; turn < end_rounds; ++turn) {
    std::vector<AnyTask> left;
    for (const AnyTask& task : world.all) {
      if (task != me && !task.done()) left.push_back(task);
    }
    if (left.empty()) break;
    for (const AnyTask& task : left) task.cancel("end " + std::to_string(turn));
    asyncio::WaitOptions options;
    options.timeout = units(end_patience);
    auto waiting = asyncio::wait(left, options);
    co_await waiting;
  }
  if (turn == end_rounds) {
    world.log("main", "stuck");
    world.stopped = true;
  }
  for (const AnyTask& task : world.all) {
    if (task != me) world.log(world.name(task), "is", World::state(task));
  }
  int index = 0;
  for (const auto& future : world.all_futures) world.log("f" + std::to_string(index++), "is", World::state(future));

  const auto closing = world.loop.create_task(world.loop.shutdown_asyncgens());
  for (turn = 0; turn < end_rounds; ++turn) {
    asyncio::WaitOptions options;
    options.timeout = units(end_patience);
    auto waiting = asyncio::wait(std::vector{closing}, options);
    co_await waiting;
    if (closing.done()) break;
    closing.cancel("closing " + std::to_string(turn));
  }
  world.log("main", "closed", World::state(closing));
  world.stopped = true;
}

}  // namespace

Trace interpret(const Program& program) {
  auto loop = asyncio::new_event_loop(std::make_unique<asyncio::ManualReactor>());
  World world(program, *loop);
  if (program.eager) loop->set_task_factory(asyncio::eager_task_factory);
  loop->set_exception_handler(
      [&](asyncio::EventLoop&, const asyncio::ExceptionContext& context) { handle(world, context); });
  // Warnings, of generators that begin when the others are closed, say.
  modern::set_log_handler([](auto&&...) {});
  loop->run_until_complete(main_(world));
  Trace trace = std::move(world.trace);
  // What is left, of a program that got stuck, and generators that began when the others were closed, is closed before
  // what it refers to, and reported to nobody. Whatever it calls ends at once.
  world.calls = most_calls;
  UnraisableHook before = set_unraisable_hook([](const Unraisable&) {});
  loop.reset();
  for (auto& generator : world.A) {
    auto former = std::exchange(generator, std::make_shared<Generator>(call_generator(world, 0)));
    former.reset();
  }
  set_unraisable_hook(std::move(before));
  return trace;
}

}  // namespace segue::random::tasks
