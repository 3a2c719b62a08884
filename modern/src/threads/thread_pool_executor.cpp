#include <segue/modern/threads/thread_pool_executor.hpp>

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include <segue/format_exception.hpp>
#include <segue/modern/kernel/log.hpp>

#include "threads/workers.hpp"

namespace segue::modern::concurrent {

namespace detail {

/// What the threads share with the executor, which may go before them (shutdown(false)).
class ThreadPool : public std::enable_shared_from_this<ThreadPool> {
 public:
  explicit ThreadPool(ThreadPoolOptions options)
      : max_workers_(limit(options.max_workers)),
        prefix_(std::move(options.thread_name_prefix)),
        initializer_(std::move(options.initializer)) {
    if (prefix_.empty()) prefix_ = "ThreadPoolExecutor-" + std::to_string(next_number());
  }

  void submit(std::unique_ptr<Work> work) {
    const std::lock_guard lock(mutex_);
    if (broken_) throw BrokenThreadPool(broken_text);
    if (shut_down_) throw RuntimeError("cannot schedule new futures after shutdown");
    if (idle_ <= queue_.size() && threads_.size() < max_workers_) start_thread();
    queue_.push_back(std::move(work));
    changed_.notify_one();
  }

  void shut_down(bool cancel) {
    std::deque<std::unique_ptr<Work>> dropped;
    {
      const std::lock_guard lock(mutex_);
      shut_down_ = true;
      if (cancel) dropped.swap(queue_);
    }
    changed_.notify_all();
    for (const auto& each : dropped) each->cancel();
  }
  void join() {
    for (std::thread& thread : take_threads()) {
      // One that runs this itself ends by itself.
      thread.get_id() == std::this_thread::get_id() ? thread.detach() : thread.join();
    }
  }
  void detach() {
    for (std::thread& thread : take_threads()) thread.detach();
  }

 private:
  static constexpr const char* broken_text = "A thread initializer failed, the thread pool is not usable anymore";

  static std::size_t limit(std::optional<int> given) {
    if (given && *given <= 0) throw ValueError("max_workers must be greater than 0, not " + std::to_string(*given));
    if (given) return static_cast<std::size_t>(*given);
    return modern::detail::default_max_workers();
  }
  static std::size_t next_number() noexcept {
    static std::atomic<std::size_t> number{0};
    return number.fetch_add(1, std::memory_order_relaxed);
  }

  std::vector<std::thread> take_threads() {
    const std::lock_guard lock(mutex_);
    return std::move(threads_);
  }

  void start_thread() {
    threads_.reserve(threads_.size() + 1);
    const std::string name = (prefix_ + "_" + std::to_string(threads_.size())).substr(0, 15);
    try {
      const modern::detail::BlockSignals block_signals;
      threads_.emplace_back([self = shared_from_this()] { self->work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw RuntimeError("can't start new thread");
      return;
    }
    ::pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }

  void work() {
    if (!initialize()) return;
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      changed_.wait(lock, [this] { return shut_down_ || broken_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      std::unique_ptr<Work> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work->run();
      work.reset();
      lock.lock();
    }
  }

  // False where the pool is broken by that.
  bool initialize() noexcept {
    if (!initializer_) return true;
    try {
      initializer_();
      return true;
    } catch (...) {
      report(std::current_exception());
    }
    std::deque<std::unique_ptr<Work>> lost;
    {
      const std::lock_guard lock(mutex_);
      broken_ = true;
      lost.swap(queue_);
    }
    changed_.notify_all();
    const auto error = std::make_exception_ptr(BrokenThreadPool(broken_text));
    for (const auto& each : lost) each->fail(error);
    return false;
  }
  static void report(const std::exception_ptr& error) noexcept {
    try {
      log(LogLevel::error, "Exception in initializer:\n" + format_exception(error));
    } catch (...) {
      log(LogLevel::error, "Exception in initializer");
    }
  }

  const std::size_t max_workers_;
  std::string prefix_;
  const std::function<void()> initializer_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Work>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;  // threads that wait for work
  bool shut_down_ = false;
  bool broken_ = false;
};

}  // namespace detail

ThreadPoolExecutor::ThreadPoolExecutor(ThreadPoolOptions options)
    : pool_(std::make_shared<detail::ThreadPool>(std::move(options))) {}

ThreadPoolExecutor::~ThreadPoolExecutor() { shutdown(); }

void ThreadPoolExecutor::shutdown(bool wait, bool cancel_futures) {
  pool_->shut_down(cancel_futures);
  wait ? pool_->join() : pool_->detach();
}

void ThreadPoolExecutor::submit_work(std::unique_ptr<detail::Work> work) const { pool_->submit(std::move(work)); }

}  // namespace segue::modern::concurrent
