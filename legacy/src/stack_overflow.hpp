// Tells which fiber it was that used up its stack, before the program ends.
#pragma once

namespace segue::legacy::legacy_detail {

/// Installs the handler, once, unless reports are switched off.
void install_overflow_handler() noexcept;

/// A stack for the handler: the one that overflowed has no room for it. Belongs to one thread.
class SignalStack {
 public:
  SignalStack() noexcept = default;
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack();

  /// Does nothing when the thread has a signal stack already, or there is no memory for one.
  void install() noexcept;

 private:
  void* memory_ = nullptr;
};

}  // namespace segue::legacy::legacy_detail
