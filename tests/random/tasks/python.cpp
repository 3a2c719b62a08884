#include "python.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace segue::random::tasks {
namespace {

std::string n(int number) { return std::to_string(number); }
std::string n(std::size_t index) { return std::to_string(index); }
std::string n(const std::optional<int>& number) { return number ? n(*number) : "None"; }
std::string message(const std::optional<int>& number) { return number ? "'m" + n(*number) + "'" : "None"; }
std::string flag(bool value) { return value ? "True" : "False"; }

std::string list(const std::vector<std::size_t>& numbers, const char* prefix = "") {
  std::string result;
  for (const std::size_t each : numbers) result += (result.empty() ? "" : ", ") + (prefix + n(each));
  return "[" + result + "]";
}

std::string error(const Statement& statement) {
  const std::string number = n(statement.number);
  switch (statement.error) {
    case Error::value_error: return "ValueError('v" + number + "')";
    case Error::lookup_error: return "LookupError('l" + number + "')";
    case Error::timeout_error: return "TimeoutError('t" + number + "')";
    case Error::cancelled_error: break;
  }
  return "asyncio.CancelledError('c" + number + "')";
}

const char* caught(Caught caught) {
  switch (caught) {
    case Caught::value_error: return "ValueError";
    case Caught::timeout_error: return "TimeoutError";
    case Caught::cancelled_error: return "asyncio.CancelledError";
    case Caught::exception: return "Exception";
    case Caught::group: return "BaseExceptionGroup";
    case Caught::base_exception: break;
  }
  return "BaseException";
}

// Things that are shared, as `L[0]`.
std::string item(const char* name, const Statement& statement) { return name + ("[" + n(statement.which) + "]"); }

// A method of the task in a slot.
std::string on_task(const Statement& statement, const std::string& method, const std::string& argument = "") {
  return "on_task(" + n(statement.which) + ", '" + method + "'" + (argument.empty() ? "" : ", " + argument) + ")";
}

std::string action(const Statement& s, const std::string& timeout, const std::string& group) {
  const std::string slot = n(s.which);
  const std::string callback = "c" + n(s.body);
  switch (s.kind) {
    case Kind::start: return "start(" + slot + ", b" + n(s.body) + ", " + flag(s.flag) + ")";
    case Kind::cancel: return on_task(s, "cancel", message(s.message));
    case Kind::uncancel: return on_task(s, "uncancel");
    case Kind::cancelling: return on_task(s, "cancelling");
    case Kind::task_state: return "task_state(" + slot + ")";
    case Kind::set_result: return item("F", s) + ".set_result(" + n(s.number) + ")";
    case Kind::set_exception: return item("F", s) + ".set_exception(" + error(s) + ")";
    case Kind::cancel_future: return item("F", s) + ".cancel(" + message(s.message) + ")";
    case Kind::new_future: return "new_future(" + slot + ")";
    case Kind::future_state: return "state(" + item("F", s) + ")";
    case Kind::set_event: return item("E", s) + ".set()";
    case Kind::clear_event: return item("E", s) + ".clear()";
    case Kind::release_lock: return item("L", s) + ".release()";
    case Kind::release_semaphore: return item("S", s) + ".release()";
    case Kind::locked: return (s.flag ? item("S", s) : item("L", s)) + ".locked()";
    case Kind::notify: return "C.notify(" + n(s.number) + ")";
    case Kind::notify_all: return "C.notify_all()";
    case Kind::count_up: return "count_up(" + n(s.number) + ")";
    case Kind::barrier_state: return "barrier_state()";
    case Kind::put_nowait: return item("Q", s) + ".put_nowait(" + n(s.number) + ")";
    case Kind::get_nowait: return item("Q", s) + ".get_nowait()";
    case Kind::task_done: return item("Q", s) + ".task_done()";
    case Kind::shutdown: return item("Q", s) + ".shutdown(" + flag(s.flag) + ")";
    case Kind::qsize: return item("Q", s) + ".qsize()";
    case Kind::call_soon: return "schedule(" + slot + ", None, " + callback + ")";
    case Kind::call_later: return "schedule(" + slot + ", " + n(s.delay) + ", " + callback + ")";
    case Kind::cancel_handle: return "cancel_handle(" + slot + ")";
    case Kind::add_done_callback: return on_task(s, "add_done_callback", callback);
    case Kind::future_callback: return item("F", s) + ".add_done_callback(" + callback + ")";
    case Kind::remove_done_callback: return on_task(s, "remove_done_callback", callback);
    case Kind::set_var: return "set_var(" + slot + ", " + n(s.body) + ", " + n(s.number) + ")";
    case Kind::reset_var: return "reset_var(" + slot + ", " + n(s.body) + ")";
    case Kind::get_var: return item("V", s) + ".get()";
    case Kind::copy_context: return "copy_context(" + slot + ")";
    case Kind::call_in_context: return "schedule(" + slot + ", None, " + callback + ", X[" + n(s.several[0]) + "])";
    case Kind::run_in_context: return "run_in_context(" + n(s.several[0]) + ", " + slot + ", " + n(s.number) + ")";
    case Kind::gather_later: return "gather_later(" + slot + ", " + list(s.several) + ", " + flag(s.flag) + ")";
    case Kind::reschedule_other: return "reschedule(" + slot + ", " + n(s.delay) + ")";
    case Kind::timeout_state: return "timeout_state(" + slot + ")";
    case Kind::cancel_gather: return "cancel_gather(" + slot + ", " + message(s.message) + ")";
    case Kind::gather_state: return "gather_state(" + slot + ")";
    case Kind::start_in_context: return "start_in_context(" + slot + ", b" + n(s.body) + ", " + n(s.several[0]) + ")";
    case Kind::start_in_group: return "start_in_group(" + slot + ", b" + n(s.body) + ", " + n(s.several[0]) + ")";
    case Kind::new_generator: return "new_generator(" + slot + ", a" + n(s.body) + ")";
    case Kind::generator_state: return "generator_state(" + slot + ")";
    case Kind::group_start: return "group_start(" + slot + ", " + group + ", b" + n(s.body) + ")";
    case Kind::reschedule: return timeout + ".reschedule(" + (s.delay ? "loop.time() + " + n(*s.delay) : "None") + ")";
    case Kind::expired: return timeout + ".expired()";
    case Kind::cancel_self: return "on_self('cancel', " + message(s.message) + ")";
    case Kind::uncancel_self: return "on_self('uncancel')";
    case Kind::cancelling_self: return "on_self('cancelling')";
    default: return "";
  }
}

const char* return_when(int number) {
  constexpr const char* modes[] = {"asyncio.FIRST_COMPLETED", "asyncio.FIRST_EXCEPTION", "asyncio.ALL_COMPLETED"};
  return modes[number % 3];
}

std::string waiting(const Statement& s) {
  const std::string slot = n(s.which);
  const std::string body = "b" + n(s.body);
  const std::string several = list(s.several);
  switch (s.kind) {
    case Kind::sleep: return "asyncio.sleep(" + n(s.delay) + ")";
    case Kind::await_task: return "await_task(" + slot + ")";
    case Kind::await_future: return item("F", s);
    case Kind::await_gather: return "await_gather(" + slot + ")";
    case Kind::await_body: return body + "()";
    case Kind::acquire_lock: return item("L", s) + ".acquire()";
    case Kind::acquire_semaphore: return item("S", s) + ".acquire()";
    case Kind::wait_event: return item("E", s) + ".wait()";
    case Kind::wait_condition: return "C.wait()";
    case Kind::wait_for_condition: return "C.wait_for(lambda: world.count >= " + n(s.number) + ")";
    case Kind::wait_barrier: return "B.wait()";
    case Kind::reset_barrier: return "B.reset()";
    case Kind::abort_barrier: return "B.abort()";
    case Kind::put: return item("Q", s) + ".put(" + n(s.number) + ")";
    case Kind::get: return item("Q", s) + ".get()";
    case Kind::join: return item("Q", s) + ".join()";
    case Kind::gather_bodies: return "gather_bodies(" + list(s.several, "b") + ", " + flag(s.flag) + ")";
    case Kind::gather_tasks: return "gather_tasks(" + several + ", " + flag(s.flag) + ")";
    case Kind::gather_mixed: return "gather_mixed(" + body + ", " + slot + ", " + flag(s.flag) + ")";
    case Kind::wait_tasks: return "wait_tasks(" + several + ", " + return_when(s.number) + ", " + n(s.delay) + ")";
    case Kind::wait_futures: return "wait_futures(" + several + ", " + return_when(s.number) + ", " + n(s.delay) + ")";
    case Kind::shield_task: return "shield_task(" + slot + ")";
    case Kind::shield_future: return "asyncio.shield(" + item("F", s) + ")";
    case Kind::shield_body: return "asyncio.shield(" + body + "())";
    case Kind::wait_for_task: return "wait_for_task(" + slot + ", " + n(s.delay) + ")";
    case Kind::wait_for_future: return "asyncio.wait_for(" + item("F", s) + ", " + n(s.delay) + ")";
    case Kind::wait_for_body: return "asyncio.wait_for(" + body + "(), " + n(s.delay) + ")";
    case Kind::as_completed: return "as_completed(me, " + several + ", " + n(s.delay) + ")";
    case Kind::async_as_completed: return "async_as_completed(me, " + several + ", " + n(s.delay) + ")";
    case Kind::anext: return item("A", s) + ".__anext__()";
    case Kind::asend: return item("A", s) + ".asend(" + (s.flag ? n(s.number) : "None") + ")";
    case Kind::athrow: return item("A", s) + ".athrow(" + error(s) + ")";
    case Kind::aclose: return item("A", s) + ".aclose()";
    default: return "";
  }
}

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
