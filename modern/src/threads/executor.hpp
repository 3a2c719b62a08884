// The default executor: a pool of threads for calls that would block the loop (CPython: run_in_executor() and
// shutdown_default_executor() of asyncio/base_events.py).
//
// A job is made, completed and destroyed in the loop's thread; only run() happens elsewhere. The executor owns it, and
// the pool has a call that refers to it. What has not started when the loop is closed never does, whenever the pool
// comes to that call. What runs is waited for when the loop goes, after its tasks have ended, for one of which a thread
// may wait: so no thread ever touches a loop that is gone.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
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
  JobList(const JobList&) = delete;
  JobList& operator=(const JobList&) = delete;
  ~JobList();

  bool empty() const noexcept { return jobs_.empty(); }
  Job* front() const noexcept { return static_cast<Job*>(jobs_.front()); }
  Job* next(const Job& each) const noexcept { return static_cast<Job*>(jobs_.next(each)); }
  /// Takes over what is in another list, or in none.
  void push(Job& job) noexcept;
  std::unique_ptr<Job> pop() noexcept;
  void take_all(JobList& from) noexcept;

 private:
  List<WorkerThread> jobs_;
};

class Executor final : private Ready {
 public:
  explicit Executor(EventLoop& loop) : loop_(loop), gate_(std::make_shared<Gate>()) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  /// Drops what has not started and waits for what has.
  ~Executor();
  /// Drops what has not started; nothing else will. Who waits for the loop in what has is told that it is closed.
  void close() noexcept;

  /// RuntimeError("Executor shutdown has been called"), or where the pool takes no more.
  void submit(std::unique_ptr<Job> job);
  /// Takes no more jobs, and shuts the pool down. The future is done when all that the pool had is.
  Future<void> shutdown();
  /// Waits for the threads, which have nothing left to do.
  void join();
  /// From now on, jobs are run by somebody else's threads.
  void use(std::shared_ptr<concurrent::ThreadPoolExecutor> pool);

 private:
  class PoolCall;
  /// Shared with what the pools have, which may come to it when the executor is gone.
  struct Gate {
    std::mutex mutex;     // guards what the executor shares with threads
    bool closed = false;  // the executor is not to be touched any more, but by what runs
  };
  using Lock = std::unique_lock<std::mutex>;

  void let_finish();
  // The ends that another thread is to tell.
  void count_calls(int more) noexcept;
  void notify_loop();
  void complete(Job& job);
  void complete_later(std::unique_ptr<Job> job, Schedule& choices);
  void tell_who_waits_for_the_end();
  // In the loop: completes what is finished.
  void run() override;
  void drop() noexcept override {}

  EventLoop& loop_;  // owns this
  std::shared_ptr<concurrent::ThreadPoolExecutor> pool_;
  // To destroy a pool is to wait for its threads, one of which may wait for the loop.
  std::vector<std::shared_ptr<concurrent::ThreadPoolExecutor>> former_pools_;
  std::vector<Future<void>> shutdown_waiters_;
  bool shut_down_ = false;
  int calls_ = 0;    // and waits for the pool's end, that a thread has not told the end of yet
  int delayed_ = 0;  // calls that a schedule of choices has not completed yet

  const std::shared_ptr<Gate> gate_;  // guards the rest
  std::condition_variable idle_;
  JobList queued_;
  JobList working_;
  JobList finished_;
  bool ended_ = false;     // the pool, after shutdown()
  bool notified_ = false;  // it is in the loop's mailbox
};

}  // namespace segue::modern::detail
