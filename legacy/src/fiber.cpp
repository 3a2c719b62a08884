#include <segue/legacy/fiber.hpp>

namespace segue::legacy {

void Fiber::finish() noexcept {
  progress_ = Progress::finished;
  detail::exchange(exceptions_, *thread_exceptions_);
  sanitized_.leave_fiber_for_good();
  detail::jump_fcontext(context_, nullptr);
  __builtin_unreachable();
}

Fiber* Fiber::current() noexcept {
  const detail::StackHeader* const header = detail::find_stack(__builtin_frame_address(0));
  return header != nullptr ? header->occupant : nullptr;
}

}  // namespace segue::legacy
