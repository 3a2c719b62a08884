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

#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

namespace segue::legacy {

/// A body's first parameter.
template <class T>
class SimpleYielder {
 public:
  explicit SimpleYielder(Yielder<T>& yielder) noexcept : yielder_(yielder) {}
  SimpleYielder(const SimpleYielder&) = delete;
  SimpleYielder& operator=(const SimpleYielder&) = delete;

  /// Suspends the generator; its next() gives `value`.
  void operator()(T value, std::source_location where = std::source_location::current()) {
    yielder_(std::forward<T>(value), where);
  }

 private:
  Yielder<T>& yielder_;
};

/// A view over a Generator<T>, whose destructor leaves the body in the same way. (Python 2.2 promised no such thing,
/// and therefore did not allow a `yield` inside `try: … finally: …`.) Move-only.
template <class T>
class [[nodiscard]] SimpleGenerator {
  static_assert(!std::is_void_v<T>, "a simple generator yields values");

 public:
  using Iterator = typename Generator<T>::Iterator;
  using yield_type = T;

  /// Keeps `body` and `args` and calls `body(SimpleYielder<T>& yield, args...)` at the first next().
  template <class Body, class... Args>
    requires(std::invocable<std::decay_t<Body>, SimpleYielder<T>&, std::decay_t<Args>...> &&
             std::is_void_v<std::invoke_result_t<std::decay_t<Body>, SimpleYielder<T>&, std::decay_t<Args>...>>)
  explicit SimpleGenerator(Body&& body, Args&&... args)
      : generator_(
            [](Yielder<T>& yield, std::decay_t<Body> body, std::decay_t<Args>... args) {
              SimpleYielder<T> simple(yield);
              std::invoke(std::move(body), simple, std::move(args)...);
            },
            std::forward<Body>(body), std::forward<Args>(args)...) {}

  /// Runs to the next yield and gives its value. Throws StopIteration at the end and ever after, whatever the body
  /// raises once, and ValueError when it is called by the body itself.
  T next() { return generator_.next(); }

  /// The values from here on: an input range.
  Iterator begin() { return generator_.begin(); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Generator<T> generator_;
};

}  // namespace segue::legacy
