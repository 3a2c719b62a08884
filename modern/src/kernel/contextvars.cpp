#include <segue/modern/kernel/contextvars.hpp>

#include <exception>

#include <segue/modern/kernel/unraisable.hpp>

#include "kernel/entered_context.hpp"

namespace segue::modern {

namespace {

std::string repr_of(const ContextVariable& variable) {
  return "<" + name_of_object("ContextVar name=" + segue_detail::quoted(variable.name()), &variable) + ">";
}

}  // namespace

namespace detail {

void refuse_entered(const Shared<ContextState>& context) {
  throw RuntimeError("cannot enter context: " + Context(context).repr() + " is already entered");
}

std::string repr_of_token(const ContextVariable& variable, const void* token, bool used) {
  return "<" + name_of_object(std::string("Token") + (used ? " used" : "") + " var=" + repr_of(variable), token) + ">";
}

void refuse_used_token(const ContextVariable& variable, const void* token) {
  throw RuntimeError(repr_of_token(variable, token, true) + " has already been used once");
}

void refuse_token(const ContextVariable& variable, const void* token, const char* created) {
  throw ValueError(repr_of_token(variable, token, false) + " was created " + created);
}

void report_failed_reset(const ContextVariable& variable) noexcept {
  try {
    report_unraisable(std::current_exception(), "reset of " + repr_of(variable));
  } catch (...) {
    report_unraisable(std::current_exception(), std::string());
  }
}

namespace {

void report_left_elsewhere(const Context& context) noexcept {
  std::string name;
  try {
    name = context.repr();
    throw RuntimeError("cannot exit context: thread state references a different context object");
  } catch (...) {
    report_unraisable(std::current_exception(), name);
  }
}

}  // namespace

EnteredContext::EnteredContext(const Shared<ContextState>& context)
    : slot_(ContextSlot::current_to_change()), context_(context) {
  if (slot_.state() == context.get() || context->entered.exchange(true)) detail::refuse_entered(context);
  if (ContextState* const previous = slot_.state()) previous_enters_ = !previous->entered.exchange(true);
  previous_ = std::exchange(slot_, ContextSlot(context));
}

// A fiber may be left inside of run(), and go on in, or be destroyed by, another task.
EnteredContext::~EnteredContext() {
  context_->entered = false;
  if (previous_enters_) previous_.state()->entered = false;
  if (&slot_ == &ContextSlot::current() && slot_.state() == context_.get()) {
    slot_ = std::move(previous_);
    return;
  }
  report_left_elsewhere(Context(context_));
}

}  // namespace detail

std::string AnyContextVar::repr() const { return repr_of(*state()); }

std::vector<AnyContextVar> Context::keys() const {
  std::vector<AnyContextVar> keys;
  const ContextMap map = state()->map;  // copying a value may change the context
  map.for_each([&](const ContextValue& each) { keys.emplace_back(each.variable()); });
  return keys;
}

std::vector<std::any> Context::values() const {
  std::vector<std::any> values;
  const ContextMap map = state()->map;  // copying a value may change the context
  map.for_each([&](const ContextValue& each) { values.push_back(each.copy()); });
  return values;
}

std::vector<std::pair<AnyContextVar, std::any>> Context::items() const {
  std::vector<std::pair<AnyContextVar, std::any>> items;
  const ContextMap map = state()->map;  // copying a value may change the context
  map.for_each([&](const ContextValue& each) { items.emplace_back(each.variable(), each.copy()); });
  return items;
}

}  // namespace segue::modern
