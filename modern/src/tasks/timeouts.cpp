#include <segue/modern/tasks/timeouts.hpp>

#include <string>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

/// Tells whoever looks at the history of `error` that its CancelledError was a timeout.
void insert_timeout_error(const std::exception_ptr& error) {
  auto* const raised = exception_ptr_cast<BaseException>(error);
  if (raised == nullptr || !raised->context()) return;
  const std::exception_ptr context = raised->context();
  if (!holds<CancelledError>(context)) return insert_timeout_error(context);
  TimeoutError timed_out;
  timed_out.set_cause(context);
  timed_out.set_context(context);
  raised->set_context(std::make_exception_ptr(timed_out));
}

}  // namespace

Timeout::Timeout(std::optional<time_point> when) : state_(make_ref<State>(when)) {}

const char* Timeout::name(Phase phase) noexcept {
  switch (phase) {
    case Phase::created: return "created";
    case Phase::active: return "active";
    case Phase::expiring: return "expiring";
    case Phase::expired: return "expired";
    case Phase::finished: return "finished";
  }
  return "unknown";
}

Timeout& Timeout::aenter() {
  if (state_->phase != Phase::created) throw RuntimeError("Timeout has already been entered");
  const std::optional<AnyTask> task = current_task();
  if (!task) throw RuntimeError("Timeout should be used inside a task");
  state_->phase = Phase::active;
  state_->task = task->state();
  state_->cancelling = task->cancelling();
  state_->reschedule(state_->when);
  return *this;
}

void Timeout::State::reschedule(std::optional<time_point> deadline) {
  if (phase == Phase::created) throw RuntimeError("Timeout has not been entered");
  if (phase != Phase::active)
    throw RuntimeError(std::string("Cannot change state of ") + Timeout::name(phase) + " Timeout");
  when = deadline;
  handler.cancel();
  handler = Handle();
  if (!deadline) return;
  EventLoop& loop = get_running_loop();
  const auto strike = [this] { expire(); };  // cancelled by the destructor
  handler = *deadline <= loop.time() ? loop.call_soon(strike) : loop.call_at(*deadline, strike);
}

void Timeout::State::expire() {
  handler = Handle();
  phase = Phase::expiring;
  task->cancel();
}

std::exception_ptr Timeout::State::exit(const std::exception_ptr& error) {
  handler.cancel();
  handler = Handle();
  const Ref<FutureCore> owner = std::move(task);
  if (phase == Phase::active) phase = Phase::finished;
  if (phase != Phase::expiring) return nullptr;
  phase = Phase::expired;
  if (owner->task()->uncancel() > cancelling || !error) return nullptr;
  if (holds<CancelledError>(error)) {
    TimeoutError timed_out;
    timed_out.set_context(error);
    return std::make_exception_ptr(from(timed_out, error));
  }
  insert_timeout_error(error);
  if (const BaseExceptionGroup* group = as_group(error))
    for (const std::exception_ptr& each : group->exceptions()) insert_timeout_error(each);
  return nullptr;
}

Timeout timeout(std::optional<Delay> delay) {
  EventLoop& loop = get_running_loop();
  return timeout_at(delay ? std::optional(loop.time() + delay->value()) : std::nullopt);
}

Timeout timeout_at(std::optional<Timeout::time_point> when) { return Timeout(when); }

}  // namespace segue::modern
