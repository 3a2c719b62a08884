#include "threads/executor.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern {

namespace detail {

namespace {

std::size_t max_threads() noexcept {
  return std::min<std::size_t>(32, std::max(1U, std::thread::hardware_concurrency()) + 4);
}

// Signals are for the program's own threads: those of the executor take none but the ones that they cause themselves.
class BlockSignals {
 public:
  BlockSignals() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) ::sigdelset(&blocked, own);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &previous_);
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  ~BlockSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

 private:
  sigset_t previous_;
};

}  // namespace

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

Executor::~Executor() {
  {
    std::unique_lock lock(mutex_);
    const JobList dropped(std::move(queue_));
    stopping_ = true;
    lock.unlock();
  }
  wake_.notify_all();
  join();
}

void Executor::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Executor::submit(std::unique_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) throw RuntimeError("Executor shutdown has been called");
  if (queue_.size() >= idle_ && alive_ < max_threads()) start_thread();
  queue_.push(std::move(job));
  wake_.notify_one();
}

void Executor::start_thread() {
  try {
    threads_.reserve(max_threads());
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
    if (job->leave_queue(Job::State::started)) job->run();
    lock.lock();
    ++idle_;  // before the loop hears of it, and may have the next job
    finished_.push(std::move(job));
    notify_loop();
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
  const bool gone = stopping_ && alive_ == 0;
  lock.unlock();
  while (finished.size() > 0) {
    const std::unique_ptr<Job> job = finished.pop();
    try {
      job->finish();
    } catch (...) {
      ExceptionContext context;
      context.message = "Exception while completing a call in the executor";
      context.exception = std::current_exception();
      loop_.call_exception_handler(context);
    }
  }
  if (!gone) return;
  for (const Future<void>& waiter : std::exchange(shutdown_waiters_, {})) {
    if (!waiter.done()) waiter.set_result();
  }
}

Future<void> Executor::shutdown() {
  Future<void> done = loop_.create_future<void>();
  std::unique_lock lock(mutex_);
  stopping_ = true;
  const bool gone = alive_ == 0;
  lock.unlock();
  wake_.notify_all();
  if (gone) {
    done.set_result();
  } else {
    shutdown_waiters_.push_back(done);
  }
  return done;
}

}  // namespace detail
}  // namespace segue::modern
