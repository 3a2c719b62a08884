// Context managers for async_with(), and for `with` what needs no await, and what is made of them (CPython:
// Lib/contextlib.py).
//
//   auto connection = asynccontextmanager([](std::string host) -> AsyncGenerator<Connection&> {
//     Connection made = co_await connect(host);
//     co_yield made;                       // the body runs here; what it throws is thrown from here
//     co_await made.close();
//   });
//   co_await async_with(connection("a.example"), [](Connection& c) -> Coroutine<> { … });
//
// What needs no await to be left is an object with a destructor in C++, or a manager with `enter()` and `exit(error)`.
// ExitStack is for how many of these and of functions to call is known only at run time.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

// --- managers ---

/// What `with` takes: `exit()` is told what the body threw, null for nothing; where it gives true, that goes no
/// further.
template <class M>
concept ContextManager = requires(M& manager, const std::exception_ptr& error) {
  manager.enter();
  manager.exit(error);
};

/// What aclosing() returns: closes what it holds, whose aclose() it awaits, when it is left.
template <class Kept>
class Aclosing {
 public:
  template <class T>
  explicit Aclosing(std::in_place_t, T&& thing) : kept_(std::forward<T>(thing)) {}
  auto& aenter() { return detail::unwrapped(kept_); }
  auto aexit(const std::exception_ptr&) { return detail::unwrapped(kept_).aclose(); }

 private:
  Kept kept_;
};

struct AclosingFunction {
  /// A manager that gives `thing` and awaits `thing.aclose()` at the end. A temporary is kept, another one referred to.
  ///
  ///   co_await async_with(aclosing(ticker(10)), [](AsyncGenerator<int>& ticks) -> Coroutine<> { … });
  template <class T>
    requires requires(detail::unwrapped_t<detail::kept_t<T>>& thing) {
      { thing.aclose() } -> Awaitable;
    }
  auto operator()(T&& thing) const {
    return Aclosing<detail::kept_t<T>>(std::in_place, std::forward<T>(thing));
  }
};
inline constexpr AclosingFunction aclosing;

/// A manager that does nothing, and gives what it was made with. With or without await.
template <class T = void>
class nullcontext {  // NOLINT(readability-identifier-naming): Python's name
 public:
  explicit nullcontext(T enter_result) : enter_result_(std::move(enter_result)) {}
  T& enter() noexcept { return enter_result_; }
  bool exit(const std::exception_ptr&) const noexcept { return false; }
  T& aenter() noexcept { return enter_result_; }
  void aexit(const std::exception_ptr&) const noexcept {}

 private:
  T enter_result_;
};
template <>
class nullcontext<void> {
 public:
  void enter() const noexcept {}
  bool exit(const std::exception_ptr&) const noexcept { return false; }
  void aenter() const noexcept {}
  void aexit(const std::exception_ptr&) const noexcept {}
};
nullcontext() -> nullcontext<void>;

/// A manager that ends its body at an exception of these classes, and keeps it from going further; of a group, those of
/// its exceptions that are. With or without await.
///
///   co_await async_with(suppress<FileNotFoundError>(), [&]() -> Coroutine<> { … });
template <class... Errors>
class suppress {  // NOLINT(readability-identifier-naming): Python's name
 public:
  suppress() noexcept = default;
  void enter() const noexcept {}
  void aenter() const noexcept {}
  bool aexit(const std::exception_ptr& error) const { return exit(error); }
  bool exit(const std::exception_ptr& error) const {
    if (!error) return false;
    if ((holds<Errors>(error) || ...)) return true;
    if (as_group(error) == nullptr) return false;
    const SplitExceptions parts = split<Errors...>(error);
    if (parts.rest) std::rethrow_exception(parts.rest);
    return true;
  }
};

/// A manager out of an async generator that yields once: what asynccontextmanager()'s function returns.
template <class Yield>
class AsyncGeneratorContextManager {
 public:
  explicit AsyncGeneratorContextManager(AsyncGenerator<Yield> generator) noexcept : generator_(std::move(generator)) {}

  /// Runs it up to its yield, and gives what that yields. RuntimeError("generator didn't yield").
  Coroutine<Yield> aenter() {
    auto step = generator_.next_or_none();
    auto value = co_await step;
    if (!value) throw RuntimeError("generator didn't yield");
    if constexpr (std::is_reference_v<Yield>) {
      co_return static_cast<Yield>(value->get());
    } else {
      co_return *std::move(value);
    }
  }
  /// Goes on from the yield, or throws `error` from it. Whether it handled that. RuntimeError("generator didn't stop")
  /// where it yields once more.
  Coroutine<bool> aexit(std::exception_ptr error) {
    if (error) {
      std::exception_ptr raised;
      try {
        auto step = generator_.athrow(error);
        co_await step;
      } catch (...) {
        raised = std::current_exception();
      }
      if (raised) co_return handled(error, raised);
    } else {
      auto step = generator_.next_or_none();
      const auto more = co_await step;
      if (!more) co_return false;
    }
    const auto unstopped =
        std::make_exception_ptr(RuntimeError(error ? "generator didn't stop after athrow()" : "generator didn't stop"));
    try {
      co_await generator_.aclose();
    } catch (...) {
      chain_history(std::current_exception(), unstopped);
      throw;
    }
    std::rethrow_exception(unstopped);
  }

 private:
  // Whether it handled `error`, since `raised` came out of it. Throws what is neither its end nor `error` itself.
  static bool handled(const std::exception_ptr& error, const std::exception_ptr& raised) {
    if (exception_id(raised) == exception_id(error)) return false;
    if (holds<StopAsyncIteration>(raised)) return true;
    const auto* const runtime = exception_ptr_cast<RuntimeError>(raised);
    const bool ends = holds<StopIterationBase>(error) || holds<StopAsyncIteration>(error);
    if (runtime != nullptr && ends && exception_id(runtime->cause()) == exception_id(error)) return false;
    std::rethrow_exception(raised);
  }

  AsyncGenerator<Yield> generator_;
};

struct AsyncContextManagerFunction {
  /// Makes a function that returns managers of one that returns async generators.
  template <class F>
  auto operator()(F function) const {
    return [function = std::move(function)]<class... Args>(Args&&... args)
      requires std::invocable<const F&, Args...>
    { return made_of(std::invoke(function, std::forward<Args>(args)...)); };
  }

 private:
  template <class Yield>
  static AsyncGeneratorContextManager<Yield> made_of(AsyncGenerator<Yield> generator) {
    return AsyncGeneratorContextManager<Yield>(std::move(generator));
  }
};
inline constexpr AsyncContextManagerFunction asynccontextmanager;

// --- stacks ---

namespace detail {

/// What is to be done when a stack is left.
class Exit {
 public:
  Exit() noexcept = default;
  Exit(const Exit&) = delete;
  Exit& operator=(const Exit&) = delete;
  virtual ~Exit() = default;
  /// Is told what has been thrown, null for nothing. True keeps it from going further.
  virtual bool leave(const std::exception_ptr& error) = 0;
};
class AsyncExit {
 public:
  AsyncExit() noexcept = default;
  AsyncExit(const AsyncExit&) = delete;
  AsyncExit& operator=(const AsyncExit&) = delete;
  virtual ~AsyncExit() = default;
  virtual Coroutine<bool> leave(std::exception_ptr error) = 0;
};

/// An exit function, told of the exception.
template <class F>
class FunctionExit final : public Exit {
 public:
  explicit FunctionExit(F function) : function_(std::move(function)) {}
  bool leave(const std::exception_ptr& error) override {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, std::exception_ptr>>) {
      function_(error);
      return false;
    } else {
      return static_cast<bool>(function_(error));
    }
  }

 private:
  F function_;
};

/// A callback, which is told nothing.
template <class F, class... Args>
class CallbackExit final : public Exit {
 public:
  template <class G, class... Values>
  explicit CallbackExit(std::in_place_t, G&& function, Values&&... values)
      : call_(std::forward<G>(function), std::forward<Values>(values)...) {}
  bool leave(const std::exception_ptr&) override {
    std::apply([](F& function, Args&... args) { std::invoke(function, std::move(args)...); }, call_);
    return false;
  }

 private:
  std::tuple<F, Args...> call_;
};

/// An object that is destroyed.
template <class T>
class ObjectExit final : public Exit {
 public:
  template <class U>
  explicit ObjectExit(std::in_place_t, U&& kept) : object(std::forward<U>(kept)) {}
  bool leave(const std::exception_ptr&) override { return false; }
  T object;
};

/// A manager that needs no await to be left, which has been entered or need not be.
template <class Kept>
class ContextExit final : public Exit {
 public:
  template <class M>
  explicit ContextExit(std::in_place_t, M&& manager) : kept_(std::forward<M>(manager)) {}
  auto& manager() noexcept { return unwrapped(kept_); }
  bool leave(const std::exception_ptr& error) override {
    if constexpr (std::is_void_v<decltype(manager().exit(error))>) {
      manager().exit(error);
      return false;
    } else {
      return static_cast<bool>(manager().exit(error));
    }
  }

 private:
  Kept kept_;
};
template <class M>
using ContextExitOf = ContextExit<kept_t<M>>;

/// Enters a manager and keeps its `exit`, or leaves it where there is no memory for that.
template <class Manager, class Kept>
decltype(std::declval<Manager&>().enter()) enter_into(std::vector<Kept>& exits, Manager& manager, Kept exit) {
  using Entered = decltype(manager.enter());
  const auto keep = [&] {
    try {
      exits.push_back(std::move(exit));
    } catch (...) {
      manager.exit(std::current_exception());
      throw;
    }
  };
  if constexpr (std::is_void_v<Entered>) {
    manager.enter();
    keep();
  } else {
    Entered entered = manager.enter();
    keep();
    return static_cast<Entered&&>(entered);
  }
}

template <class M>
concept IsContextManager = ContextManager<unwrapped_t<kept_t<M>>>;
/// An object whose end is its destructor.
template <class T>
concept IsContextObject = !std::is_lvalue_reference_v<T> && !IsContextManager<T>;

class AsyncOfSync final : public AsyncExit {
 public:
  explicit AsyncOfSync(std::unique_ptr<Exit> exit) noexcept : exit_(std::move(exit)) {}
  Coroutine<bool> leave(std::exception_ptr error) override { co_return exit_->leave(error); }

 private:
  std::unique_ptr<Exit> exit_;
};

/// A manager, which has been entered or need not be.
template <class Kept>
class ManagerExit final : public AsyncExit {
 public:
  template <class M>
  explicit ManagerExit(std::in_place_t, M&& manager) : kept_(std::forward<M>(manager)) {}
  auto& manager() noexcept { return unwrapped(kept_); }
  Coroutine<bool> leave(std::exception_ptr error) override {
    using Manager = unwrapped_t<Kept>;
    if constexpr (!Awaitable<aexit_result_t<Manager>>) {
      if constexpr (gives_error<Manager>) {
        if (const std::exception_ptr instead = manager().aexit(error)) std::rethrow_exception(instead);
        co_return false;
      } else if constexpr (may_suppress<Manager>) {
        co_return static_cast<bool>(manager().aexit(error));
      } else {
        manager().aexit(error);
        co_return false;
      }
    } else {
      auto leaving = manager().aexit(error);
      if constexpr (gives_error<Manager>) {
        const std::exception_ptr instead = co_await std::move(leaving);
        if (instead) std::rethrow_exception(instead);
        co_return false;
      } else if constexpr (may_suppress<Manager>) {
        co_return static_cast<bool>(co_await std::move(leaving));
      } else {
        co_await std::move(leaving);
        co_return false;
      }
    }
  }

 private:
  Kept kept_;
};

template <class F>
class AsyncFunctionExit final : public AsyncExit {
 public:
  explicit AsyncFunctionExit(F function) : function_(std::move(function)) {}
  Coroutine<bool> leave(std::exception_ptr error) override {
    auto leaving = function_(error);
    if constexpr (std::is_void_v<await_result_t<decltype(leaving)>>) {
      co_await std::move(leaving);
      co_return false;
    } else {
      co_return static_cast<bool>(co_await std::move(leaving));
    }
  }

 private:
  F function_;
};

template <class F, class... Args>
class AsyncCallbackExit final : public AsyncExit {
 public:
  template <class G, class... Values>
  explicit AsyncCallbackExit(std::in_place_t, G&& function, Values&&... values)
      : call_(std::forward<G>(function), std::forward<Values>(values)...) {}
  Coroutine<bool> leave(std::exception_ptr) override {
    auto called = std::apply([](F& f, Args&... args) { return std::invoke(f, std::move(args)...); }, call_);
    co_await std::move(called);
    co_return false;
  }

 private:
  std::tuple<F, Args...> call_;
};

}  // namespace detail

/// Functions to call and objects to destroy in reverse order, as many as turn out to be needed. Move-only. Its
/// destructor does so, too; errors are reported then, where close() throws them.
///
///   ExitStack stack;
///   for (const auto& path : paths) files.push_back(&stack.enter_context(std::ofstream(path)));
///   stack.callback(remove, lock_file);
class ExitStack {
 public:
  ExitStack() noexcept = default;
  ExitStack(ExitStack&&) noexcept = default;
  ExitStack& operator=(ExitStack&& other) noexcept {
    ExitStack former(std::move(*this));
    exits_ = std::move(other.exits_);
    return *this;
  }
  ~ExitStack();

  /// Enters a manager, gives what its enter() gives, and leaves it in the end. A temporary is kept, another one
  /// referred to.
  template <class M>
    requires detail::IsContextManager<M>
  decltype(auto) enter_context(M&& manager) {
    auto exit = std::make_unique<detail::ContextExitOf<M>>(std::in_place, std::forward<M>(manager));
    auto& entered = exit->manager();
    return detail::enter_into(exits_, entered, std::unique_ptr<detail::Exit>(std::move(exit)));
  }
  /// Keeps an object, and destroys it.
  template <class T>
    requires detail::IsContextObject<T>
  T& enter_context(T&& object) {
    static_assert(!AsyncContextManager<T>, "an async context manager is for AsyncExitStack::enter_async_context()");
    auto kept = std::make_unique<detail::ObjectExit<T>>(std::in_place, std::move(object));
    T& entered = kept->object;
    exits_.push_back(std::move(kept));
    return entered;
  }
  /// Leaves a manager that has been entered.
  template <class M>
    requires detail::IsContextManager<M>
  void push(M&& manager) {
    exits_.push_back(std::make_unique<detail::ContextExitOf<M>>(std::in_place, std::forward<M>(manager)));
  }
  /// Calls `exit(error)`, which is told what has been thrown, null for nothing; true keeps it from going further.
  template <class F>
    requires std::invocable<std::decay_t<F>&, std::exception_ptr>
  void push(F&& exit) {
    exits_.push_back(std::make_unique<detail::FunctionExit<std::decay_t<F>>>(std::forward<F>(exit)));
  }
  /// Calls `function(args…)`, kept by value.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
  void callback(F&& function, Args&&... args) {
    exits_.push_back(std::make_unique<detail::CallbackExit<std::decay_t<F>, std::decay_t<Args>...>>(
        std::in_place, std::forward<F>(function), std::forward<Args>(args)...));
  }
  /// A stack that takes over all that is to be done.
  ExitStack pop_all() noexcept { return std::move(*this); }
  /// Does it now. What is thrown replaces what was thrown before, which becomes its context; the last is thrown.
  void close() { leave(nullptr); }
  /// The same as `error` goes through it: whether it was kept from going further.
  bool leave(std::exception_ptr error);

 private:
  std::vector<std::unique_ptr<detail::Exit>> exits_;
};

/// The same for async_with(): what it does may await.
///
///   co_await async_with(AsyncExitStack(), [&](AsyncExitStack& stack) -> Coroutine<> {
///     for (const auto& host : hosts) connections.push_back(co_await stack.enter_async_context(connection(host)));
///   });
///
/// What is left in one that is destroyed is destroyed, and not called.
class AsyncExitStack {
 public:
  AsyncExitStack() noexcept = default;
  AsyncExitStack(AsyncExitStack&&) noexcept = default;
  AsyncExitStack& operator=(AsyncExitStack&&) noexcept = default;

  AsyncExitStack& aenter() noexcept { return *this; }
  Coroutine<bool> aexit(std::exception_ptr error);
  /// Does what is to be done now. A temporary is kept until then: `create_task(stack.pop_all().aclose())`.
  Coroutine<void> aclose() &;
  Coroutine<void> aclose() && { return aclose(std::move(*this)); }
  /// A stack that takes over all that is to be done.
  AsyncExitStack pop_all() noexcept { return std::move(*this); }

  /// Enters a manager, gives what it gives, and leaves it in the end. A temporary is kept, another one referred to.
  template <class M>
    requires detail::IsManager<M>
  Coroutine<detail::entered_t<detail::unwrapped_t<detail::kept_t<M>>>> enter_async_context(M&& manager) {
    return enter(std::make_unique<detail::ManagerExit<detail::kept_t<M>>>(std::in_place, std::forward<M>(manager)));
  }
  /// Leaves a manager that has been entered, or awaits `exit(error)`, as ExitStack::push() calls one.
  template <class M>
    requires detail::IsManager<M>
  void push_async_exit(M&& manager) {
    exits_.push_back(std::make_unique<detail::ManagerExit<detail::kept_t<M>>>(std::in_place, std::forward<M>(manager)));
  }
  template <class F>
    requires AwaitableFunction<F, std::exception_ptr>
  void push_async_exit(F&& exit) {
    exits_.push_back(std::make_unique<detail::AsyncFunctionExit<std::decay_t<F>>>(std::forward<F>(exit)));
  }
  /// Awaits `function(args…)`, kept by value.
  template <class F, class... Args>
    requires AwaitableFunction<F, Args...>
  void push_async_callback(F&& function, Args&&... args) {
    exits_.push_back(std::make_unique<detail::AsyncCallbackExit<std::decay_t<F>, std::decay_t<Args>...>>(
        std::in_place, std::forward<F>(function), std::forward<Args>(args)...));
  }

  // As those of ExitStack:
  template <class M>
    requires detail::IsContextManager<M>
  decltype(auto) enter_context(M&& manager) {
    auto exit = std::make_unique<detail::ContextExitOf<M>>(std::in_place, std::forward<M>(manager));
    auto& entered = exit->manager();
    std::unique_ptr<detail::AsyncExit> kept = std::make_unique<detail::AsyncOfSync>(std::move(exit));
    return detail::enter_into(exits_, entered, std::move(kept));
  }
  template <class T>
    requires detail::IsContextObject<T>
  T& enter_context(T&& object) {
    static_assert(!AsyncContextManager<T>, "an async context manager is for enter_async_context()");
    auto kept = std::make_unique<detail::ObjectExit<T>>(std::in_place, std::move(object));
    T& entered = kept->object;
    push_sync(std::move(kept));
    return entered;
  }
  template <class M>
    requires detail::IsContextManager<M>
  void push(M&& manager) {
    push_sync(std::make_unique<detail::ContextExitOf<M>>(std::in_place, std::forward<M>(manager)));
  }
  template <class F>
    requires std::invocable<std::decay_t<F>&, std::exception_ptr>
  void push(F&& exit) {
    push_sync(std::make_unique<detail::FunctionExit<std::decay_t<F>>>(std::forward<F>(exit)));
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
  void callback(F&& function, Args&&... args) {
    push_sync(std::make_unique<detail::CallbackExit<std::decay_t<F>, std::decay_t<Args>...>>(
        std::in_place, std::forward<F>(function), std::forward<Args>(args)...));
  }

 private:
  static Coroutine<void> aclose(AsyncExitStack stack);
  void push_sync(std::unique_ptr<detail::Exit> exit);
  template <class Kept>
  Coroutine<detail::entered_t<detail::unwrapped_t<Kept>>> enter(std::unique_ptr<detail::ManagerExit<Kept>> entering) {
    using Manager = detail::unwrapped_t<Kept>;
    using Entered = detail::entered_t<Manager>;
    Manager& manager = entering->manager();
    std::unique_ptr<detail::AsyncExit> exit = std::move(entering);
    Outcome<Entered> entered;
    if constexpr (Awaitable<detail::aenter_result_t<Manager>>) {
      auto awaited = manager.aenter();
      if constexpr (std::is_void_v<Entered>) {
        co_await std::move(awaited);
        entered.set_value();
      } else {
        entered.set_value(co_await std::move(awaited));
      }
    } else if constexpr (std::is_void_v<Entered>) {
      manager.aenter();
      entered.set_value();
    } else {
      entered.set_value(manager.aenter());
    }
    std::exception_ptr no_memory;
    try {
      exits_.push_back(std::move(exit));
    } catch (...) {
      no_memory = std::current_exception();
    }
    if (no_memory) {  // what was entered is left in any case
      Coroutine<bool> leaving = exit->leave(no_memory);
      co_await std::move(leaving);
      std::rethrow_exception(no_memory);
    }
    co_return entered.take();
  }

  std::vector<std::unique_ptr<detail::AsyncExit>> exits_;
};

template <>
inline constexpr bool detail::sets_contexts<AsyncExitStack> = true;

}  // namespace segue::modern
