// What tests share that step coroutines by hand and look at each step as a line of text.
#pragma once

#include <any>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>

#include "attempt.hpp"

namespace segue::modern::testing {

/// The value of a bare step of `coroutine`, or how it ends, as text: `yields 1`, `StopIteration(…)`.
template <class Step>
std::string stepped(Coroutine<std::string>& coroutine, Step step) {
  return attempt<std::string>([&] {
    const Yielded yielded = step(coroutine);
    return yielded.value == nullptr ? std::string("yields")
                                    : "yields " + std::to_string(std::any_cast<int>(*yielded.value));
  });
}
inline std::string sent(Coroutine<std::string>& coroutine) {
  return stepped(coroutine, [](auto& c) { return c.send(); });
}
inline std::string thrown(Coroutine<std::string>& coroutine) {
  return stepped(coroutine, [](auto& c) { return c.throw_(ValueError("thrown")); });
}

}  // namespace segue::modern::testing
