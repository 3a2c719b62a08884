#include <segue/modern/threads/to_thread.hpp>

#include <chrono>
#include <memory>
#include <utility>

#include <segue/modern/kernel/log.hpp>

#include "kernel/shortest.hpp"
#include "threads/executor.hpp"

namespace segue::modern {

detail::Executor& EventLoop::executor() {
  if (!executor_) executor_ = std::make_shared<detail::Executor>(*this);
  return *executor_;
}

void EventLoop::close_executor() noexcept {
  if (executor_) executor_->close();
}

void EventLoop::set_default_executor(std::shared_ptr<concurrent::ThreadPoolExecutor> executor) {
  if (!executor) throw TypeError("set_default_executor() takes a ThreadPoolExecutor, not a null pointer");
  this->executor().use(std::move(executor));
}

void EventLoop::submit(std::unique_ptr<detail::Job> job) { executor().submit(std::move(job)); }

Coroutine<void> EventLoop::shutdown_default_executor(std::optional<Delay> timeout) {
  check_usable();
  const Ref<EventLoop> keep(this);
  Future<void> gone = executor().shutdown();
  bool timed_out = false;
  TimerHandle timer;
  if (timeout) {
    timer = call_later(*timeout, [&timed_out, gone] {
      if (gone.done()) return;
      timed_out = true;
      gone.set_result();
    });
  }
  struct CancelTimer {
    explicit CancelTimer(TimerHandle& handle) noexcept : timer(handle) {}
    ~CancelTimer() { timer.cancel(); }
    TimerHandle& timer;
  } const cancel_timer(timer);
  co_await gone;
  if (timed_out) {
    log(LogLevel::warning, "The executor did not finish joining its threads within " +
                               shortest(std::chrono::duration<double>(timeout->value()).count()) + " seconds.");
  } else if (executor_) {
    executor_->join();
  }
}

}  // namespace segue::modern
