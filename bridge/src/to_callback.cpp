#include <segue/bridge/to_callback.hpp>

#include <new>
#include <system_error>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

namespace segue::bridge {

std::error_code bridge_detail::error_code_of(const std::exception_ptr& error) {
  if (!error) return {};
  if (holds<modern::CancelledError>(error)) return std::make_error_code(std::errc::operation_canceled);
  if (const auto* const failed = exception_ptr_cast<OSError>(error); failed != nullptr && failed->errno_code() != 0)
    return {failed->errno_code(), std::generic_category()};
  if (holds<TimeoutError>(error)) return std::make_error_code(std::errc::timed_out);  // segue's own have no number
  if (const auto* const failed = exception_ptr_cast<std::system_error>(error)) return failed->code();
  if (holds<std::bad_alloc>(error)) return std::make_error_code(std::errc::not_enough_memory);
  modern::ExceptionContext context;
  context.message = "Exception in an operation that ends in an error code";
  context.exception = error;
  modern::get_running_loop().call_exception_handler(context);
  return std::make_error_code(std::errc::state_not_recoverable);
}

}  // namespace segue::bridge
