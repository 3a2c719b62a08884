#include <segue/modern/loop/event_loop.hpp>

#include <algorithm>
#include <memory>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/loop/log.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

namespace {

constexpr std::size_t min_cancelled_timers = 100;  // below, cancelled timers are not worth a clean-up

struct LaterFirst {
  template <class Handle>
  bool operator()(const Handle& a, const Handle& b) const noexcept {
    return a->when != b->when ? a->when > b->when : a->sequence > b->sequence;
  }
};

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

std::function<void()> queued(EventLoop& loop, std::function<void()> callback) {
  return [guard = std::make_shared<WatchGuard>(loop, std::move(callback))] { guard->ready(); };
}

}  // namespace

EventLoop::EventLoop(std::unique_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}

EventLoop::~EventLoop() {
  if (!closed_) close();
}

void EventLoop::check_usable_slow() const {
  if (closed_) throw RuntimeError("Event loop is closed");
  if (is_running() && thread_.load(std::memory_order_relaxed) != std::this_thread::get_id())
    throw RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one");
}

void EventLoop::check_can_run() const {
  if (closed_) throw RuntimeError("Event loop is closed");
  if (is_running()) throw RuntimeError("This event loop is already running");
  if (running_ != nullptr) throw RuntimeError("Cannot run the event loop while another loop is running");
}

void EventLoop::run_forever() {
  check_can_run();
  struct Running {
    explicit Running(EventLoop& loop) : loop(loop), keep(&loop) {
      running_ = &loop;
      loop.thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Running() {
      loop.stopping_ = false;
      loop.thread_.store(std::thread::id(), std::memory_order_relaxed);
      running_ = nullptr;
    }
    EventLoop& loop;
    detail::Ref<EventLoop> keep;
  } const running(*this);
  const Driver::Current outside_of_coroutines(nullptr);
  do run_once();
  while (!stopping_);
}

void EventLoop::run_once() {
  if (has_posted_.load(std::memory_order_acquire)) collect_posted();
  if (ready_.empty() && !stopping_) {
    poll(poll_deadline());
  } else if (reactor_->watching()) {
    poll(time_point::min());
  }
  if (!timers_.empty()) collect_timers();
  run_ready();
}

void EventLoop::poll(time_point deadline) {
  reactor_->poll(deadline);
  if (has_posted_.load(std::memory_order_acquire)) collect_posted();
}

EventLoop::time_point EventLoop::poll_deadline() {
  while (!timers_.empty() && timers_.front()->cancelled()) {
    std::pop_heap(timers_.begin(), timers_.end(), LaterFirst());
    timers_.pop_back();
    --cancelled_timers_;
  }
  return timers_.empty() ? time_point::max() : timers_.front()->when;
}

void EventLoop::collect_timers() {
  if (cancelled_timers_ > min_cancelled_timers && cancelled_timers_ * 2 > timers_.size()) {
    std::erase_if(timers_, [](const auto& timer) { return timer->cancelled(); });
    std::make_heap(timers_.begin(), timers_.end(), LaterFirst());
    cancelled_timers_ = 0;
  }
  const time_point now = time();
  while (!timers_.empty() && timers_.front()->when <= now) {
    std::pop_heap(timers_.begin(), timers_.end(), LaterFirst());
    const detail::Ref<detail::HandleState> timer = std::move(timers_.back());
    timers_.pop_back();
    timer->in_heap = false;
    if (timer->cancelled()) {
      --cancelled_timers_;
    } else {
      schedule(*timer);
    }
  }
}

void EventLoop::run_ready() {
  // What an escaping KeyboardInterrupt leaves unrun stays queued, before what was queued meanwhile.
  detail::ReadyQueue::Batch batch(ready_);
  while (detail::Ready* const node = batch.pop()) node->run();
}

void EventLoop::add_timer(detail::HandleState& handle, time_point when) {
  handle.when = when;
  handle.sequence = timer_sequence_++;
  timers_.emplace_back(&handle);
  handle.in_heap = true;
  std::push_heap(timers_.begin(), timers_.end(), LaterFirst());
}

void EventLoop::post_node(detail::Ref<detail::HandleState> node) {
  if (running_ == this) return schedule(*node);
  {
    const std::lock_guard lock(posted_mutex_);
    if (refuse_posted_) throw RuntimeError("Event loop is closed");
    posted_.push_back(std::move(node));
  }
  has_posted_.store(true, std::memory_order_release);
  reactor_->wake();
}

void EventLoop::collect_posted() noexcept {
  const std::lock_guard lock(posted_mutex_);
  has_posted_.store(false, std::memory_order_relaxed);
  for (auto& node : posted_) ready_.push(*node.detach());
  posted_.clear();
}

void EventLoop::close() {
  if (is_running()) throw RuntimeError("Cannot close a running event loop");
  if (closed_) return;
  closed_ = true;
  std::vector<detail::Ref<detail::HandleState>> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    refuse_posted_ = true;
    posted.swap(posted_);
  }
  detail::ReadyQueue::Batch unrun(ready_);
  while (detail::Ready* const node = unrun.pop()) node->drop();
  for (const auto& timer : timers_) timer->in_heap = false;
  timers_.clear();
  cancelled_timers_ = 0;
  executor_.reset();
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
  if (!exception_handler_) return default_exception_handler(context);
  const ExceptionHandler handler = exception_handler_;  // it may replace itself
  try {
    handler(*this, context);
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
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

void EventLoop::add_task(detail::TaskCore& task) noexcept {
  task.future().retain();
  task.older_ = newest_task_;
  (newest_task_ ? newest_task_->newer_ : oldest_task_) = &task;
  newest_task_ = &task;
}

void EventLoop::remove_task(detail::TaskCore& task) noexcept {
  (task.older_ ? task.older_->newer_ : oldest_task_) = task.newer_;
  (task.newer_ ? task.newer_->older_ : newest_task_) = task.older_;
  task.older_ = task.newer_ = nullptr;
  task.future().release();
}

std::vector<TaskBase> EventLoop::all_tasks() const {
  std::vector<TaskBase> tasks;
  for (detail::TaskCore* task = oldest_task_; task != nullptr; task = task->newer_)
    tasks.emplace_back(detail::Ref<detail::FutureState>(&task->future()));
  return tasks;
}

void EventLoop::destroy_pending_tasks() noexcept {
  while (oldest_task_ != nullptr) oldest_task_->destroy_pending();
  knots_.untie_all();
}

void EventLoop::run_until_done(detail::FutureState& future, bool is_new_task) {
  if (is_new_task) future.task()->report_destroyed_pending = false;
  const DoneCallback<FutureBase> stop_loop = [](const FutureBase& done) {
    const std::exception_ptr& error = done.state()->peek_exception();
    if (holds<KeyboardInterrupt>(error) || holds<SystemExit>(error)) return;  // it leaves the loop by itself
    done.get_loop().stop();
  };
  struct Watched {
    ~Watched() { future.remove_callback(*callback.state()); }
    detail::FutureState& future;
    const DoneCallback<FutureBase>& callback;
  };
  {
    future.add_callback(stop_loop.state());
    const Watched watched{future, stop_loop};
    try {
      run_forever();
    } catch (...) {
      if (is_new_task && future.done()) future.mark_retrieved();
      throw;
    }
  }
  if (!future.done()) throw RuntimeError("Event loop stopped before Future completed.");
}

std::vector<std::string> ExceptionContext::keys() const {
  std::vector<std::string> keys;
  if (exception) keys.emplace_back("exception");
  if (!future.empty()) keys.emplace_back("future");
  if (!handle.empty()) keys.emplace_back("handle");
  if (!message.empty()) keys.emplace_back("message");
  if (!source.empty()) keys.emplace_back("source");
  if (!task.empty()) keys.emplace_back("task");
  return keys;
}

std::string to_string(const ExceptionContext& context) {
  std::string text = context.message.empty() ? "Unhandled exception in event loop" : context.message;
  const auto field = [&text](const char* name, const std::string& value) {
    if (!value.empty()) text.append("\n").append(name).append(": ").append(value);
  };
  field("future", context.future);
  field("handle", context.handle);
  field("task", context.task);
  field("source", context.source);
  if (context.exception) {
    const ExceptionText error = describe(context.exception);
    text += "\n" + error.type + (error.message.empty() ? "" : ": " + error.message);
  }
  return text;
}

void CloseLoop::operator()(EventLoop* loop) const noexcept {
  loop->close();
  loop->destroy_pending_tasks();
  loop->release();
}

EventLoopPtr new_event_loop() { return new_event_loop(make_reactor()); }

EventLoopPtr new_event_loop(std::unique_ptr<Reactor> reactor) {
  return EventLoopPtr(detail::make_ref<EventLoop>(std::move(reactor)).detach());
}

EventLoop& get_running_loop() {
  if (EventLoop* loop = EventLoop::running()) return *loop;
  throw RuntimeError("no running event loop");
}

}  // namespace segue::modern
