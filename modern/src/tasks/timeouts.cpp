#include <segue/modern/tasks/timeouts.hpp>

#include <chrono>
#include <cmath>
#include <exception>
#include <string>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "kernel/shortest.hpp"

namespace segue::modern {

namespace {

/// Tells whoever looks at the history of `error` that its CancelledError was a timeout.
void insert_timeout_error(const std::exception_ptr& error) {
  const std::exception_ptr* const found = find_in_history(error, [](const std::exception_ptr& each) {
    const auto* const raised = exception_ptr_cast<const BaseException>(each);
    return raised != nullptr && holds<CancelledError>(raised->context());
  });
  if (found == nullptr) return;
  auto* const raised = exception_ptr_cast<BaseException>(*found);
  TimeoutError timed_out;
  timed_out.set_cause(raised->context());
  timed_out.set_context(raised->context());
  raised->set_context(std::make_exception_ptr(timed_out));
}

double rounded_seconds(std::chrono::duration<double> time) noexcept {
  constexpr double milliseconds = 1000;
  return std::round(time.count() * milliseconds) / milliseconds;
}

const char* name(detail::TimeoutState::Phase phase) noexcept {
  using enum detail::TimeoutState::Phase;
  switch (phase) {
    case created: return "created";
    case active: return "active";
    case expiring: return "expiring";
    case expired: return "expired";
    case finished: return "finished";
  }
  return "unknown";
}

}  // namespace

Timeout::Timeout(std::optional<Deadline> when, std::source_location made)
    : HandleOf(make_ref<detail::TimeoutState>(when, made)) {}

namespace detail {

// What an exception keeps from being entered is no mistake, nor what goes with a coroutine that never ran.
TimeoutState::~TimeoutState() {
  handler.cancel();
  if (phase != Phase::created || expected || Driver::current() == nullptr) return;
  if (std::uncaught_exceptions() == 0 && std::current_exception() == nullptr) report_never_entered("timeout", made);
}

void TimeoutState::enter() {
  if (phase != Phase::created) throw RuntimeError("Timeout has already been entered");
  const std::optional<AnyTask> running = current_task();
  if (!running) throw RuntimeError("Timeout should be used inside a task");
  phase = Phase::active;
  task = running->state();
  cancelling = running->cancelling();
  reschedule(when);
}

void TimeoutState::reschedule(std::optional<EventLoop::time_point> deadline) {
  if (phase == Phase::created) throw RuntimeError("Timeout has not been entered");
  if (phase != Phase::active) throw RuntimeError(std::string("Cannot change state of ") + name(phase) + " Timeout");
  when = deadline;
  handler.cancel();
  handler = Handle();
  if (!deadline) return;
  EventLoop& loop = get_running_loop();
  const auto strike = [this] { expire(); };  // cancelled by the destructor
  handler = *deadline <= loop.time() ? loop.call_soon(strike) : loop.call_at(*deadline, strike);
}

void TimeoutState::expire() {
  handler = Handle();
  phase = Phase::expiring;
  task->cancel();
}

std::exception_ptr TimeoutState::exit(const std::exception_ptr& error) {
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
  if (const auto* const group = exception_ptr_cast<const ExceptionGroup>(error))
    for (const std::exception_ptr& each : group->exceptions()) insert_timeout_error(each);
  return nullptr;
}

std::string TimeoutState::repr() const {
  std::string text = "<Timeout [" + std::string(name(phase)) + "]";
  if (phase == Phase::active) {
    text += " when=";
    text += when ? float_repr(rounded_seconds(when->time_since_epoch())) : "None";
  }
  return text + ">";
}

}  // namespace detail

Timeout TimeoutFunction::operator()(std::optional<Delay> delay, std::source_location made) const {
  EventLoop& loop = get_running_loop();
  return Timeout(delay ? std::optional<Deadline>(loop.time() + delay->value()) : std::nullopt, made);
}

}  // namespace segue::modern
