#include <segue/modern/loop/handle.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern::detail {

void HandleState::cancel() noexcept {
  if (cancelled_) return;
  cancelled_ = true;
  if (in_heap) loop_.timer_cancelled();
  if (!running_) forget();
}

void HandleState::run() {
  const Ref<HandleState> keep = Ref<HandleState>::adopt(this);
  if (cancelled_) return;
  struct Running {
    explicit Running(HandleState& state) noexcept : handle(state) { handle.running_ = true; }
    ~Running() {
      handle.running_ = false;
      if (handle.cancelled_) handle.forget();
    }
    HandleState& handle;
  } const running(*this);
  try {
    invoke();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    ExceptionContext context;
    context.message = "Exception in callback";
    context.exception = std::current_exception();
    context.handle = "<Handle>";
    loop_.call_exception_handler(context);
  }
}

}  // namespace segue::modern::detail
