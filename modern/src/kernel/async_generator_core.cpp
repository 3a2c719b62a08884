#include <segue/modern/kernel/async_generator_core.hpp>

#include <string>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/kernel/unraisable.hpp>

namespace segue::modern {

namespace {

using Self = Ref<AsyncGeneratorCore>;

/// Gives an iteration of the loop up.
struct NextIteration {
  bool await_ready() const noexcept { return false; }
  void await_suspend(Resumable leaf) const { Driver::require_current().suspend(leaf); }
  void await_resume() const { Driver::current()->throw_injected(); }
};

class Throw final : public AsyncGeneratorStep {
 public:
  Throw(const Self& generator, std::exception_ptr error)
      : AsyncGeneratorStep(generator, Kind::throw_, std::move(error)) {}
  AsyncGeneratorEndWait operator co_await() noexcept { return AsyncGeneratorEndWait(std::move(*this)); }
};

Coroutine<void> throw_into(Self generator, std::exception_ptr error) {
  Throw throwing(generator, std::move(error));
  co_await throwing;
}

// What CPython's task around aclose() does: where that is cancelled before it begins, the body gets the cancellation.
Coroutine<void> close_soon(Self generator) {
  std::exception_ptr cancelled;
  try {
    NextIteration next;
    co_await next;
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    co_await throw_into(generator, cancelled);
  } else {
    AsyncGeneratorClose closing(generator);
    co_await closing;
  }
}

// Where there is no loop that could: as far as it goes without waiting.
void close_by_hand(Self generator) noexcept {
  const std::source_location made = generator->made();
  try {
    Coroutine<void> closing = close_async_generator(std::move(generator));
    closing.send();
    report_unraisable(std::make_exception_ptr(RuntimeError("async generator ignored GeneratorExit")), made);
  } catch (const StopIteration<void>&) {
  } catch (...) {
    report_unraisable(std::current_exception(), made);
  }
}

}  // namespace

const char* to_string(AsyncGeneratorState state) noexcept {
  switch (state) {
    case AsyncGeneratorState::AGEN_CREATED: return "AGEN_CREATED";
    case AsyncGeneratorState::AGEN_RUNNING: return "AGEN_RUNNING";
    case AsyncGeneratorState::AGEN_SUSPENDED: return "AGEN_SUSPENDED";
    case AsyncGeneratorState::AGEN_CLOSED: return "AGEN_CLOSED";
  }
  return "unknown";
}

AsyncGeneratorState AsyncGeneratorCore::state() const noexcept {
  if (closed()) return AsyncGeneratorState::AGEN_CLOSED;
  if (running_) return AsyncGeneratorState::AGEN_RUNNING;
  return frame_->started ? AsyncGeneratorState::AGEN_SUSPENDED : AsyncGeneratorState::AGEN_CREATED;
}

std::string AsyncGeneratorCore::repr() const {
  return "<" + name_of_object("async_generator object " + function_name(made()), this) + ">";
}

void AsyncGeneratorCore::join_loop() {
  LoopCore* const loop = LoopCore::running();
  if (loop == nullptr) return;
  loop->add_async_generator(*this);
  mailbox_ = loop->mailbox();
}

namespace {

// What an exception becomes that leaves a body (PEP 479, PEP 525).
std::exception_ptr leaving_generator(std::exception_ptr error) noexcept {
  const char* what = nullptr;
  if (holds<StopIterationBase>(error)) what = "async generator raised StopIteration";
  if (holds<StopAsyncIteration>(error)) what = "async generator raised StopAsyncIteration";
  if (what == nullptr) return error;
  try {
    return std::make_exception_ptr(from(RuntimeError(what), error));
  } catch (...) {
    return std::current_exception();  // there is no memory for it
  }
}

}  // namespace

void AsyncGeneratorCore::fail(std::exception_ptr error) noexcept {
  outcome_.set_exception(leaving_generator(std::move(error)));
}

void AsyncGeneratorCore::close_in_task(const Ref<AsyncGeneratorCore>& generator) {
  generator->leave_loop();
  LoopCore& loop = LoopCore::require_running();
  auto closing = loop.begins_tasks_eagerly() ? close_async_generator(generator) : close_soon(generator);
  make_ref<TaskValue<void>>(loop, std::move(closing), std::string_view())->start_eagerly();
}

// Whoever is handed the last reference comes back here with it.
void AsyncGeneratorCore::end() noexcept {
  if (state() != AsyncGeneratorState::AGEN_SUSPENDED || exiting_ || farewell_ == Farewell::closed) return destroy();
  Self self(this);
  if (mailbox_ != nullptr && farewell_ == Farewell::none) {
    farewell_ = Farewell::handed_over;
    const std::shared_ptr<Mailbox> mailbox = mailbox_;
    try {
      static_cast<void>(mailbox->call_soon(&AsyncGeneratorCore::close_in_task, std::move(self)));
    } catch (...) {  // there is no memory for the call
    }
  } else {
    farewell_ = Farewell::closed;
    close_by_hand(std::move(self));
  }
}

Coroutine<void> close_async_generator(Ref<AsyncGeneratorCore> generator) {
  AsyncGeneratorClose closing(std::move(generator));
  co_await closing;
}

// --- steps ---

namespace {

const char* method(AsyncGeneratorStep::Kind kind) noexcept {
  switch (kind) {
    case AsyncGeneratorStep::Kind::next:
    case AsyncGeneratorStep::Kind::send: return "asend";
    case AsyncGeneratorStep::Kind::throw_: return "athrow";
    case AsyncGeneratorStep::Kind::close: break;
  }
  return "aclose";
}

}  // namespace

void AsyncGeneratorStep::report_never_awaited() const noexcept {
  report_method_never_awaited(method(kind_), core_->made());
}

void AsyncGeneratorStep::cancel_unawaited() noexcept {
  LoopCore* const loop = LoopCore::running();
  if (!core_ || loop == nullptr) return;
  const Self generator = std::move(core_);
  try {
    auto throwing = throw_into(generator, std::make_exception_ptr(CancelledError()));
    make_ref<TaskValue<void>>(*loop, std::move(throwing), std::string_view())->start_eagerly();
  } catch (...) {
    report_unraisable(std::current_exception(), generator->made());
  }
}

bool AsyncGeneratorWait::check() {
  if (!core_) {
    throw RuntimeError(std::string("cannot reuse already awaited ") +
                       (throws() ? "aclose()/athrow()" : "__anext__()/asend()"));
  }
  phase_ = Phase::done;
  if (core_->closed()) return true;
  if (core_->running_) {
    throw RuntimeError(std::string(throws() ? method(kind_) : "anext") +
                       "(): asynchronous generator is already running");
  }
  if (throws() && core_->exiting_) throw StopAsyncIteration();
  if (!core_->frame_->started && kind_ != Kind::next) return leave_unbegun();
  phase_ = Phase::fresh;
  return false;
}

bool AsyncGeneratorWait::leave_unbegun() {
  if (kind_ == Kind::send) throw TypeError("can't send non-None value to a just-started async generator");
  core_->ended_ = true;
  core_->leave_loop();
  if (kind_ == Kind::throw_) std::rethrow_exception(std::exchange(error_, nullptr));
  return true;
}

std::coroutine_handle<> AsyncGeneratorWait::suspend_otherwise(Resumable asking) {
  const Resumable body = core_->resumable_;
  Driver* const driver = body.is_coroutine() ? nullptr : &Driver::require_current();
  if (kind_ == Kind::close) error_ = std::make_exception_ptr(GeneratorExit());
  phase_ = Phase::running;
  core_->running_ = true;
  core_->exiting_ |= kind_ == Kind::close;
  core_->injected_ = std::move(error_);
  core_->frame_->start_for(asking);
  if (driver == nullptr) return body.coroutine();
  body.resume();  // a fiber runs nested in who asks
  if (asking.is_coroutine() && driver->finished_at_once(asking)) return asking.coroutine();
  return std::noop_coroutine();
}

bool AsyncGeneratorWait::finish_otherwise() {
  if (phase_ != Phase::running) return false;
  phase_ = Phase::done;
  const Frame::Exit exit = std::exchange(core_->frame_->exit, Frame::Exit::none);
  // It waits, and nobody will ever ask for what it gives.
  if (exit == Frame::Exit::ignored) throw RuntimeError("coroutine ignored GeneratorExit");
  core_->running_ = false;
  const bool yielded = !core_->finished();
  if (!yielded) core_->leave_loop();
  if (core_->outcome_.has_exception()) {
    const std::exception_ptr error = core_->outcome_.exception();
    core_->outcome_.set_value();
    if (kind_ != Kind::close || !(holds<GeneratorExit>(error) || holds<StopAsyncIteration>(error)))
      std::rethrow_exception(error);
    return false;
  }
  if (exit == Frame::Exit::finished) throw GeneratorExit();
  if (yielded && kind_ == Kind::close) throw RuntimeError("async generator ignored GeneratorExit");
  return yielded;
}

}  // namespace segue::modern
