// Exception groups: several exceptions that go together (PEP 654).
//
//   try { co_await async_with(TaskGroup(), …); }
//   catch (const BaseExceptionGroup& group) {
//     auto [values, rest] = group.split<ValueError>();     // what `except* ValueError` takes, and what it leaves
//     …
//     if (rest) std::rethrow_exception(rest);
//   }
//
// In Python an ExceptionGroup is both a BaseExceptionGroup and an Exception. A C++ exception must not have BaseException
// as a base twice, so BaseExceptionGroup is a class beside it: `catch (const BaseExceptionGroup&)` takes every group,
// `catch (const Exception&)` the groups of Exceptions, `catch (const BaseException&)` both.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>

namespace segue::modern {

/// What tells which exceptions of a group are meant.
using ExceptionCondition = std::function<bool(const std::exception_ptr&)>;

/// A group that was split: the exceptions that match, and those that do not; null where there are none.
struct ExceptionSplit {
  std::exception_ptr matching;
  std::exception_ptr rest;
};

/// What every group has.
class BaseExceptionGroup {
 public:
  virtual ~BaseExceptionGroup() = default;

  /// "message (2 sub-exceptions)".
  virtual const char* what() const noexcept = 0;
  const std::string& message() const noexcept { return message_; }
  const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

  /// Splits the group and the groups in it, which keep their nesting and messages. One that matches as a whole is not
  /// taken apart.
  ExceptionSplit split(const ExceptionCondition& condition) const;
  std::exception_ptr subgroup(const ExceptionCondition& condition) const { return split(condition).matching; }
  template <class Error>
  ExceptionSplit split() const {
    return split([](const std::exception_ptr& error) { return holds<Error>(error); });
  }
  template <class Error>
  std::exception_ptr subgroup() const {
    return split<Error>().matching;
  }
  /// A group with this one's message, cause and context, and other exceptions.
  std::exception_ptr derive(std::vector<std::exception_ptr> exceptions) const;

 protected:
  BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);
  BaseExceptionGroup(const BaseExceptionGroup&) = default;
  BaseExceptionGroup& operator=(const BaseExceptionGroup&) = default;
  std::string text() const;
  /// This very group, as an exception.
  virtual std::exception_ptr self() const = 0;

 private:
  std::string message_;
  std::vector<std::exception_ptr> exceptions_;
};

/// A group of Exceptions (or of whatever is no BaseException at all). ValueError for an empty one, TypeError where one is a
/// BaseException alone: see make_exception_group().
class ExceptionGroup final : public BaseExceptionGroup, public Exception {
 public:
  ExceptionGroup(const std::string& message, std::vector<std::exception_ptr> exceptions);
  template <class... Errors>
    requires(sizeof...(Errors) > 0 && (!std::same_as<std::decay_t<Errors>, std::vector<std::exception_ptr>> && ...))
  explicit ExceptionGroup(const std::string& message, Errors&&... errors)
      : ExceptionGroup(message, {std::make_exception_ptr(std::forward<Errors>(errors))...}) {}
  const char* what() const noexcept override { return Exception::what(); }
  using BaseExceptionGroup::message;

 private:
  std::exception_ptr self() const override { return std::make_exception_ptr(*this); }
};

/// Python's `BaseExceptionGroup(message, exceptions)`: an ExceptionGroup where all are Exceptions, otherwise a group that
/// `catch (const Exception&)` does not take.
std::exception_ptr make_exception_group(const std::string& message, std::vector<std::exception_ptr> exceptions);

/// Splits any exception: one that is no group matches or not.
ExceptionSplit split(const std::exception_ptr& error, const ExceptionCondition& condition);
template <class Error>
ExceptionSplit split(const std::exception_ptr& error) {
  return split(error, [](const std::exception_ptr& one) { return holds<Error>(one); });
}

}  // namespace segue::modern
