// Queue, LifoQueue, PriorityQueue: hand items from producers to consumers (CPython: asyncio/queues.py).
//
//   Queue<std::string> lines(100);              // at most 100 at a time; put() waits for a free slot
//   co_await lines.put("first");
//   std::string line = co_await lines.get();    // waits for an item
//   lines.task_done();                          // join() waits until each item's work is done
//
// put() and get() neither suspend nor allocate where they need not wait. Those who wait are woken in the order in which
// they came; an item or a slot that somebody else takes before the woken one runs makes it wait again. No item is lost
// where one is cancelled. Like a future, a queue is a handle: copies share it, so that a coroutine may take it by
// value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

class QueueEmpty : public Exception {
 public:
  using Exception::Exception;
};

class QueueFull : public Exception {
 public:
  using Exception::Exception;
};

/// The queue takes no more items, or has none left to give.
class QueueShutDown : public Exception {
 public:
  using Exception::Exception;
};

namespace detail {

/// Who waits for an item or for a slot, in the order in which they came.
class QueueWaiters {
 public:
  /// Adds one. RuntimeError where another loop's wait here.
  Future<void> add(EventLoop*& bound);
  void remove(const Future<void>& waiter);
  /// Wakes the first one that is not done yet.
  void wake_next();
  void wake_all();

 private:
  std::deque<Future<void>> waiters_;
};

/// The part of a queue that does not depend on its items.
class QueueCore : public RefCounted {
 public:
  explicit QueueCore(int maxsize) : maxsize_(maxsize) { finished_.set(); }

  int maxsize() const noexcept { return maxsize_; }
  virtual std::size_t size() const noexcept = 0;
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return maxsize_ > 0 && size() >= static_cast<std::size_t>(maxsize_); }
  /// Whether put() and get() need not wait: they succeed, or fail, at once.
  bool may_put() const noexcept { return shut_down_ || !full(); }
  bool may_get() const noexcept { return shut_down_ || !empty(); }

  /// Before an item goes in: QueueShutDown, QueueFull.
  void check_put() const;
  void after_put();
  /// Before one goes out: QueueShutDown, QueueEmpty.
  void check_get() const;
  void after_get() { putters_.wake_next(); }

  static Coroutine<void> wait_to_put(Ref<QueueCore> queue);
  static Coroutine<void> wait_to_get(Ref<QueueCore> queue);
  static Coroutine<void> join(Ref<QueueCore> queue);
  void task_done();
  void shutdown(bool immediate);

 protected:
  virtual void discard() = 0;

 private:
  bool has_slot() const noexcept { return !full(); }
  bool has_item() const noexcept { return !empty(); }
  static Coroutine<void> wait_for(Ref<QueueCore> queue, QueueWaiters QueueCore::* waiters_of,
                                  bool (QueueCore::*possible)() const noexcept);

  int maxsize_;
  int unfinished_ = 0;
  bool shut_down_ = false;
  EventLoop* bound_ = nullptr;
  QueueWaiters getters_;
  QueueWaiters putters_;
  Event finished_;
};

template <class T>
class QueueState : public QueueCore {
 public:
  using QueueCore::QueueCore;
  void put_nowait(T&& item) {
    check_put();
    push(std::move(item));
    after_put();
  }
  T get_nowait() {
    check_get();
    T item = pop();
    after_get();
    return item;
  }

 protected:
  virtual void push(T&& item) = 0;
  virtual T pop() = 0;
  void discard() override { pop(); }
};

template <class T>
class FifoState final : public QueueState<T> {
 public:
  using QueueState<T>::QueueState;
  std::size_t size() const noexcept override { return items_.size(); }

 private:
  void push(T&& item) override { items_.push_back(std::move(item)); }
  T pop() override {
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  std::deque<T> items_;
};

template <class T>
class LifoState final : public QueueState<T> {
 public:
  using QueueState<T>::QueueState;
  std::size_t size() const noexcept override { return items_.size(); }

 private:
  void push(T&& item) override { items_.push_back(std::move(item)); }
  T pop() override {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }
  std::vector<T> items_;
};

/// A heap with the smallest item, by `Less`, first.
template <class T, class Less>
class PriorityState final : public QueueState<T> {
 public:
  PriorityState(int maxsize, Less less) : QueueState<T>(maxsize), less_(std::move(less)) {}
  std::size_t size() const noexcept override { return items_.size(); }

 private:
  auto greater() {
    return [this](const T& a, const T& b) { return less_(b, a); };
  }
  void push(T&& item) override {
    items_.push_back(std::move(item));
    std::push_heap(items_.begin(), items_.end(), greater());
  }
  T pop() override {
    std::pop_heap(items_.begin(), items_.end(), greater());
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }
  std::vector<T> items_;
  [[no_unique_address]] Less less_;
};

std::string queue_repr(const QueueCore& queue, const char* type);

/// What put() and get() share: a coroutine waits, but only where there is something to wait for.
class QueueWait {
 public:
  std::coroutine_handle<> await_suspend_in(Coroutine<void> wait, Resumable delegator) {
    wait_.emplace(std::move(wait));
    return CoroutineAwaiter<void>(*wait_).await_suspend(delegator);
  }

 protected:
  void finish_wait() {
    if (wait_) CoroutineAwaiter<void>(*wait_).await_resume();
  }

 private:
  std::optional<Coroutine<void>> wait_;
};

}  // namespace detail

template <class T>
class [[nodiscard("co_await it")]] QueuePut : detail::QueueWait {
 public:
  QueuePut(Ref<detail::QueueState<T>> queue, T item) : queue_(std::move(queue)), item_(std::move(item)) {}
  bool await_ready() const noexcept { return queue_->may_put(); }
  std::coroutine_handle<> await_suspend(Resumable delegator) {
    return await_suspend_in(detail::QueueCore::wait_to_put(queue_), delegator);
  }
  void await_resume() {
    finish_wait();
    queue_->put_nowait(std::move(item_));
  }

 private:
  Ref<detail::QueueState<T>> queue_;
  T item_;
};

template <class T>
class [[nodiscard("co_await it")]] QueueGet : detail::QueueWait {
 public:
  explicit QueueGet(Ref<detail::QueueState<T>> queue) : queue_(std::move(queue)) {}
  bool await_ready() const noexcept { return queue_->may_get(); }
  std::coroutine_handle<> await_suspend(Resumable delegator) {
    return await_suspend_in(detail::QueueCore::wait_to_get(queue_), delegator);
  }
  T await_resume() {
    finish_wait();
    return queue_->get_nowait();
  }

 private:
  Ref<detail::QueueState<T>> queue_;
};

/// First in, first out.
template <class T>
class Queue : public HandleOf<Queue<T>, Ref<detail::QueueState<T>>> {
  using Base = HandleOf<Queue<T>, Ref<detail::QueueState<T>>>;

 public:
  using value_type = T;

  /// Without a bound where `maxsize` is 0 or negative.
  explicit Queue(int maxsize = 0) : Queue(Ref<State>(new detail::FifoState<T>(maxsize))) {}

  /// Awaiting it puts the item in, when there is a free slot. QueueShutDown.
  QueuePut<T> put(T item) const { return QueuePut<T>(this->state(), std::move(item)); }
  /// QueueFull, QueueShutDown.
  void put_nowait(T item) const { this->state()->put_nowait(std::move(item)); }
  /// Awaiting it takes an item out, when there is one. QueueShutDown where there never will be.
  QueueGet<T> get() const { return QueueGet<T>(this->state()); }
  /// QueueEmpty, QueueShutDown.
  T get_nowait() const { return this->state()->get_nowait(); }

  std::size_t qsize() const { return this->state()->size(); }
  bool empty() const { return this->state()->empty(); }
  bool full() const { return this->state()->full(); }
  int maxsize() const { return this->state()->maxsize(); }
  /// `<Queue at 0x55d0c8 maxsize=3 _queue[2]>`: how many items there are, where Python writes the items.
  std::string repr() const { return repr_as("Queue"); }

  /// Awaiting it waits until task_done() was called for each item that was put in.
  Coroutine<void> join() const { return State::join(this->state()); }
  /// The work on an item that was taken out is done. ValueError("task_done() called too many times").
  void task_done() const { this->state()->task_done(); }
  /// From now on put() fails, and so does get() when the queue is empty, with QueueShutDown; so do those who wait.
  /// `immediate` drops what is left, as done.
  void shutdown(bool immediate = false) const { this->state()->shutdown(immediate); }

 protected:
  using State = detail::QueueState<T>;
  explicit Queue(Ref<State> state) noexcept : Base(std::move(state)) {}
  std::string repr_as(const char* type) const { return detail::queue_repr(*this->state(), type); }
};

/// Last in, first out.
template <class T>
class LifoQueue : public Queue<T> {
 public:
  explicit LifoQueue(int maxsize = 0) : Queue<T>(Ref<typename Queue<T>::State>(new detail::LifoState<T>(maxsize))) {}
  std::string repr() const { return this->repr_as("LifoQueue"); }
};

/// The smallest first. Items that compare equal come out in any order.
template <class T, class Less = std::less<T>>
class PriorityQueue : public Queue<T> {
 public:
  explicit PriorityQueue(int maxsize = 0, Less less = Less())
      : Queue<T>(Ref<typename Queue<T>::State>(new detail::PriorityState<T, Less>(maxsize, std::move(less)))) {}
  std::string repr() const { return this->repr_as("PriorityQueue"); }
};

}  // namespace segue::modern
