#include <segue/legacy/fiber.hpp>

namespace segue::legacy {

namespace {

Fiber* occupant_at(const void* address) noexcept {
  const legacy_detail::StackHeader* const header = legacy_detail::find_stack(address);
  return header != nullptr ? header->occupant : nullptr;
}

}  // namespace

void Fiber::finish() noexcept {
  progress_ = Progress::finished;
  legacy_detail::exchange(exceptions_, *thread_exceptions_);
  sanitized_.leave_fiber_for_good();
  legacy_detail::jump_fcontext(context_, nullptr);
  __builtin_unreachable();
}

Fiber* Fiber::current() noexcept { return occupant_at(__builtin_frame_address(0)); }

Fiber* Fiber::resumer() const noexcept { return occupant_at(context_); }

// What suspend() saves is what the running stack is left with, whichever that is, and what it goes back to is what this
// fiber's resumer left: so both are right here, too. Not so what each fiber remembers of its thread, which may be
// another one afterwards.
void Fiber::suspend_with_nested(void* message) {
  if (Fiber* const innermost = current()) sanitized_.go_on_in(innermost->sanitized_);
  suspend(message);
  sanitized_.go_on_in(sanitized_);
  for (Fiber* nested = current(); nested != nullptr && nested != this; nested = nested->resumer())
    nested->thread_exceptions_ = thread_exceptions_;
}

}  // namespace segue::legacy
