#include "python.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "expressions.hpp"

namespace segue::random::tasks {
namespace {

class Writer {
 public:
  void body(std::size_t index, const Block& statements) {
    const std::string name = "b" + std::to_string(index);
    line("async def " + name + "():");
    ++depth_;
    line("me = enter('" + name + "')");
    line("if me is None: return -1");
    in_body_ = true;
    block(statements);
    in_body_ = false;
    line("log(me, 'ends')");
    line("return " + std::to_string(index));
    --depth_;
  }
  void generator(std::size_t index, const Block& statements) {
    const std::string name = "a" + std::to_string(index);
    line("async def " + name + "():");
    ++depth_;
    line("me = enter('" + name + "')");
    line("if me is None: return");
    line("if 0: yield");
    block(statements);
    line("log(me, 'ends')");
    --depth_;
  }
  void callback(std::size_t index, const Block& statements) {
    const std::string name = "c" + std::to_string(index);
    line("def " + name + "(future=None):");
    ++depth_;
    line("me = called('" + name + "', future)");
    line("if me is None: return");
    block(statements);
    --depth_;
  }
  void line(const std::string& text) { text_.append(depth_ * 2, ' ').append(text) += '\n'; }
  std::string take() { return std::move(text_); }

 private:
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
  std::string fresh(const char* prefix) { return prefix + std::to_string(++names_); }

  void wait(const Statement& s) {
    const std::string what = "(me, '" + title(s) + "', ";
    if (s.guarded) return line("await tries" + what + waiting(s) + ")");
    line("log" + what + "await " + waiting(s) + ")");
  }
  // Guarded, it is the function and its arguments that are handed on, instead of the call.
  void act(const Statement& s) {
    const std::string what = "(me, '" + title(s) + "', ";
    const std::string call = action(s, timeout_, group_);
    if (!s.guarded) return line("log" + what + call + ")");
    const std::size_t arguments = call.find('(');
    const bool has_none = call[arguments + 1] == ')';
    line("tried" + what + call.substr(0, arguments) + (has_none ? "" : ", ") + call.substr(arguments + 1));
  }

  void statement(const Statement& s) {
    if (is_compound(s.kind)) return compound(s);
    if (is_await(s.kind)) return wait(s);
    switch (s.kind) {
      case Kind::raise: return line("raise " + error(s));
      case Kind::return_: return line("return" + (in_body_ ? " " + n(s.number) : ""));
      case Kind::yield: return line("log(me, '" + title(s) + "', (yield " + n(s.number) + "))");
      default: return act(s);
    }
  }

  void compound(const Statement& s) {
    switch (s.kind) {
      case Kind::with_lock: return with(s, item("L", s));
      case Kind::with_semaphore: return with(s, item("S", s));
      case Kind::with_condition: return with(s, "C");
      case Kind::with_barrier: {
        const std::string name = fresh("i");
        line("async with B as " + name + ":");
        ++depth_;
        line("log(me, '" + title(s) + "', " + name + ")");
        block(s.block);
        --depth_;
        return;
      }
      case Kind::with_timeout: {
        const std::string before = std::exchange(timeout_, fresh("tm"));
        const std::string limit = s.flag && s.delay ? "asyncio.timeout_at(loop.time() + " + n(*s.delay) + ")"
                                                    : "asyncio.timeout(" + n(s.delay) + ")";
        line(timeout_ + " = O[" + n(s.which) + "] = " + limit);
        suite("async with " + timeout_ + ":", s.block);
        timeout_ = before;
        return line("log(me, '" + title(s) + " left')");
      }
      case Kind::with_group: {
        const std::string before = std::exchange(group_, fresh("g"));
        suite("async with TaskGroup(" + n(s.which) + ") as " + group_ + ":", s.block);
        group_ = before;
        return line("log(me, '" + title(s) + " left')");
      }
      case Kind::try_except:
        suite("try:", s.block);
        line(std::string("except ") + caught(s.caught) + " as e:");
        ++depth_;
        line("log(me, 'except', text(e))");
        block(s.handler);
        if (s.reraises) line("raise");
        --depth_;
        return;
      case Kind::try_finally:
        suite("try:", s.block);
        line("finally:");
        ++depth_;
        line("log(me, 'finally')");
        block(s.handler);
        --depth_;
        return;
      case Kind::repeat: return suite("for _ in range(" + n(s.number) + "):", s.block);
      case Kind::for_generator: return loop(s, "a" + n(s.body) + "()");
      case Kind::for_slot: return loop(s, item("A", s));
      default: return;
    }
  }

  void with(const Statement& s, const std::string& manager) {
    line("async with " + manager + ":");
    ++depth_;
    line("log(me, '" + title(s) + "')");
    block(s.block);
    --depth_;
  }

  // `number` values, or all of them.
  void loop(const Statement& s, const std::string& generator) {
    const std::string count = fresh("n");
    const std::string value = fresh("x");
    line(count + " = 0");
    if (s.flag) {
      const std::string closed = fresh("closed");
      line("async with Closing(" + generator + ") as " + closed + ":");
      ++depth_;
      turns(s, closed + ".thing", count, value);
      --depth_;
    } else {
      turns(s, generator, count, value);
    }
    line("log(me, '" + title(s) + " left')");
  }
  void turns(const Statement& s, const std::string& generator, const std::string& count, const std::string& value) {
    line("async for " + value + " in " + generator + ":");
    ++depth_;
    line("log(me, '" + title(s) + "', " + value + ")");
    block(s.block);
    line(count + " += 1");
    line("if " + count + " == " + n(s.number) + ": break");
    --depth_;
  }

  std::string text_;
  std::size_t depth_ = 0;
  int names_ = 0;
  bool in_body_ = false;
  std::string timeout_;
  std::string group_;
};

// The bodies and callbacks that a program comes to.
class Reached {
 public:
  explicit Reached(const Program& program)
      : program_(program), bodies_(program.bodies.size()), callbacks_(program.callbacks.size()) {
    for (const std::size_t each : program.started) body(each);
    for (const Block& each : program.generators) block(each);
  }
  bool has_body(std::size_t index) const { return bodies_[index]; }
  bool has_callback(std::size_t index) const { return callbacks_[index]; }

 private:
  void body(std::size_t index) {
    if (bodies_[index]) return;
    bodies_[index] = true;
    block(program_.bodies[index]);
  }
  void callback(std::size_t index) {
    if (callbacks_[index]) return;
    callbacks_[index] = true;
    block(program_.callbacks[index]);
  }
  void block(const Block& block) {
    for (const Statement& s : block) {
      switch (uses(s.kind)) {
        case Uses::body: body(s.body); break;
        case Uses::bodies: std::ranges::for_each(s.several, [this](std::size_t each) { body(each); }); break;
        case Uses::callback: callback(s.body); break;
        case Uses::neither: break;
      }
      this->block(s.block);
      this->block(s.handler);
    }
  }

  enum class Uses { neither, body, bodies, callback };
  static Uses uses(Kind kind) {
    switch (kind) {
      case Kind::start:
      case Kind::start_in_context:
      case Kind::start_in_group:
      case Kind::group_start:
      case Kind::await_body:
      case Kind::gather_mixed:
      case Kind::shield_body:
      case Kind::wait_for_body: return Uses::body;
      case Kind::gather_bodies: return Uses::bodies;
      case Kind::call_soon:
      case Kind::call_in_context:
      case Kind::call_later:
      case Kind::add_done_callback:
      case Kind::remove_done_callback:
      case Kind::future_callback: return Uses::callback;
      default: return Uses::neither;
    }
  }

  const Program& program_;
  std::vector<bool> bodies_;
  std::vector<bool> callbacks_;
};

}  // namespace

std::string to_python(const Program& program) {
  const Reached reached(program);
  Writer writer;
  for (std::size_t i = 0; i < program.callbacks.size(); ++i) {
    if (reached.has_callback(i)) writer.callback(i, program.callbacks[i]);
  }
  for (std::size_t i = 0; i < program.generators.size(); ++i) writer.generator(i, program.generators[i]);
  for (std::size_t i = 0; i < program.bodies.size(); ++i) {
    if (reached.has_body(i)) writer.body(i, program.bodies[i]);
  }
  std::string generators;
  for (std::size_t i = 0; i < program.generators.size(); ++i) generators += "a" + std::to_string(i) + ", ";
  writer.line("GENERATORS = [" + generators + "]");
  writer.line("STARTED = " + list(program.started, "b"));
  writer.line("SIZES = [" + n(program.parties) + ", " + n(program.permits) + ", " + n(program.maxsize) + ", " +
              flag(program.shares_lock) + ", " + flag(program.eager) + "]");
  return writer.take();
}

}  // namespace segue::random::tasks
