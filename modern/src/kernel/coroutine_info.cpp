#include <segue/modern/kernel/coroutine_info.hpp>

#include <algorithm>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/function_name.hpp>

namespace segue::modern {

namespace {

SuspendedFrame suspended_frame(Resumable suspended) {
  Frame* const frame = suspended.frame();
  if (frame == nullptr) return {"<another library's>", std::nullopt};
  if (!suspended.is_coroutine()) {
    const auto& fiber = static_cast<const StackfulFrame&>(*frame);
    if (fiber.waits_at == nullptr) return {fiber.name, std::nullopt};
    return {function_name(*fiber.waits_at), *fiber.waits_at};
  }
  const auto& promise = static_cast<const detail::PromiseBase&>(*frame);
  return {function_name(promise.made()), promise.awaiting_at()};
}

// Of the chain that `frame` is part of; null where one of another library's is between them.
const Frame* outermost_of(const Frame& frame) {
  const Frame* outermost = &frame;
  while (outermost != nullptr && outermost->delegator) outermost = outermost->delegator.frame();
  return outermost;
}

}  // namespace

std::string SuspendedFrame::str() const {
  if (!where) return "  " + name;
  return std::string("  File \"") + where->file_name() + "\", line " + std::to_string(where->line()) + ", in " + name;
}

namespace detail {

std::vector<SuspendedFrame> awaited_by(const Frame& frame) {
  const Frame* const outermost = outermost_of(frame);
  if (!frame.started || outermost == nullptr || outermost->executing || outermost->lost) return {};
  std::vector<SuspendedFrame> frames;
  for (Resumable next = outermost->leaf; next && next.frame() != &frame;) {
    frames.push_back(suspended_frame(next));
    const Frame* const suspended = next.frame();
    next = suspended != nullptr ? suspended->delegator : Resumable();
  }
  std::ranges::reverse(frames);
  return frames;
}

std::vector<SuspendedFrame> call_stack_from(Resumable innermost) {
  std::vector<SuspendedFrame> frames;
  for (Resumable next = innermost; next;) {
    const Frame* const frame = next.frame();
    if (frame == nullptr || !frame->stands_in) frames.push_back(suspended_frame(next));
    next = frame != nullptr ? frame->delegator : Resumable();
  }
  return frames;
}

}  // namespace detail

}  // namespace segue::modern
