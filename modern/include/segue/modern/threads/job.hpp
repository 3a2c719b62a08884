// What the default executor's threads run.
#pragma once

#include <atomic>
#include <exception>

#include <segue/modern/threads/worker_thread.hpp>

namespace segue::modern::detail {

/// A call for a thread of the executor.
class Job : public WorkerThread {
 public:
  Job() noexcept = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  /// Keeps a job that has not started from running. One that has is told, and what it waits for in the loop cancelled.
  void cancel() {
    if (!leave_queue(State::cancelled)) set_cancelled();
  }

 protected:
  /// Does the work, in one of the executor's threads.
  virtual void run() noexcept = 0;
  /// Instead of run(): why it cannot be done.
  virtual void fail(const std::exception_ptr& error) noexcept = 0;
  /// Hands the outcome over, in the loop's thread: after run(), or instead of it where the job was cancelled.
  virtual void finish() = 0;

 private:
  friend class Executor;
  enum class State { queued, started, cancelled };

  bool leave_queue(State next) noexcept {
    State expected = State::queued;
    return state_.compare_exchange_strong(expected, next, std::memory_order_relaxed);
  }

  std::atomic<State> state_{State::queued};
};

}  // namespace segue::modern::detail
