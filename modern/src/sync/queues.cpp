#include <segue/modern/sync/queues.hpp>

#include <algorithm>
#include <exception>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern::detail {

Future<void> QueueWaiters::add(EventLoop*& bound) {
  EventLoop& loop = get_running_loop();
  if (bound == nullptr) bound = &loop;
  if (bound != &loop) throw RuntimeError("<Queue> is bound to a different event loop");
  return waiters_.emplace_back(loop.create_future());
}

void QueueWaiters::remove(const Future<void>& waiter) {
  const auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (found != waiters_.end()) waiters_.erase(found);
}

void QueueWaiters::wake_next() {
  while (!waiters_.empty()) {
    const Future<void> waiter = std::move(waiters_.front());
    waiters_.pop_front();
    if (waiter.done() || waiter.get_loop().is_closed()) continue;
    return waiter.set_result();
  }
}

void QueueWaiters::wake_all() {
  for (; !waiters_.empty(); waiters_.pop_front())
    if (!waiters_.front().done() && !waiters_.front().get_loop().is_closed()) waiters_.front().set_result();
}

std::string queue_repr(const QueueCore& queue, const char* type) {
  std::string text = "<" + name_of_object(type, &queue) + " maxsize=" + std::to_string(queue.maxsize());
  if (!queue.empty()) text += " _queue[" + std::to_string(queue.size()) + "]";
  return text + ">";
}

void QueueCore::check_put() const {
  if (shut_down_) throw QueueShutDown();
  if (full()) throw QueueFull();
}

void QueueCore::after_put() {
  ++unfinished_;
  finished_.clear();
  getters_.wake_next();
}

void QueueCore::check_get() const {
  if (!empty()) return;
  if (shut_down_) throw QueueShutDown();
  throw QueueEmpty();
}

Coroutine<void> QueueCore::wait_for(Ref<QueueCore> queue, QueueWaiters QueueCore::* waiters_of,
                                    bool (QueueCore::*possible)() const noexcept) {
  QueueWaiters& waiters = (*queue).*waiters_of;
  while (!queue->shut_down_ && !((*queue).*possible)()) {
    const Future<void> waiter = waiters.add(queue->bound_);
    std::exception_ptr error;
    try {
      co_await waiter;
    } catch (...) {
      error = std::current_exception();
    }
    if (!error) continue;
    waiter.cancel();
    waiters.remove(waiter);
    // What it was woken for is somebody else's now.
    if (((*queue).*possible)() && !waiter.cancelled()) waiters.wake_next();
    std::rethrow_exception(error);
  }
}

Coroutine<void> QueueCore::wait_to_put(Ref<QueueCore> queue) {
  return wait_for(std::move(queue), &QueueCore::putters_, &QueueCore::has_slot);
}

Coroutine<void> QueueCore::wait_to_get(Ref<QueueCore> queue) {
  return wait_for(std::move(queue), &QueueCore::getters_, &QueueCore::has_item);
}

Coroutine<void> QueueCore::join(Ref<QueueCore> queue) {
  if (queue->unfinished_ > 0) co_await queue->finished_.wait();
}

void QueueCore::task_done() {
  if (unfinished_ <= 0) throw ValueError("task_done() called too many times");
  if (--unfinished_ == 0) finished_.set();
}

void QueueCore::shutdown(bool immediate) {
  shut_down_ = true;
  if (immediate) {
    while (!empty()) {
      discard();
      if (unfinished_ > 0) --unfinished_;
    }
    if (unfinished_ == 0) finished_.set();
  }
  getters_.wake_all();
  putters_.wake_all();
}

}  // namespace segue::modern::detail
