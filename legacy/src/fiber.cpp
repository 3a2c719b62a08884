#include <segue/legacy/fiber.hpp>

namespace segue::legacy {

void Fiber::finish() noexcept {
  progress_ = Progress::finished;
  legacy_detail::exchange(exceptions_, *thread_exceptions_);
  sanitized_.leave_fiber_for_good();
  legacy_detail::jump_fcontext(context_, nullptr);
  __builtin_unreachable();
}

Fiber* Fiber::current() noexcept {
  const legacy_detail::StackHeader* const header = legacy_detail::find_stack(__builtin_frame_address(0));
  return header != nullptr ? header->occupant : nullptr;
}

}  // namespace segue::legacy
