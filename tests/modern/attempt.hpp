// What tests of the loop share: the outcome of a call as a line of text, as Python would put it (`7`, `None`,
// `ValueError(bad)`, `StopIteration(7)`), a loop in virtual time, and what it was told by those who had nobody to tell.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/testing/manual_reactor.hpp>
#include <segue/outcome.hpp>

namespace segue::modern::testing {

inline std::string text(const std::exception_ptr& error) {
  const ExceptionText text = describe(error);
  return text.type + "(" + text.message + ")";
}

template <class T>
std::string text(const T& value) {
  if constexpr (requires { value.get(); }) {
    return text(value.get());
  } else if constexpr (requires(std::ostringstream out) { out << value; }) {
    std::ostringstream out;
    out << std::boolalpha << value;
    return out.str();
  } else {
    return "<object>";
  }
}

/// What `call` gives or throws. `Result` is what the StopIteration of a coroutine carries.
template <class Result = int, class Call>
std::string attempt(Call call) {
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return "None";
    } else {
      return text(call());
    }
  } catch (const StopIteration<void>&) {
    return "StopIteration(None)";
  } catch (const StopIteration<Result>& stop) {
    return "StopIteration(" + text(stop.value) + ")";
  } catch (...) {
    return text(std::current_exception());
  }
}

/// How `awaitable` fails in `loop`, as a line of text: `ValueError: bad`.
template <class A>
std::string error_of(EventLoop& loop, A awaitable) {
  try {
    loop.run_until_complete(std::move(awaitable));
    return "no error";
  } catch (...) {
    const ExceptionText text = describe(std::current_exception());
    return text.type + ": " + text.message;
  }
}

/// A loop in virtual time: one that would wait for ever ends in an error, soon.
inline EventLoopPtr make_loop() {
  auto reactor = std::make_unique<ManualReactor>();
  reactor->patience = std::chrono::seconds(2);
  return new_event_loop(std::move(reactor));
}

/// Runs exactly one iteration of `loop`.
inline void iterate(EventLoop& loop) {
  loop.stop();
  loop.run_forever();
}

/// Collects what a loop's exception handler is told.
class Reports {
 public:
  explicit Reports(EventLoop& loop) {
    loop.set_exception_handler(
        [contexts = contexts_](EventLoop&, const ExceptionContext& context) { contexts->push_back(context); });
  }
  const std::vector<ExceptionContext>& contexts() const noexcept { return *contexts_; }
  std::vector<std::string> messages() const {
    std::vector<std::string> messages;
    for (const ExceptionContext& context : *contexts_) messages.push_back(context.message);
    return messages;
  }

 private:
  std::shared_ptr<std::vector<ExceptionContext>> contexts_ = std::make_shared<std::vector<ExceptionContext>>();
};

/// Counts how many of it are alive.
class Tracked {
 public:
  explicit Tracked(int& alive) noexcept : alive_(&alive) { ++*alive_; }
  Tracked(const Tracked& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() { --*alive_; }

 private:
  int* alive_;
};

using Trace = std::vector<std::string>;

}  // namespace segue::modern::testing
