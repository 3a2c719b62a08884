// Boost.Coroutine2's coroutines as generators, and generators as its coroutines, so that a program on Coroutine2 moves
// one file at a time:
//
//   using Lines = boost::coroutines2::coroutine<std::string>;
//
//   Generator<std::string> lines = from_pull(Lines::pull_type(read));  // to iterate over, or to `yield.from`
//   Lines::pull_type words = to_pull(split(std::move(lines)));         // a generator, for those who pull
//   Lines::push_type sink = to_push(printer());                        // one that is sent lines, for those who push
//   Generator<void, std::string> printing = from_push(std::move(sink));
//   printing.send("last words");
//
// Coroutine2 is eager: a pull_type's constructor runs its body up to the first value, because a pull_type tells at any
// time whether it has one. So an error before that comes out of the constructor. A generator runs nothing until it is
// asked, and what is made here runs no further ahead than Coroutine2 itself does.
//
// Both sides may be destroyed while suspended, in any order in which their owners do: a Coroutine2 body is unwound by
// its `forced_unwind`, a generator's by GeneratorExit, each on its own stack; neither is swallowed here, and a body
// must not swallow them, either (`catch (...)` without `throw;`). Sanitizers do not know of Coroutine2's switches:
// under AddressSanitizer or ThreadSanitizer its coroutines do not run, with this header or without it.
//
// Coroutine2 leaves the C++ exception state of a thread as it is at a switch, segue gives each fiber its own. So a
// pull_type that waits inside of a `catch` has to go on where it was made: from_pull(body) does that, and so does one
// that is made in the generator's body. Made outside and handed over while its body handles an exception, it may not
// rethrow that (`throw;` ends the program).
//
// A pull_type is an input range: `yield.from(pull)` takes one as it is, if it has values and they can be copied.
#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include <boost/coroutine2/coroutine.hpp>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>

namespace segue::bridge {
namespace bridge_detail {

// What coroutine<T>::pull_type and push_type are: named so, T can be deduced.
template <class T>
using Pull = boost::coroutines2::detail::pull_coroutine<T>;
template <class T>
using Push = boost::coroutines2::detail::push_coroutine<T>;

template <class T>
void yield_all(legacy::Yielder<T>& yield, Pull<T>& pull) {
  while (pull) {
    if constexpr (std::is_void_v<T>) {
      yield();
    } else {
      yield(pull.get());
    }
    if (pull) pull();
  }
}

}  // namespace bridge_detail

/// A generator of what `pull` gives from here on, its present value first. An error of its body comes out of next();
/// what is thrown into the generator ends it, as Coroutine2 cannot raise anything in a body. Closing the generator
/// destroys `pull`.
template <class T>
[[nodiscard]] legacy::Generator<T> from_pull(bridge_detail::Pull<T>&& pull,
                                             std::source_location created = std::source_location::current()) {
  return legacy::Generator<T>(
      legacy::GeneratorOptions{.created = created},
      [](legacy::Yielder<T>& yield, bridge_detail::Pull<T> pull) { bridge_detail::yield_all<T>(yield, pull); },
      std::move(pull));
}

/// The same of a `pull` that outlives the generator. When that is closed early, `pull` still stands at the value
/// yielded last, which has been moved from unless it is a reference: call `pull()` to go on.
template <class T>
[[nodiscard]] legacy::Generator<T> from_pull(bridge_detail::Pull<T>& pull,
                                             std::source_location created = std::source_location::current()) {
  return legacy::Generator<T>([&pull](legacy::Yielder<T>& yield) { bridge_detail::yield_all<T>(yield, pull); },
                              created);
}

/// A lazy one: the coroutine that runs `body(push_type&)` is made by the first next().
template <class T, class Body>
  requires std::invocable<std::decay_t<Body>&, bridge_detail::Push<T>&>
[[nodiscard]] legacy::Generator<T> from_pull(Body&& body,
                                             std::source_location created = std::source_location::current()) {
  return legacy::Generator<T>(
      legacy::GeneratorOptions{.created = created},
      [](legacy::Yielder<T>& yield, std::decay_t<Body> body) {
        bridge_detail::Pull<T> pull(std::move(body));
        bridge_detail::yield_all<T>(yield, pull);
      },
      std::forward<Body>(body));
}

/// A pull_type of what `generator` yields; what it returns is dropped. Runs it up to its first yield, here and now.
/// Destroying the pull_type closes the generator. A `Send` without a default leaves nothing to go on with: TypeError at
/// the second value.
template <class T, class Send, class Return>
[[nodiscard]] bridge_detail::Pull<T> to_pull(legacy::Generator<T, Send, Return> generator) {
  return bridge_detail::Pull<T>([generator = std::move(generator)](bridge_detail::Push<T>& push) mutable {
    if constexpr (std::is_void_v<T>) {
      const auto more = [&generator] {
        try {
          generator.next();
          return true;
        } catch (const StopIterationBase&) {
          return false;
        }
      };
      while (more()) push();
    } else {
      for (auto&& value : generator) push(static_cast<decltype(value)>(value));
    }
  });
}

/// A push_type that sends to `generator` what is pushed; what it yields is dropped. A generator that has not been
/// started is run up to its first yield by the first push, not before. When it ends, the push_type has ended; an error
/// of its body comes out of the push. Destroying the push_type closes the generator.
template <class T, class Yield, class Return>
[[nodiscard]] bridge_detail::Push<T> to_push(legacy::Generator<Yield, T, Return> generator) {
  return bridge_detail::Push<T>([generator = std::move(generator)](bridge_detail::Pull<T>& pull) mutable {
    try {
      if (legacy::getgeneratorstate(generator) == legacy::GEN_CREATED) generator.next();
      for (; pull; pull()) {
        if constexpr (std::is_void_v<T>) {
          generator.next();
        } else {
          generator.send(pull.get());
        }
      }
    } catch (const StopIterationBase&) {
    }
  });
}

/// A generator that pushes what it is sent, and stands at its first yield: send() at once. When the body of `push`
/// ends, that send() throws StopIteration, and so does every further one. Closing the generator destroys `push`.
template <class T>
[[nodiscard]] legacy::Generator<void, T> from_push(bridge_detail::Push<T> push,
                                                   std::source_location created = std::source_location::current()) {
  if (!push) return {};
  legacy::Generator<void, T> generator(
      legacy::GeneratorOptions{.created = created},
      [](legacy::Yielder<void, T>& yield, bridge_detail::Push<T> push) {
        while (push) {
          if constexpr (std::is_void_v<T>) {
            yield();
            push();
          } else {
            push(yield());
          }
        }
      },
      std::move(push));
  generator.next();
  return generator;
}

}  // namespace segue::bridge
