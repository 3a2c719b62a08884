#include <segue/modern/exception_groups.hpp>

#include <algorithm>

namespace segue::modern {

namespace {

// The class of the groups that are no Exception. It is caught as BaseExceptionGroup, and its name is that, too.
namespace concrete {
class BaseExceptionGroup final : public modern::BaseExceptionGroup, public BaseException {
 public:
  BaseExceptionGroup(const std::string& message, std::vector<std::exception_ptr> exceptions)
      : modern::BaseExceptionGroup(message, std::move(exceptions)), BaseException(text()) {}
  const char* what() const noexcept override { return BaseException::what(); }
  using modern::BaseExceptionGroup::message;

 private:
  std::exception_ptr self() const override { return std::make_exception_ptr(*this); }
};
}  // namespace concrete

bool is_exception(const std::exception_ptr& error) { return holds<Exception>(error) || !holds<BaseException>(error); }

ExceptionSplit split_members(const BaseExceptionGroup& group, const ExceptionCondition& condition) {
  std::vector<std::exception_ptr> matching;
  std::vector<std::exception_ptr> rest;
  for (const std::exception_ptr& member : group.exceptions()) {
    ExceptionSplit parts = split(member, condition);
    if (parts.matching) matching.push_back(std::move(parts.matching));
    if (parts.rest) rest.push_back(std::move(parts.rest));
  }
  return {matching.empty() ? nullptr : group.derive(std::move(matching)),
          rest.empty() ? nullptr : group.derive(std::move(rest))};
}

}  // namespace

BaseExceptionGroup::BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
    : message_(std::move(message)), exceptions_(std::move(exceptions)) {
  if (exceptions_.empty()) throw ValueError("second argument (exceptions) must be a non-empty sequence");
}

std::string BaseExceptionGroup::text() const {
  return message_ + " (" + std::to_string(exceptions_.size()) + " sub-exception" + (exceptions_.size() == 1 ? ")" : "s)");
}

ExceptionSplit BaseExceptionGroup::split(const ExceptionCondition& condition) const {
  std::exception_ptr whole = self();
  if (condition(whole)) return {std::move(whole), nullptr};
  return split_members(*this, condition);
}

std::exception_ptr BaseExceptionGroup::derive(std::vector<std::exception_ptr> exceptions) const {
  std::exception_ptr derived = make_exception_group(message_, std::move(exceptions));
  const auto* const original = dynamic_cast<const BaseException*>(this);
  try {
    std::rethrow_exception(derived);
  } catch (BaseException& copy) {
    copy.set_cause(original->cause());
    copy.set_context(original->context());
  }
  return derived;
}

ExceptionGroup::ExceptionGroup(const std::string& message, std::vector<std::exception_ptr> exceptions)
    : BaseExceptionGroup(message, std::move(exceptions)), Exception(text()) {
  if (!std::ranges::all_of(this->exceptions(), is_exception))
    throw TypeError("Cannot nest BaseExceptions in an ExceptionGroup");
}

std::exception_ptr make_exception_group(const std::string& message, std::vector<std::exception_ptr> exceptions) {
  if (std::ranges::all_of(exceptions, is_exception))
    return std::make_exception_ptr(ExceptionGroup(message, std::move(exceptions)));
  return std::make_exception_ptr(concrete::BaseExceptionGroup(message, std::move(exceptions)));
}

ExceptionSplit split(const std::exception_ptr& error, const ExceptionCondition& condition) {
  if (!error) return {};
  if (condition(error)) return {error, nullptr};
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    return split_members(group, condition);
  } catch (...) {
    return {nullptr, error};
  }
}

}  // namespace segue::modern
