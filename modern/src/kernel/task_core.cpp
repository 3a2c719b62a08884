#include <segue/modern/kernel/task_core.hpp>

#include <any>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/type_name.hpp>

#include "kernel/cancellation.hpp"
#include "kernel/entered_context.hpp"
#include "kernel/shortest.hpp"

namespace segue::modern {

static_assert(sizeof(TaskValue<void>) <= 5 * detail::pool_step, "a word more takes a larger block of the pool");

namespace {

std::uint64_t next_task_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  if (!single_threaded()) return last.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t number = last.load(std::memory_order_relaxed) + 1;
  last.store(number, std::memory_order_relaxed);
  return number;
}

std::string repr_of(const std::any& value) {
  if (const int* number = std::any_cast<int>(&value)) return std::to_string(*number);
  if (const double* number = std::any_cast<double>(&value)) return float_repr(*number);
  if (const std::string* text = std::any_cast<std::string>(&value)) return "'" + *text + "'";
  if (const char* const* text = std::any_cast<const char*>(&value)) return std::string("'") + *text + "'";
  return "<" + type_name(value.type()) + " object>";
}

/// RuntimeError where a step in `context` is being taken, or the step that is taken now is one.
void check_context_is_free(const ContextSlot& context) {
  ContextState* const state = context.state();
  if (state == nullptr || (state != ContextSlot::current().state() && !state->entered)) return;
  detail::refuse_entered(Shared<ContextState>::share(state));
}

}  // namespace

namespace detail {

TaskName::TaskName(std::string_view name)
    : word_(name.data() != nullptr ? reinterpret_cast<std::uintptr_t>(new std::string(name))
                                   : (next_task_number() << 1U) | is_number) {}

std::string TaskName::str() const {
  if (const std::string* const name = given()) return *name;
  return "Task-" + std::to_string(word_ >> 1U);
}

void TaskName::set(std::string name) {
  auto* const replaced = new std::string(std::move(name));
  delete given();
  word_ = reinterpret_cast<std::uintptr_t>(replaced);
}

}  // namespace detail

TaskCore::TaskCore(LoopCore& loop, detail::PromiseBase& promise, std::string_view name)
    : FutureCore(loop, Kind::task),
      Driver(true, {}),
      promise_(&promise),
      context_(ContextSlot::current().copy()),
      name_(name) {
  serial_ = loop.next_task_serial();
}

void TaskCore::start() noexcept {
  set_leaf(promise_->started ? promise_->leaf : promise_->resumable());
  loop().add_task(*this);
  loop().schedule_new(*this);
}

void TaskCore::run() {
  if (must_cancel_) [[unlikely]] {
    if (!prepare_cancelled_step()) return;
  } else if (waited_on_) {
    forget_waited_on();
  }
  take_step([this] { step_outermost(); });
}

std::function<std::string()> TaskCore::deferred_repr() {
  return [self = Ref<TaskCore>(this)] { return self->repr(); };
}

void TaskCore::start_eagerly() {
  if (LoopCore::running() != &loop()) return start();
  const Ref<TaskCore> keep(this);
  try {
    check_context_is_free(context_);
  } catch (...) {
    discard_in_context();  // nobody else has the coroutine
    throw;
  }
  set_leaf(promise_->started ? promise_->leaf : promise_->resumable());
  loop().add_task(*this);
  // Whoever makes it remains in its own context.
  const auto makers = Shared<ContextState>::share(ContextSlot::current().state());
  const bool enters = makers && !makers->entered.exchange(true);
  const ScopeExit leave([&]() noexcept {
    if (enters) makers->entered = false;
  });
  const ContextSlot::Current own_context(nullptr);
  take_step([this] { step(); });
}

template <class Step>
[[gnu::always_inline]] inline void TaskCore::take_step(Step step) {
  detail::PromiseBase& outermost = *promise_;
  outermost.started = true;
  outermost.enter_step(*this);
  try {
    step();
  } catch (...) {
    outermost.executing = false;
    outermost.lost = true;
    throw;
  }
  if (outermost.finished()) [[unlikely]]
    return end();
  outermost.leave_step(leaf());
  // The running loop is this task's. loop() gives the same, but would touch another cache line.
  if (yielded_nothing()) return LoopCore::running()->schedule(*this);
  if (FutureCore* const future = awaited_future(); future != nullptr && future != this && &future->loop() == &loop())
      [[likely]] {
    wait_for(*future);
  } else {
    refuse_yield();
  }
}

bool TaskCore::prepare_cancelled_step() {
  const bool thrown_by_future = woken_by_cancellation();
  if (waited_on_) forget_waited_on();
  must_cancel_ = false;
  if (thrown_by_future) return true;
  std::exception_ptr error = own_cancelled_error();
  if (promise_->started) {
    inject(std::move(error));
    return true;
  }
  const Ref<TaskCore> keep(this);
  discard_in_context();
  finish_cancelled(std::move(error));
  loop().remove_task(*this);
  return false;
}

std::exception_ptr TaskCore::own_cancelled_error() const noexcept {
  try {
    return std::make_exception_ptr(CancelledError(cancel_message()));
  } catch (...) {  // there is no memory for its message
    return std::make_exception_ptr(CancelledError());
  }
}

void TaskCore::end() {
  const Ref<TaskCore> keep(this);
  loop().remove_task(*this);
  const ScopeExit forget([this]() noexcept { context_ = ContextSlot(); });  // whose values may lead back to it
  const ContextSlot::Current in_context(&context_);
  complete();
}

bool TaskCore::woken_by_cancellation() const noexcept {
  return waited_on_ && (waited_on_->cancelled() || holds<CancelledError>(waited_on_->peek_exception()));
}

void TaskCore::discard_in_context() noexcept {
  {
    const ContextSlot::Current in_context(&context_);
    discard_coroutine();
  }
  context_ = ContextSlot();
}

// Whatever that throws is thrown to the coroutine: nobody else would ever continue it.
void TaskCore::refuse_yield() noexcept {
  try {
    inject(std::make_exception_ptr(RuntimeError(said_of_refused_yield())));
  } catch (...) {
    inject(std::current_exception());
  }
  loop().schedule(*this);
}

std::string TaskCore::said_of_refused_yield() const {
  const Yielded what = yielded();
  if (what.future == nullptr) {
    return what.generator ? "yield was used instead of yield from for generator in task " + repr() + " with " +
                                repr_of(*what.value)
                          : "Task got bad yield: " + repr_of(*what.value);
  }
  if (&what.future->loop() != &loop())
    return "Task " + repr() + " got Future " + what.future->repr() + " attached to a different loop";
  if (!what.blocking) return "yield was used instead of yield from in task " + repr() + " with " + what.future->repr();
  return "Task cannot await on itself: " + repr();
}

void TaskCore::wait_for(FutureCore& future) {
  try {
    future.add_waiting_task(*this);
  } catch (...) {
    inject(std::current_exception());  // there is no memory for one more who waits
    return loop().schedule(*this);
  }
  waited_on_ = &future;
  if (!must_cancel_) return;
  must_cancel_ = false;  // until somebody in the chain of `future` says otherwise
  ScopeExit keep([this]() noexcept { must_cancel_ = true; });
  try {
    if (future.cancel(cancel_message())) keep.release();
  } catch (const std::bad_alloc&) {
    stop_waiting();
  }
}

bool TaskCore::cancel(const std::optional<std::string>& message) {
  if (waited_on_ && waited_on_->hands_on_cancel()) return Cancellation(message).run(*this);
  if (!accept_cancel()) return false;
  const Ref<FutureCore> waited_on = waited_on_;
  if (!waited_on || !waited_on->cancel(message)) cancel_at_next_step(message);
  return true;
}

bool TaskCore::accept_cancel() noexcept {
  mark_retrieved();
  if (done()) return false;
  ++cancel_requests_;
  return true;
}

void TaskCore::cancel_at_next_step(const std::optional<std::string>& message) {
  must_cancel_ = true;
  set_cancel_message(message);
}

void TaskCore::stop_waiting() noexcept {
  if (waited_on_ && waited_on_->remove_waiting_task(*this)) wake();
}

int TaskCore::uncancel() noexcept {
  if (cancel_requests_ > 0 && --cancel_requests_ == 0) must_cancel_ = false;
  return cancelling();
}

void TaskCore::set_exception(std::exception_ptr) {
  throw RuntimeError("Task does not support set_exception operation");
}

std::string TaskCore::repr() const {
  if (!waited_on_) return "<" + info() + ">";
  // What that waits for in turn is left out: a chain may be as long as its user likes.
  const TaskCore* const task = waited_on_->task();
  return "<" + info() + " wait_for=" + (task != nullptr ? "<" + task->info() + ">" : waited_on_->repr()) + ">";
}

std::string TaskCore::info() const {
  std::string text = "Task ";
  if (done()) {
    text += cancelled() ? "cancelled" : "finished";
  } else {
    text += cancelling() > 0 ? "cancelling" : "pending";
  }
  text += " name='" + name() + "' coro=<";
  if (finished_) {
    text += coroutine_name() + "() done, defined at " + place(made_);
  } else if (promise_->stands_in) {
    const CoroutineInfo waits = coroutine_info();
    text += waits.name + "() running at " + place(waits.where);
  } else {
    text += coroutine_name() + "() running at " + place(promise_->awaiting_at());
  }
  return text + ">" + repr_of_exception() + origin().created_at();
}

void TaskCore::fail(std::exception_ptr error) {
  if (holds<CancelledError>(error)) return finish_cancelled(std::move(error));
  finish_with(error);
  if (ends_program(error)) std::rethrow_exception(error);
}

void TaskCore::destroy_pending() noexcept {
  const Ref<TaskCore> keep(this);
  ExceptionContext context;
  try {
    context.message = "Task was destroyed but it is pending!";
    context.task = repr();
    context.source_traceback = origin().traceback();
  } catch (...) {  // there is no memory for more; or the future that it waits for cannot be described
  }
  if (waited_on_) std::exchange(waited_on_, nullptr)->remove_waiting_task(*this);
  loop().remove_task(*this);
  if (promise_->started) promise_->leave_step(leaf());
  {
    const ContextSlot::Current in_context(&context_);
    discard_coroutine();
    try {
      if (report_destroyed_pending_) loop().call_exception_handler(context);
    } catch (...) {  // SystemExit: a destructor cannot pass it on
      report_unraisable(std::current_exception(), context.task);
    }
  }
  context_ = ContextSlot();
}

detail::PromiseBase& TaskCore::take_promise() noexcept {
  detail::PromiseBase& promise = *promise_;
  finished_ = true;
  ::new (&made_) std::source_location(promise.made());
  return promise;
}

const std::source_location& TaskCore::made() const noexcept { return finished_ ? made_ : promise_->made(); }

std::string TaskCore::coroutine_name() const { return function_name(made()); }

CoroutineInfo TaskCore::coroutine_info() const {
  if (finished_) return {coroutine_name(), CoroutineState::CORO_CLOSED, made_};
  const CoroutineState state = promise_->executing ? CoroutineState::CORO_RUNNING
                               : promise_->started ? CoroutineState::CORO_SUSPENDED
                                                   : CoroutineState::CORO_CREATED;
  CoroutineInfo info{coroutine_name(), state, promise_->awaiting_at(), detail::awaited_by(*promise_)};
  if (promise_->stands_in) {
    info.where = made();
    if (!info.cr_await.empty() && info.cr_await.front().where) {
      info.name = std::move(info.cr_await.front().name);
      info.where = *info.cr_await.front().where;
      info.cr_await.erase(info.cr_await.begin());
    }
  }
  return info;
}

}  // namespace segue::modern
