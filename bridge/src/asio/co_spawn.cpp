#include <segue/bridge/asio/co_spawn.hpp>

#include <new>
#include <system_error>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <segue/exception_ptr.hpp>
#include <segue/os_error.hpp>

namespace segue::bridge::bridge_detail {

std::exception_ptr to_asio_exception(std::exception_ptr error) {
  if (!holds<modern::CancelledError>(error)) return error;
  return std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted));
}

boost::system::error_code to_error_code(const std::exception_ptr& error) {
  if (holds<modern::CancelledError>(error)) return boost::asio::error::operation_aborted;
  if (holds<EOFError>(error)) return boost::asio::error::eof;
  if (const auto* const failed = exception_ptr_cast<OSError>(error); failed != nullptr && failed->errno_code() != 0)
    return {failed->errno_code(), boost::system::system_category()};
  if (holds<TimeoutError>(error)) return boost::asio::error::timed_out;  // without a number, as segue's own are
  if (const auto* const failed = exception_ptr_cast<boost::system::system_error>(error)) return failed->code();
  if (const auto* const failed = exception_ptr_cast<std::system_error>(error)) return failed->code();
  if (holds<std::bad_alloc>(error)) return boost::asio::error::no_memory;
  modern::ExceptionContext context;
  context.message = "Exception in an operation that ends in an error code";
  context.exception = error;
  modern::get_running_loop().call_exception_handler(context);
  return make_error_code(boost::system::errc::state_not_recoverable);
}

}  // namespace segue::bridge::bridge_detail
