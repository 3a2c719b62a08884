#include "world.hpp"

namespace segue::random::tasks {
namespace {

using asyncio::Coroutine;

Coroutine<Flow> enter_and_run(const Scope& scope, const Statement& s) {
  scope.log(title(s));
  return run(scope, s.block);
}

template <class Manager>
Coroutine<Flow> with(const Scope& scope, const Statement& s, Manager manager) {
  const auto body = [&scope, &s] { return enter_and_run(scope, s); };
  co_return co_await asyncio::async_with(manager, body);
}

Coroutine<Flow> with_barrier(const Scope& scope, const Statement& s) {
  const auto body = [&scope, &s](int index) {
    scope.log(title(s), text(index));
    return run(scope, s.block);
  };
  const asyncio::Barrier barrier = scope.world.B;
  co_return co_await asyncio::async_with(barrier, body);
}

Coroutine<Flow> with_timeout(const Scope& scope, const Statement& s) {
  Scope inner = scope;
  const auto body = [&](const asyncio::Timeout& timeout) {
    inner.timeout = &timeout;
    return run(inner, s.block);
  };
  std::optional<asyncio::Timeout> timeout;
  if (s.flag && s.delay) {
    timeout = asyncio::timeout_at(scope.world.loop.time() + std::chrono::seconds(*s.delay));
  } else {
    timeout = asyncio::timeout(delay(s));
  }
  scope.world.O[s.which] = timeout;
  const Flow flow = co_await asyncio::async_with(*timeout, body);
  if (!flow.returned) scope.log(title(s) + " left");
  co_return flow;
}

Coroutine<Flow> with_group(const Scope& scope, const Statement& s) {
  Scope inner = scope;
  const auto body = [&](const asyncio::TaskGroup& group) {
    inner.group = &group;
    return run(inner, s.block);
  };
  const asyncio::TaskGroup group;
  scope.world.W[s.which] = group;
  const Flow flow = co_await asyncio::async_with(group, body);
  if (!flow.returned) scope.log(title(s) + " left");
  co_return flow;
}

Coroutine<Flow> try_statement(const Scope& scope, const Statement& s) {
  std::exception_ptr error;
  Flow flow;
  try {
    flow = co_await run(scope, s.block);
  } catch (...) {
    error = std::current_exception();
    if (s.kind == Kind::try_except && !catches(s.caught, error)) throw;
  }
  if (s.kind == Kind::try_except) {
    if (!error) co_return flow;
    scope.log("except", text(error));
  } else {
    scope.log("finally");
  }
  const Flow handled = co_await run(scope, s.handler);
  if (handled.returned) co_return handled;
  if (error && (s.kind == Kind::try_finally || s.reraises)) std::rethrow_exception(error);
  co_return flow;
}

Coroutine<Flow> repeat(const Scope& scope, const Statement& s) {
  for (int i = 0; i < s.number; ++i) {
    const Flow flow = co_await run(scope, s.block);
    if (flow.returned) co_return flow;
  }
  co_return Flow();
}

template <class Iterable>
Coroutine<std::optional<Flow>> turns(const Scope& scope, const Statement& s, Iterable&& generator) {
  int count = 0;
  const auto turn = [&](int value) -> Coroutine<std::optional<Flow>> {
    scope.log(title(s), text(value));
    const Flow flow = co_await run(scope, s.block);
    if (flow.returned || ++count == s.number) co_return flow;
    co_return std::nullopt;
  };
  co_return co_await asyncio::async_for(std::forward<Iterable>(generator), turn);
}

Coroutine<Flow> loop(const Scope& scope, const Statement& s) {
  std::optional<Flow> flow;
  if (s.flag) {
    const auto closed = [&](Generator& generator) { return turns(scope, s, generator); };
    if (s.kind == Kind::for_generator) {
      auto manager = contextlib::aclosing(call_generator(scope.world, s.body));
      flow = co_await asyncio::async_with(std::move(manager), closed);
    } else {
      const std::shared_ptr<Generator> generator = scope.world.A[s.which];
      flow = co_await asyncio::async_with(contextlib::aclosing(*generator), closed);
    }
  } else if (s.kind == Kind::for_generator) {
    Generator generator = call_generator(scope.world, s.body);
    flow = co_await turns(scope, s, std::move(generator));
  } else {
    const std::shared_ptr<Generator> generator = scope.world.A[s.which];
    flow = co_await turns(scope, s, *generator);
  }
  if (flow && flow->returned) co_return *flow;
  scope.log(title(s) + " left");
  co_return Flow();
}

void act_and_log(const Scope& scope, const Statement& s) {
  std::string value;
  try {
    value = act(scope, s);
  } catch (const std::exception&) {
    if (!s.guarded) throw;
    value = text(std::current_exception());
  }
  scope.log(title(s), value);
}

Coroutine<Flow> wait_and_log(const Scope& scope, const Statement& s) {
  std::string value;
  try {
    value = co_await wait(scope, s);
  } catch (const std::exception&) {
    if (!s.guarded) throw;
    value = text(std::current_exception());
  }
  scope.log(title(s), value);
  co_return Flow();
}

}  // namespace

Coroutine<Flow> run(const Scope& scope, const Statement& s) {
  World& world = scope.world;
  switch (s.kind) {
    case Kind::with_lock: return with(scope, s, world.L[s.which]);
    case Kind::with_semaphore: return with(scope, s, world.S[s.which]);
    case Kind::with_condition: return with(scope, s, world.C);
    case Kind::with_barrier: return with_barrier(scope, s);
    case Kind::with_timeout: return with_timeout(scope, s);
    case Kind::with_group: return with_group(scope, s);
    case Kind::try_except:
    case Kind::try_finally: return try_statement(scope, s);
    case Kind::repeat: return repeat(scope, s);
    case Kind::for_generator:
    case Kind::for_slot: return loop(scope, s);
    default: return wait_and_log(scope, s);
  }
}

Coroutine<Flow> run(const Scope& scope, const Block& block) {
  for (const Statement& each : block) {
    if (each.kind == Kind::raise) std::rethrow_exception(make_error(each));
    if (each.kind == Kind::return_) co_return Flow{true, each.number};
    if (!is_await(each.kind) && !is_compound(each.kind)) {
      act_and_log(scope, each);
      continue;
    }
    const Flow flow = co_await run(scope, each);
    if (flow.returned) co_return flow;
  }
  co_return Flow();
}

Coroutine<int> call_body(World& world, std::size_t index) {
  const std::string me = world.enter("b", index);
  if (me.empty()) co_return -1;
  const Scope scope{world, me};
  const Flow flow = co_await run(scope, world.program.bodies[index]);
  if (flow.returned) co_return flow.value;
  scope.log("ends");
  co_return index;
}

void call_callback(World& world, std::size_t index, const asyncio::Future<int>* future) {
  const std::string me = world.enter_callback(index, future);
  if (me.empty()) return;
  const Scope scope{world, me};
  for (const Statement& s : world.program.callbacks[index]) {
    if (s.kind == Kind::raise) std::rethrow_exception(make_error(s));
    if (s.kind == Kind::return_) return;
    act_and_log(scope, s);
  }
}

}  // namespace segue::random::tasks
