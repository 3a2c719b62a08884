#include <segue/modern/sync/barrier.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

namespace {

const char* name(detail::BarrierState::Phase phase) noexcept {
  using enum detail::BarrierState::Phase;
  switch (phase) {
    case filling: return "filling";
    case draining: return "draining";
    case resetting: return "resetting";
    case broken: return "broken";
  }
  return "unknown";
}

}  // namespace

Barrier::Barrier(int parties) : HandleOf(make_ref<detail::BarrierState>(parties)) {
  if (parties < 1) throw ValueError("parties must be > 0");
}

std::string Barrier::repr() const {
  std::string text = name(state()->phase);
  if (!broken()) text += ", waiters:" + std::to_string(n_waiting()) + "/" + std::to_string(parties());
  return "<" + name_of_object("asyncio.locks.Barrier object", id()) + " [" + text + "]>";
}

namespace detail {

Coroutine<int> BarrierState::wait(Ref<BarrierState> barrier) {
  const LockGuard guard = co_await barrier->changed.guard();
  co_return co_await wait_locked(barrier);
}

Coroutine<int> BarrierState::wait_locked(Ref<BarrierState> barrier) {
  BarrierState& self = *barrier;
  const auto settled = [&self] { return self.phase != Phase::draining && self.phase != Phase::resetting; };
  const auto left_filling = [&self] { return self.phase != Phase::filling; };

  co_await self.changed.wait_for(settled);
  if (self.phase == Phase::broken) throw BrokenBarrierError("Barrier aborted");
  const int index = self.count++;
  const ScopeExit left([&self] { self.leave(); });
  if (index + 1 == self.parties) {
    self.phase = Phase::draining;
    self.changed.notify_all();
  } else {
    co_await self.changed.wait_for(left_filling);
    if (self.phase == Phase::broken || self.phase == Phase::resetting)
      throw BrokenBarrierError("Abort or reset of barrier");
  }
  co_return index;
}

void BarrierState::leave() {
  if (--count > 0) return;
  if (phase == Phase::resetting || phase == Phase::draining) phase = Phase::filling;
  if (changed.locked()) changed.notify_all();
}

Coroutine<void> BarrierState::reset(Ref<BarrierState> barrier) {
  const LockGuard guard = co_await barrier->changed.guard();
  barrier->phase = barrier->count > 0 ? Phase::resetting : Phase::filling;
  barrier->changed.notify_all();
}

Coroutine<void> BarrierState::abort(Ref<BarrierState> barrier) {
  const LockGuard guard = co_await barrier->changed.guard();
  barrier->phase = Phase::broken;
  barrier->changed.notify_all();
}

}  // namespace detail

}  // namespace segue::modern
