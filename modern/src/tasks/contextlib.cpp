#include <segue/modern/tasks/contextlib.hpp>

#include <segue/modern/kernel/unraisable.hpp>

namespace segue::modern {

namespace {

// What goes through the exits of a stack, from the innermost out.
class Leaving {
 public:
  explicit Leaving(std::exception_ptr error) noexcept
      : received_(error != nullptr), handled_(error ? error : std::current_exception()), error_(std::move(error)) {}

  const std::exception_ptr& error() const noexcept { return error_; }
  void suppress() noexcept {
    suppressed_ = true;
    raised_ = false;
    error_ = nullptr;
  }
  void replace(std::exception_ptr raised) noexcept {
    if (const std::exception_ptr* const each = raised_in_handler(raised)) {
      exception_ptr_cast<BaseException>(*each)->set_context(error_);
    } else if (received_) {  // CPython: up to what was being handled, if anything was
      chain_history(raised, error_);
    }
    raised_ = true;
    error_ = std::move(raised);
  }
  /// Throws what an exit has thrown last; else whether the first one was kept from going further.
  bool finish() const {
    if (raised_) std::rethrow_exception(error_);
    return received_ && suppressed_;
  }

 private:
  /// In the history of what an exit has raised: the one that has what is handled around the stack as its context,
  /// though it was raised after something else, or after that was suppressed.
  const std::exception_ptr* raised_in_handler(const std::exception_ptr& raised) const noexcept {
    if (!handled_ || handled_ == error_) return nullptr;
    const std::exception_ptr* const found = find_in_history(raised, [this](const std::exception_ptr& each) {
      const auto* const known = exception_ptr_cast<const BaseException>(each);
      return known != nullptr && known->context() == handled_;
    });
    if (found == nullptr) return nullptr;
    const auto is_found = [found](const std::exception_ptr& each) { return each == *found; };
    return find_in_history(error_, is_found) == nullptr ? found : nullptr;
  }

  bool received_;
  bool suppressed_ = false;
  bool raised_ = false;  // by an exit: `error_`
  std::exception_ptr handled_;
  std::exception_ptr error_;
};

template <class Exit>
std::unique_ptr<Exit> pop(std::vector<std::unique_ptr<Exit>>& exits) noexcept {
  std::unique_ptr<Exit> exit = std::move(exits.back());
  exits.pop_back();
  return exit;
}

}  // namespace

bool ExitStack::leave(std::exception_ptr error) {
  Leaving leaving(std::move(error));
  while (!exits_.empty()) {
    const auto exit = pop(exits_);
    try {
      if (exit->leave(leaving.error())) leaving.suppress();
    } catch (...) {
      leaving.replace(std::current_exception());
    }
  }
  return leaving.finish();
}

ExitStack::~ExitStack() {
  try {
    close();
  } catch (...) {
    report_unraisable(std::current_exception(), std::string("ExitStack"));
  }
}

Coroutine<bool> AsyncExitStack::aexit(std::exception_ptr error) {
  Leaving leaving(std::move(error));
  while (!exits_.empty()) {
    const auto exit = pop(exits_);
    try {
      Coroutine<bool> step = exit->leave(leaving.error());
      const bool suppresses = co_await std::move(step);
      if (suppresses) leaving.suppress();
    } catch (...) {
      leaving.replace(std::current_exception());
    }
  }
  co_return leaving.finish();
}

Coroutine<void> AsyncExitStack::aclose() & { co_await aexit(nullptr); }

Coroutine<void> AsyncExitStack::aclose(AsyncExitStack stack) { co_await stack.aclose(); }

void AsyncExitStack::push_sync(std::unique_ptr<detail::Exit> exit) {
  exits_.push_back(std::make_unique<detail::AsyncOfSync>(std::move(exit)));
}

}  // namespace segue::modern
