#include "threads/executor.hpp"

#include <pthread.h>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>

#include "threads/workers.hpp"

namespace segue::modern {

namespace detail {

JobList::JobList(JobList&& other) noexcept
    : first_(std::exchange(other.first_, nullptr)),
      last_(std::exchange(other.last_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

JobList::~JobList() {
  while (size_ > 0) pop();
}

void JobList::push(std::unique_ptr<Job> job) noexcept {
  Job* added = job.release();
  added->next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = added;
  last_ = added;
  ++size_;
}

std::unique_ptr<Job> JobList::pop() noexcept {
  std::unique_ptr<Job> job(first_);
  first_ = job->next_;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return job;
}

void Executor::close() noexcept {
  {
    std::unique_lock lock(mutex_);
    const JobList dropped(std::move(queue_));
    stopping_ = true;
    closed_ = true;
    for (WorkerThread* each = working_.front(); each != nullptr; each = working_.next(*each)) each->loop_closed();
    lock.unlock();
  }
  wake_.notify_all();
}

Executor::~Executor() {
  close();
  join_threads();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return lent_ == 0; });
}

void Executor::join() {
  join_threads();
  if (pool_) pool_->shutdown();
}

void Executor::join_threads() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

/// While it lives, this thread runs the job.
class Executor::Working {
 public:
  Working(Executor& executor, Job& job)
      : executor_(executor), job_(job), before_(WorkerThread::exchange_current(&job)) {
    const std::lock_guard lock(executor.mutex_);
    job.loop_ = &executor.loop_;
    executor.working_.push_back(job);
    if (executor.closed_) job.loop_closed();
  }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;
  ~Working() {
    WorkerThread::exchange_current(before_);
    const std::lock_guard lock(executor_.mutex_);
    job_.unlink();
  }

 private:
  Executor& executor_;
  Job& job_;
  WorkerThread* const before_;
};

/// A job that the pool has, which comes back whatever becomes of it there.
class Executor::Lent {
 public:
  Lent(Executor& executor, std::unique_ptr<Job> job) noexcept : executor_(executor), job_(std::move(job)) {}
  Lent(Lent&& other) noexcept = default;
  Lent& operator=(Lent&&) = delete;
  ~Lent() {
    if (!job_) return;
    const std::lock_guard lock(executor_.mutex_);
    executor_.finished_.push(std::move(job_));
    --executor_.lent_;
    executor_.notify_loop();
    executor_.wake_.notify_all();
  }
  void operator()() noexcept { executor_.run_job(*job_); }

 private:
  Executor& executor_;
  std::unique_ptr<Job> job_;
};

void Executor::use(std::shared_ptr<concurrent::ThreadPoolExecutor> pool) { pool_ = std::move(pool); }

void Executor::lend(std::unique_ptr<Job> job, concurrent::ThreadPoolExecutor& pool) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) throw RuntimeError("Executor shutdown has been called");
    ++lent_;
  }
  pool.submit(Lent(*this, std::move(job)));
}

void Executor::submit(std::unique_ptr<Job> job) {
  if (pool_) return lend(std::move(job), *pool_);
  std::unique_lock lock(mutex_);
  if (stopping_) throw RuntimeError("Executor shutdown has been called");
  if (queue_.size() >= idle_ && alive_ < default_max_workers()) start_thread();
  queue_.push(std::move(job));
  wake_.notify_one();
  if (loop_.core().schedule_of_choices() != nullptr) let_finish(lock);
}

// What the threads have done by the time the loop goes on must not be left to chance, but may be to a schedule. A call
// that waits for the loop is not waited for.
void Executor::let_finish(std::unique_lock<std::mutex>& lock) {
  const auto idle = [this] { return queue_.size() == 0 && idle_ == alive_; };
  all_idle_.wait_for(lock, std::chrono::milliseconds(100), idle);
}

void Executor::run_job(Job& job) noexcept {
  if (!job.leave_queue(Job::State::started)) return;
  const Working here(*this, job);
  job.run();
}

void Executor::start_thread() {
  try {
    threads_.reserve(default_max_workers());
    const BlockSignals block_signals;
    threads_.emplace_back([this] { work(); });
    ++alive_;
    ::pthread_setname_np(threads_.back().native_handle(), ("asyncio_" + std::to_string(alive_ - 1)).c_str());
  } catch (const std::system_error&) {
    if (alive_ == 0) throw RuntimeError("can't start new thread");
  }
}

void Executor::work() {
  std::unique_lock lock(mutex_);
  ++idle_;
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || queue_.size() > 0; });
    if (queue_.size() == 0) break;
    --idle_;
    std::unique_ptr<Job> job = queue_.pop();
    lock.unlock();
    run_job(*job);
    lock.lock();
    ++idle_;  // before the loop hears of it, and may have the next job
    finished_.push(std::move(job));
    notify_loop();
    all_idle_.notify_all();
  }
  --idle_;
  if (--alive_ == 0) notify_loop();
}

// Not told is a loop that is closed, or about to be: it will destroy what is finished.
void Executor::notify_loop() {
  if (!notified_) notified_ = loop_.core().mailbox()->post(*this);
}

void Executor::run() {
  std::unique_lock lock(mutex_);
  notified_ = false;
  JobList finished(std::move(finished_));
  lock.unlock();
  while (finished.size() > 0) {
    std::unique_ptr<Job> job = finished.pop();
    if (Schedule* const choices = loop_.core().schedule_of_choices()) {
      complete_later(std::move(job), *choices);
    } else {
      complete(*job);
    }
  }
  tell_who_waits_for_the_end();
}

void Executor::tell_who_waits_for_the_end() {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ || !all_taken() || delayed_ > 0) return;
  }
  for (const Future<void>& waiter : std::exchange(shutdown_waiters_, {})) {
    if (!waiter.done()) waiter.set_result();
  }
}

void Executor::complete(Job& job) {
  try {
    job.finish();
  } catch (...) {
    ExceptionContext context;
    context.message = "Exception while completing a call in the executor";
    context.exception = std::current_exception();
    loop_.call_exception_handler(context);
  }
}

void Executor::complete_later(std::unique_ptr<Job> job, Schedule& choices) {
  const auto taken = std::chrono::milliseconds(choices.choose(10) * choices.choose(10));
  loop_.call_later(taken, [this, job = std::move(job)] {
    complete(*job);
    --delayed_;
    tell_who_waits_for_the_end();
  });
  ++delayed_;
}

Future<void> Executor::shutdown() {
  Future<void> done = loop_.create_future<void>();
  std::unique_lock lock(mutex_);
  stopping_ = true;
  lock.unlock();
  wake_.notify_all();
  shutdown_waiters_.push_back(done);
  tell_who_waits_for_the_end();
  return done;
}

}  // namespace detail
}  // namespace segue::modern
