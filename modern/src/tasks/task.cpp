#include <segue/modern/tasks/task.hpp>

#include <any>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <segue/modern/tasks/exceptions.hpp>

#include "kernel/shortest.hpp"

namespace segue::modern {

namespace detail {

namespace {

std::uint64_t next_task_number() noexcept {
  static std::atomic<std::uint64_t> number{0};
  return number.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::string repr(double number) {
  std::string text = shortest(number);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string repr(const std::any& value) {
  if (const int* number = std::any_cast<int>(&value)) return std::to_string(*number);
  if (const double* number = std::any_cast<double>(&value)) return repr(*number);
  if (const std::string* text = std::any_cast<std::string>(&value)) return "'" + *text + "'";
  if (const char* const* text = std::any_cast<const char*>(&value)) return std::string("'") + *text + "'";
  return "<" + type_name(value.type()) + " object>";
}

}  // namespace

TaskCore::TaskCore(FutureState& future, const char* name)
    : Driver(this, {}),
      loop_(future.loop()),
      future_(future),
      name_(name != nullptr ? std::make_unique<std::string>(name) : nullptr),
      number_(name != nullptr ? 0 : next_task_number()) {
  assert(reinterpret_cast<std::byte*>(&cancel_requests_) <= reinterpret_cast<std::byte*>(this) + fetched_bytes &&
         "what a step needs of a task is fetched");
}

void TaskCore::start(PromiseBase& promise) {
  promise_ = &promise;
  made_ = promise.made();
  set_leaf(promise.started ? promise.leaf : promise.resumable());
  loop_.add_task(*this);
  loop_.schedule_new(*this);
}

void TaskCore::run() {
  if (waited_on_ || must_cancel_) [[unlikely]] {
    if (!prepare_step()) return;
  }
  PromiseBase& outermost = *promise_;
  outermost.started = true;
  outermost.executing = true;
  step_outermost();
  if (outermost.finished()) [[unlikely]]
    return end();
  outermost.executing = false;
  if (yielded().bare()) return loop_.schedule(*this);
  handle_yield();
}

bool TaskCore::prepare_step() {
  const bool deliver_cancellation = must_cancel_ && !woken_by_cancellation();
  if (waited_on_) {
    waited_on_->mark_retrieved();
    waited_on_ = nullptr;
  }
  must_cancel_ = false;
  if (!deliver_cancellation) return true;
  auto error = std::make_exception_ptr(CancelledError(future_.cancel_message()));
  if (promise_->started) {
    inject(std::move(error));
    return true;
  }
  const Ref<FutureState> keep(&future_);
  discard_coroutine();
  complete_cancelled(std::move(error));
  loop_.remove_task(*this);
  return false;
}

void TaskCore::end() {
  const Ref<FutureState> keep(&future_);
  loop_.remove_task(*this);
  complete();
}

bool TaskCore::woken_by_cancellation() const noexcept {
  return waited_on_ && (waited_on_->cancelled() || holds<CancelledError>(waited_on_->peek_exception()));
}

void TaskCore::handle_yield() {
  const Yielded& what = yielded();
  if (what.future == nullptr) {
    step_with_error(what.generator ? "yield was used instead of yield from for generator in task " + future_.repr() +
                                         " with " + repr(*what.value)
                                   : "Task got bad yield: " + repr(*what.value));
  } else if (&what.future->loop() != &loop_) {
    step_with_error("Task " + future_.repr() + " got Future " + what.future->repr() + " attached to a different loop");
  } else if (!what.blocking) {
    step_with_error("yield was used instead of yield from in task " + future_.repr() + " with " + what.future->repr());
  } else if (what.future == &future_) {
    step_with_error("Task cannot await on itself: " + future_.repr());
  } else {
    wait_for(*what.future);
  }
}

void TaskCore::wait_for(FutureState& future) {
  waited_on_ = &future;
  future.add_waiting_task(*this);
  if (must_cancel_ && future.cancel(future_.cancel_message())) must_cancel_ = false;
}

void TaskCore::step_with_error(const std::string& message) {
  inject(std::make_exception_ptr(RuntimeError(message)));
  loop_.schedule(*this);
}

bool TaskCore::cancel(const std::optional<std::string>& message) {
  future_.mark_retrieved();
  if (future_.done()) return false;
  ++cancel_requests_;
  if (waited_on_) {
    const Ref<FutureState> waited_on = waited_on_;
    if (waited_on->cancel(message)) return true;
  }
  must_cancel_ = true;
  future_.set_cancel_message(message);
  return true;
}

int TaskCore::uncancel() noexcept {
  if (cancel_requests_ > 0 && --cancel_requests_ == 0) must_cancel_ = false;
  return cancel_requests_;
}

void TaskCore::wake() noexcept { loop_.schedule(*this); }

void TaskCore::fail(std::exception_ptr error) {
  if (holds<CancelledError>(error)) return complete_cancelled(std::move(error));
  complete_failed(error);
  if (holds<KeyboardInterrupt>(error) || holds<SystemExit>(error)) std::rethrow_exception(error);
}

void TaskCore::destroy_pending() noexcept {
  const Ref<FutureState> keep(&future_);
  if (waited_on_) std::exchange(waited_on_, nullptr)->remove_waiting_task(*this);
  const std::string coroutine = coroutine_name();
  loop_.remove_task(*this);
  if (promise_->started) promise_->leaf = leaf();
  discard_coroutine();
  if (!report_destroyed_pending) return;
  ExceptionContext context;
  context.message = "Task was destroyed but it is pending!";
  context.task = "<Task pending name='" + name() + "' coro=<" + coroutine + "()>>";
  loop_.call_exception_handler(context);
}

std::string TaskCore::coroutine_name() const { return function_name(made_); }

}  // namespace detail

std::optional<TaskBase> current_task() {
  get_running_loop();
  detail::TaskCore* task = detail::TaskCore::current();
  if (task == nullptr) return std::nullopt;
  return TaskBase(detail::Ref<detail::FutureState>(&task->future()));
}

std::vector<TaskBase> all_tasks() { return get_running_loop().all_tasks(); }

}  // namespace segue::modern
