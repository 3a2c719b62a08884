// Queue, LifoQueue, PriorityQueue: hand items from producers to consumers (CPython: asyncio/queues.py).
//
//   Queue<std::string> lines(100);              // at most 100 at a time; put() waits for a free slot
//   co_await lines.put("first");
//   std::string line = co_await lines.get();    // waits for an item
//   lines.task_done();                          // join() waits until each item's work is done
//
// put() and get() do not suspend where they need not wait, and allocate nothing where they must. Those who wait are
// woken in the order in which they came; an item or a slot that somebody else takes before the woken one runs makes it
// wait again. No item is lost where one is cancelled. Like a future, a queue is a handle: copies share it, so that a
// coroutine may take it by value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/wait_queue.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/ring_buffer.hpp>

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

/// The part of a queue that does not depend on its items.
class QueueCore : public LoopBound {
 public:
  /// Which way an item goes.
  enum class Way : std::uint8_t { in, out };

  int maxsize() const noexcept { return maxsize_; }
  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return maxsize_ > 0 && size() >= static_cast<std::size_t>(maxsize_); }
  /// Whether there is a slot, or an item.
  bool has_room(Way way) const noexcept { return way == Way::in ? !full() : !empty(); }
  /// Whether put() or get() need not wait: they succeed, or fail, at once.
  bool may(Way way) const noexcept { return shut_down_ || has_room(way); }
  WaitQueue& waiters(Way way) noexcept { return way == Way::in ? putters_ : getters_; }

  /// Before an item goes in: QueueShutDown, QueueFull.
  void check_put() const {
    if (shut_down_ || full()) [[unlikely]]
      refuse_put();
  }
  void after_put() {
    ++unfinished_;
    finished_.clear();
    getters_.release_next();
  }
  /// Before one goes out: QueueShutDown, QueueEmpty.
  void check_get() const {
    if (empty()) [[unlikely]]
      refuse_get();
  }
  void after_get() { putters_.release_next(); }

  std::string repr() final;
  static Coroutine<void> join(Ref<QueueCore> queue);
  void task_done();
  bool is_shut_down() const noexcept { return shut_down_; }

 protected:
  /// Of the items in `items`, which it may refer to before they are made.
  QueueCore(const char* type, int maxsize, const RingSize& items) : LoopBound(type), maxsize_(maxsize), items_(items) {
    finished_.set();
  }
  /// After `dropped` items went, as done.
  void shutdown(std::size_t dropped);
  /// RuntimeError("list changed size during iteration").
  [[noreturn]] static void refuse_change();

 private:
  [[noreturn]] void refuse_put() const;
  [[noreturn]] void refuse_get() const;

  int maxsize_;
  const RingSize& items_;
  int unfinished_ = 0;
  bool shut_down_ = false;
  WaitQueue getters_;
  WaitQueue putters_;
  Event finished_;
};

/// A wait for a slot or an item. Somebody else may be quicker than who was woken, which then has to wait again. So it
/// is not the waiting frame that is woken, but this object, which stands in the chain as that frame's delegate (in
/// CPython, the coroutine Queue.get()). It waits again, or lets the frame go on where there is a slot, an item or an
/// error.
class QueueWait final : public QueuedWait, public StackfulFrame {
 public:
  QueueWait(QueueCore& queue, QueueCore::Way way, Resumable waiting);
  /// Throws what the wait ended with.
  void finish();

 private:
  static void woken(StackfulFrame& frame);
  void wait() { wait_in(queue_.waiters(way_), queue_.loop(), static_cast<StackfulFrame&>(*this)); }

  QueueCore& queue_;  // which the awaiter keeps alive
  QueueCore::Way way_;
};

template <class T>
class QueueState : public QueueCore {
 public:
  QueueState(const char* type, int maxsize) : QueueCore(type, maxsize, items_) {}
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
  void shutdown(bool immediate) {
    RingBuffer<T> dropped;  // destroyed last: the items' destructors may use the queue
    if (immediate) drop_into(dropped);
    QueueCore::shutdown(dropped.size());
  }

 protected:
  virtual void push(T&& item) = 0;
  virtual T pop() = 0;
  virtual void drop_into(RingBuffer<T>& dropped) { dropped.swap(items_); }
  RingBuffer<T> items_;
};

template <class T>
class FifoState final : public QueueState<T> {
 public:
  explicit FifoState(int maxsize) : QueueState<T>("Queue", maxsize) {}

 private:
  using QueueState<T>::items_;
  void push(T&& item) override { items_.push_back(std::move(item)); }
  T pop() override { return items_.pop_front(); }
};

template <class T>
class LifoState final : public QueueState<T> {
 public:
  explicit LifoState(int maxsize) : QueueState<T>("LifoQueue", maxsize) {}

 private:
  using QueueState<T>::items_;
  void push(T&& item) override { items_.push_back(std::move(item)); }
  T pop() override { return items_.pop_back(); }
};

/// A heap with the smallest item, by `Less`, first. It compares in the order of CPython's heapq, and swaps, so that
/// each item is in its place where a comparison throws. What a comparison compares lies in the heap: while it runs,
/// nothing goes in or out.
template <class T, class Less>
class PriorityState final : public QueueState<T> {
 public:
  PriorityState(int maxsize, Less less) : QueueState<T>("PriorityQueue", maxsize), less_(std::move(less)) {}

 private:
  using QueueState<T>::items_;
  void push(T&& item) override {
    check_not_sifting();
    items_.push_back(std::move(item));
    const auto sifting = begin_sifting();
    move_up(items_.size() - 1);
  }
  T pop() override {
    check_not_sifting();
    if (items_.size() > 1) swap_items(0, items_.size() - 1);
    T item = items_.pop_back();
    const auto sifting = begin_sifting();
    move_down_from_top();
    return item;
  }
  void drop_into(RingBuffer<T>& dropped) override {
    check_not_sifting();
    QueueState<T>::drop_into(dropped);
  }
  void check_not_sifting() const {
    if (sifting_) [[unlikely]]
      QueueCore::refuse_change();
  }
  auto begin_sifting() noexcept {
    sifting_ = true;
    return ScopeExit([this]() noexcept { sifting_ = false; });
  }
  void move_up(std::size_t at) {
    while (at > 0) {
      const std::size_t parent = (at - 1) / 2;
      if (!less(at, parent)) return;
      swap_items(at, parent);
      at = parent;
    }
  }
  /// Down to a leaf, and up from there: most of those from the end belong there.
  void move_down_from_top() {
    std::size_t at = 0;
    for (std::size_t child = 1; child < items_.size(); child = 2 * at + 1) {
      if (child + 1 < items_.size() && !less(child, child + 1)) ++child;
      swap_items(at, child);
      at = child;
    }
    move_up(at);
  }
  bool less(std::size_t a, std::size_t b) { return less_(std::as_const(items_[a]), std::as_const(items_[b])); }
  void swap_items(std::size_t a, std::size_t b) {
    using std::swap;
    swap(items_[a], items_[b]);
  }
  [[no_unique_address]] Less less_;
  bool sifting_ = false;
};

}  // namespace detail

template <class T>
class [[nodiscard("co_await it")]] QueuePut {
 public:
  QueuePut(Ref<detail::QueueState<T>> queue, T item) : queue_(std::move(queue)), item_(std::move(item)) {}
  /// Before it is awaited.
  QueuePut(QueuePut&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : queue_(std::move(other.queue_)), item_(std::move(other.item_)) {}
  QueuePut& operator=(QueuePut&&) = delete;
  ~QueuePut() = default;

  bool await_ready() const {
    if (!queue_ || wait_) [[unlikely]]
      refuse_reuse(static_cast<bool>(queue_));
    return queue_->may(detail::QueueCore::Way::in);
  }
  void await_suspend(Resumable waiting) { wait_.emplace(*queue_, detail::QueueCore::Way::in, waiting); }
  void await_resume() {
    const Ref<detail::QueueState<T>> queue = std::move(queue_);
    if (wait_) wait_->finish();
    queue->put_nowait(std::move(item_));
  }

 private:
  Ref<detail::QueueState<T>> queue_;  // null once awaited
  T item_;
  std::optional<detail::QueueWait> wait_;
};

template <class T>
class [[nodiscard("co_await it")]] QueueGet {
 public:
  explicit QueueGet(Ref<detail::QueueState<T>> queue) noexcept : queue_(std::move(queue)) {}
  /// Before it is awaited.
  QueueGet(QueueGet&& other) noexcept : queue_(std::move(other.queue_)) {}
  QueueGet& operator=(QueueGet&&) = delete;
  ~QueueGet() = default;

  bool await_ready() const {
    if (!queue_ || wait_) [[unlikely]]
      refuse_reuse(static_cast<bool>(queue_));
    return queue_->may(detail::QueueCore::Way::out);
  }
  void await_suspend(Resumable waiting) { wait_.emplace(*queue_, detail::QueueCore::Way::out, waiting); }
  T await_resume() {
    const Ref<detail::QueueState<T>> queue = std::move(queue_);
    if (wait_) wait_->finish();
    return queue->get_nowait();
  }

 private:
  Ref<detail::QueueState<T>> queue_;  // null once awaited
  std::optional<detail::QueueWait> wait_;
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
  std::string repr() const { return this->state()->repr(); }

  /// Awaiting it waits until task_done() was called for each item that was put in.
  Coroutine<void> join() const { return State::join(this->state()); }
  /// The work on an item that was taken out is done. ValueError("task_done() called too many times").
  void task_done() const { this->state()->task_done(); }
  /// From now on put() fails, and so does get() when the queue is empty, with QueueShutDown; so do those who wait.
  /// `immediate` drops what is left, as done.
  void shutdown(bool immediate = false) const { this->state()->shutdown(immediate); }
  /// CPython: _is_shutdown.
  bool is_shut_down() const { return this->state()->is_shut_down(); }

 protected:
  using State = detail::QueueState<T>;
  explicit Queue(Ref<State> state) noexcept : Base(std::move(state)) {}
};

/// Last in, first out.
template <class T>
class LifoQueue : public Queue<T> {
 public:
  explicit LifoQueue(int maxsize = 0) : Queue<T>(Ref<typename Queue<T>::State>(new detail::LifoState<T>(maxsize))) {}
};

/// The smallest first. Items that compare equal come out in any order.
template <class T, class Less = std::less<T>>
class PriorityQueue : public Queue<T> {
 public:
  explicit PriorityQueue(int maxsize = 0, Less less = Less())
      : Queue<T>(Ref<typename Queue<T>::State>(new detail::PriorityState<T, Less>(maxsize, std::move(less)))) {}
};

}  // namespace segue::modern
