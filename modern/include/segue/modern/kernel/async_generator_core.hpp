// AsyncGeneratorCore: all of an asynchronous generator (PEP 525; CPython: Objects/genobject.c) but its types and the
// style of its body, which may be a C++20 coroutine or a fiber.
//
// The body is one more frame in the chain of whoever awaits the next value: awaiting it costs two transfers of control,
// and the body waits for futures as a coroutine does.
//
//   created --step--> running --yield--> suspended --step--> running … --end--> closed
//                        \--the awaiting coroutine is destroyed--> running, for ever
//
// It is shared by the object that the user has and by the steps that are awaited. One that is let go of while it is
// suspended is handed to the loop in which it began, which closes it in a task.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

template <class T>
class Coroutine;

/// CPython: inspect.getasyncgenstate().
enum class AsyncGeneratorState { AGEN_CREATED, AGEN_RUNNING, AGEN_SUSPENDED, AGEN_CLOSED };

/// The state's name, as Python prints it.
const char* to_string(AsyncGeneratorState state) noexcept;

class AsyncGeneratorCore : public ListLink<> {
 public:
  /// Belongs to the running loop, if any, from the first step on that is asked for.
  void join_loop();
  /// In the loop's thread.
  void leave_loop() noexcept { unlink(); }

  AsyncGeneratorState state() const noexcept;
  /// Whether a step is under way: it runs, or waits for something.
  bool running() const noexcept { return running_; }
  /// `<async_generator object ticker at 0x55d0c8>`
  std::string repr() const;
  virtual const std::source_location& made() const noexcept = 0;
  /// Where it waits now, or waited last.
  virtual const std::source_location& awaiting_at() const noexcept = 0;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) let_go(std::unique_ptr<AsyncGeneratorCore, End>(this));
  }

  // --- for the body ---

  /// At a yield: whoever asked for a value is to be continued by what this returns, or by their driver.
  std::coroutine_handle<> give_back() noexcept {
    const Resumable asking = std::exchange(frame_->delegator, Resumable());
    if (asking.is_coroutine() && asking) [[likely]]
      return asking.coroutine();
    if (asking) Driver::current()->continue_with(asking);
    return std::noop_coroutine();
  }
  /// After a yield: throws what a step brought.
  void throw_injected() {
    if (injected_) [[unlikely]]
      std::rethrow_exception(std::exchange(injected_, nullptr));
  }
  /// The body has ended.
  void succeed() noexcept { outcome_.set_value(); }
  void fail(std::exception_ptr error) noexcept;

 protected:
  /// `resumable` resumes the frame.
  AsyncGeneratorCore(Frame& frame, Resumable resumable) noexcept : frame_(&frame), resumable_(resumable) {}
  ~AsyncGeneratorCore() = default;

 private:
  friend class AsyncGeneratorStep;
  friend class AsyncGeneratorWait;
  // A generator may have the next one among its arguments, and so on.
  struct End {
    void operator()(AsyncGeneratorCore* generator) const noexcept { generator->end(); }
  };

  /// Of a body that is a fiber.
  virtual bool fiber_finished() const noexcept { return false; }
  /// Frees the frame, and this with it. Not where it runs.
  virtual void destroy() noexcept = 0;

  bool finished() const noexcept {
    return resumable_.is_coroutine() ? resumable_.coroutine().done() : fiber_finished();
  }
  bool closed() const noexcept { return ended_ || finished(); }
  void end() noexcept;
  static void close_in_task(const Ref<AsyncGeneratorCore>& generator);

  // What was done about one that was let go of while it was suspended.
  enum class Farewell : std::uint8_t { none, handed_over, closed };

  Frame* const frame_;
  const Resumable resumable_;
  Outcome<void> outcome_;  // of the body, when it has ended
  std::uint32_t references_ = 0;
  bool running_ = false;
  bool exiting_ = false;  // aclose() has asked it to end
  bool ended_ = false;    // it was closed before it began
  Farewell farewell_ = Farewell::none;
  std::exception_ptr injected_;
  std::shared_ptr<Mailbox> mailbox_;  // of the loop that it belongs to; null before it has one
};

/// What anext(), asend(), athrow() and aclose() return, but for the value: a step of the body, to be awaited once.
/// Awaiting it takes it over: what becomes of this object meanwhile is of no matter.
class [[nodiscard("a step is taken when it is awaited")]] AsyncGeneratorStep {
 public:
  enum class Kind : std::uint8_t { next, send, throw_, close };

  AsyncGeneratorStep(AsyncGeneratorStep&& other) noexcept = default;
  AsyncGeneratorStep(const AsyncGeneratorStep&) = delete;
  AsyncGeneratorStep& operator=(const AsyncGeneratorStep&) = delete;
  /// Where it was never awaited, that is reported.
  ~AsyncGeneratorStep() {
    if (core_) [[unlikely]]
      report_never_awaited();
  }

  /// For the running loop, one of whose tasks was to await it, and was cancelled before: throws CancelledError where
  /// the body is suspended. Where that goes on, it does so in a task of its own.
  void cancel_unawaited() noexcept;

 protected:
  AsyncGeneratorStep(Ref<AsyncGeneratorCore> core, Kind kind, std::exception_ptr error = nullptr)
      : core_(std::move(core)), error_(std::move(error)), kind_(kind) {
    if (core_->mailbox_ == nullptr) [[unlikely]]
      core_->join_loop();
  }

 private:
  friend class AsyncGeneratorWait;
  void report_never_awaited() const noexcept;

  Ref<AsyncGeneratorCore> core_;  // empty where it was awaited, or moved from
  std::exception_ptr error_;
  Kind kind_;
};

/// The awaiter of a step, but for the value.
class AsyncGeneratorWait {
 public:
  using Kind = AsyncGeneratorStep::Kind;

  AsyncGeneratorWait(const AsyncGeneratorWait&) = delete;
  AsyncGeneratorWait& operator=(const AsyncGeneratorWait&) = delete;
  /// Where who awaits is destroyed meanwhile, nobody will ever be given what comes of the step.
  ~AsyncGeneratorWait() {
    if (phase_ == Phase::running) [[unlikely]]
      core_->frame_->delegator = {};
  }

  /// True where nothing is to be run. RuntimeError("cannot reuse already awaited __anext__()/asend()"),
  /// ("anext(): asynchronous generator is already running"); what is thrown into one that has not begun.
  bool await_ready() {
    if (kind_ == Kind::next && core_ && !core_->running_ && !core_->closed()) [[likely]]
      return false;
    return check();
  }
  std::coroutine_handle<> await_suspend(Resumable asking) {
    if (kind_ != Kind::next || !core_->resumable_.is_coroutine()) [[unlikely]]
      return suspend_otherwise(asking);
    phase_ = Phase::running;
    core_->running_ = true;
    core_->frame_->start_for(asking);
    return core_->resumable_.coroutine();
  }

 protected:
  explicit AsyncGeneratorWait(AsyncGeneratorStep&& step) noexcept
      : core_(std::move(step.core_)), error_(std::move(step.error_)), kind_(step.kind_) {}

  /// Whether the body yielded, and false where it returned. Throws what it threw; of aclose()'s, neither GeneratorExit
  /// nor StopAsyncIteration.
  bool finish() {
    if (phase_ != Phase::running || kind_ != Kind::next || core_->frame_->exit != Frame::Exit::none ||
        core_->outcome_.has_exception() || core_->finished()) [[unlikely]]
      return finish_otherwise();
    phase_ = Phase::done;
    core_->running_ = false;
    return true;
  }
  /// Whether the body was run for it.
  bool taken() const noexcept { return phase_ == Phase::running; }
  AsyncGeneratorCore* core() const noexcept { return core_.get(); }
  /// What asend() sends is none: it starts a body, as anext() does.
  void take_none() noexcept { kind_ = Kind::next; }

 private:
  enum class Phase : std::uint8_t { fresh, running, done };

  bool check();
  std::coroutine_handle<> suspend_otherwise(Resumable asking);
  bool finish_otherwise();
  bool throws() const noexcept { return kind_ == Kind::throw_ || kind_ == Kind::close; }
  bool leave_unbegun();

  Ref<AsyncGeneratorCore> core_;
  std::exception_ptr error_;
  Kind kind_;
  Phase phase_ = Phase::fresh;
};

/// The awaiter of a step whose value, if any, nobody wants.
class AsyncGeneratorEndWait final : public AsyncGeneratorWait {
 public:
  explicit AsyncGeneratorEndWait(AsyncGeneratorStep&& step) noexcept : AsyncGeneratorWait(std::move(step)) {}
  void await_resume() { finish(); }
};

/// What aclose() returns.
class AsyncGeneratorClose final : public AsyncGeneratorStep {
 public:
  explicit AsyncGeneratorClose(Ref<AsyncGeneratorCore> core) : AsyncGeneratorStep(std::move(core), Kind::close) {}
  AsyncGeneratorEndWait operator co_await() noexcept { return AsyncGeneratorEndWait(std::move(*this)); }
};

/// A coroutine that closes it.
Coroutine<void> close_async_generator(Ref<AsyncGeneratorCore> generator);

}  // namespace segue::modern
