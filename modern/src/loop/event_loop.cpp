#include <segue/modern/loop/event_loop.hpp>

#include <memory>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

namespace {

// A reader or writer: what the reactor reports is queued, not run inside poll().
struct Watch {
  std::function<void()> callback;
  bool active = true;
};

// Owned by the reactor's callback, so that replacing or removing it deactivates what is queued already.
class WatchGuard {
 public:
  WatchGuard(EventLoop& loop, std::function<void()> callback)
      : loop_(loop), watch_(std::make_shared<Watch>(Watch{std::move(callback)})) {}
  WatchGuard(const WatchGuard&) = delete;
  WatchGuard& operator=(const WatchGuard&) = delete;
  ~WatchGuard() { watch_->active = false; }
  void ready() {
    loop_.call_soon([watch = watch_] {
      if (watch->active) watch->callback();
    });
  }

 private:
  EventLoop& loop_;
  std::shared_ptr<Watch> watch_;
};

// Ends run_until_complete(). An exception that leaves the loop ends it by itself.
class StopLoop final : public DoneCallbackState {
 public:
  void call(FutureCore& done) override {
    const std::exception_ptr error = done.peek_exception();
    if (ends_program(error)) return;
    EventLoop::of(done.loop()).stop();
  }
};

std::function<void()> queued(EventLoop& loop, std::function<void()> callback) {
  return [guard = std::make_shared<WatchGuard>(loop, std::move(callback))] { guard->ready(); };
}

}  // namespace

EventLoop::~EventLoop() {
  if (!is_closed()) close();
}

void EventLoop::check_can_run() const {
  if (is_closed()) throw RuntimeError("Event loop is closed");
  if (is_running()) throw RuntimeError("This event loop is already running");
  if (running() != nullptr) throw RuntimeError("Cannot run the event loop while another loop is running");
}

void EventLoop::run_forever() {
  check_can_run();
  const Running running(*this);
  const ScopeExit stopped([this]() noexcept { stopping_ = false; });
  const Driver::Current outside_of_coroutines(nullptr);
  do run_once();
  while (!stopping_);
}

void EventLoop::run_once() {
  collect_posted_if_any();
  if (!has_ready() && !stopping_) {
    poll(next_timer());
  } else if (reactor_->watching()) {
    poll(time_point::min());
  }
  collect_timers();
  run_ready();
}

void EventLoop::poll(time_point deadline) {
  reactor_->poll(deadline);
  collect_posted_if_any();
}

void EventLoop::post(Ref<HandleState> handle) {
  if (running() == this) return schedule(std::move(handle));
  LoopCore::post(*handle);
  handle.detach();
}

void EventLoop::close() {
  if (is_running()) throw RuntimeError("Cannot close a running event loop");
  if (is_closed()) return;
  close_core();
  executor_.reset();
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
  if (!exception_handler_) return default_exception_handler(context);
  const ExceptionHandler handler = exception_handler_;  // it may replace itself
  try {
    handler(*this, context);
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext failure;
    failure.message = "Unhandled error in exception handler";
    failure.exception = std::current_exception();
    default_exception_handler(failure);
  }
}

void EventLoop::default_exception_handler(const ExceptionContext& context) noexcept {
  try {
    log(LogLevel::error, to_string(context));
  } catch (...) {
    log(LogLevel::error, context.message);  // there is no memory for more
  }
}

void EventLoop::add_reader(int fd, std::function<void()> callback) {
  check_usable();
  reactor_->add_reader(fd, queued(*this, std::move(callback)));
}

void EventLoop::add_writer(int fd, std::function<void()> callback) {
  check_usable();
  reactor_->add_writer(fd, queued(*this, std::move(callback)));
}

void EventLoop::run_until_done(FutureCore& future, bool is_new_task) {
  if (is_new_task) future.task()->expect_destruction();
  const auto stop_loop = make_ref<StopLoop>();
  future.add_callback(stop_loop);
  {
    const ScopeExit forget([&]() noexcept { future.remove_callback(*stop_loop); });
    try {
      run_forever();
    } catch (...) {
      if (is_new_task && future.done()) future.mark_retrieved();
      throw;
    }
  }
  if (!future.done()) throw RuntimeError("Event loop stopped before Future completed.");
}

void CloseLoop::operator()(EventLoop* loop) const noexcept {
  loop->close();
  loop->destroy_pending_tasks();
  loop->release();
}

EventLoopPtr new_event_loop() { return new_event_loop(make_reactor()); }

EventLoopPtr new_event_loop(std::unique_ptr<Reactor> reactor) {
  return EventLoopPtr(EventLoopRef(new EventLoop(std::move(reactor))).detach());
}

}  // namespace segue::modern
