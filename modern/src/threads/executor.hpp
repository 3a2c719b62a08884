// The default executor: threads for calls that would block the loop (CPython: concurrent.futures.ThreadPoolExecutor).
//
// A job is made, completed and destroyed in the loop's thread; only run() happens elsewhere. Threads start when there
// is more to do than threads that idle, up to min(32, processors + 4) of them. What has not started when the loop is
// closed never does. What runs is waited for when the loop goes, after its tasks have ended, for one of which a thread
// may wait: so no thread ever touches a loop that is gone.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <segue/modern/kernel/list.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/threads/job.hpp>
#include <segue/modern/threads/worker_thread.hpp>

namespace segue::modern::detail {

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
  /// Drops what has not started; nothing else will. Who waits for the loop in what has is told that it is closed.
  void close() noexcept;

  /// RuntimeError("Executor shutdown has been called"), or where no thread can be started at all.
  void submit(std::unique_ptr<Job> job);
  /// Takes no more jobs. The future is done when all that it had are, and its threads have nothing left to do.
  Future<void> shutdown();
  /// Waits for the threads, which shutdown() has told to end, and shuts the pool down that it uses.
  void join();
  /// From now on, jobs are run by somebody else's threads.
  void use(std::shared_ptr<concurrent::ThreadPoolExecutor> pool);

 private:
  class Lent;
  class Working;
  void start_thread();
  void join_threads();
  void work();
  void run_job(Job& job) noexcept;
  void lend(std::unique_ptr<Job> job, concurrent::ThreadPoolExecutor& pool);
  /// Whether all that was to be done is, and the loop has taken it over.
  bool all_taken() const noexcept { return alive_ == 0 && lent_ == 0 && finished_.size() == 0; }
  void notify_loop();
  void let_finish(std::unique_lock<std::mutex>& lock);
  void complete(Job& job);
  void complete_later(std::unique_ptr<Job> job, Schedule& choices);
  void tell_who_waits_for_the_end();
  // In the loop: completes what is finished.
  void run() override;
  void drop() noexcept override {}

  EventLoop& loop_;  // owns this
  std::vector<std::thread> threads_;
  std::vector<Future<void>> shutdown_waiters_;
  int delayed_ = 0;  // calls that a schedule of choices has not completed yet

  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  std::condition_variable all_idle_;
  JobList queue_;
  JobList finished_;
  List<WorkerThread> working_;  // those that run
  std::size_t idle_ = 0;        // threads that have no job
  std::size_t alive_ = 0;
  std::size_t lent_ = 0;  // jobs that the pool has
  std::shared_ptr<concurrent::ThreadPoolExecutor> pool_;
  bool stopping_ = false;
  bool closed_ = false;    // the loop answers nobody any more
  bool notified_ = false;  // it is in the loop's mailbox
};

}  // namespace segue::modern::detail
