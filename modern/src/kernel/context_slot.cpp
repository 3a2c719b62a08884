#include <segue/modern/kernel/context_slot.hpp>

#include <memory>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

/// A thread's own slot, which ends with the thread.
struct ContextSlot::OfThread {
  OfThread() { threads_ = slot.get(); }
  OfThread(const OfThread&) = delete;
  OfThread& operator=(const OfThread&) = delete;
  ~OfThread() {
    threads_ = nullptr;
    ended = true;
  }

  static constinit inline thread_local bool ended = false;
  const std::unique_ptr<ContextSlot> slot = std::make_unique<ContextSlot>();
};

ContextSlot& ContextSlot::current_to_change() {
  if (callbacks_ != nullptr) return *callbacks_;
  if (TaskCore* const task = TaskCore::current()) return task->context();
  if (threads_ == nullptr) {
    if (OfThread::ended) throw RuntimeError("cannot change the context of a thread that ends");
    thread_local const OfThread own;
  }
  return *threads_;
}

ContextMap ContextSlot::values() const noexcept {
  if (const ContextState* const context = state()) return context->map;
  ContextMap map;
  map.root_ = Shared<ContextMap::Node>::share(root());
  return map;
}

ContextSlot ContextSlot::copy_of_current() noexcept { return current().copy(); }

Shared<ContextState> ContextSlot::context() {
  if (state() == nullptr) *this = ContextSlot(Shared<ContextState>::adopt(new ContextState(values())));
  return Shared<ContextState>::share(state());
}

void ContextSlot::end_context() const noexcept { const auto ended = Shared<ContextState>::adopt(state()); }

void ContextSlot::end_values() const noexcept { ContextMap::Node::end(root()); }

}  // namespace segue::modern
