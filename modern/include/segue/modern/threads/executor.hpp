// The default executor: threads for calls that would block the loop (CPython: concurrent.futures.ThreadPoolExecutor).
//
// A job is made, completed and destroyed in the loop's thread; only run() happens elsewhere. Threads start when there
// is more to do than threads that idle, up to min(32, processors + 4) of them. The loop's end is the executor's: what
// has not started by then never does, and what runs is waited for, so that no thread ever touches a loop that is gone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern::detail {

/// A call for a thread of the executor.
class Job {
 public:
  Job() noexcept = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  /// Keeps a job that has not started from running; false where it has.
  bool cancel() noexcept { return leave_queue(State::cancelled); }

 protected:
  /// Does the work, in one of the executor's threads.
  virtual void run() noexcept = 0;
  /// Hands the outcome over, in the loop's thread: after run(), or instead of it where the job was cancelled.
  virtual void finish() = 0;

 private:
  friend class Executor;
  friend class JobList;
  enum class State { queued, started, cancelled };

  bool leave_queue(State next) noexcept {
    State expected = State::queued;
    return state_.compare_exchange_strong(expected, next, std::memory_order_relaxed);
  }

  std::atomic<State> state_{State::queued};
  Job* next_ = nullptr;
};

/// First in, first out; owns its jobs, and never allocates.
class JobList {
 public:
  JobList() noexcept = default;
  JobList(JobList&& other) noexcept;
  JobList& operator=(JobList&&) = delete;
  ~JobList();

  std::size_t size() const noexcept { return size_; }
  void push(std::unique_ptr<Job> job) noexcept;
  std::unique_ptr<Job> pop() noexcept;

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::size_t size_ = 0;
};

class Executor final : private Ready {
 public:
  explicit Executor(EventLoop& loop) noexcept : loop_(loop) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  /// Drops what has not started and waits for what has.
  ~Executor();

  /// RuntimeError("Executor shutdown has been called"), or where no thread can be started at all.
  void submit(std::unique_ptr<Job> job);
  /// Takes no more jobs. The future is done when all that it had are, and its threads have nothing left to do.
  Future<void> shutdown();
  /// Waits for the threads, which shutdown() or the destructor has told to end.
  void join();

 private:
  void start_thread();
  void work();
  void notify_loop();
  // In the loop: completes what is finished.
  void run() override;
  void drop() noexcept override {}

  EventLoop& loop_;  // owns this
  std::vector<std::thread> threads_;
  std::vector<Future<void>> shutdown_waiters_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  JobList queue_;
  JobList finished_;
  std::size_t idle_ = 0;  // threads that have no job
  std::size_t alive_ = 0;
  bool stopping_ = false;
  bool notified_ = false;  // it is in the loop's mailbox
};

}  // namespace segue::modern::detail
