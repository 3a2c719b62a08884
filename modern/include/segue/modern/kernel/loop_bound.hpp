// LoopBound: a primitive that belongs to the loop in which it was waited for first (CPython: asyncio/mixins.py).
#pragma once

#include <cstdint>
#include <string>

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

/// A base of a primitive's shared state, which those who wait keep alive.
class LoopBound : public RefCounted {
 public:
  /// `type` is the primitive's name in messages; it is kept as it is.
  explicit LoopBound(const char* type) noexcept : type_(type) {}

  const char* type() const noexcept { return type_; }
  /// What messages call it: `<Lock>`, where a derived class does not know more.
  virtual std::string repr();
  /// The running loop, for who has to wait. RuntimeError("… is bound to a different event loop") where it is another
  /// one than the first time.
  LoopCore& loop() {
    LoopCore& running = LoopCore::require_running();
    if (loop_ != running.id()) [[unlikely]]
      bind(running);
    return running;
  }

 private:
  void bind(LoopCore& running);

  const char* type_;
  std::uint64_t loop_ = 0;  // its id: another loop may have its address one day
};

}  // namespace segue::modern
