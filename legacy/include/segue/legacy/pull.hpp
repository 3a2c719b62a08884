// Push to pull: an API that calls back once a value (a SAX parser, sqlite3_exec, nftw) as a generator of those values.
// The API runs on the generator's stack, and every value that its callback emits suspends it there:
//
//   int on_row(void* context, int count, char** columns, char**) {
//     return Emitter<Row>::from(context)(count, columns) ? 0 : 1;   // false: stop, which is what 1 tells SQLite
//   }
//
//   auto rows = pull<Row>([db](auto& emit) {
//     const int code = sqlite3_exec(db, "select * from t", on_row, &emit, nullptr);
//     if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(db));
//   });
//   for (const Row& row : rows) {
//     if (row.is_enough()) break;   // `rows` goes: emit() gives false, sqlite3_exec returns, everything is released
//   }
//
// No exception crosses the C library: emit() never throws. What comes in at the yield (GeneratorExit when the generator
// is closed or destroyed, what throw_() brings) is kept, emit() gives false, the callback tells the API to stop in the
// API's own way, and when the API has returned the kept exception is raised.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/legacy/detail/generator_frame.hpp>
#include <segue/legacy/fiber.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

namespace segue::legacy {
namespace legacy_detail {
template <class T, class Push>
class Pulled;
}

/// What pull() gives to the function that calls the API. It belongs to that one call: it is of use to callbacks that
/// run in it, on its stack, and to nobody else. A callback on another stack or thread is refused: false, and the
/// generator raises RuntimeError.
template <class T>
class Emitter {
 public:
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  /// The emitter behind the `void*` of a C callback, which was given `&emit`.
  static Emitter& from(void* context) noexcept { return *static_cast<Emitter*>(context); }

  /// Makes a `T` of `args` and suspends the API's call until the next value is asked for. True: go on. False: the
  /// consumer has left, or making the `T` failed; make the API stop, in its own way. From then on it is always false,
  /// at once: an API that cannot be stopped runs to its end, and what it emits meanwhile is dropped.
  template <class... Args>
    requires std::constructible_from<T, Args...>
  [[nodiscard("false: the API has to stop")]] bool operator()(Args&&... args) noexcept {
    return guard([&] { yield(T(std::forward<Args>(args)...)); });
  }
  /// The same for a value that is there already.
  [[nodiscard("false: the API has to stop")]] bool operator()(T&& value) noexcept {
    return guard([&] { yield(static_cast<T&&>(value)); });
  }

  /// Calls `call()` and keeps what it raises; the result is operator()'s. The body of a callback that does more than to
  /// emit goes in here, so that nothing of it can throw through the API. Calls nothing any more once stopped.
  template <std::invocable Call>
  [[nodiscard("false: the API has to stop")]] bool guard(Call&& call) noexcept {
    if (stopped()) return false;
    try {
      std::invoke(std::forward<Call>(call));
    } catch (...) {
      if (!stopped()) kept_ = std::current_exception();
    }
    return !stopped();
  }

  /// Yields as a generator's body does: raises here what comes in. To be called inside guard(), or where all that lies
  /// between the callback and pull() is C++ that cleans up by its destructors.
  ///
  /// Not through C: frames of C have no clean-up. On x86-64 Debian's libraries carry unwind tables, so that an
  /// exception does pass, but what those frames hold is lost: memory, locks, files; and a parser that was in the middle
  /// of a callback still is. Where the tables are missing, as they are by default for C files on some other machines,
  /// the program ends in std::terminate.
  void yield(T value) {
    if (stopped()) std::rethrow_exception(kept_);
    if (!fiber_.runs_here()) throw RuntimeError("emit() was called on another stack or thread than its pull()");
    yield_(static_cast<T&&>(value), where_);
  }

  /// Whether emit() gives false. After the API's call it tells an abort that was asked for from an error.
  bool stopped() const noexcept { return kept_ != nullptr; }

 private:
  template <class, class>
  friend class legacy_detail::Pulled;

  Emitter(Yielder<T>& yield, const std::source_location& where) noexcept
      : yield_(yield), where_(where), fiber_(*Fiber::current()) {}

  Yielder<T>& yield_;
  std::source_location where_;
  const Fiber& fiber_;
  // What is raised when the API has returned; null until it has to stop.
  std::exception_ptr kept_;
};

/// The values that `push(emit)` emits, in order; `emit` is an Emitter<T>. Nothing runs before the first next(). An
/// exception that leaves `push` is raised by the next() that it ran in. What `push` refers to has to outlive the
/// generator, for the API is still at work when that is destroyed.
///
/// After a stop the kept exception is what counts: what `push` raises then (its own "aborted", most often) becomes the
/// context of what throw_() brought, and close() and the destructor drop it.
///
/// `T` may be a reference or a view into what the callback was given: it is good until the next value is asked for.
///
/// While it is suspended the API's call is not over: the locks that it holds stay held, and what it has set for the
/// process or the thread (a working directory, a locale) stays set. So resume and destroy it in the thread that started
/// it, unless the API allows more. A callback that gets no `void*` finds its emitter in a `thread_local` pointer that
/// it sets again after each emit(): other pulls of the same API may have run meanwhile.
///
/// The API has the generator's stack, 64 KiB unless options.stack_size says otherwise, not a thread's 8 MiB. For what
/// expat and SQLite take see docs/migration. An overflow is reported with the generator's name.
template <class T, class Push>
Generator<T> pull(Push&& push, GeneratorOptions options) {
  static_assert(!std::is_void_v<T>, "pull<T>: T is what the callbacks emit");
  static_assert(std::invocable<std::decay_t<Push>, Emitter<T>&>, "pull: is called as `push(Emitter<T>& emit)`");
  static_assert(std::is_void_v<std::invoke_result_t<std::decay_t<Push>, Emitter<T>&>>,
                "pull: `push` returns nothing; check the API's return code in it, and throw");
  if (*options.name == '\0') options.name = "pull";
  return Generator<T>(options, legacy_detail::Pulled<T, std::decay_t<Push>>(std::forward<Push>(push), options.created));
}
template <class T, class Push>
Generator<T> pull(Push&& push, std::source_location created = std::source_location::current()) {
  return pull<T>(std::forward<Push>(push), GeneratorOptions{.created = created});
}

namespace legacy_detail {

template <class T, class Push>
class Pulled {
 public:
  template <class Initial>
  Pulled(Initial&& push, const std::source_location& where) : push_(std::forward<Initial>(push)), where_(where) {}

  void operator()(Yielder<T>& yield) {
    Emitter<T> emit(yield, where_);
    try {
      std::invoke(std::move(push_), emit);
    } catch (...) {
      if (!emit.stopped()) throw;
      raise(std::move(emit.kept_));
    }
    if (emit.stopped()) raise(std::move(emit.kept_));
  }

 private:
  Push push_;
  std::source_location where_;
};

}  // namespace legacy_detail
}  // namespace segue::legacy
