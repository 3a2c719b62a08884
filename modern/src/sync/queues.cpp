#include <segue/modern/sync/queues.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern::detail {

std::string QueueCore::repr() {
  std::string text = "<" + name_of_object(type(), this) + " maxsize=" + std::to_string(maxsize());
  if (!empty()) text += " _queue[" + std::to_string(size()) + "]";
  return text + ">";
}

void QueueCore::refuse_put() const {
  if (shut_down_) throw QueueShutDown();
  throw QueueFull();
}

void QueueCore::refuse_get() const {
  if (shut_down_) throw QueueShutDown();
  throw QueueEmpty();
}

void QueueCore::refuse_change() { throw RuntimeError("list changed size during iteration"); }

Coroutine<void> QueueCore::join(Ref<QueueCore> queue) {
  if (queue->unfinished_ > 0) co_await queue->finished_.wait();
}

void QueueCore::task_done() {
  if (unfinished_ <= 0) throw ValueError("task_done() called too many times");
  if (--unfinished_ == 0) finished_.set();
}

void QueueCore::shutdown(std::size_t dropped) {
  shut_down_ = true;
  unfinished_ -= std::min(unfinished_, static_cast<int>(dropped));
  if (dropped > 0 && unfinished_ == 0) finished_.set();
  while (getters_.release_next()) continue;
  while (putters_.release_next()) continue;
}

QueueWait::QueueWait(QueueCore& queue, QueueCore::Way way, Resumable waiting)
    : StackfulFrame(&woken, way == QueueCore::Way::out ? "get" : "put"), queue_(queue), way_(way) {
  delegator = waiting;
  started = true;
  wait();
}

void QueueWait::woken(StackfulFrame& frame) {
  auto& self = static_cast<QueueWait&>(frame);
  Driver& driver = *Driver::current();
  const bool fails = !self.done() || self.cancelled() || self.future_->failed() || driver.has_injected();
  if (!fails && !self.queue_.may(self.way_)) return self.wait();
  driver.continue_with(self.delegator);
}

void QueueWait::finish() {
  ScopeExit pass_on([this] {
    future_->cancel();
    // What it was woken for is somebody else's now.
    if (queue_.has_room(way_) && !cancelled()) queue_.waiters(way_).release_next();
  });
  finish_wait();
  pass_on.release();
}

}  // namespace segue::modern::detail
