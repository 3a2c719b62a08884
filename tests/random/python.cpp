#include "python.hpp"

#include <utility>

namespace segue::random {
namespace {

std::string raised_as_python(Raised raised, const std::optional<int>& number) {
  switch (raised) {
    case Raised::value_error: return "ValueError('v')";
    case Raised::lookup_error: return "LookupError('l')";
    case Raised::generator_exit: return "GeneratorExit()";
    case Raised::stop_iteration: break;
  }
  return "StopIteration(" + text(number) + ")";
}

const char* caught_as_python(Caught caught) {
  switch (caught) {
    case Caught::value_error: return "ValueError";
    case Caught::generator_exit: return "GeneratorExit";
    case Caught::everything: break;
  }
  return "BaseException";
}

class Writer {
 public:
  void body(std::size_t index, const Body& body) {
    name_ = "g" + std::to_string(index);
    line("def " + name_ + "():");
    ++depth_;
    line("if 0: yield");
    log("starts");
    block(body.statements);
    log("ends");
    --depth_;
  }

  void driver(const Program& program) {
    std::string generators;
    for (std::size_t i = 0; i < program.bodies.size(); ++i) generators += "g" + std::to_string(i) + "(), ";
    line("G = [" + generators + "]");
    name_ = "driver";
    for (const Action& action : program.driver) act(action);
    line("finish(G)");
  }

  std::string take() { return std::move(text_); }

 private:
  void line(const std::string& text) { text_.append(depth_ * 4, ' ').append(text) += '\n'; }
  void log(const std::string& what) { line("log('" + name_ + " " + what + "')"); }
  void log(const std::string& what, const std::string& value) {
    line("log('" + name_ + " " + what + "', " + value + ")");
  }

  void block(const Block& block) {
    for (const Statement& each : block) statement(each);
  }
  void suite(const std::string& head, const Block& body) {
    line(head);
    ++depth_;
    if (body.empty()) line("pass");
    block(body);
    --depth_;
  }

  void statement(const Statement& statement) {
    const std::string target = std::to_string(statement.target);
    switch (statement.kind) {
      case Statement::Kind::yield:
        line("x = yield " + std::to_string(statement.number.value_or(0)));
        return log("got", "x");
      case Statement::Kind::yield_from_new:
        line("x = yield from g" + target + "()");
        return log("from new g" + target, "x");
      case Statement::Kind::yield_from_shared:
        line("x = yield from G[" + target + "]");
        return log("from g" + target, "x");
      case Statement::Kind::yield_from_list:
        // What it evaluates to is always None in C++, whatever StopIteration is thrown in.
        line("yield from list(range(" + std::to_string(statement.number.value_or(0)) + "))");
        return log("from list");
      case Statement::Kind::raise: return line("raise " + raised_as_python(statement.raised, statement.number));
      case Statement::Kind::return_: return line("return " + text(statement.number));
      case Statement::Kind::act: return act(statement.action);
      case Statement::Kind::try_except:
        suite("try:", statement.body);
        line(std::string("except ") + caught_as_python(statement.caught) + " as e:");
        ++depth_;
        log("except", "text(e)");
        block(statement.handler);
        if (statement.reraises) line("raise");
        --depth_;
        return;
      case Statement::Kind::try_finally:
        suite("try:", statement.body);
        line("finally:");
        ++depth_;
        line("forget_frames(sys.exception())");
        log("finally");
        block(statement.handler);
        --depth_;
        return;
    }
  }

  void act(const Action& action) {
    const std::string generator = "G[" + std::to_string(action.target) + "]";
    const std::string target = "g" + std::to_string(action.target);
    const std::string number = text(action.number);
    switch (action.kind) {
      case Action::Kind::next: return attempt(action, "next " + target, "next(" + generator + ")");
      case Action::Kind::send: return attempt(action, "send " + target, generator + ".send(" + number + ")");
      case Action::Kind::throw_:
        return attempt(action, "throw " + target,
                       generator + ".throw(" + raised_as_python(action.raised, action.number) + ")");
      case Action::Kind::close: return attempt(action, "close " + target, "close(" + generator + ")");
      case Action::Kind::iterate:
        return attempt(action, "iterate " + target,
                       "iterate(lambda: " + generator + ", " + std::to_string(action.number.value_or(1)) + ")");
      case Action::Kind::getgeneratorstate: return log("state of " + target, "getgeneratorstate(" + generator + ")");
      case Action::Kind::gi_yieldfrom: return log("delegation of " + target, "delegates(" + generator + ")");
      case Action::Kind::renew:
        line("old, " + generator + " = " + generator + ", " + target + "()");
        line("del old");
        return log("renewed " + target);
    }
  }

  void attempt(const Action& action, const std::string& what, const std::string& call) {
    if (action.guarded) {
      line("attempt('" + name_ + " " + what + "', lambda: " + call + ")");
    } else {
      log(what, call);
    }
  }

  std::string text_;
  std::string name_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string to_python(const Program& program) {
  Writer writer;
  for (std::size_t i = 0; i < program.bodies.size(); ++i) writer.body(i, program.bodies[i]);
  writer.driver(program);
  return writer.take();
}

}  // namespace segue::random
