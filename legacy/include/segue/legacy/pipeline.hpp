// Pipelines of generators, like a shell's: a stage takes from the one before it when it is asked, and no sooner.
//
//   const auto grep = stage<std::string>([](auto& yield, auto lines, std::string pattern) {
//     for (auto&& line : lines) {
//       if (line.find(pattern) != line.npos) yield(line);
//     }
//   });
//   for (const Entry& entry : follow(file) | grep("ERROR") | parse) …
//
// The same pushed instead of pulled (David Beazley's "A Curious Course on Coroutines"): sinks take what they are sent,
// and send it on.
//
//   Sink<std::string> grep(std::string pattern, Sink<std::string> target) {
//     return sink<std::string>(
//         [](auto& yield, std::string pattern, Sink<std::string> target) {
//           while (true) {
//             const std::string line = yield();
//             if (line.find(pattern) != line.npos) target.send(line);
//           }
//         },
//         std::move(pattern), std::move(target));
//   }
//   follow(file) | into(grep("ERROR", printer()));
//
// The last stage of a pipeline that is pulled, and the first of one that is pushed, owns all of it: when it goes, every
// stage is closed, each before the one that it holds. Ranges' own `|` goes on to work: `numbers | std::views::take(3)`,
// for a generator `numbers`.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <ranges>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>
#include <segue/outcome.hpp>

namespace segue::legacy {
namespace legacy_detail {

struct StageBase {};

// An lvalue is referred to, an rvalue kept: what `yield.from` does, too.
template <class Source>
struct HeldSource {
  using type = std::remove_cvref_t<Source>;
};
template <class Source>
struct HeldSource<Source&> {
  using type = std::ranges::ref_view<Source>;
};

}  // namespace legacy_detail

/// What can stand on the right of `|` whatever the range on its left: a stage(), into(), and several of them joined.
template <class T>
concept PipelineStage = std::derived_from<std::remove_cvref_t<T>, legacy_detail::StageBase>;

/// What stage() gives: a generator's body, and the arguments that it takes after the range. The range comes with `|`.
template <class Yield, class Body, class... Args>
class Stage : public legacy_detail::StageBase {
 public:
  /// What stage() calls. Owns `body` and `args`; reports call `created` the place where its generators were made.
  explicit constexpr Stage(std::source_location created, Body body, Args... args)
      : created_(created), body_(std::move(body)), args_(std::move(args)...) {}

  /// The same stage with these arguments, as Python's `functools.partial`.
  template <class... Given>
  [[nodiscard]] constexpr auto operator()(Given&&... args) const {
    return Stage<Yield, Body, std::decay_t<Given>...>(created_, body_, std::forward<Given>(args)...);
  }

  /// What `source | stage` is. Runs nothing of the body. Throws MemoryError when there is no stack to be had.
  template <std::ranges::input_range Source>
  Generator<Yield> apply(Source&& source) && {
    using Held = typename legacy_detail::HeldSource<Source>::type;
    return std::apply(
        [&](Args&... args) {
          return Generator<Yield>(GeneratorOptions{.created = created_}, std::move(body_),
                                  Held(std::forward<Source>(source)), std::move(args)...);
        },
        args_);
  }

 private:
  std::source_location created_;
  Body body_;
  std::tuple<Args...> args_;
};

/// A stage that yields `Yield`s: `body(Yielder<Yield>& yield, auto source, args...)`. The source is the range on the
/// left of `|`: owned if that is an rvalue; of an lvalue, which has to outlive the pipeline, a std::ranges::ref_view.
/// Reports call stage() the place where its generators were made.
template <class Yield, class Body>
[[nodiscard]] constexpr Stage<Yield, std::decay_t<Body>> stage(
    Body&& body, std::source_location created = std::source_location::current()) {
  return Stage<Yield, std::decay_t<Body>>(created, std::forward<Body>(body));
}

/// What `stage | stage` is.
template <class First, class Second>
class Joined : public legacy_detail::StageBase {
 public:
  /// Owns both stages; runs nothing.
  constexpr Joined(First first, Second second) : first_(std::move(first)), second_(std::move(second)) {}

  /// What `source | first | second` is, whatever the second stage makes of it: a generator, or the result of into().
  /// Throws what the stages throw.
  template <std::ranges::input_range Source>
  decltype(auto) apply(Source&& source) && {
    return std::move(second_).apply(std::move(first_).apply(std::forward<Source>(source)));
  }

 private:
  First first_;
  Second second_;
};

/// `range | stage`.
template <std::ranges::input_range Source, PipelineStage Next>
decltype(auto) operator|(Source&& source, Next next) {
  return std::move(next).apply(std::forward<Source>(source));
}

/// `stage | stage`: one stage.
template <PipelineStage First, PipelineStage Second>
[[nodiscard]] constexpr auto operator|(First first, Second second) {
  return Joined<First, Second>(std::move(first), std::move(second));
}

namespace legacy_detail {

template <class Function, class Source>
concept PlainStage = !PipelineStage<Function> && std::invocable<Function, Source> &&
                     !std::ranges::view<std::invoke_result_t<Function, Source>>;

}  // namespace legacy_detail

/// `generator | function`: `function(generator)`. A function that takes a generator and gives one is a stage, one that
/// gives something else an end of the pipeline. (What gives a view is left to std::ranges.)
template <class Yield, class Send, class Return, legacy_detail::PlainStage<Generator<Yield, Send, Return>> Function>
decltype(auto) operator|(Generator<Yield, Send, Return>&& source, Function&& function) {
  return std::invoke(std::forward<Function>(function), std::move(source));
}
template <class Yield, class Send, class Return, legacy_detail::PlainStage<Generator<Yield, Send, Return>&> Function>
decltype(auto) operator|(Generator<Yield, Send, Return>& source, Function&& function) {
  return std::invoke(std::forward<Function>(function), source);
}

/// `generator`, run up to its first yield so that it can be sent to at once: what Beazley's `@coroutine` decorator
/// does. What it yields there is dropped; StopIteration where it ends before.
template <class Yield, class Send, class Return>
[[nodiscard]] Generator<Yield, Send, Return> primed(Generator<Yield, Send, Return> generator) {
  generator.next();
  return generator;
}

/// A generator that takes values and yields none.
template <class T, class Return = void>
using Sink = Generator<void, T, Return>;

namespace legacy_detail {

template <class Yielder, class Body, class... Args>
consteval bool check_sink_body() {
  static_assert(std::is_invocable_v<Body, Yielder&, Args...>,
                "a sink's body is called as `Return body(Yielder<void, T>& yield, args...)`");
  return std::is_invocable_v<Body, Yielder&, Args...>;
}

}  // namespace legacy_detail

/// A Sink with this body and these arguments, primed. Its targets are among the arguments; it owns what it is given by
/// value. With arguments, reports know file and line of its making from `options` alone. Throws MemoryError when there
/// is no stack to be had, what the body raises before its first yield, and StopIteration when it ends before that.
template <class T, class Body, class... Args>
[[nodiscard]] auto sink(GeneratorOptions options, Body&& body, Args&&... args) {
  if constexpr (legacy_detail::check_sink_body<Yielder<void, T>, std::decay_t<Body>, std::decay_t<Args>...>()) {
    using Return = std::invoke_result_t<std::decay_t<Body>, Yielder<void, T>&, std::decay_t<Args>...>;
    return primed(Sink<T, Return>(options, std::forward<Body>(body), std::forward<Args>(args)...));
  } else {
    return Sink<T>();  // so that the failed assertion is the only error
  }
}
template <class T, class Body>
[[nodiscard]] auto sink(Body&& body, std::source_location created = std::source_location::current()) {
  return sink<T>(GeneratorOptions{.created = created}, std::forward<Body>(body));
}
template <class T, class Body, class Arg, class... Args>
  requires(!std::same_as<std::remove_cvref_t<Body>, GeneratorOptions> &&
           !(sizeof...(Args) == 0 && std::same_as<std::remove_cvref_t<Arg>, std::source_location>))
[[nodiscard, gnu::noinline]] auto sink(Body&& body, Arg&& arg, Args&&... args) {
  return sink<T>(GeneratorOptions{.created = {}, .caller = __builtin_return_address(0)}, std::forward<Body>(body),
                 std::forward<Arg>(arg), std::forward<Args>(args)...);
}

/// What into() gives.
template <class Target>
class Into : public legacy_detail::StageBase {
  using Return = typename std::remove_reference_t<Target>::return_type;
  using Returned = std::optional<stored_t<Return>>;

 public:
  /// Refers to an lvalue, which has to outlive it; owns an rvalue. Sends nothing yet.
  explicit Into(Target target) : target_(std::forward<Target>(target)) {}

  /// Runs the whole pipeline. Throws what the source or the target raises; a target owned here is closed then, too.
  template <std::ranges::input_range Source>
  auto apply(Source&& source) && {
    Returned returned;
    for (auto&& value : source) {
      if (!send(std::forward<decltype(value)>(value), returned)) break;
    }
    if constexpr (!std::is_reference_v<Target>) {
      if constexpr (!std::is_void_v<Return>) {
        if (returned) return returned;
      }
      return target_.close();
    }
  }

 private:
  /// False when the target has stopped instead of taking more.
  template <class Value>
  bool send(Value&& value, Returned& returned) {
    try {
      target_.send(std::forward<Value>(value));
      return true;
    } catch (StopIteration<stored_t<Return>>& stop) {
      returned.emplace(legacy_detail::stopped_value(stop.value));
    } catch (const StopIterationBase&) {
    }
    return false;
  }

  Target target_;
};

/// The end of a pipeline that is pulled, and the front of one that is pushed: sends all values to `target` until it
/// stops. Then a target given by value is closed, and `source | into(target)` is what its close() gives, or what it
/// returned when it stopped. Errors of either pass through.
template <class Yield, class Send, class Return>
[[nodiscard]] auto into(Generator<Yield, Send, Return>&& target) {
  return Into<Generator<Yield, Send, Return>>(std::move(target));
}
template <class Yield, class Send, class Return>
[[nodiscard]] auto into(Generator<Yield, Send, Return>& target) {
  return Into<Generator<Yield, Send, Return>&>(target);
}

}  // namespace segue::legacy
