// What a C API is given as its `void*`: a ticket, not an address. It is good for one call, and for as long as somebody
// waits; a second call, or one that comes late, shows a ticket that is good no longer, and touches nothing.
#pragma once

#include <cstdint>
#include <source_location>

namespace segue::bridge::bridge_detail {

/// Any thread may use it.
class CCalls {
 public:
  /// A ticket for `state`, which take() gives back once. Never null. Throws std::bad_alloc.
  static void* enter(void* state, const std::source_location& made);
  /// The state of a ticket that is good still, for the call: it is good no longer. Null for one that is not: a second
  /// call is reported, to the running loop's exception handler or as what cannot be raised; a late one is ignored.
  static void* take_for_call(void* ticket) noexcept;
  /// The same for who waited and does so no longer; null where the call has come.
  static void* take_back(void* ticket) noexcept;
};

}  // namespace segue::bridge::bridge_detail
