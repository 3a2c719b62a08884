// Who waits for a future, in the order in which they came. Most futures have one waiter, which needs no memory of its
// own; all further ones share one allocation. Where they are many and one leaves, an index is made, so that each of
// them may leave without a search through all others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <typeinfo>
#include <utility>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

class FutureCore;
class TaskCore;

/// A done callback. Its identity is what remove_callback() compares. Each time that it is added it takes a place in the
/// loop's queue beforehand, so that nothing has to be allocated when the future is done: its own, or, where that is
/// taken, an ExtraCall. The place has the context in which it is called.
class DoneCallbackState : public RefCounted, private Ready {
 public:
  DoneCallbackState() noexcept;
  ~DoneCallbackState() override;
  virtual void call(FutureCore& future) = 0;
  /// What the user gave, for messages.
  virtual Callable callable() const noexcept { return {&typeid(*this)}; }
  /// The future that it completes, or the task that it wakes: who waits in truth, where it waits on another's behalf.
  /// Null where that is unknown.
  virtual FutureCore* on_behalf_of() const noexcept { return nullptr; }
  std::function<std::string()> deferred_repr() final;

 private:
  friend class Waiter;

  void run() final;
  void drop() noexcept final;
  Ref<FutureCore> leave_queue() noexcept;

  ContextSlot context_;
  Ref<FutureCore> done_;  // while it is in the queue: the future that is done
  bool taken_ = false;    // somebody waits in this place, or it is in the queue
};

/// A further place in the queue of a callback that waits already.
class ExtraCall final : public Pooled, private Ready {
 public:
  ExtraCall(Ref<DoneCallbackState> callback, ContextSlot context) noexcept;
  ~ExtraCall();

 private:
  friend class Waiter;

  void run() override;
  void drop() noexcept override { delete this; }
  std::function<std::string()> deferred_repr() override { return callback_->deferred_repr(); }

  Ref<DoneCallbackState> callback_;
  ContextSlot context_;
  Ref<FutureCore> done_;
};

/// A task, or a done callback, which it keeps alive. One word.
class Waiter {
 public:
  Waiter() noexcept = default;
  explicit Waiter(TaskCore& task) noexcept : word_(reinterpret_cast<std::uintptr_t>(&task)) {}
  /// std::bad_alloc where the callback waits already.
  Waiter(Ref<DoneCallbackState> callback, ContextSlot context);
  Waiter(Waiter&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  Waiter& operator=(Waiter&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~Waiter() {
    if ((word_ & kinds) != 0) [[unlikely]]
      leave();
  }

  explicit operator bool() const noexcept { return word_ != 0; }
  /// The same for all waiters that are this task or this callback.
  std::uintptr_t id() const noexcept { return (word_ & is_extra) != 0 ? id_of(*extra()->callback_) : word_; }
  static std::uintptr_t id_of(const TaskCore& task) noexcept { return reinterpret_cast<std::uintptr_t>(&task); }
  static std::uintptr_t id_of(const DoneCallbackState& callback) noexcept {
    return reinterpret_cast<std::uintptr_t>(&callback) | is_callback;
  }
  /// Null for a callback.
  TaskCore* task() const noexcept { return (word_ & kinds) == 0 ? reinterpret_cast<TaskCore*>(word_) : nullptr; }
  /// Null for a task. Not of an empty one.
  DoneCallbackState* called() const noexcept {
    if ((word_ & is_extra) != 0) return extra()->callback_.get();
    return (word_ & is_callback) != 0 ? callback() : nullptr;
  }
  /// Wakes the task, or has the loop call the callback: `future` is done.
  void schedule(FutureCore& future) && noexcept;

 private:
  static constexpr std::uintptr_t is_callback = 1;
  static constexpr std::uintptr_t is_extra = 2;
  static constexpr std::uintptr_t kinds = is_callback | is_extra;

  DoneCallbackState* callback() const noexcept { return reinterpret_cast<DoneCallbackState*>(word_ & ~kinds); }
  ExtraCall* extra() const noexcept { return reinterpret_cast<ExtraCall*>(word_ & ~kinds); }
  void leave() noexcept;

  std::uintptr_t word_ = 0;
};

class Waiters {
 public:
  Waiters() noexcept = default;
  Waiters(Waiters&& other) noexcept : first_(std::move(other.first_)), more_(std::move(other.more_)) {}
  Waiters& operator=(Waiters&&) = delete;

  bool empty() const noexcept { return !first_ && !more_; }
  /// std::bad_alloc: it was not added.
  void add(Waiter waiter) {
    if (empty()) {
      first_ = std::move(waiter);
      return;
    }
    if (!more_ || more_->count == more_->capacity) grow();
    if (more_->places != nullptr) [[unlikely]]
      note_place(waiter.id());
    ::new (more_->begin() + more_->count) Waiter(std::move(waiter));
    ++more_->count;
  }
  /// Removes all that have this id; returns how many.
  std::size_t remove(std::uintptr_t id) noexcept;
  /// Takes the waiter out where it is the only one, and a task; null where not.
  TaskCore* take_lone_task() noexcept {
    TaskCore* const task = more_ ? nullptr : first_.task();
    if (task != nullptr) first_ = {};
    return task;
  }
  /// Calls `action` with each, in order. It adds and removes none.
  template <class Action>
  void for_each(Action action) const {
    if (first_) action(first_);
    if (!more_) return;
    for (const Waiter& each : *more_)
      if (each) action(each);
  }
  /// Takes each out, in order.
  template <class Action>
  void take_all(Action action) {
    if (first_) action(std::move(first_));
    if (!more_) return;
    for (Waiter& each : *more_)
      if (each) action(std::move(each));
  }

 private:
  struct Places;
  /// The header of an array of waiters, which follows it.
  struct More {
    std::uint32_t count;
    std::uint32_t capacity;
    Places* places;  // the index, or null. Where there is one, who leaves leaves an empty one behind
    Waiter* begin() noexcept { return reinterpret_cast<Waiter*>(this + 1); }
    Waiter* end() noexcept { return begin() + count; }
  };
  struct FreeMore {
    void operator()(More* more) const noexcept;
  };
  using MorePointer = std::unique_ptr<More, FreeMore>;

  void grow();
  void note_place(std::uintptr_t id);
  static Places* find_places(More& more) noexcept;

  Waiter first_;
  MorePointer more_;
};

}  // namespace segue::modern
