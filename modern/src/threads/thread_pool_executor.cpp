#include <segue/modern/threads/thread_pool_executor.hpp>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include <segue/format_exception.hpp>
#include <segue/modern/kernel/log.hpp>

#include "threads/workers.hpp"

namespace segue::modern::concurrent {

namespace detail {

/// What the threads share with the executor, which may go in one of them.
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
    std::exception_ptr thrown;
    for (const auto& each : dropped) {
      try {
        each->cancel();
      } catch (...) {
        thrown = std::current_exception();
      }
    }
    if (thrown) std::rethrow_exception(thrown);
  }
  /// When it is shut down. A thread that waits here itself ends later.
  void join() {
    std::vector<std::thread> ended;
    {
      std::unique_lock lock(mutex_);
      const std::size_t here = std::ranges::any_of(threads_, is_this_thread) ? 1 : 0;
      changed_.wait(lock, [this, here] { return alive_ == here; });
      if (here == 0) ended.swap(threads_);  // where several wait, one of them joins
    }
    for (std::thread& thread : ended) thread.join();
  }
  void call_at_end(std::function<void()> callback) {
    {
      const std::lock_guard lock(mutex_);
      if (alive_ > 0) return at_end_.push_back(std::move(callback));
    }
    callback();
  }
  /// The threads have ended; but where the executor went in one of them, that one destroys this.
  ~ThreadPool() {
    for (std::thread& thread : threads_) is_this_thread(thread) ? thread.detach() : thread.join();
  }

 private:
  static bool is_this_thread(const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); }
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

  void start_thread() {
    threads_.reserve(threads_.size() + 1);
    const std::string name = (prefix_ + "_" + std::to_string(threads_.size())).substr(0, 15);
    try {
      const modern::detail::BlockSignals block_signals;
      threads_.emplace_back([self = shared_from_this()] { self->work(); });
      ++alive_;
    } catch (const std::system_error&) {
      if (threads_.empty()) throw RuntimeError("can't start new thread");
      return;
    }
    ::pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }

  void work() noexcept {
    if (initialize()) make_calls();
    std::vector<std::function<void()>> told;
    {
      const std::lock_guard lock(mutex_);
      if (--alive_ == 0) told.swap(at_end_);
    }
    changed_.notify_all();
    for (const auto& callback : told) callback();
  }

  void make_calls() noexcept {
    std::unique_lock lock(mutex_);
    ++idle_;
    for (;;) {
      changed_.wait(lock, [this] { return shut_down_ || broken_ || !queue_.empty(); });
      if (queue_.empty()) break;
      --idle_;
      std::unique_ptr<Work> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      // Somebody else may have ended its future, or a callback of that end the program.
      reporting("Exception in worker", [&work] { work->run(); });
      lock.lock();
      ++idle_;  // before the work goes, and with it tells somebody who has more
      lock.unlock();
      work.reset();
      lock.lock();
    }
    --idle_;
  }

  // False where the pool is broken by that.
  bool initialize() noexcept {
    if (!initializer_ || reporting("Exception in initializer:", initializer_)) return true;
    std::deque<std::unique_ptr<Work>> lost;
    {
      const std::lock_guard lock(mutex_);
      broken_ = true;
      lost.swap(queue_);
    }
    changed_.notify_all();
    const auto error = std::make_exception_ptr(BrokenThreadPool(broken_text));
    for (const auto& each : lost) reporting("Exception in worker", [&] { each->fail(error); });
    return false;
  }

  // False where it throws.
  static bool reporting(const char* message, const std::function<void()>& call) noexcept {
    try {
      call();
      return true;
    } catch (...) {
      try {
        log(LogLevel::critical, message + ("\n" + format_exception(std::current_exception())));
      } catch (...) {
        log(LogLevel::critical, message);
      }
      return false;
    }
  }

  const std::size_t max_workers_;
  std::string prefix_;
  const std::function<void()> initializer_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Work>> queue_;
  std::vector<std::thread> threads_;
  std::vector<std::function<void()>> at_end_;
  std::size_t alive_ = 0;  // threads that have not ended
  std::size_t idle_ = 0;   // threads that wait for work
  bool shut_down_ = false;
  bool broken_ = false;
};

}  // namespace detail

ThreadPoolExecutor::ThreadPoolExecutor(ThreadPoolOptions options)
    : pool_(std::make_shared<detail::ThreadPool>(std::move(options))) {}

ThreadPoolExecutor::~ThreadPoolExecutor() { shutdown(); }

void ThreadPoolExecutor::shutdown(bool wait, bool cancel_futures) {
  pool_->shut_down(cancel_futures);
  if (wait) pool_->join();
}

void ThreadPoolExecutor::call_at_end(std::function<void()> callback) const { pool_->call_at_end(std::move(callback)); }

void ThreadPoolExecutor::submit_work(std::unique_ptr<detail::Work> work) const { pool_->submit(std::move(work)); }

}  // namespace segue::modern::concurrent
