#include <algorithm>
#include <functional>

#include "world.hpp"

namespace segue::random::tasks {
namespace {

using asyncio::AnyTask;
using asyncio::Task;

const std::string none = "None";

std::string on_task(World& world, std::size_t slot, const std::function<std::string(const Task<int>&)>& act) {
  if (!world.T[slot]) return "none";
  const Task<int> task = *world.T[slot];
  return act(task);
}

std::string start(World& world, const Statement& s) {
  asyncio::TaskOptions options;
  if (s.kind == Kind::start_in_context) {
    options.eager_start = false;
    if (world.X[s.several[0]]) options.context = *world.X[s.several[0]];
  } else if (s.flag) {
    options.eager_start = true;
  }
  return world.started(s.which, world.loop.create_task(call_body(world, s.body), options));
}

std::string schedule(World& world, const Statement& s) {
  const auto call = [&world, index = s.body] { call_callback(world, index, nullptr); };
  if (s.kind == Kind::call_in_context) {
    asyncio::CallOptions options;
    if (world.X[s.several[0]]) options.context = *world.X[s.several[0]];
    world.H[s.which] = world.loop.call_soon(options, call);
  } else if (s.kind == Kind::call_soon) {
    world.H[s.which] = world.loop.call_soon(call);
  } else {
    world.H[s.which] = world.loop.call_later(*delay(s), call);
  }
  return none;
}

std::string act_on_task(World& world, const Statement& s) {
  return on_task(world, s.which, [&](const Task<int>& task) -> std::string {
    switch (s.kind) {
      case Kind::cancel: return text(task.cancel(message(s)));
      case Kind::uncancel: return text(task.uncancel());
      case Kind::cancelling: return text(task.cancelling());
      case Kind::task_state: return World::state(task);
      case Kind::add_done_callback: task.add_done_callback(world.callbacks[s.body]); return none;
      case Kind::remove_done_callback:
        return text(static_cast<int>(task.remove_done_callback(world.callbacks[s.body])));
      default: return "";
    }
  });
}

std::string act_on_future(World& world, const Statement& s) {
  const asyncio::Future<int> future = world.F[s.which];
  switch (s.kind) {
    case Kind::set_result: future.set_result(s.number); return none;
    case Kind::set_exception: future.set_exception(make_error(s)); return none;
    case Kind::cancel_future: return text(future.cancel(message(s)));
    case Kind::new_future: world.renew_future(s.which); return none;
    case Kind::future_callback: future.add_done_callback(world.callbacks[s.body]); return none;
    default: return World::state(future);
  }
}

std::string act_on_locks(World& world, const Statement& s) {
  switch (s.kind) {
    case Kind::set_event: world.E[s.which].set(); return none;
    case Kind::clear_event: world.E[s.which].clear(); return none;
    case Kind::release_lock: world.L[s.which].release(); return none;
    case Kind::release_semaphore: world.S[s.which].release(); return none;
    case Kind::locked: return text(s.flag ? world.S[s.which].locked() : world.L[s.which].locked());
    case Kind::notify: world.C.notify(static_cast<std::size_t>(s.number)); return none;
    case Kind::notify_all: world.C.notify_all(); return none;
    case Kind::count_up: return text(world.count += s.number);
    default: return std::to_string(world.B.n_waiting()) + " " + text(world.B.broken());
  }
}

std::string act_on_queue(const asyncio::Queue<int>& queue, const Statement& s) {
  switch (s.kind) {
    case Kind::put_nowait: queue.put_nowait(s.number); return none;
    case Kind::get_nowait: return text(queue.get_nowait());
    case Kind::task_done: queue.task_done(); return none;
    case Kind::shutdown: queue.shutdown(s.flag); return none;
    default: return text(static_cast<int>(queue.qsize()));
  }
}

std::string cancel_handle(World& world, const Statement& s) {
  const asyncio::Handle handle = world.H[s.which];
  if (!handle) return "none";
  handle.cancel();
  return text(handle.cancelled());
}

std::string act_on_variable(World& world, const Statement& s) {
  if (s.kind == Kind::get_var) return text(world.V[s.which].get());
  if (s.kind == Kind::set_var) {
    world.K[s.body] = std::make_shared<contextvars::Token<int>>(world.V[s.which].set(s.number));
    return none;
  }
  if (!world.K[s.body]) return "none";
  world.V[s.which].reset(*world.K[s.body]);
  return none;
}

std::string act_on_context(World& world, const Statement& s) {
  if (s.kind == Kind::copy_context) {
    world.X[s.which] = contextvars::copy_context();
    return none;
  }
  const auto context = world.X[s.several[0]];
  if (!context) return "none";
  context->run([&] { world.V[s.which].set(s.number); });
  return text(contextvars::copy_context().get(world.V[s.which]));
}

std::string act_on_gather(World& world, const Statement& s) {
  if (s.kind == Kind::gather_later) {
    Gathering gathering;
    std::vector<Task<int>> tasks;
    for (const std::size_t slot : s.several) {
      if (!world.T[slot]) continue;
      tasks.push_back(*world.T[slot]);
      gathering.oldest = std::min(gathering.oldest, world.age(tasks.back()));
    }
    if (s.flag) {
      gathering.outcomes = asyncio::gather(tasks, asyncio::return_exceptions);
    } else {
      gathering.results = asyncio::gather(tasks);
    }
    world.G[s.which] = gathering;
    return none;
  }
  if (!world.G[s.which]) return "none";
  const Gathering gathering = *world.G[s.which];
  return s.kind == Kind::cancel_gather ? text(gathering.future().cancel(message(s))) : gathering.state();
}

std::string start_in_group(World& world, const Statement& s) {
  const auto group = world.W[s.several[0]];
  return group ? world.started(s.which, group->create_task(call_body(world, s.body))) : "none";
}

std::string act_on_generator(World& world, const Statement& s) {
  if (s.kind == Kind::new_generator) {
    auto former = std::exchange(world.A[s.which], std::make_shared<Generator>(call_generator(world, s.body)));
    return none;
  }
  return std::string(to_string(world.A[s.which]->state())) + " " + text(world.A[s.which]->ag_running());
}

std::string reschedule(const World& world, const asyncio::Timeout& timeout, const Statement& s) {
  std::optional<asyncio::Deadline> when;
  if (s.delay) when = world.loop.time() + std::chrono::seconds(*s.delay);
  timeout.reschedule(when);
  return none;
}

std::string act_on_timeout(const World& world, const Statement& s) {
  const auto timeout = world.O[s.which];
  if (!timeout) return "none";
  if (s.kind == Kind::reschedule_other) return reschedule(world, *timeout, s);
  const auto when = timeout->when();
  return (when ? std::to_string(in_units(*when)) : none) + " " + text(timeout->expired());
}

std::string act_on_self(const Statement& s) {
  const AnyTask self = *asyncio::current_task();
  if (s.kind == Kind::cancel_self) return text(self.cancel(message(s)));
  return text(s.kind == Kind::uncancel_self ? self.uncancel() : self.cancelling());
}

}  // namespace

std::string act(const Scope& scope, const Statement& s) {
  World& world = scope.world;
  switch (s.kind) {
    case Kind::start:
    case Kind::start_in_context: return start(world, s);
    case Kind::start_in_group: return start_in_group(world, s);
    case Kind::group_start: return world.started(s.which, scope.group->create_task(call_body(world, s.body)));
    case Kind::cancel:
    case Kind::uncancel:
    case Kind::cancelling:
    case Kind::task_state:
    case Kind::add_done_callback:
    case Kind::remove_done_callback: return act_on_task(world, s);
    case Kind::set_result:
    case Kind::set_exception:
    case Kind::cancel_future:
    case Kind::new_future:
    case Kind::future_callback:
    case Kind::future_state: return act_on_future(world, s);
    case Kind::put_nowait:
    case Kind::get_nowait:
    case Kind::task_done:
    case Kind::shutdown:
    case Kind::qsize: return act_on_queue(world.Q[s.which], s);
    case Kind::call_soon:
    case Kind::call_in_context:
    case Kind::call_later: return schedule(world, s);
    case Kind::cancel_handle: return cancel_handle(world, s);
    case Kind::set_var:
    case Kind::reset_var:
    case Kind::get_var: return act_on_variable(world, s);
    case Kind::copy_context:
    case Kind::run_in_context: return act_on_context(world, s);
    case Kind::gather_later:
    case Kind::cancel_gather:
    case Kind::gather_state: return act_on_gather(world, s);
    case Kind::new_generator:
    case Kind::generator_state: return act_on_generator(world, s);
    case Kind::reschedule: return reschedule(world, *scope.timeout, s);
    case Kind::reschedule_other:
    case Kind::timeout_state: return act_on_timeout(world, s);
    case Kind::expired: return text(scope.timeout->expired());
    case Kind::cancel_self:
    case Kind::uncancel_self:
    case Kind::cancelling_self: return act_on_self(s);
    default: return act_on_locks(world, s);
  }
}

}  // namespace segue::random::tasks
