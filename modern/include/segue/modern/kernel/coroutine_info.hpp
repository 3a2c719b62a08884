// What can be seen of a coroutine from outside: its name, its state, where it waits, and what it awaits (CPython:
// cr_code, cr_frame and cr_await of a coroutine, Task.get_coro() and Task.get_stack()). All of it is a snapshot: text
// and places, which outlive the coroutine.
#pragma once

#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <segue/modern/kernel/coroutine_methods.hpp>

namespace segue::modern {

/// A coroutine that waits.
struct SuspendedFrame {
  /// The coroutine function's; "<another library's>" where it is not one of segue's. Where it has a stack, that of the
  /// function which waits on it; "<fiber>" where it does not say which.
  std::string name;
  /// Its innermost await; nothing where it is another library's, or does not say.
  std::optional<std::source_location> where;

  /// `  File "main.cpp", line 12, in fetch`.
  std::string str() const;
};

struct CoroutineInfo {
  /// The coroutine function's. Of a task of a generator-based coroutine or portal: of the function that waits on its
  /// stack; where none does, of the one that made it.
  std::string name;
  CoroutineState state = CoroutineState::CORO_CLOSED;
  /// Where it awaits now, or awaited last; in the coroutine function, where it has not awaited yet or is closed.
  std::source_location where;
  /// What it awaits, and what that awaits, down to the one that really waits. Empty for one that awaits no coroutine,
  /// or is not suspended.
  std::vector<SuspendedFrame> cr_await = {};
};

namespace detail {

/// The cr_await of the coroutine that has this frame.
std::vector<SuspendedFrame> awaited_by(const Frame& frame);
/// This frame, who awaits it, and so on, up to the outermost of the chain, or to one of another library's.
std::vector<SuspendedFrame> call_stack_from(Resumable innermost);

}  // namespace detail

}  // namespace segue::modern
