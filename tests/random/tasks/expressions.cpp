#include "expressions.hpp"

namespace segue::random::tasks {
namespace {

std::string message(const std::optional<int>& number) { return number ? "'m" + n(*number) + "'" : "None"; }

// A method of the task in a slot.
std::string on_task(const Statement& statement, const std::string& method, const std::string& argument = "") {
  return "on_task(" + n(statement.which) + ", '" + method + "'" + (argument.empty() ? "" : ", " + argument) + ")";
}

const char* return_when(int number) {
  constexpr const char* modes[] = {"asyncio.FIRST_COMPLETED", "asyncio.FIRST_EXCEPTION", "asyncio.ALL_COMPLETED"};
  return modes[number % 3];
}

}  // namespace

std::string list(const std::vector<std::size_t>& numbers, const char* prefix) {
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

std::string item(const char* name, const Statement& statement) { return name + ("[" + n(statement.which) + "]"); }

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

}  // namespace segue::random::tasks
