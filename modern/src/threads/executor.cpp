#include "threads/executor.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>

namespace segue::modern {

namespace detail {

JobList::~JobList() {
  while (!empty()) pop();
}

void JobList::push(Job& job) noexcept {
  job.unlink();
  jobs_.push_back(job);
}

std::unique_ptr<Job> JobList::pop() noexcept {
  std::unique_ptr<Job> job(front());
  job->unlink();
  return job;
}

void JobList::take_all(JobList& from) noexcept {
  while (!from.empty()) push(*from.front());
}

/// What the pool calls. The job comes back when this goes, whatever has become of it there.
class Executor::PoolCall final : public concurrent::detail::Work {
 public:
  PoolCall(Executor& executor, Job& job) noexcept : gate_(executor.gate_), executor_(executor), job_(job) {}
  ~PoolCall() override {
    const Lock lock(gate_->mutex);
    if (!started_ && gate_->closed) return;
    executor_.finished_.push(job_);
    executor_.notify_loop();
    executor_.idle_.notify_all();
  }
  void run() override {
    if (!start()) return;
    WorkerThread* const before = WorkerThread::exchange_current(&job_);
    if (job_.leave_queue(Job::State::started)) job_.run();
    WorkerThread::exchange_current(before);
  }
  void cancel() override {}
  void fail(const std::exception_ptr& error) override {
    if (start()) job_.fail(error);
  }

 private:
  // From then on the executor waits for it.
  bool start() {
    const Lock lock(gate_->mutex);
    if (gate_->closed) return false;
    executor_.working_.push(job_);
    return started_ = true;
  }

  const std::shared_ptr<Gate> gate_;
  Executor& executor_;
  Job& job_;
  bool started_ = false;
};

void Executor::close() noexcept {
  JobList dropped;
  const Lock lock(gate_->mutex);
  shut_down_ = true;
  gate_->closed = true;
  dropped.take_all(queued_);
  for (Job* each = working_.front(); each != nullptr; each = working_.next(*each)) each->loop_closed();
}

Executor::~Executor() {
  close();
  Lock lock(gate_->mutex);
  idle_.wait(lock, [this] { return working_.empty(); });
}

void Executor::use(std::shared_ptr<concurrent::ThreadPoolExecutor> pool) {
  if (pool_) former_pools_.push_back(pool_);
  pool_ = std::move(pool);
}

void Executor::submit(std::unique_ptr<Job> job) {
  if (shut_down_) throw RuntimeError("Executor shutdown has been called");
  if (!pool_) {
    pool_ = std::make_shared<concurrent::ThreadPoolExecutor>(
        concurrent::ThreadPoolOptions{.thread_name_prefix = "asyncio"});
  }
  auto call = std::make_unique<PoolCall>(*this, *job);
  job->loop_ = &loop_;
  {
    const Lock lock(gate_->mutex);
    queued_.push(*job);
  }
  try {
    pool_->submit_work(std::move(call));
  } catch (...) {
    const Lock lock(gate_->mutex);
    job->unlink();  // it is back by now
    throw;
  }
  job.release();  // NOLINT(bugprone-unused-return-value): the lists have it
  count_calls(+1);
  if (loop_.core().schedule_of_choices() != nullptr) let_finish();
}

void Executor::let_finish() {
  Lock lock(gate_->mutex);
  idle_.wait_for(lock, Schedule::patience, [this] { return queued_.empty() && working_.empty(); });
}

void Executor::count_calls(int more) noexcept {
  calls_ += more;
  loop_.reactor().set_calls_elsewhere(static_cast<std::size_t>(calls_));
}

// Not told is a loop that is closed, or about to be: it will destroy what is finished.
void Executor::notify_loop() {
  if (!notified_) notified_ = loop_.core().mailbox()->post(*this);
}

void Executor::run() {
  JobList finished;
  {
    const Lock lock(gate_->mutex);
    notified_ = false;
    finished.take_all(finished_);
  }
  while (!finished.empty()) {
    std::unique_ptr<Job> job = finished.pop();
    count_calls(-1);
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
    const Lock lock(gate_->mutex);
    if (!ended_ || !finished_.empty() || delayed_ > 0) return;
  }
  count_calls(-static_cast<int>(shutdown_waiters_.size()));
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
  loop_.call_later(choices.choose_duration(), [this, job = std::move(job)] {
    complete(*job);
    --delayed_;
    tell_who_waits_for_the_end();
  });
  ++delayed_;
}

Future<void> Executor::shutdown() {
  Future<void> done = loop_.create_future<void>();
  shut_down_ = true;
  if (!pool_) {
    done.set_result();
    return done;
  }
  shutdown_waiters_.push_back(done);
  count_calls(+1);
  {
    const Lock lock(gate_->mutex);
    ended_ = false;  // where there was another pool before
  }
  pool_->shutdown(false);
  pool_->call_at_end([this, gate = gate_] {
    const Lock lock(gate->mutex);
    if (gate->closed) return;
    ended_ = true;
    notify_loop();
  });
  return done;
}

void Executor::join() {
  if (pool_) pool_->shutdown();
}

}  // namespace detail
}  // namespace segue::modern
