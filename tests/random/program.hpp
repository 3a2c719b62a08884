// A random program, as data: a handful of generator bodies, and what a driver does with one generator of each.
//
// The same data is run by an interpreter over segue::legacy::Generator (interpreter.hpp) and written out as Python
// (python.hpp). Both leave a trace, one line an event, and the traces have to be equal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace segue::random {

enum class Raised { value_error, lookup_error, generator_exit, stop_iteration };

/// `except ValueError`, `except GeneratorExit`, `except BaseException`.
enum class Caught { value_error, generator_exit, everything };

/// What can be done to the generator `target` from outside.
struct Action {
  enum class Kind { next, send, throw_, close, iterate, getgeneratorstate, gi_yieldfrom, renew };

  Kind kind = Kind::next;
  std::size_t target = 0;
  /// What is sent (null for None), the number in a StopIteration, how many values are iterated over.
  std::optional<int> number = {};
  Raised raised = Raised::value_error;
  /// What it raises is caught and put into the trace; otherwise it is raised in the body.
  bool guarded = true;
};

struct Statement;
using Block = std::vector<Statement>;

struct Statement {
  enum class Kind {
    yield,
    yield_from_new,     // of body `target`
    yield_from_shared,  // the driver's generator of body `target`
    yield_from_list,    // of `number` elements
    raise,
    return_,
    act,
    try_except,
    try_finally
  };

  Kind kind = Kind::yield;
  std::size_t target = 0;
  std::optional<int> number = {};
  Raised raised = Raised::value_error;
  Action action;
  // Of a try statement: `handler` is what follows `except` or `finally`.
  Block body;
  Block handler;
  Caught caught = Caught::value_error;
  bool reraises = false;
};

struct Body {
  Block statements;
  /// Yields `long long` instead of `int`, so that in C++ a delegation to it is relayed instead of linked.
  bool wide = false;
};

struct Program {
  std::vector<Body> bodies;
  std::vector<Action> driver;
};

/// What `f"{number}"` is.
inline std::string text(const std::optional<int>& number) { return number ? std::to_string(*number) : "None"; }

}  // namespace segue::random
