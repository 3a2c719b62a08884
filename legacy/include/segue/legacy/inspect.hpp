// What Python's `inspect` and a generator's `gi_` attributes tell: its state, what it delegates to, where it stands.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <source_location>
#include <string_view>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/stack_report.hpp>

namespace segue::legacy {

/// Python's `inspect.getgeneratorstate`.
enum class GeneratorState {
  GEN_CREATED,    ///< waiting to start
  GEN_RUNNING,    ///< being executed, itself or what it delegates to
  GEN_SUSPENDED,  ///< at a yield
  GEN_CLOSED      ///< finished, closed or moved from
};
using enum GeneratorState;

/// The state's name, which is what Python's state is.
constexpr std::string_view to_string(GeneratorState state) noexcept {
  switch (state) {
    case GEN_CREATED: return "GEN_CREATED";
    case GEN_RUNNING: return "GEN_RUNNING";
    case GEN_SUSPENDED: return "GEN_SUSPENDED";
    case GEN_CLOSED: break;
  }
  return "GEN_CLOSED";
}

namespace legacy_detail {

template <class T>
inline constexpr bool is_generator = false;
template <class Yield, class Send, class Return>
inline constexpr bool is_generator<Generator<Yield, Send, Return>> = true;

struct Inspection {
  template <class Yield, class Send, class Return>
  static const GeneratorFrame* frame(const Generator<Yield, Send, Return>& generator) noexcept {
    return generator.frame_;
  }
  static GeneratorState state(const GeneratorFrame* frame) noexcept {
    if (frame == nullptr || frame->finished()) return GEN_CLOSED;
    if (!frame->started()) return GEN_CREATED;
    return frame->running() ? GEN_RUNNING : GEN_SUSPENDED;
  }
};

}  // namespace legacy_detail

/// Python's `inspect.isgenerator`.
template <class T>
constexpr bool isgenerator(const T&) noexcept {
  return legacy_detail::is_generator<T>;
}
/// Python's `inspect.isgeneratorfunction`: of a function, lambda or function object, whatever its arguments. False
/// where its signature depends on these.
template <class F>
constexpr bool isgeneratorfunction(const F& function) noexcept {
  if constexpr (requires { std::function(function); }) {
    return legacy_detail::is_generator<typename decltype(std::function(function))::result_type>;
  } else {
    return false;
  }
}

/// Python's `inspect.getgeneratorstate`. For the thread that may resume the generator, as all of this header.
template <class Yield, class Send, class Return>
GeneratorState getgeneratorstate(const Generator<Yield, Send, Return>& generator) noexcept {
  return legacy_detail::Inspection::state(legacy_detail::Inspection::frame(generator));
}

/// Python's `gi_running`: also while something that it delegates to runs.
template <class Yield, class Send, class Return>
bool gi_running(const Generator<Yield, Send, Return>& generator) noexcept {
  return getgeneratorstate(generator) == GEN_RUNNING;
}

/// Python's `gi_suspended` (3.11): at a yield, neither before its start nor after its end.
template <class Yield, class Send, class Return>
bool gi_suspended(const Generator<Yield, Send, Return>& generator) noexcept {
  return getgeneratorstate(generator) == GEN_SUSPENDED;
}

/// What a suspended generator delegates to: the id() of a generator, the address of any other object; null when it does
/// not delegate, while it runs, and when the delegate has finished behind its back.
template <class Yield, class Send, class Return>
const void* gi_yieldfrom(const Generator<Yield, Send, Return>& generator) noexcept {
  if (!gi_suspended(generator)) return nullptr;
  const legacy_detail::Delegation* const delegation = legacy_detail::Inspection::frame(generator)->delegation_;
  return delegation != nullptr ? delegation->id() : nullptr;
}

/// The `yield(…)` or `yield.from(…)` that a suspended generator stands at.
template <class Yield, class Send, class Return>
std::optional<std::source_location> suspended_at(const Generator<Yield, Send, Return>& generator) noexcept {
  if (!gi_suspended(generator)) return std::nullopt;
  return legacy_detail::Inspection::frame(generator)->where_;
}

/// How many bytes of its stack a generator has used so far, from the top down, its control block included. Empty when
/// it is not measured (`GeneratorOptions::measure_stack`), and when it is closed.
template <class Yield, class Send, class Return>
std::optional<std::size_t> stack_used(const Generator<Yield, Send, Return>& generator) noexcept {
  if (getgeneratorstate(generator) == GEN_CLOSED) return std::nullopt;
  const Stack stack = legacy_detail::Inspection::frame(generator)->stack();
  if (legacy_detail::header_of(stack).measured == nullptr) return std::nullopt;
  return legacy_detail::stack_used(stack);
}

}  // namespace segue::legacy
