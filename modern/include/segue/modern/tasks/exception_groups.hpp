// Several exceptions that travel as one (PEP 654).
//
//   try {
//     …
//   } catch (const BaseExceptionGroup& group) {
//     except_star(group, except_<ValueError>([](const BaseExceptionGroup& values) { … }),
//                        except_<OSError, LookupError>([](const BaseExceptionGroup& others) { … }));
//   }
//
// An ExceptionGroup holds nothing but Exceptions and is one itself; a group with anything else in it (CancelledError,
// KeyboardInterrupt) is a BaseException only. `catch (const BaseExceptionGroup&)` catches both.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue::modern {

/// What split() makes of an exception: the part that matches and the rest, each a group as the original, or null.
struct SplitExceptions {
  std::exception_ptr match;
  std::exception_ptr rest;
};

/// What all groups are. Make one with ExceptionGroup or, where it may hold anything, with make_exception_group().
class BaseExceptionGroup {
 public:
  using Predicate = std::function<bool(const std::exception_ptr&)>;

  virtual ~BaseExceptionGroup() = default;

  const std::string& message() const noexcept { return content_->message; }
  /// Never empty; some may be groups in turn.
  const std::vector<std::exception_ptr>& exceptions() const noexcept { return content_->exceptions; }
  /// As Python's str(): `the message (2 sub-exceptions)`.
  virtual const char* what() const noexcept = 0;
  /// A group with the same message and other exceptions: what split() and subgroup() make their results with. A class
  /// of one's own overrides it.
  virtual std::exception_ptr derive(std::vector<std::exception_ptr> exceptions) const;

  /// The exceptions, at any depth, that are an `E` (or one of several), and those that are not. Groups keep their
  /// structure; one that is an `E` is taken whole. Where this group itself is taken whole, that is the very exception
  /// that is being handled, or a copy: see pointer().
  template <class... E>
  SplitExceptions split() const;
  SplitExceptions split(const Predicate& matches) const;
  /// The matching part alone; null where there is none.
  template <class... E>
  std::exception_ptr subgroup() const {
    return split<E...>().match;
  }
  std::exception_ptr subgroup(const Predicate& matches) const { return split(matches).match; }

  /// This group as an exception_ptr: to the exception that is being handled, where this is it; else to a copy.
  std::exception_ptr pointer() const;

 protected:
  /// ValueError where there is no exception, or a null one.
  BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);
  BaseExceptionGroup(const BaseExceptionGroup&) noexcept = default;
  BaseExceptionGroup& operator=(const BaseExceptionGroup&) noexcept = default;
  std::string text() const;
  /// What stands in the parentheses of Python's repr(): `'the message', [ValueError('bad')]`.
  std::string members_repr() const;

 private:
  struct Content {
    Content(std::string text, std::vector<std::exception_ptr> all) noexcept
        : message(std::move(text)), exceptions(std::move(all)) {}
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    ~Content();

    std::string message;
    std::vector<std::exception_ptr> exceptions;
  };
  std::shared_ptr<const Content> content_;  // shared, so that copying never throws
};

/// A group of Exceptions. TypeError("Cannot nest BaseExceptions in an ExceptionGroup").
class ExceptionGroup : public Exception, public BaseExceptionGroup {
 public:
  ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);
  /// Of exceptions as they are: ExceptionGroup("two", ValueError("1"), TypeError("2")).
  template <class... Errors>
    requires(sizeof...(Errors) > 0 && (std::derived_from<std::remove_cvref_t<Errors>, BaseException> && ...))
  explicit ExceptionGroup(std::string message, Errors&&... errors)
      : ExceptionGroup(std::move(message), std::vector<std::exception_ptr>{segue_detail::whole_exception(
                                               "ExceptionGroup", std::forward<Errors>(errors))...}) {}

  using BaseExceptionGroup::message;
  const char* what() const noexcept override { return Exception::what(); }
  std::string args_repr() const override { return members_repr(); }
  const std::vector<std::exception_ptr>* grouped() const noexcept override { return &exceptions(); }
};

/// Python's BaseExceptionGroup(message, exceptions): an ExceptionGroup where it holds nothing but Exceptions.
std::exception_ptr make_exception_group(std::string message, std::vector<std::exception_ptr> exceptions);

/// The group that `error` is, or null. Valid as long as a pointer to the exception exists.
const BaseExceptionGroup* as_group(const std::exception_ptr& error) noexcept;

/// As the groups' split(), for any exception: one that is no group matches whole, or not at all.
SplitExceptions split(const std::exception_ptr& error, const BaseExceptionGroup::Predicate& matches);
template <class... E>
SplitExceptions split(const std::exception_ptr& error) {
  return split(error, [](const std::exception_ptr& each) { return (holds<E>(each) || ...); });
}

template <class... E>
SplitExceptions BaseExceptionGroup::split() const {
  return split([](const std::exception_ptr& each) { return (holds<E>(each) || ...); });
}

namespace detail {

struct ExceptStarClause {
  BaseExceptionGroup::Predicate matches;
  std::function<void(const BaseExceptionGroup&)> handle;
};

void run_except_star(const std::exception_ptr& error, const std::vector<ExceptStarClause>& clauses);

}  // namespace detail

/// A clause `except* E as group`, or `except* (E, F) as group`. The handler may rethrow with `throw;`.
template <class... E, std::invocable<const BaseExceptionGroup&> Handler>
detail::ExceptStarClause except_(Handler handler) {
  static_assert(!(std::derived_from<E, BaseExceptionGroup> || ...),
                "catching ExceptionGroup with except* is not allowed. Use except instead.");
  return {[](const std::exception_ptr& each) { return (holds<E>(each) || ...); }, std::move(handler)};
}

/// `except*`: each exception in `error`, at any depth, is handled by the first clause that matches it, as part of a
/// group; each clause runs at most once. What no clause matches is thrown again with its structure, together with what
/// the handlers throw. An exception that is no group is handled as if it were in one.
template <class... Clauses>
void except_star(const std::exception_ptr& error, Clauses&&... clauses) {
  std::vector<detail::ExceptStarClause> all;
  (all.push_back(std::forward<Clauses>(clauses)), ...);
  detail::run_except_star(error, all);
}
template <class... Clauses>
void except_star(const BaseExceptionGroup& group, Clauses&&... clauses) {
  except_star(group.pointer(), std::forward<Clauses>(clauses)...);
}

}  // namespace segue::modern
