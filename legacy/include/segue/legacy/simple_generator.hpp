// PEP 255's generators, as they were in Python 2.2: `yield` is a statement that gives nothing, and all that can be done
// with one is to ask it for the next value. For lessons that go the road from the start; Generator is what came of it.
//
//   SimpleGenerator<int> fibonacci([](auto& yield) {
//     for (int a = 0, b = 1;; b += std::exchange(a, b)) yield(a);
//   });
//   fibonacci.next();  // 0
//   for (int n : fibonacci) …
//
// There is nothing to be sent, thrown in, closed or returned (PEP 342 brought the first three), and no `yield.from`
// (PEP 380): a generator that goes on with another one loops over it.
#pragma once

#include <concepts>
#include <functional>
#include <iterator>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/legacy/detail/body.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

namespace segue::legacy {

/// A body's first parameter: PEP 255's `yield`, a statement. Of use only while its generator runs.
template <class T>
class SimpleYielder {
 public:
  /// Refers to the `yield` of the generator that runs the body.
  explicit SimpleYielder(Yielder<T>& yielder) noexcept : yielder_(yielder) {}
  SimpleYielder(const SimpleYielder&) = delete;
  SimpleYielder& operator=(const SimpleYielder&) = delete;

  /// Suspends the generator; its next() gives `value`. Throws GeneratorExit when the generator is destroyed.
  void operator()(T value, std::source_location where = std::source_location::current()) {
    yielder_(std::forward<T>(value), where);
  }

 private:
  Yielder<T>& yielder_;
};

/// A Generator<T> that can be asked for the next value, and nothing else. The destructor leaves the body as Generator's
/// does. (Python 2.2 promised no such thing, and therefore did not allow a `yield` inside `try: … finally: …`.)
/// Move-only.
template <class T>
class [[nodiscard]] SimpleGenerator {
  static_assert(!std::is_void_v<T>, "a simple generator yields values");

 public:
  using Iterator = typename Generator<T>::Iterator;  ///< dangles when this object is moved from or destroyed
  using yield_type = T;                              ///< what next() gives; a reference stays one

  /// Keeps `body` and `args` and calls `body(SimpleYielder<T>& yield, args...)` at the first next(). Throws MemoryError
  /// when there is no stack to be had. With arguments, reports know file and line of its making from `options` alone.
  template <class Body>
    requires(!std::same_as<std::remove_cvref_t<Body>, SimpleGenerator>)
  explicit SimpleGenerator(Body&& body, std::source_location created = std::source_location::current())
      : SimpleGenerator(GeneratorOptions{.created = created}, std::forward<Body>(body)) {}

  /// The same with arguments.
  template <class Body, class Arg, class... Args>
    requires(!std::same_as<std::remove_cvref_t<Body>, GeneratorOptions> &&
             !(sizeof...(Args) == 0 && std::same_as<std::remove_cvref_t<Arg>, std::source_location>))
  [[gnu::noinline]] explicit SimpleGenerator(Body&& body, Arg&& arg, Args&&... args)
      : SimpleGenerator(GeneratorOptions{.created = {}, .caller = __builtin_return_address(0)},
                        std::forward<Body>(body), std::forward<Arg>(arg), std::forward<Args>(args)...) {}

  /// The same with options; throws what a Generator with these throws.
  template <class Body, class... Args>
  SimpleGenerator(GeneratorOptions options, Body&& body, Args&&... args) {
    if constexpr (legacy_detail::check_body<SimpleYielder<T>, void, std::decay_t<Body>, std::decay_t<Args>...>()) {
      generator_ = Generator<T>(
          options,
          [](Yielder<T>& yield, std::decay_t<Body> kept, std::decay_t<Args>... kept_args) {
            SimpleYielder<T> simple(yield);
            std::invoke(std::move(kept), simple, std::move(kept_args)...);
          },
          std::forward<Body>(body), std::forward<Args>(args)...);
    }
  }

  /// Runs to the next yield and gives its value. Throws StopIteration at the end and ever after, whatever the body
  /// raises once, and ValueError when it is called by the body itself.
  T next() { return generator_.next(); }

  /// The values from here on: an input range, as Generator::begin().
  Iterator begin() { return generator_.begin(); }
  /// The end of the body. Comparing an iterator with it may run the body to its next yield, and throw.
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Generator<T> generator_;
};

}  // namespace segue::legacy
