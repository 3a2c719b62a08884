#include <segue/modern/loop/event_loop.hpp>

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/deadlocks.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/task_core.hpp>

#include "loop/main_thread.hpp"
#include "loop/signal_handlers.hpp"

namespace segue::modern {

namespace {

// Ends run_until_complete(). KeyboardInterrupt and SystemExit have left the loop already: stop() would end its next
// run.
class StopLoop final : public DoneCallbackState {
 public:
  void call(FutureCore& done) override {
    done.mark_retrieved();
    if (ends_program(done.peek_exception())) return;
    EventLoop::of(done.loop()).stop();
  }
};

// CPython's text; and a note that says whose step it is that would have to wait for what the loop does after it.
[[noreturn]] void refuse_to_run(const char* message) {
  RuntimeError error(message);
  if (const TaskCore* const task = TaskCore::current())
    error.add_note(task->repr() + " waits for what it is to run: co_await that, or await_() it below a portal");
  throw error;
}

// A wait long enough to look through the pool meanwhile.
constexpr std::chrono::milliseconds long_wait{100};

bool pool_has_surplus() noexcept { return detail::pool_has_surplus.load(std::memory_order_relaxed); }

void give_back_before_wait(Reactor& reactor, Reactor::time_point deadline) noexcept {
  if (pool_has_surplus() && deadline >= reactor.now() + long_wait) detail::pool_give_back();
}

}  // namespace

EventLoop::EventLoop(std::unique_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {
  const char* const wanted = std::getenv("SEGUE_DEBUG");
  set_debug(wanted != nullptr && *wanted != '\0');
}

EventLoop::~EventLoop() {
  if (!is_closed()) close();
}

void EventLoop::check_can_run() const {
  if (is_closed()) throw RuntimeError("Event loop is closed");
  if (is_running()) refuse_to_run("This event loop is already running");
  if (is_any_running()) refuse_to_run("Cannot run the event loop while another loop is running");
}

template <class Iterate>
void EventLoop::run(Iterate iterate) {
  check_can_run();
  const EventLoopRef keep(this);
  const ScopeExit end_abandoned([this]() noexcept {
    if (abandoned_) end();
  });
  const Running running(*this);
  const ScopeExit stopped([this]() noexcept { stopping_ = false; });
  const Driver::Current outside_of_coroutines(nullptr);
  iterate();
}

void EventLoop::run_forever() {
  run([this] {
    do run_once(true);
    while (!stopping_);
  });
}

EventLoop::time_point EventLoop::step() {
  const EventLoopRef keep(this);
  was_stopped_ = false;
  run([this] {
    const ScopeExit noted([this] { was_stopped_ = stopping_; });
    run_once(false);
  });
  const time_point next = due();
  if (!is_closed()) give_back_before_wait(*reactor_, next);
  return next;
}

EventLoop::time_point EventLoop::due() noexcept {
  if (is_closed()) return time_point::max();
  collect_posted_if_any();
  return has_ready() || stopping_ ? time_point::min() : next_timer();
}

void EventLoop::run_once(bool waits) {
  collect_posted_if_any();
  if (get_debug() && !has_ready() && !stopping_ && !reactor_->watching() && next_timer() == time_point::max())
      [[unlikely]]
    detail::report_new_deadlocks(*this);
  if (!has_ready()) {
    poll(!waits || stopping_ ? time_point::min() : next_timer());
  } else if (reactor_->watching()) {
    poll(time_point::min());
  }
  collect_timers();
  if (get_debug()) [[unlikely]]
    return run_ready_in_debug();
  run_ready();
}

void EventLoop::poll(time_point deadline) {
  ReadyQueue found;
  give_back_before_wait(*reactor_, deadline);
  reactor_->poll(deadline, found);
  collect_posted_if_any();  // what other threads posted comes first, as in CPython
  ready_.append(found);
}

void EventLoop::post(Ref<HandleState> handle) {
  if (!mailbox()->post(*handle)) throw RuntimeError("Event loop is closed");
  handle.detach();
}

void EventLoop::close() {
  if (is_running()) throw RuntimeError("Cannot close a running event loop");
  if (is_closed()) return;
  close_core();
  reactor_->unwatch_all();
  signal_handlers_.reset();
  close_executor();
  if (pool_has_surplus()) detail::pool_give_back();
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
    failure.more.emplace("context", to_string(context));
    default_exception_handler(failure);
  }
}

bool EventLoop::begins_tasks_eagerly() {
  if (!task_factory_) return false;
  return decide_on({}).eager_start.value_or(false);
}

TaskFactoryOptions EventLoop::decide_on(const TaskOptions& options) {
  TaskFactoryOptions decided{.eager_start = options.eager_start};
  if (options.name.data() != nullptr) decided.name = options.name;
  if (options.context) decided.context = Context(options.context.slot().context());
  const TaskFactory factory = task_factory_;  // it may replace itself
  factory(*this, decided);
  return decided;
}

void EventLoop::default_exception_handler(const ExceptionContext& context) noexcept {
  try {
    if (running_handle() == nullptr || !context.source_traceback.empty()) {
      log(LogLevel::error, to_string(context));
    } else {
      ExceptionContext with_handle = context;
      with_handle.handle_traceback = running_handle()->traceback();
      log(LogLevel::error, to_string(with_handle));
    }
  } catch (...) {
    log(LogLevel::error, context.message);  // there is no memory for more
  }
}

std::unique_ptr<Reactor> EventLoop::exchange_reactor(std::unique_ptr<Reactor> reactor) noexcept {
  between_posts([&] { reactor_.swap(reactor); });
  return reactor;
}

bool EventLoop::remove_watch(int fd, Events event) {
  if (is_closed()) return false;
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  Watch* const watch = reactor_->find(fd, event);
  if (watch == nullptr) return false;
  reactor_->unwatch(*watch);
  return true;
}

void EventLoop::add_signal_callback(int signal, Ref<detail::SignalCallback> callback) {
  detail::SignalHandlers::check_signal(signal);
  check_usable();
  detail::SignalHandlers::check_thread();
  if (!signal_handlers_) signal_handlers_ = std::make_unique<detail::SignalHandlers>(*this);
  signal_handlers_->add(signal, std::move(callback));
}

bool EventLoop::remove_signal_handler(int signal) {
  detail::SignalHandlers::check_signal(signal);
  return signal_handlers_ && signal_handlers_->remove(signal);
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

// A loop that lets go of itself in one of its callbacks ends when that iteration does.
void CloseLoop::operator()(EventLoop* loop) const noexcept {
  if (loop->is_running()) {
    loop->abandoned_ = true;
    loop->stop();
  } else {
    loop->end();
  }
  loop->release();
}

void EventLoop::end() noexcept {
  close();
  destroy_pending_tasks();
  executor_.reset();
  if (pool_has_surplus()) detail::pool_give_back();
}

EventLoopPtr NewEventLoopFunction::operator()() const { return (*this)(make_reactor()); }

EventLoopPtr NewEventLoopFunction::operator()(std::unique_ptr<Reactor> reactor) const {
  return EventLoopPtr(EventLoopRef(new EventLoop(std::move(reactor))).detach());
}

namespace {

thread_local EventLoopRef threads_loop;  // of set_event_loop()

std::string thread_name() {
  if (detail::in_main_thread()) return "MainThread";
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

}  // namespace

EventLoop& GetEventLoopFunction::operator()() const {
  if (EventLoop* const running = EventLoop::running()) return *running;
  if (threads_loop) return *threads_loop;
  throw RuntimeError("There is no current event loop in thread '" + thread_name() + "'.");
}

void SetEventLoopFunction::operator()(EventLoop& loop) const { threads_loop = EventLoopRef(&loop); }

void SetEventLoopFunction::operator()(std::nullptr_t) const { threads_loop = EventLoopRef(); }

}  // namespace segue::modern
