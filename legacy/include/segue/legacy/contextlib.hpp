// contextmanager(): a context manager out of a generator that yields once (CPython: Lib/contextlib.py, PEP 343).
//
//   const auto tag = contextmanager([](std::string name) {
//     return Generator<std::string>([name](auto& yield) {
//       std::cout << '<' << name << '>';
//       yield(name);                       // the body runs here; what it throws is thrown from here
//       std::cout << "</" << name << '>';
//     });
//   });
//   with(tag("b"), [](const std::string& name) { std::cout << name; });   // <b>b</b>
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/outcome.hpp>

namespace segue::legacy {

/// What contextmanager()'s function returns. It can be entered once. modern's async_with() and AsyncExitStack take it,
/// too.
template <class Made>
class GeneratorContextManager {
 public:
  explicit GeneratorContextManager(Made generator) noexcept : generator_(std::move(generator)) {}

  /// Runs the generator up to its yield, and gives what that yields. RuntimeError("generator didn't yield").
  decltype(auto) enter() {
    if (std::exchange(entered_, true)) throw RuntimeError("a context manager of a generator can be entered once");
    try {
      return generator_.next();
    } catch (const StopIterationBase&) {
      throw from(RuntimeError("generator didn't yield"), nullptr);
    }
  }
  /// Goes on from the yield, or throws `error` from it, null for none. Whether the generator handled that. RuntimeError
  /// ("generator didn't stop") where it yields once more.
  bool exit(const std::exception_ptr& error) {
    std::exception_ptr raised;
    try {
      error ? generator_.throw_(error) : generator_.next();
    } catch (...) {
      raised = std::current_exception();
    }
    if (raised) return handled(error, raised);
    const auto not_stopped =
        std::make_exception_ptr(RuntimeError(error ? "generator didn't stop after throw()" : "generator didn't stop"));
    try {
      generator_.close();
    } catch (...) {
      chain_history(std::current_exception(), not_stopped);
      throw;
    }
    std::rethrow_exception(not_stopped);
  }

  decltype(auto) aenter() { return enter(); }
  bool aexit(const std::exception_ptr& error) { return exit(error); }

 private:
  // Whether it handled `error`, since `raised` came out of it. Throws what is neither its end nor `error` itself.
  static bool handled(const std::exception_ptr& error, const std::exception_ptr& raised) {
    if (!error && holds<StopIterationBase>(raised)) return false;
    if (exception_id(raised) == exception_id(error)) return false;
    if (holds<StopIterationBase>(raised)) return true;
    const auto* const runtime = exception_ptr_cast<RuntimeError>(raised);
    if (runtime != nullptr && holds<StopIterationBase>(error) && exception_id(runtime->cause()) == exception_id(error))
      return false;
    std::rethrow_exception(raised);
  }

  Made generator_;
  bool entered_ = false;
};

struct ContextManagerFunction {
  /// Makes a function that returns managers of one that returns generators.
  template <class F>
  auto operator()(F function) const {
    return [function = std::move(function)]<class... Args>(Args&&... args)
      requires std::invocable<const F&, Args...>
    {
      using Made = std::invoke_result_t<const F&, Args...>;
      return GeneratorContextManager<Made>(std::invoke(function, std::forward<Args>(args)...));
    };
  }
};
inline constexpr ContextManagerFunction contextmanager;

struct WithFunction {
  /// Python's `with`: enters the manager, calls `body` with what that gives, or with nothing, and leaves it. Gives what
  /// the body gives, in an optional, for the manager may keep an exception of the body's from going further.
  template <class Manager, class Body>
    requires requires(Manager& manager, const std::exception_ptr& error) {
      manager.enter();
      { manager.exit(error) } -> std::convertible_to<bool>;
    }
  auto operator()(Manager&& manager, Body&& body) const {
    using Entered = decltype(manager.enter());
    if constexpr (std::is_void_v<Entered>) {
      manager.enter();
      return run(manager, std::forward<Body>(body));
    } else if constexpr (std::invocable<Body&, Entered>) {
      Entered&& value = manager.enter();
      return run(manager, [&]() -> decltype(auto) { return std::invoke(body, std::forward<Entered>(value)); });
    } else {
      static_cast<void>(manager.enter());
      return run(manager, std::forward<Body>(body));
    }
  }

 private:
  // Whether nothing is to be raised any more. What exit() raises has `error` as its context.
  template <class Manager>
  static bool leave(Manager& manager, const std::exception_ptr& error) {
    try {
      return static_cast<bool>(manager.exit(error)) || !error;
    } catch (...) {
      chain_history(std::current_exception(), error);
      throw;
    }
  }

  template <class Manager, class Call>
  static auto run(Manager& manager, Call&& call) {
    using Result = std::invoke_result_t<Call&>;
    using Kept = std::conditional_t<std::is_void_v<Result>, None, std::optional<stored_t<Result>>>;
    Kept result{};
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<Result>) {
        std::invoke(call);
      } else {
        result.emplace(std::invoke(call));
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (!leave(manager, error)) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<Result>) return result;
  }
};
inline constexpr WithFunction with;

}  // namespace segue::legacy
