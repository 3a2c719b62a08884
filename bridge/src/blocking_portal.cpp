#include <segue/bridge/blocking_portal.hpp>

#include <cstddef>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/unraisable.hpp>

namespace segue::bridge {

class bridge_detail::PortalState final : private modern::Ready {
 public:
  /// What the portal's thread does: runs a loop until the portal was stopped and none of its tasks is left. Tells
  /// `running` when there is a loop, or why there is none.
  void run_loop(std::promise<void> running, const modern::RunOptions& options) {
    try {
      modern::run(serve(running), options);
      close();
    } catch (...) {
      close();
      if (loop_ != nullptr) throw;
      running.set_exception(std::current_exception());
    }
  }

  void enter() {
    const std::lock_guard lock(mutex_);
    if (stopped_) throw RuntimeError("This portal is not running");
    ++tasks_;
  }
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    if (--tasks_ == 0 && stopped_) wake();
  }
  void stop(bool cancel) noexcept {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    cancels_ = cancels_ || cancel;
    wake();
  }

  bool cancels() {
    const std::lock_guard lock(mutex_);
    return cancels_;
  }

  modern::EventLoop& loop() const noexcept { return *loop_; }
  const std::shared_ptr<modern::Mailbox>& mailbox() const noexcept { return mailbox_; }
  std::thread::id thread() const noexcept { return thread_; }

 private:
  modern::Coroutine<void> serve(std::promise<void>& running) {
    const modern::Event changed;
    changed_ = &changed;
    const modern::ScopeExit forget([this]() noexcept { changed_ = nullptr; });
    loop_ = &modern::get_running_loop();
    mailbox_ = loop_->core().mailbox();
    thread_ = std::this_thread::get_id();
    running.set_value();
    bool cancelled = false;
    while (!ended()) {
      co_await changed.wait();
      changed.clear();
      if (cancelled || !cancels()) continue;
      cancelled = true;
      cancel_others();
    }
  }
  static void cancel_others() {
    const modern::AnyTask self = *modern::current_task();
    for (const modern::AnyTask& task : modern::all_tasks())
      if (task != self) task.cancel();
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return stopped_ && tasks_ == 0;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

  // With the mutex locked. A loop that is closed needs no waking.
  void wake() noexcept {
    if (!posted_) posted_ = mailbox_->post(*this);
  }
  // In the loop, that somebody woke.
  void run() override {
    {
      const std::lock_guard lock(mutex_);
      posted_ = false;
    }
    if (changed_ != nullptr) changed_->set();
  }
  void drop() noexcept override {}
  std::function<std::string()> deferred_repr() override {
    return [] { return std::string("<BlockingPortal>"); };
  }

  // Set before anybody else has the portal.
  modern::EventLoop* loop_ = nullptr;
  std::shared_ptr<modern::Mailbox> mailbox_;
  std::thread::id thread_;

  const modern::Event* changed_ = nullptr;  // the loop's, while it serves

  std::mutex mutex_;  // guards the rest
  std::size_t tasks_ = 0;
  bool stopped_ = false;
  bool cancels_ = false;
  bool posted_ = false;
};

bridge_detail::PortalTask::PortalTask(std::shared_ptr<PortalState> portal) : portal_(std::move(portal)) {
  portal_->enter();
}
bridge_detail::PortalTask::~PortalTask() {
  if (portal_) portal_->leave();
}
void bridge_detail::PortalTask::begin() const {
  if (portal_->cancels()) modern::current_task()->cancel();
}

BlockingPortal::BlockingPortal(const modern::RunOptions& options)
    : state_(std::make_shared<bridge_detail::PortalState>()),
      thread_(std::make_unique<modern::concurrent::ThreadPoolExecutor>(1, "portal")) {
  std::promise<void> promise;
  std::future<void> running = promise.get_future();
  ended_ = thread_->submit([state = state_, promise = std::move(promise), options]() mutable {
    state->run_loop(std::move(promise), options);
  });
  running.get();
}

BlockingPortal::~BlockingPortal() {
  if (!state_) return;
  stop(std::uncaught_exceptions() > exceptions_);
  if (std::this_thread::get_id() == state_->thread()) return;  // its own loop ends when this has returned
  if (std::exception_ptr error = ended_.exception()) report_unraisable(std::move(error), "<BlockingPortal>");
}

void BlockingPortal::stop(bool cancel_remaining) const noexcept { state_->stop(cancel_remaining); }

modern::EventLoop& BlockingPortal::loop() const noexcept { return state_->loop(); }

const std::shared_ptr<modern::Mailbox>& BlockingPortal::mailbox() const noexcept { return state_->mailbox(); }

void BlockingPortal::check_other_thread(const char* asked, const std::source_location& where) const {
  if (std::this_thread::get_id() != state_->thread()) return;
  const modern::TaskCore* const task = modern::TaskCore::current();
  throw RuntimeError("This method cannot be called from the event loop thread: co_await there what it is to call (" +
                     (asked + (where.line() != 0 ? " at " + modern::place(where) : std::string())) +
                     (task != nullptr ? ", in " + task->repr() : std::string()) + ")");
}

}  // namespace segue::bridge
