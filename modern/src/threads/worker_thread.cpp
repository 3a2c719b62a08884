#include <segue/modern/threads/worker_thread.hpp>

#include <utility>

namespace segue::modern {

namespace {

constinit thread_local WorkerThread* current_worker = nullptr;

}  // namespace

WorkerThread* WorkerThread::current() noexcept { return current_worker; }

WorkerThread* WorkerThread::exchange_current(WorkerThread* worker) noexcept {
  return std::exchange(current_worker, worker);
}

void WorkerThread::cancel_with_it(AnyFuture future) {
  awaited_ = std::move(future);
  if (cancelled()) awaited_->cancel();
}

void WorkerThread::set_cancelled() {
  cancelled_.store(true, std::memory_order_release);
  if (awaited_) AnyFuture(*awaited_).cancel();
}

void WorkerThread::loop_closed() {
  const std::lock_guard lock(mutex_);
  loop_closed_ = true;
  if (const auto give_up = std::exchange(give_up_, nullptr)) give_up();
}

WorkerThread::Blocked::Blocked(WorkerThread& worker, std::function<void()> give_up) : worker_(worker) {
  const std::lock_guard lock(worker.mutex_);
  if (worker.loop_closed_) {
    give_up();
  } else {
    worker.give_up_ = std::move(give_up);
  }
}

WorkerThread::Blocked::~Blocked() {
  const std::lock_guard lock(worker_.mutex_);
  worker_.give_up_ = nullptr;
}

}  // namespace segue::modern
