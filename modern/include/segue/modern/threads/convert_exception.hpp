// Exceptions on their way from a thread's future to a loop's, or back.
#pragma once

#include <exception>

namespace segue::modern::detail {

/// What ended a future of the one kind, for one of the other: CancelledError and InvalidStateError of concurrent
/// futures are asyncio's then (CPython: _convert_future_exc). Requires that there is one.
std::exception_ptr convert_future_exception(const std::exception_ptr& error);

}  // namespace segue::modern::detail
