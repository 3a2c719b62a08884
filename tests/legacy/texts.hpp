// The generator that most tests of `yield.from` use: it yields texts, is sent optional numbers and returns an optional
// text. Driving it gives a line of text, as attempt() has it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/legacy/generator.hpp>

#include "attempt.hpp"

namespace segue::legacy::testing {

using Trace = std::vector<std::string>;
using Texts = Generator<std::string, std::optional<int>, std::optional<std::string>>;
using Value = std::optional<std::string>;

template <class Call>
std::string run(Call call) {
  return attempt<Value>(std::move(call));
}
inline std::string next(Texts& generator) {
  return run([&] { return generator.next(); });
}
inline std::string send(Texts& generator, int value) {
  return run([&] { return generator.send(value); });
}
template <class Error>
std::string throw_(Texts& generator, Error error) {
  return run([&] { return generator.throw_(error); });
}
inline std::string close(Texts& generator) {
  return run([&] { return generator.close(); });
}

/// Python's `finally`: notes that a body is left, whichever way.
class Leaving {
 public:
  Leaving(Trace& trace, std::string body) : trace_(trace), body_(std::move(body)) {}
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  ~Leaving() { trace_.push_back(body_ + " ends"); }

 private:
  Trace& trace_;
  std::string body_;
};

/// One that swallows GeneratorExit and returns.
inline Texts returning_on_exit() {
  return Texts([](auto& yield) -> Value {
    try {
      yield("");
    } catch (const GeneratorExit&) {
      return "lost";
    }
    return {};
  });
}

}  // namespace segue::legacy::testing
