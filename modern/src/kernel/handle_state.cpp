#include <segue/modern/kernel/handle_state.hpp>

#include <memory>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/task_core.hpp>

#include "kernel/call_of_user.hpp"

namespace segue::modern {

// What a callable captured may cancel another handle when it goes, and so on.
struct HandleState::Forget {
  void operator()(HandleState* handle) const noexcept {
    const Ref<HandleState> keep = Ref<HandleState>::adopt(handle);
    handle->forget_all();
  }
};

void HandleState::forget_all() noexcept {
  forget();
  context_ = ContextSlot();  // whose values may lead back to it
}

HandleState::HandleState(LoopCore& loop) noexcept : context_(ContextSlot::current().copy()), loop_(loop) {}

void HandleState::cancel() noexcept {
  if (cancelled_) return;
  cancelled_ = true;
  if (scheduled()) loop_.cancel_timer(*this);
  if (running_) return;
  retain();
  let_go(std::unique_ptr<HandleState, Forget>(this));
}

namespace {

// In debug mode, what is reported while it lives can be told of as the callback's.
class RunningHandle {
 public:
  RunningHandle(LoopCore& loop, const Origin& handle) noexcept : loop_(loop.get_debug() ? &loop : nullptr) {
    if (loop_ != nullptr) loop_->set_running_handle(&handle);
  }
  RunningHandle(const RunningHandle&) = delete;
  RunningHandle& operator=(const RunningHandle&) = delete;
  ~RunningHandle() {
    if (loop_ != nullptr) loop_->set_running_handle(nullptr);
  }

 private:
  LoopCore* loop_;
};

}  // namespace

void HandleState::run() {
  const Ref<HandleState> keep = Ref<HandleState>::adopt(this);
  if (cancelled_) return;
  running_ = true;
  const ScopeExit at_the_end([this]() noexcept {
    running_ = false;
    if (!unique()) forget_all();  // else it is about to go itself
  });
  const ContextSlot::Current in_context(&context_);
  const RunningHandle running(loop_, origin_);
  call_of_user(loop_, [this] { invoke(); }, [this] { return callable(); }, &origin_);
}

std::function<std::string()> HandleState::deferred_repr() {
  return [self = Ref<HandleState>(this), given = callable()] { return repr_of_handle(given, &self->origin_); };
}

void HandleState::drop() noexcept { Forget()(this); }

}  // namespace segue::modern
