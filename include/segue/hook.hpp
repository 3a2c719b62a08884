// A function that a program may put in the place of segue's own, for the whole process.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace segue {

/// Holds the function that is installed, which may be exchanged in any thread while others call it. It is never
/// destroyed: what has static lifetime may still report when main() has returned. For static objects only.
template <class Signature>
class Hook {
 public:
  using Function = std::function<Signature>;

  constexpr Hook() noexcept : state_() {}
  ~Hook() {}

  /// Installs `next` and gives the one before; either may be empty. Throws std::bad_alloc.
  Function exchange(Function next) {
    auto function = std::make_shared<const Function>(std::move(next));
    {
      const std::lock_guard lock(state_.mutex);
      function.swap(state_.function);
    }
    return function ? *function : Function();
  }

  /// Calls what is installed, if anything is, and says whether it did.
  template <class... Args>
  bool call(Args&&... args) {
    std::shared_ptr<const Function> function;  // lives on, should the call replace it
    {
      const std::lock_guard lock(state_.mutex);
      function = state_.function;
    }
    if (!function || !*function) return false;
    (*function)(std::forward<Args>(args)...);
    return true;
  }

 private:
  struct State {
    std::mutex mutex;
    std::shared_ptr<const Function> function;
  };
  union {  // so that its destructor is not run
    State state_;
  };
};

}  // namespace segue
