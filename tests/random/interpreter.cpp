#include "interpreter.hpp"

#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/unraisable.hpp>

namespace segue::random {
namespace {

using Number = std::optional<int>;
using Narrow = legacy::Generator<int, Number, Number>;
using Wide = legacy::Generator<long long, Number, Number>;
using AnyGenerator = std::variant<Narrow, Wide>;
// Set when the body has returned.
using Returned = std::optional<Number>;

std::exception_ptr make(Raised raised, const Number& number) {
  switch (raised) {
    case Raised::value_error: return std::make_exception_ptr(ValueError("v"));
    case Raised::lookup_error: return std::make_exception_ptr(LookupError("l"));
    case Raised::generator_exit: return std::make_exception_ptr(GeneratorExit());
    case Raised::stop_iteration: break;
  }
  return std::make_exception_ptr(StopIteration<Number>(number));
}

std::string error_text(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const StopIteration<Number>& stop) {
    return "StopIteration(" + text(stop.value) + ")";
  } catch (const StopIterationBase&) {
    return "StopIteration(None)";
  } catch (...) {
  }
  const ExceptionText description = describe(error);
  return description.type + "(" + description.message + ")";
}

class Interpreter {
 public:
  Interpreter(const Program& program, bool close_returns) : program_(program), close_returns_(close_returns) {
    for (std::size_t i = 0; i < program.bodies.size(); ++i) generators_.push_back(make_generator(i));
  }

  void drive() {
    for (const Action& action : program_.driver) act("driver", action);
    for (std::size_t i = 0; i < generators_.size(); ++i) {
      const Action close{.kind = Action::Kind::close, .target = i};
      while (state(i) != legacy::GEN_CLOSED) attempt("finish g" + std::to_string(i), close);
    }
  }

  AnyGenerator make_generator(std::size_t index);

  void act(const std::string& who, const Action& action) {
    const std::string target = "g" + std::to_string(action.target);
    switch (action.kind) {
      case Action::Kind::next: return attempt(who + " next " + target, action);
      case Action::Kind::send: return attempt(who + " send " + target, action);
      case Action::Kind::throw_: return attempt(who + " throw " + target, action);
      case Action::Kind::close: return attempt(who + " close " + target, action);
      case Action::Kind::iterate: return attempt(who + " iterate " + target, action);
      case Action::Kind::getgeneratorstate:
        return log(who + " state of " + target + " " + std::string(to_string(state(action.target))));
      case Action::Kind::gi_yieldfrom:
        return log(who + " delegation of " + target + (delegates(action.target) ? " True" : " False"));
      case Action::Kind::renew:
        std::exchange(generators_[action.target], make_generator(action.target));
        return log(who + " renewed " + target);
    }
  }

  void log(std::string line) { trace_.push_back(std::move(line)); }

  const Program& program() const { return program_; }
  AnyGenerator& generator(std::size_t index) { return generators_[index]; }
  Trace take_trace() { return std::move(trace_); }

 private:
  void attempt(const std::string& what, const Action& action) {
    if (!action.guarded) {
      const std::string value = perform(action);
      return log(what + " " + value);
    }
    try {
      const std::string value = perform(action);
      log(what + " -> " + value);
    } catch (...) {
      log(what + " -> " + error_text(std::current_exception()));
    }
  }

  std::string perform(const Action& action) {
    return std::visit([&](auto& generator) { return perform(action, generator); }, generators_[action.target]);
  }
  template <class Generator>
  std::string perform(const Action& action, Generator& generator) {
    switch (action.kind) {
      case Action::Kind::send: return std::to_string(generator.send(action.number));
      case Action::Kind::throw_: return std::to_string(generator.throw_(make(action.raised, action.number)));
      case Action::Kind::close: {
        const auto closed = generator.close();
        return close_returns_ && closed ? text(*closed) : "None";
      }
      case Action::Kind::iterate: return iterate(generator, action.number.value_or(1));
      default: return std::to_string(generator.next());
    }
  }
  template <class Generator>
  std::string iterate(Generator& generator, int limit) {
    int count = 0;
    for (const auto value : generator) {
      log("  value " + std::to_string(value));
      if (++count == limit) break;
    }
    return std::to_string(count);
  }

  legacy::GeneratorState state(std::size_t index) const {
    return std::visit([](const auto& generator) { return getgeneratorstate(generator); }, generators_[index]);
  }
  bool delegates(std::size_t index) const {
    return state(index) == legacy::GEN_SUSPENDED &&
           std::visit([](const auto& generator) { return gi_yieldfrom(generator) != nullptr; }, generators_[index]);
  }

  const Program& program_;
  bool close_returns_;
  Trace trace_;
  std::vector<AnyGenerator> generators_;
};

// One call of a body.
template <class Yielder>
class Call {
 public:
  Call(Interpreter& interpreter, std::size_t index, Yielder& yield)
      : interpreter_(interpreter), index_(index), name_("g" + std::to_string(index)), yield_(yield) {}

  Number run() {
    log("starts");
    if (const Returned returned = block(interpreter_.program().bodies[index_].statements)) return *returned;
    log("ends");
    return std::nullopt;
  }

 private:
  void log(const std::string& what) { interpreter_.log(name_ + " " + what); }

  Returned block(const Block& block) {
    for (const Statement& each : block) {
      if (const Returned returned = statement(each)) return returned;
    }
    return std::nullopt;
  }

  Returned statement(const Statement& statement) {
    using enum Statement::Kind;
    switch (statement.kind) {
      case yield: {
        const Number sent = yield_(statement.number.value_or(0));
        log("got " + text(sent));
        break;
      }
      case yield_from_new: {
        const Number result = std::visit([&](auto&& sub) -> Number { return yield_.from(std::move(sub)); },
                                         interpreter_.make_generator(statement.target));
        log("from new g" + std::to_string(statement.target) + " " + text(result));
        break;
      }
      case yield_from_shared: {
        const Number result =
            std::visit([&](auto& sub) -> Number { return yield_.from(sub); }, interpreter_.generator(statement.target));
        log("from g" + std::to_string(statement.target) + " " + text(result));
        break;
      }
      case yield_from_list: {
        std::vector<int> list;
        for (int i = 0; i < statement.number.value_or(0); ++i) list.push_back(i);
        yield_.from(list);
        log("from list");
        break;
      }
      case raise: std::rethrow_exception(make(statement.raised, statement.number));
      case return_: return statement.number;
      case act: interpreter_.act(name_, statement.action); break;
      case try_except: return try_except_statement(statement);
      case try_finally: return try_finally_statement(statement);
    }
    return std::nullopt;
  }

  Returned try_except_statement(const Statement& statement) {
    switch (statement.caught) {
      case Caught::value_error: return try_except_of<ValueError>(statement);
      case Caught::generator_exit: return try_except_of<GeneratorExit>(statement);
      case Caught::everything: break;
    }
    try {
      return block(statement.body);
    } catch (...) {
      return handle(statement);
    }
  }
  template <class Error>
  Returned try_except_of(const Statement& statement) {
    try {
      return block(statement.body);
    } catch (const Error&) {
      return handle(statement);
    }
  }
  Returned handle(const Statement& statement) {
    log("except " + error_text(std::current_exception()));
    if (const Returned returned = block(statement.handler)) return returned;
    if (statement.reraises) throw;
    return std::nullopt;
  }

  Returned try_finally_statement(const Statement& statement) {
    Returned returned;
    try {
      returned = block(statement.body);
    } catch (...) {
      log("finally");
      if (const Returned instead = block(statement.handler)) return instead;
      throw;
    }
    log("finally");
    if (const Returned instead = block(statement.handler)) return instead;
    return returned;
  }

  Interpreter& interpreter_;
  std::size_t index_;
  std::string name_;
  Yielder& yield_;
};

AnyGenerator Interpreter::make_generator(std::size_t index) {
  const auto body = [this, index](auto& yield) { return Call(*this, index, yield).run(); };
  if (program_.bodies[index].wide) return Wide(body);
  return Narrow(body);
}

}  // namespace

Trace interpret(const Program& program, bool close_returns) {
  Interpreter interpreter(program, close_returns);
  UnraisableHook before = set_unraisable_hook([&](const Unraisable& unraisable) {
    const std::string error = error_text(unraisable.exception);
    if (error != "RuntimeError(generator ignored GeneratorExit)") interpreter.log("unraisable " + error);
  });
  interpreter.drive();
  Trace trace = interpreter.take_trace();
  set_unraisable_hook(std::move(before));
  return trace;
}

}  // namespace segue::random
