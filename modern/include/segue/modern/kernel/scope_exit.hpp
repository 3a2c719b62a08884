// ScopeExit: what has to be done however a block is left, by its end, a return or an exception (the Library
// Fundamentals' std::experimental::scope_exit).
//
//   const ScopeExit forget([&] { waiters.remove(me); });
#pragma once

#include <type_traits>
#include <utility>

namespace segue::modern {

/// Calls `action` when it is destroyed, unless it was released. What the action throws ends the program.
template <class Action>
class [[nodiscard("it acts when it is destroyed: name it")]] ScopeExit {
 public:
  explicit ScopeExit(Action action) noexcept(std::is_nothrow_move_constructible_v<Action>)
      : action_(std::move(action)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() {
    if (active_) action_();
  }

  /// It is not to be done any more.
  void release() noexcept { active_ = false; }

 private:
  Action action_;
  bool active_ = true;
};

}  // namespace segue::modern
