#include <segue/modern/tasks/exception_groups.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_set>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/let_go.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

namespace detail::base_only {

/// A group that holds more than Exceptions. Named as Python prints it.
class BaseExceptionGroup final : public BaseException, public modern::BaseExceptionGroup {
 public:
  BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
      : modern::BaseExceptionGroup(std::move(message), std::move(exceptions)), text_(text()) {}
  using modern::BaseExceptionGroup::message;
  const char* what() const noexcept override { return text_.what(); }
  std::string args_repr() const override { return members_repr(); }
  const std::vector<std::exception_ptr>* grouped() const noexcept override { return &exceptions(); }

 private:
  BaseException text_;  // a string that is copied without throwing
};

}  // namespace detail::base_only

namespace {

/// Whether Python's `except Exception` would leave it alone.
bool is_base_only(const std::exception_ptr& error) noexcept {
  return holds<BaseException>(error) && !holds<std::exception>(error);
}

/// Gives `copy` the cause, the context and the notes of `original`, where both have any.
void copy_history(const BaseException* original, const std::exception_ptr& copy) noexcept {
  auto* const to = exception_ptr_cast<BaseException>(copy);
  if (original == nullptr || to == nullptr) return;
  to->set_cause(original->cause());
  to->set_context(original->context());
  to->set_suppress_context(original->suppress_context());
  to->set_notes_of(*original);
}

/// What the class of `group` makes of `exceptions`.
std::exception_ptr derived_from(const BaseExceptionGroup& group, std::vector<std::exception_ptr> exceptions) {
  std::exception_ptr derived = group.derive(std::move(exceptions));
  if (as_group(derived) == nullptr) throw TypeError("derive must return an instance of BaseExceptionGroup");
  return derived;
}

/// A group like `original` of some of its exceptions, with its cause, context and notes; null for none.
std::exception_ptr derive_from(const std::exception_ptr& original, const BaseExceptionGroup& group,
                               std::vector<std::exception_ptr> exceptions) {
  if (exceptions.empty()) return nullptr;
  std::exception_ptr derived = derived_from(group, std::move(exceptions));
  copy_history(exception_ptr_cast<const BaseException>(original), derived);
  if (auto* const part = exception_ptr_cast<BaseException>(derived)) part->set_suppress_context(true);
  return derived;
}

/// Appends the exceptions in `error`, at any depth, that are no groups, in their order.
void collect_leaves(const std::exception_ptr& error, std::vector<std::exception_ptr>& leaves) {
  std::vector<const std::exception_ptr*> left{&error};
  while (!left.empty()) {
    const std::exception_ptr& next = *left.back();
    left.pop_back();
    if (const BaseExceptionGroup* const group = as_group(next)) {
      const auto& inner = group->exceptions();
      for (auto each = inner.rbegin(); each != inner.rend(); ++each) left.push_back(&*each);
    } else {
      leaves.push_back(next);
    }
  }
}

/// A group whose exceptions are being split.
struct SplitGroup {
  const std::exception_ptr* error;
  const BaseExceptionGroup* group;
  std::size_t next = 0;
  std::vector<std::exception_ptr> match = {};
  std::vector<std::exception_ptr> rest = {};
};

}  // namespace

BaseExceptionGroup::BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions) {
  if (exceptions.empty()) throw ValueError("second argument (exceptions) must be a non-empty sequence");
  const auto null = std::find(exceptions.begin(), exceptions.end(), nullptr);
  if (null != exceptions.end())
    throw ValueError("Item " + std::to_string(null - exceptions.begin()) +
                     " of second argument (exceptions) is not an exception");
  content_ = std::make_shared<const Content>(std::move(message), std::move(exceptions));
}

BaseExceptionGroup::Content::~Content() {
  for (std::exception_ptr& each : exceptions) let_go(std::move(each));
}

std::string BaseExceptionGroup::text() const {
  const std::size_t count = exceptions().size();
  return message() + " (" + std::to_string(count) + (count == 1 ? " sub-exception)" : " sub-exceptions)");
}

std::string BaseExceptionGroup::members_repr() const {
  constexpr int deepest = 20;  // a group within a group, and so on
  thread_local int depth = 0;
  if (depth == deepest) return "...";
  ++depth;
  const ScopeExit leave([]() noexcept { --depth; });
  std::string members;
  for (const std::exception_ptr& each : exceptions()) members += (members.empty() ? "" : ", ") + exception_repr(each);
  return segue_detail::quoted(message()) + ", [" + members + "]";
}

std::exception_ptr BaseExceptionGroup::derive(std::vector<std::exception_ptr> exceptions) const {
  return make_exception_group(message(), std::move(exceptions));
}

std::exception_ptr BaseExceptionGroup::pointer() const {
  std::exception_ptr handled = std::current_exception();
  if (as_group(handled) == this) return handled;
  std::exception_ptr copy = derived_from(*this, exceptions());
  copy_history(dynamic_cast<const BaseException*>(this), copy);
  return copy;
}

SplitExceptions BaseExceptionGroup::split(const Predicate& matches) const { return modern::split(pointer(), matches); }

ExceptionGroup::ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
    : BaseExceptionGroup(std::move(message), std::move(exceptions)) {
  const auto& all = BaseExceptionGroup::exceptions();
  if (std::any_of(all.begin(), all.end(), is_base_only))
    throw TypeError("Cannot nest BaseExceptions in an ExceptionGroup");
  static_cast<Exception&>(*this) = Exception(text());
}

std::exception_ptr make_exception_group(std::string message, std::vector<std::exception_ptr> exceptions) {
  if (std::any_of(exceptions.begin(), exceptions.end(), is_base_only)) {
    using Group = detail::base_only::BaseExceptionGroup;
    return std::make_exception_ptr(Group(std::move(message), std::move(exceptions)));
  }
  return std::make_exception_ptr(ExceptionGroup(std::move(message), std::move(exceptions)));
}

const BaseExceptionGroup* as_group(const std::exception_ptr& error) noexcept {
  return exception_ptr_cast<const BaseExceptionGroup>(error);
}

// Groups nest as deep as their users like.
SplitExceptions split(const std::exception_ptr& error, const BaseExceptionGroup::Predicate& matches) {
  std::vector<SplitGroup> groups;
  // The parts of one exception; nothing where it is a group that has to be looked into.
  const auto split_one = [&](const std::exception_ptr& each) -> std::optional<SplitExceptions> {
    if (matches(each)) return SplitExceptions{each, nullptr};
    const BaseExceptionGroup* const group = as_group(each);
    if (group == nullptr) return SplitExceptions{nullptr, each};
    groups.push_back({.error = &each, .group = group});
    return std::nullopt;
  };
  std::optional<SplitExceptions> parts = split_one(error);
  while (!groups.empty()) {
    SplitGroup& inner = groups.back();
    if (parts && parts->match) inner.match.push_back(std::move(parts->match));
    if (parts && parts->rest) inner.rest.push_back(std::move(parts->rest));
    if (inner.next < inner.group->exceptions().size()) {
      parts = split_one(inner.group->exceptions()[inner.next++]);
    } else {
      parts = SplitExceptions{derive_from(*inner.error, *inner.group, std::move(inner.match)),
                              derive_from(*inner.error, *inner.group, std::move(inner.rest))};
      groups.pop_back();
    }
  }
  return *parts;
}

void detail::run_except_star(const std::exception_ptr& error, const std::vector<ExceptStarClause>& clauses) {
  const bool naked = as_group(error) == nullptr;
  std::exception_ptr rest = error;
  std::vector<std::exception_ptr> raised;
  std::vector<std::exception_ptr> unhandled;  // leaves
  for (const ExceptStarClause& clause : clauses) {
    if (!rest) break;
    SplitExceptions parts = split(rest, clause.matches);
    rest = parts.rest;
    if (!parts.match) continue;
    const std::exception_ptr group = naked ? make_exception_group("", {parts.match}) : parts.match;
    try {
      std::rethrow_exception(group);
    } catch (const BaseExceptionGroup& matched) {
      try {
        clause.handle(matched);
      } catch (...) {
        if (std::current_exception() == group) {
          collect_leaves(group, unhandled);
        } else {
          raised.push_back(std::current_exception());
        }
      }
    }
  }
  if (naked) {
    if (!raised.empty()) std::rethrow_exception(raised.front());
    if (rest) std::rethrow_exception(rest);
    if (!unhandled.empty()) std::rethrow_exception(make_exception_group("", unhandled));
    return;
  }
  if (rest) collect_leaves(rest, unhandled);
  if (!unhandled.empty()) {
    std::unordered_set<const void*> ids;
    for (const std::exception_ptr& each : unhandled) ids.insert(exception_id(each));
    const auto is_unhandled = [&ids](const std::exception_ptr& each) { return ids.contains(exception_id(each)); };
    raised.push_back(split(error, is_unhandled).match);
  }
  if (raised.size() > 1) std::rethrow_exception(make_exception_group("", std::move(raised)));
  if (!raised.empty()) std::rethrow_exception(raised.front());
}

}  // namespace segue::modern
