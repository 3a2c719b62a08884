// ContextVar, Token, Context and copy_context(): values that belong to a task and what it starts, as a thread's own
// variables belong to a thread (PEP 567; CPython: Lib/contextvars.py, Python/context.c).
//
//   const ContextVar<std::string> request_id("request_id", "none");
//
//   Coroutine<> handle(std::string id) {
//     request_id.set(std::move(id));
//     co_await audit();              // sees it, and so does every task and callback that is made from here on
//   }
//
// Each task has a context of its own: a copy of that of its creator, made when the task was. So have callbacks and
// timers, and calls by to_thread(). A generator, and a coroutine of whatever style, has none: it sees that of whoever
// resumes it.
#pragma once

#include <any>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/context_map.hpp>
#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/shared.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

template <class T>
class ContextVar;

namespace detail {

template <class T>
struct ContextVariableOf final : ContextVariable {
  ContextVariableOf(std::string name, std::optional<T> default_value)
      : ContextVariable(std::move(name)), initial(std::move(default_value)) {}
  const std::optional<T> initial;
};

template <class T>
struct ContextValueOf final : ContextValue {
  template <class U>
  ContextValueOf(Shared<ContextVariable> variable, U&& given)
      : ContextValue(std::move(variable)), value(std::forward<U>(given)) {}
  bool equals(const ContextValue& other) const override {
    if constexpr (std::equality_comparable<T>) {
      return value == static_cast<const ContextValueOf&>(other).value;
    } else {
      return this == &other;
    }
  }
  std::any copy() const override { return value; }

  const T value;
};

/// `<Token var=<ContextVar name='v' at 0x55d0c8> at 0x7ffc40>`
std::string repr_of_token(const ContextVariable& variable, const void* token, bool used);
[[noreturn, gnu::cold]] void refuse_used_token(const ContextVariable& variable, const void* token);
[[noreturn, gnu::cold]] void refuse_token(const ContextVariable& variable, const void* token, const char* created);
void report_failed_reset(const ContextVariable& variable) noexcept;

/// Ends what a Context::run() began.
class EnteredContext {
 public:
  /// RuntimeError("cannot enter context: <Context object at 0x…> is already entered").
  explicit EnteredContext(const Shared<ContextState>& context);
  EnteredContext(const EnteredContext&) = delete;
  EnteredContext& operator=(const EnteredContext&) = delete;
  ~EnteredContext();

 private:
  ContextSlot& slot_;
  const Shared<ContextState> context_;
  ContextSlot previous_;
  bool previous_enters_ = false;  // it was not marked as entered before
};

}  // namespace detail

/// A context variable whatever its type: what a context is asked for its variables gives. Equal, ordered and hashed by
/// identity.
class AnyContextVar : public HandleOf<AnyContextVar, Shared<ContextVariable>> {
 public:
  explicit AnyContextVar(Shared<ContextVariable> variable) noexcept : HandleOf(std::move(variable)) {}

  const std::string& name() const { return state()->name(); }
  /// `<ContextVar name='request_id' at 0x55d0c8>`
  std::string repr() const;

  using HandleOf::state;
};

/// What set() returns: brings the variable back to the value that it had before. To be used once, in the context that
/// it was made in. (Move-only, where Python's are shared.)
template <class T>
class Token {
 public:
  Token(Token&&) noexcept = default;
  Token& operator=(Token&&) noexcept = default;

  ContextVar<T> var() const;
  /// False where it was moved from: any use of it is a RuntimeError then.
  explicit operator bool() const noexcept { return static_cast<bool>(variable_); }
  /// The value before; nothing where there was none (Python's Token.MISSING).
  std::optional<T> old_value() const {
    return old_ ? std::optional<T>(static_cast<const detail::ContextValueOf<T>&>(*old_).value) : std::nullopt;
  }
  std::string repr() const { return detail::repr_of_token(*variable(), this, used_); }

 private:
  friend ContextVar<T>;
  Token(Shared<ContextState> context, Shared<ContextVariable> variable, Shared<ContextValue> old) noexcept
      : context_(std::move(context)), variable_(std::move(variable)), old_(std::move(old)) {}

  const Shared<ContextVariable>& variable() const {
    if (!variable_) [[unlikely]]
      detail::refuse_empty_handle(typeid(Token));
    return variable_;
  }

  Shared<ContextState> context_;
  Shared<ContextVariable> variable_;
  Shared<ContextValue> old_;
  bool used_ = false;
};

/// A variable. Copies are the same one; two that are made are two, whatever their names. As a rule, a constant of a
/// namespace. What one needs to know of `T` is how to copy it: for an object that all are to share, a shared_ptr. A
/// value goes along with contexts to other threads (to_thread()), and is destroyed by whoever has it last: no handle of
/// a loop's future or task is to be one there.
template <class T>
class ContextVar : public AnyContextVar {
  static_assert(std::is_object_v<T> && std::copy_constructible<T>,
                "a context variable's value is an object that can be copied: a std::shared_ptr to one that cannot");

 public:
  using value_type = T;

  explicit ContextVar(std::string name) : ContextVar(std::move(name), std::optional<T>()) {}
  /// With a value for contexts in which it was not set.
  template <class U>
    requires std::constructible_from<T, U> && (!std::same_as<std::remove_cvref_t<U>, std::optional<T>>)
  ContextVar(std::string name, U&& initial)
      : ContextVar(std::move(name), std::optional<T>(std::in_place, std::forward<U>(initial))) {}

  /// A copy of its value in the current context, or of its default. LookupError(repr()) where there is neither.
  T get() const {
    const detail::ContextVariableOf<T>& self = variable();
    if (const ContextValue* const found = ContextSlot::current().find(self.number())) return copy_of(found);
    if (!self.initial) [[unlikely]]
      throw LookupError(this->repr());
    return *self.initial;
  }
  /// The same; `otherwise` where it was not set.
  template <class U>
    requires std::constructible_from<T, U>
  T get(U&& otherwise) const {
    const ContextValue* const found = ContextSlot::current().find(variable().number());
    return found != nullptr ? copy_of(found) : T(std::forward<U>(otherwise));
  }
  /// Gives it a value in the current context. std::bad_alloc, or what copying throws: nothing has changed.
  template <class U>
    requires std::constructible_from<T, U>
  Token<T> set(U&& value) const {
    auto next = Shared<ContextValue>::adopt(new detail::ContextValueOf<T>(this->state(), std::forward<U>(value)));
    Shared<ContextState> context = ContextSlot::current_to_change().context();
    Token<T> token(context, this->state(), shared(context->map.find(next->number())));
    context->map.set(std::move(next));
    return token;
  }
  /// Gives it the value that it had before the set() that returned `token`. RuntimeError for a token that was used,
  /// ValueError for one of another variable or of another context.
  void reset(Token<T>& token) const {
    if (token.used_) detail::refuse_used_token(*token.variable(), &token);
    if (!(token.variable() == this->state()))
      detail::refuse_token(*token.variable_, &token, "by a different ContextVar");
    if (ContextSlot::current().state() != token.context_.get())
      detail::refuse_token(*token.variable_, &token, "in a different Context");
    token.used_ = true;  // before the destructor of the value that goes may use it
    ScopeExit unused([&token]() noexcept { token.used_ = false; });
    const Shared<ContextState> context = token.context_;
    if (token.old_) {
      context->map.set(token.old_);
    } else {
      context->map.remove(this->state()->number());
    }
    unused.release();
  }
  void reset(Token<T>&& token) const { reset(token); }

 private:
  friend class Context;
  friend Token<T>;
  explicit ContextVar(Shared<ContextVariable> variable) noexcept : AnyContextVar(std::move(variable)) {}
  ContextVar(std::string name, std::optional<T> initial)
      : AnyContextVar(
            Shared<ContextVariable>::adopt(new detail::ContextVariableOf<T>(std::move(name), std::move(initial)))) {}

  const detail::ContextVariableOf<T>& variable() const {
    return static_cast<const detail::ContextVariableOf<T>&>(*this->state());
  }
  static T copy_of(const ContextValue* found) {
    const T& value = static_cast<const detail::ContextValueOf<T>*>(found)->value;
    if constexpr (std::is_trivially_copyable_v<T>) {
      return value;
    } else {
      const Shared<ContextValue> kept = shared(found);  // copying it may set the variable
      return value;
    }
  }
  static Shared<ContextValue> shared(const ContextValue* value) noexcept {
    return Shared<ContextValue>::share(const_cast<ContextValue*>(value));
  }
};

template <class T>
ContextVar<T> Token<T>::var() const {
  return ContextVar<T>(variable());
}

/// Brings the variable back at the end of a block (Python 3.14: `with var.set(value):`).
///
///   const TokenScope within(request_id.set("r-7"));
template <class T>
class [[nodiscard("it brings the variable back when it is destroyed: name it")]] TokenScope {
 public:
  explicit TokenScope(Token<T> token) : var_(token.var()), token_(std::move(token)) {}
  TokenScope(const TokenScope&) = delete;
  TokenScope& operator=(const TokenScope&) = delete;
  /// Where that is not possible, as in another context, it is reported.
  ~TokenScope() {
    try {
      var_.reset(token_);
    } catch (...) {
      detail::report_failed_reset(*var_.state());
    }
  }

 private:
  const ContextVar<T> var_;
  Token<T> token_;
};

/// A context: the values of variables. Copies are the same one; copy() makes another. To be used by one thread at a
/// time; a copy may go to another one.
class Context {
 public:
  /// An empty one.
  Context() : state_(Shared<ContextState>::adopt(new ContextState())) {}
  explicit Context(Shared<ContextState> state) noexcept : state_(std::move(state)) {}

  /// Calls `f(args…)` in it: what that sets remains in it, also where it throws. RuntimeError("cannot enter context: …
  /// is already entered").
  template <class F, class... Args>
    requires std::invocable<F, Args...>
  std::invoke_result_t<F, Args...> run(F&& f, Args&&... args) const {
    const detail::EnteredContext entered(state());
    return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
  }
  /// Another context with the same values, in constant time.
  Context copy() const { return Context(Shared<ContextState>::adopt(new ContextState(state()->map))); }

  template <class T>
  bool contains(const ContextVar<T>& var) const {
    return state()->map.find(var.state()->number()) != nullptr;
  }
  /// The value of a variable, which was set in it: KeyError(repr) where it was not, whatever its default.
  template <class T>
  T operator[](const ContextVar<T>& var) const {
    std::optional<T> value = get(var);
    if (!value) throw KeyError(var.repr());
    return *std::move(value);
  }
  /// The same; nothing where it was not.
  template <class T>
  std::optional<T> get(const ContextVar<T>& var) const {
    const ContextValue* const found = state()->map.find(var.state()->number());
    return found != nullptr ? std::optional<T>(ContextVar<T>::copy_of(found)) : std::nullopt;
  }
  template <class T, class U>
    requires std::constructible_from<T, U>
  T get(const ContextVar<T>& var, U&& otherwise) const {
    const ContextValue* const found = state()->map.find(var.state()->number());
    return found != nullptr ? ContextVar<T>::copy_of(found) : T(std::forward<U>(otherwise));
  }
  std::size_t size() const { return state()->map.size(); }
  /// The variables that have a value, in no order that can be relied on; their values, and both, in the same order.
  std::vector<AnyContextVar> keys() const;
  std::vector<std::any> values() const;
  std::vector<std::pair<AnyContextVar, std::any>> items() const;

  /// Whether both have the same variables with equal values. A type without `==` makes two values equal where they are
  /// one, handed on from context to context.
  friend bool operator==(const Context& a, const Context& b) {
    const ContextMap of_a = a.state()->map;  // comparing values may change the contexts
    const ContextMap of_b = b.state()->map;
    return of_a == of_b;
  }
  /// `<Context object at 0x55d0c8>`
  std::string repr() const { return "<" + name_of_object("Context object", state_.get()) + ">"; }
  /// What tells it from all others that exist.
  const void* id() const noexcept { return state_.get(); }

  /// RuntimeError where it was moved from.
  const Shared<ContextState>& state() const {
    if (!state_) [[unlikely]]
      detail::refuse_empty_handle(typeid(Context));
    return state_;
  }

 private:
  Shared<ContextState> state_;
};

/// A context as an option, `{.context = context}`: which one, or none. It refers to the context, and is for one call.
/// (It has nothing to destroy, as g++ 12 destroys twice what a braced list within a co_await expression is made of.)
class ContextOption {
 public:
  constexpr ContextOption() noexcept = default;
  ContextOption(const Context& context)  // NOLINT(google-explicit-constructor): an option converts
      : state_(context.state().get()) {}

  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// For who runs in it. Requires that there is one.
  ContextSlot slot() const noexcept { return ContextSlot(Shared<ContextState>::share(state_)); }

 private:
  ContextState* state_ = nullptr;
};

struct CopyContextFunction {
  /// A copy of the current context, in constant time.
  Context operator()() const {
    return Context(Shared<ContextState>::adopt(new ContextState(ContextSlot::current().values())));
  }
};
inline constexpr CopyContextFunction copy_context;

}  // namespace segue::modern
