// Calls that do not compile, and say why. Beside a function that asks something of its arguments stands one for all
// others, which is unavailable, with the reason: C++26's `= delete("reason")`, which g++ 12 and clang know by an
// attribute. So the first error of either is in the line of the call, and says what to write there instead.
#pragma once

#include <coroutine>

namespace segue::modern {

/// What a refused call gives: whatever is wanted of it, so that the refusal remains the only error.
template <class Awaited>
struct RefusedAwaitable {
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> frame) const noexcept;
  Awaited await_resume() const;
};
struct Refused : RefusedAwaitable<Refused> {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor)
};
template <class Argument>
using RefusedFor = Refused;

}  // namespace segue::modern
