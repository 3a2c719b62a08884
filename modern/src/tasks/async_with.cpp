#include <segue/modern/tasks/async_with.hpp>

namespace segue::modern::detail {

namespace {

/// Whether `error` is `searched`, or was raised while that was handled.
bool leads_to(const std::exception_ptr& error, const std::exception_ptr& searched) noexcept {
  if (!error || error == searched) return static_cast<bool>(error);
  try {
    std::rethrow_exception(error);
  } catch (const BaseException& e) {
    return leads_to(e.context(), searched);
  } catch (...) {
    return false;
  }
}

}  // namespace

void set_context_of_current(const std::exception_ptr& context) noexcept {
  const std::exception_ptr current = std::current_exception();
  if (!context || leads_to(context, current)) return;
  try {
    std::rethrow_exception(current);
  } catch (BaseException& e) {
    if (!e.context()) e.set_context(context);
  } catch (...) {
    return;  // it has no context
  }
}

}  // namespace segue::modern::detail
