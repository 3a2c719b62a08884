// Where something was made: the calls that led there, for messages about what nobody awaited, retrieved or closed
// (CPython: sys.set_coroutine_origin_tracking_depth(), and what debug mode keeps in `_source_traceback`).
//
// Kept as long as a loop of the program is in debug mode; else it costs a test of one word. File and line come from the
// program's debug information when a message is written, by way of llvm-addr2line, addr2line, or the program that the
// environment's SEGUE_ADDR2LINE names; without either, the address in the module is there for who has both.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace segue::modern {

/// What is known of a function by its address.
struct FunctionPlace {
  std::string name;   ///< `fetch`; empty where it is unknown
  std::string place;  ///< `main.cpp:12`; empty where it is unknown
};

/// A member of what is made, which tells by its own address. One byte.
class Origin {
 public:
  Origin() noexcept {
    if (wanted_by_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      known_ = remember();
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() {
    if (known_) [[unlikely]]
      forget();
  }

  /// Whose call made it.
  enum class Maker { caller, coroutine_function };
  /// The calls in the user's code, ten at most, the most recent last, a line each: `  File "main.cpp", line 12, in
  /// fetch`. What a coroutine function has made is told from its caller on. Empty where nothing is known.
  std::string traceback(Maker maker = Maker::caller) const;
  /// ` created at main.cpp:12`, of the most recent one. Empty where nothing is known.
  std::string created_at() const;

  /// The user's function whose code begins there. Nothing where nobody wants to know, or it is not the user's.
  static FunctionPlace function_at(void* code);

  /// How long this thread has looked for files and lines so far.
  static std::chrono::nanoseconds time_spent() noexcept { return time_spent_; }

  /// One more, or one less, who wants to know. In any thread.
  static void want(bool wanted) noexcept { wanted_by_.fetch_add(wanted ? 1 : -1, std::memory_order_relaxed); }

 private:
  bool remember() const noexcept;
  void forget() const noexcept;

  static constinit inline std::atomic<int> wanted_by_ = 0;
  static constinit inline thread_local std::chrono::nanoseconds time_spent_{0};
  bool known_ = false;
};

}  // namespace segue::modern
