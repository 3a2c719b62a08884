#include <algorithm>

#include "world.hpp"

namespace segue::random::tasks {
namespace {

using asyncio::Coroutine;
using asyncio::Future;
using asyncio::Task;
using Text = Coroutine<std::string>;

std::string text_of(const Outcome<int>& outcome) {
  return outcome.has_exception() ? text(outcome.exception()) : text(outcome.stored());
}

template <class Range>
Text gather_all(Range range, bool return_exceptions) {
  if (return_exceptions) {
    auto gathering = asyncio::gather(std::move(range), asyncio::return_exceptions);
    co_return text(co_await gathering);
  }
  auto gathering = asyncio::gather(std::move(range));
  co_return text(co_await gathering);
}

Text await_gather(World& world, const Statement& s) {
  world.register_current();
  const auto me = asyncio::current_task();
  if (!world.G[s.which] || world.G[s.which]->oldest <= world.age(*me)) co_return "none";
  const Gathering gathering = *world.G[s.which];
  if (gathering.outcomes) co_return text(co_await gathering.outcomes);
  co_return text(co_await gathering.results);
}

Text gather_bodies(World& world, const Statement& s) {
  std::vector<Coroutine<int>> bodies;
  for (const std::size_t index : s.several) bodies.push_back(call_body(world, index));
  return gather_all(std::move(bodies), s.flag);
}

Text gather_mixed(World& world, const Statement& s) {
  const auto task = world.awaitable(s.which);
  if (!task) co_return "none";
  std::vector<std::string> texts;
  if (s.flag) {
    auto gathering = asyncio::gather(call_body(world, s.body), *task, asyncio::return_exceptions);
    const auto [first, second] = co_await gathering;
    texts = {text_of(first), text_of(second)};
  } else {
    auto gathering = asyncio::gather(call_body(world, s.body), *task);
    const auto [first, second] = co_await gathering;
    texts = {text(first), text(second)};
  }
  co_return listing(texts);
}

asyncio::WaitOptions wait_options(const Statement& s) {
  constexpr std::array modes = {asyncio::FIRST_COMPLETED, asyncio::FIRST_EXCEPTION, asyncio::ALL_COMPLETED};
  asyncio::WaitOptions options;
  options.timeout = delay(s);
  options.return_when = modes[static_cast<std::size_t>(s.number) % modes.size()];
  return options;
}

Text wait_tasks(World& world, const Statement& s) {
  std::vector<Task<int>> tasks;
  for (const std::size_t slot : s.several) {
    if (world.T[slot]) tasks.push_back(*world.T[slot]);
  }
  auto waiting = asyncio::wait(tasks, wait_options(s));
  auto result = co_await waiting;
  std::string names;
  for (auto* const group : {&result.done, &result.pending}) {
    std::ranges::sort(*group, {}, [&](const Task<int>& task) { return world.age(task); });
    names += names.empty() ? "[" : "] [";
    for (const Task<int>& task : *group) names += (names.back() == '[' ? "" : " ") + world.name(task);
  }
  co_return names + "]";
}

Text wait_futures(World& world, const Statement& s) {
  std::vector<Future<int>> futures;
  for (const std::size_t which : s.several) futures.push_back(world.F[which]);
  auto waiting = asyncio::wait(futures, wait_options(s));
  const auto result = co_await waiting;
  std::vector<std::string> done;
  for (const auto& future : futures) done.push_back(std::ranges::count(result.done, future) > 0 ? "1" : "0");
  co_return std::to_string(result.done.size()) + " " + std::to_string(result.pending.size()) + " " + listing(done);
}

template <class A>
Text text_of_result(A awaitable) {
  const int result = co_await std::move(awaitable);
  co_return text(result);
}
template <class A>
Text text_of_true(A awaitable) {
  const bool result = co_await std::move(awaitable);
  co_return text(result);
}
template <class A>
Text text_of_nothing(A awaitable) {
  co_await std::move(awaitable);
  co_return "None";
}

Text await_task(World& world, const Statement& s) {
  const auto task = world.awaitable(s.which);
  if (!task) co_return "none";
  int result = 0;
  if (s.kind == Kind::await_task) {
    result = co_await *task;
  } else if (s.kind == Kind::shield_task) {
    result = co_await asyncio::shield(*task);
  } else {
    result = co_await asyncio::wait_for(*task, delay(s));
  }
  co_return text(result);
}

// as_completed() asks a set for what is done already: of several, the first alone.
std::vector<Task<int>> not_done_twice(std::vector<Task<int>> tasks) {
  std::vector<Task<int>> others;
  for (const Task<int>& task : tasks) {
    if (task.done()) others.push_back(task);
  }
  if (!others.empty()) others.erase(others.begin());
  std::erase_if(tasks, [&](const Task<int>& task) { return std::ranges::find(others, task) != others.end(); });
  return tasks;
}

Text as_completed(const Scope& scope, const Statement& s) {
  modern::AsCompletedOptions options;
  options.timeout = delay(s);
  auto completions = asyncio::as_completed(not_done_twice(scope.world.awaitables(s.several)), options);
  for (Coroutine<int>& next : completions) {
    std::string result;
    try {
      result = text(co_await next);
    } catch (const std::exception&) {
      result = text(std::current_exception());
    }
    scope.log("completed", result);
  }
  co_return "None";
}

Text async_as_completed(const Scope& scope, const Statement& s) {
  modern::AsCompletedOptions options;
  options.timeout = delay(s);
  auto completions = asyncio::as_completed(not_done_twice(scope.world.awaitables(s.several)), options);
  const auto turn = [&scope](const Task<int>& task) {
    scope.log("completed", scope.world.name(task) + " " + World::state(task));
  };
  co_await asyncio::async_for(completions, turn);
  co_return "None";
}

Text step_generator(World& world, const Statement& s) {
  const std::shared_ptr<Generator> generator = world.A[s.which];
  if (s.kind == Kind::anext) {
    auto step = generator->anext();
    const int value = co_await step;
    co_return text(value);
  }
  if (s.kind == Kind::asend) {
    auto step = generator->asend(s.flag ? Number(s.number) : std::nullopt);
    const int value = co_await step;
    co_return text(value);
  }
  if (s.kind == Kind::athrow) {
    auto step = generator->athrow(make_error(s));
    const Number value = co_await step;
    co_return text(value);
  }
  auto step = generator->aclose();
  co_await step;
  co_return "None";
}

}  // namespace

Text wait(const Scope& scope, const Statement& s) {
  World& world = scope.world;
  switch (s.kind) {
    case Kind::sleep: return text_of_nothing(asyncio::sleep(*delay(s)));
    case Kind::await_future: return text_of_result(Future<int>(world.F[s.which]));
    case Kind::await_gather: return await_gather(world, s);
    case Kind::await_body: return text_of_result(call_body(world, s.body));
    case Kind::acquire_lock: return text_of_true(world.L[s.which].acquire());
    case Kind::acquire_semaphore: return text_of_true(world.S[s.which].acquire());
    case Kind::wait_event: return text_of_true(world.E[s.which].wait());
    case Kind::wait_condition: return text_of_true(world.C.wait());
    case Kind::wait_for_condition:
      return text_of_true(world.C.wait_for([&world, least = s.number] { return world.count >= least; }));
    case Kind::wait_barrier: return text_of_result(world.B.wait());
    case Kind::reset_barrier: return text_of_nothing(world.B.reset());
    case Kind::abort_barrier: return text_of_nothing(world.B.abort());
    case Kind::put: return text_of_nothing(world.Q[s.which].put(s.number));
    case Kind::get: return text_of_result(world.Q[s.which].get());
    case Kind::join: return text_of_nothing(world.Q[s.which].join());
    case Kind::gather_bodies: return gather_bodies(world, s);
    case Kind::gather_tasks: return gather_all(world.awaitables(s.several), s.flag);
    case Kind::gather_mixed: return gather_mixed(world, s);
    case Kind::wait_tasks: return wait_tasks(world, s);
    case Kind::wait_futures: return wait_futures(world, s);
    case Kind::shield_future: return text_of_result(asyncio::shield(world.F[s.which]));
    case Kind::shield_body: return text_of_result(asyncio::shield(call_body(world, s.body)));
    case Kind::wait_for_future: return text_of_result(asyncio::wait_for(world.F[s.which], delay(s)));
    case Kind::wait_for_body: return text_of_result(asyncio::wait_for(call_body(world, s.body), delay(s)));
    case Kind::as_completed: return as_completed(scope, s);
    case Kind::async_as_completed: return async_as_completed(scope, s);
    case Kind::anext:
    case Kind::asend:
    case Kind::athrow:
    case Kind::aclose: return step_generator(world, s);
    default: return await_task(world, s);
  }
}

}  // namespace segue::random::tasks
