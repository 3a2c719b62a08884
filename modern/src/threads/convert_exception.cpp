#include <segue/modern/threads/convert_exception.hpp>

#include <optional>
#include <string>
#include <typeinfo>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/threads/concurrent_future.hpp>

namespace segue::modern {

// Of exactly these classes, as CPython's.
std::exception_ptr detail::convert_future_exception(const std::exception_ptr& error) {
  const std::type_info& type = segue_detail::exception_type(error);
  if (type == typeid(concurrent::CancelledError)) {
    return std::make_exception_ptr(CancelledError(exception_ptr_cast<const BaseException>(error)->message()));
  }
  if (type == typeid(concurrent::InvalidStateError)) {
    const std::optional<std::string> message = exception_ptr_cast<const BaseException>(error)->message();
    return std::make_exception_ptr(message ? InvalidStateError(*message) : InvalidStateError());
  }
  return error;
}

}  // namespace segue::modern
