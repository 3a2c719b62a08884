// ContextSlot: where each task, each scheduled callback and each thread has its context (PEP 567; CPython:
// Python/context.c).
//
// Nothing is done when a task runs or waits: the current context is the one in the slot of what runs now, which is
// found through the current driver. A new task or callback shares the values of the current context, at the price of a
// reference; it gets a context proper, with an identity, when it first changes one or asks for it.
//
// Context::run() exchanges what is in the current slot. So a fiber that waits inside of it takes the context along:
// its task's slot keeps it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include <segue/modern/kernel/context_map.hpp>
#include <segue/modern/kernel/shared.hpp>

namespace segue::modern {

/// A context: an object, which is what variables are changed in.
class ContextState final : public SharedCounted {
 public:
  ContextState() noexcept = default;
  explicit ContextState(ContextMap initial) noexcept : map(std::move(initial)) {}
  static void end(ContextState* context) noexcept { delete context; }

  ContextMap map;
  std::atomic<bool> entered = false;  // by a Context::run() that has not returned
};

class ContextSlot {
 public:
  constexpr ContextSlot() noexcept = default;
  explicit ContextSlot(Shared<ContextState> context) noexcept
      : word_(reinterpret_cast<std::uintptr_t>(context.detach()) | context_tag) {}
  ContextSlot(ContextSlot&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  ContextSlot& operator=(ContextSlot other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~ContextSlot() {
    if (word_ == 0) return;
    if (state() != nullptr) {
      end_context();
    } else if (root()->references.release()) {
      end_values();
    }
  }

  /// The one of what runs now in this thread.
  static inline const ContextSlot& current() noexcept;  // in task_core.hpp
  /// The same to change it. std::bad_alloc where it is the thread's own, for the first time.
  static ContextSlot& current_to_change();
  /// For what is made now: the same values.
  static ContextSlot copy_of_current() noexcept;

  /// A slot with the same values, and no context yet.
  ContextSlot copy() const noexcept {
    ContextSlot copy;
    const ContextState* const context = state();
    ContextMap::Node* const values = context != nullptr ? context->map.root_.get() : root();
    if (values == nullptr) return copy;
    values->references.retain();
    copy.word_ = reinterpret_cast<std::uintptr_t>(values);
    return copy;
  }
  /// The values.
  ContextMap values() const noexcept;
  const ContextValue* find(std::uint64_t number) const noexcept {
    const ContextState* const context = state();
    return context != nullptr ? context->map.find(number) : ContextMap::find_below(root(), number);
  }
  /// The context proper, which is made of the values where there is none yet.
  Shared<ContextState> context();
  /// The same; null where there is none yet.
  ContextState* state() const noexcept {
    return (word_ & context_tag) != 0 ? reinterpret_cast<ContextState*>(word_ & ~context_tag) : nullptr;
  }

  /// Runs with `slot` as the current one, whatever drives: a callback, a call in a thread. Null for a task's step that
  /// is taken inside of a callback's.
  class Current {
   public:
    explicit Current(ContextSlot* slot) noexcept : previous_(std::exchange(callbacks_, slot)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { callbacks_ = previous_; }

   private:
    ContextSlot* const previous_;
  };

 private:
  static constexpr std::uintptr_t context_tag = 1;
  struct OfThread;

  ContextMap::Node* root() const noexcept { return reinterpret_cast<ContextMap::Node*>(word_); }
  void end_context() const noexcept;
  /// Nobody else has them.
  void end_values() const noexcept;

  static constinit inline thread_local ContextSlot* callbacks_ = nullptr;  // of the callback that runs
  static constinit inline thread_local ContextSlot* threads_ = nullptr;    // null until it changes
  static const ContextSlot empty_;

  // Nothing, the root of a map, or a context. One word.
  std::uintptr_t word_ = 0;
};

inline constinit const ContextSlot ContextSlot::empty_{};

}  // namespace segue::modern
