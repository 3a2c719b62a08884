// A random program of tasks, as data: bodies of coroutines, of async generators and of callbacks, which work on what
// they share, a few of each kind.
//
// The same data is run by an interpreter over segue::asyncio (interpreter.hpp) and written out as Python (python.hpp).
// Both leave a trace, one line an event, and the traces have to be equal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace segue::random::tasks {

enum class Error { value_error, lookup_error, timeout_error, cancelled_error };
enum class Caught { value_error, timeout_error, cancelled_error, exception, base_exception, group };

enum class Kind {
  // What needs no waiting, and is done by callbacks, too.
  start,
  cancel,
  uncancel,
  cancelling,
  task_state,
  set_result,
  set_exception,
  cancel_future,
  new_future,
  future_state,
  set_event,
  clear_event,
  release_lock,
  release_semaphore,
  locked,
  notify,
  notify_all,
  count_up,
  barrier_state,
  put_nowait,
  get_nowait,
  task_done,
  shutdown,
  qsize,
  call_soon,
  call_later,
  cancel_handle,
  add_done_callback,
  future_callback,
  remove_done_callback,
  set_var,
  reset_var,
  get_var,
  copy_context,
  call_in_context,
  run_in_context,
  gather_later,
  cancel_gather,
  reschedule_other,  // a timeout that may have ended
  timeout_state,
  gather_state,
  new_generator,
  generator_state,
  // What tasks alone do.
  start_in_context,
  start_in_group,  // one that may have ended
  // What needs the block around it, a TaskGroup's or a timeout's.
  group_start,
  reschedule,
  expired,
  // What a task does to itself.
  cancel_self,
  uncancel_self,
  cancelling_self,
  // What waits.
  sleep,
  await_task,
  await_future,
  await_gather,
  await_body,
  acquire_lock,
  acquire_semaphore,
  wait_event,
  wait_condition,
  wait_for_condition,
  wait_barrier,
  reset_barrier,
  abort_barrier,
  put,
  get,
  join,
  gather_bodies,
  gather_tasks,
  gather_mixed,
  wait_tasks,
  wait_futures,
  shield_task,
  shield_future,
  shield_body,
  wait_for_task,
  wait_for_future,
  wait_for_body,
  as_completed,
  async_as_completed,
  anext,
  asend,
  athrow,
  aclose,
  // What has a block.
  with_lock,
  with_semaphore,
  with_condition,
  with_barrier,
  with_timeout,
  with_group,
  try_except,
  try_finally,
  repeat,
  for_generator,  // a new one
  for_slot,       // one that is shared
  // What ends a block.
  raise,
  return_,
  // In an async generator.
  yield,
};

constexpr bool is_compound(Kind kind) { return kind >= Kind::with_lock && kind <= Kind::for_slot; }
constexpr bool is_await(Kind kind) { return kind >= Kind::sleep && kind <= Kind::aclose; }

struct Statement;
using Block = std::vector<Statement>;

struct Statement {
  Kind kind = Kind::sleep;
  std::size_t which = 0;  // of what is shared
  std::size_t body = 0;   // which body of its kind
  int number = 0;         // whatever the kind counts by
  bool flag = false;
  std::optional<int> delay = {};
  std::optional<int> message = {};
  std::vector<std::size_t> several = {};  // bodies, or slots; a context
  /// What it raises is put into the trace and goes no further, where it is an Exception.
  bool guarded = true;
  Error error = Error::value_error;
  Caught caught = Caught::exception;
  bool reraises = false;
  Block block = {};
  Block handler = {};
};

/// How many there are of each thing that is shared.
inline constexpr std::size_t slots = 4;
inline constexpr std::size_t locks = 2;
inline constexpr std::size_t semaphores = 2;  // the second is bounded
inline constexpr std::size_t queues = 3;      // first in first out, last in first out, by priority
inline constexpr std::size_t variables = 2;
inline constexpr std::size_t futures = 3;
inline constexpr std::size_t events = 2;
/// More calls of bodies than this end at once: bodies that start each other would become many.
inline constexpr int most_calls = 60;
/// When the program is told to end, and how often everybody is cancelled then.
inline constexpr int end_time = 40;
inline constexpr int end_rounds = 40;
inline constexpr int end_patience = 30;

struct Program {
  std::vector<Block> bodies;
  std::vector<Block> generators;
  std::vector<Block> callbacks;
  std::vector<std::size_t> started;  // bodies
  int parties = 2;                   // of the barrier
  int permits = 1;                   // of both semaphores
  int maxsize = 1;                   // of the queues
  bool shares_lock = false;          // the condition, with one of the locks
  bool eager = false;                // all tasks begin eagerly
};

/// What a statement is called in the trace.
std::string title(const Statement& statement);

}  // namespace segue::random::tasks
