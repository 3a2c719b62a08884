// What add_signal_handler() has to keep (CPython: asyncio/unix_events.py, with signal.set_wakeup_fd()).
//
// The handler that the system calls, in whichever thread it likes, does no more than to write the signal's number into
// a pipe. The loop reads it, and schedules the callback.
#pragma once

#include <signal.h>

#include <array>
#include <cstddef>

#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/signal_callback.hpp>
#include <segue/modern/loop/watch.hpp>

namespace segue::modern {
class EventLoop;
}  // namespace segue::modern

namespace segue::modern::detail {

/// A loop's, made when it is first needed. It goes when the loop is closed, and nothing watches any more.
class SignalHandlers final : private Watch {
 public:
  /// OSError where the system has no descriptor left.
  explicit SignalHandlers(EventLoop& loop);
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;
  /// Restores the dispositions that are still this one's.
  ~SignalHandlers();

  /// ValueError where the system has no such signal, or keeps it for itself.
  static void check_signal(int signal);
  /// RuntimeError where this is not the program's main thread.
  static void check_thread();

  /// `signal` has been checked. RuntimeError where it cannot be caught.
  void add(int signal, Ref<SignalCallback> callback);
  /// False where there is none. `signal` has been checked.
  bool remove(int signal) noexcept;

  /// `handler`, which may have been SIGINT's when a callback took its place, is not to be restored.
  static void withdraw(void (*handler)(int)) noexcept;

 private:
  static void handle(int signal);
  static bool is_handled(int signal) noexcept;
  static bool install(int signal) noexcept;
  void restore(int signal) noexcept;
  Ref<SignalCallback>& callback(int signal) noexcept { return callbacks_[static_cast<std::size_t>(signal)]; }
  void stop_watching_if_unused() noexcept;

  void ready() override;
  void let_go() noexcept override {}

  EventLoop& loop_;
  std::array<int, 2> pipe_{-1, -1};
  std::array<Ref<SignalCallback>, NSIG> callbacks_;
};

}  // namespace segue::modern::detail
